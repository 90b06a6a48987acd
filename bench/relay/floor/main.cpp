#include <arpa/inet.h>
#include <netinet/tcp.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

#include <CLI/CLI.hpp>
#include <cerrno>
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <map>
#include <numeric>

#include "floor.hpp"

namespace tickwire::floor {
namespace {

volatile std::sig_atomic_t stop_signal = 0;

void on_stop(int signal) {
    stop_signal = signal;
}

void expect(int result, const char* call) {
    if (result < 0) {
        fail(call, errno);
    }
}

}  // namespace

bool is_stopping() noexcept {
    return stop_signal != 0;
}

void fail(const char* call, int error) {
    std::fprintf(stderr, "floor: %s: %s\n", call, std::strerror(error));
    std::exit(1);
}

std::vector<std::uint8_t> make_frame(std::uint32_t size) {
    std::vector<std::uint8_t> frame(size);
    std::iota(frame.begin(), frame.end(), std::uint8_t{0});
    return frame;
}

int open_listener() {
    const int listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    expect(listener, "socket");
    const int on = 1;
    expect(setsockopt(listener, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on), "TCP_NODELAY");
    const int send_buffer_size = 32768;  // the relay's default
    expect(setsockopt(listener, SOL_SOCKET, SO_SNDBUF, &send_buffer_size, sizeof send_buffer_size),
           "SO_SNDBUF");
    constexpr char cubic[] = "cubic";
    expect(setsockopt(listener, IPPROTO_TCP, TCP_CONGESTION, cubic, sizeof cubic - 1), "TCP_CONGESTION");
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    socklen_t size = sizeof address;
    expect(bind(listener, reinterpret_cast<const sockaddr*>(&address), size), "bind");
    expect(listen(listener, 4096), "listen");
    expect(getsockname(listener, reinterpret_cast<sockaddr*>(&address), &size), "getsockname");
    std::printf("listening tcp://127.0.0.1:%u\n", unsigned{ntohs(address.sin_port)});
    std::fflush(stdout);
    return listener;
}

}  // namespace tickwire::floor

int main(int argument_count, char** arguments) {
    using namespace tickwire::floor;
    enum class Io : std::uint8_t { uring, epoll, epoll_arrivals };
    const std::map<std::string, Io> kinds{
        {"uring", Io::uring}, {"epoll", Io::epoll}, {"epoll-arrivals", Io::epoll_arrivals}};
    Options options;
    Io io = Io::uring;
    CLI::App app("bare sockets: what a relay receives and sends, and nothing else");
    app.add_option("--io", io, "how the kernel is asked (default uring)")
        ->transform(CLI::CheckedTransformer(kinds));
    app.add_option("--matches", options.match_count, "connection n is in match n % this")
        ->check(CLI::Range(1, 20'000));
    app.add_option("--hz", options.hz, "ticks a second")->check(CLI::Range(1, 240));
    app.add_option("--slot-us", options.slot_us, "longest time between two wake-ups")
        ->check(CLI::Range(100, 1'000'000));
    app.add_option("--frame-bytes", options.frame_size, "what each member is sent on each tick")
        ->check(CLI::Range(1, 1 << 20));
    CLI11_PARSE(app, argument_count, arguments);

    struct sigaction action {};
    action.sa_handler = on_stop;
    sigaction(SIGTERM, &action, nullptr);
    sigaction(SIGINT, &action, nullptr);
    std::signal(SIGPIPE, SIG_IGN);
    rlimit files{};
    getrlimit(RLIMIT_NOFILE, &files);
    files.rlim_cur = files.rlim_max;
    setrlimit(RLIMIT_NOFILE, &files);

    const int listener = open_listener();
    switch (io) {
        case Io::uring:
            run_uring(options, listener);
            break;
        case Io::epoll:
            run_epoll_slots(options, listener);
            break;
        case Io::epoll_arrivals:
            run_epoll_arrivals(options, listener);
            break;
    }
    close(listener);
    return 0;
}
