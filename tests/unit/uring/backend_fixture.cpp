#include "backend_fixture.hpp"

#include <dirent.h>
#include <sys/time.h>
#include <unistd.h>

#include <cerrno>

namespace tickwire::uring {
namespace {

// A thread that has a ring may be interrupted by the kernel's own work; with SO_RCVTIMEO that shows as
// EINTR.
ssize_t receive(int descriptor, char* to, std::size_t size) {
    ssize_t count = -1;
    do {
        count = recv(descriptor, to, size, 0);
    } while (count < 0 && errno == EINTR);
    return count;
}

}  // namespace

void Recorder::on_accepted(std::uint32_t listener, int descriptor) {
    accepted.emplace_back(listener, descriptor);
}

void Recorder::on_received(Channel channel, base::MutableBytes bytes) {
    told_[channel].received += base::as_text(bytes);
    ++told_[channel].receive_count;
    EXPECT_LE(bytes.size(), 65536U);
    for (auto& byte : bytes) {
        byte = 0xee;  // they may be written to
    }
    if (after_received) {
        after_received(channel);
    }
}

void Recorder::on_receive_ended(Channel channel, ReceiveEnd end) {
    EXPECT_FALSE(told_[channel].end.has_value());
    told_[channel].end = end;
    if (after_end) {
        after_end(channel);
    }
}

void Recorder::on_sent(Channel channel, SendResult result) {
    told_[channel].sent.push_back(result);
}

void Recorder::on_closed(Channel channel) {
    ++told_[channel].closed_count;
    if (after_closed) {
        after_closed(channel);
    }
}

void Recorder::on_connected(Channel channel, SendResult result) {
    told_[channel].connected = result;
}

void Recorder::on_upcoming(Channel channel, unsigned step) noexcept {
    if (told_[channel].receive_count == 0) {
        upcoming[channel].push_back(step);
    }
}

TcpPair::TcpPair() {
    SocketOptions options;
    options.defer_accept_s = 0;
    const int listener = open_listener(*parse_address("127.0.0.1:0"), options).value();
    client = connect_to(bound_address(listener));
    server = accept(listener, nullptr, nullptr);
    EXPECT_GE(server, 0);
    close(listener);
}

TcpPair::~TcpPair() {
    for (const int descriptor : {client, server}) {
        if (descriptor >= 0) {
            close(descriptor);
        }
    }
}

int connect_to(const Address& address) {
    const int descriptor = socket(address.storage.ss_family, SOCK_STREAM | SOCK_CLOEXEC, 0);
    const timeval patience{5, 0};  // so that what never comes fails a test instead of hanging it
    setsockopt(descriptor, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience);
    EXPECT_EQ(connect(descriptor, reinterpret_cast<const sockaddr*>(&address.storage), address.size), 0)
        << format_address(address) << " errno " << errno;
    return descriptor;
}

void write_all(int descriptor, std::string_view text) {
    EXPECT_EQ(send(descriptor, text.data(), text.size(), MSG_NOSIGNAL), static_cast<ssize_t>(text.size()));
}

std::string read_exactly(int descriptor, std::size_t size) {
    std::string text(size, '\0');
    std::size_t position = 0;
    while (position < size) {
        const ssize_t count = receive(descriptor, text.data() + position, size - position);
        if (count <= 0) {
            break;
        }
        position += static_cast<std::size_t>(count);
    }
    text.resize(position);
    return text;
}

std::string read_to_end(int descriptor) {
    std::string text;
    char part[4096];
    for (;;) {
        const ssize_t count = receive(descriptor, part, sizeof part);
        if (count <= 0) {
            return count == 0 ? text : errno == EAGAIN ? "NOTHING" : "RESET";
        }
        text.append(part, static_cast<std::size_t>(count));
    }
}

void reset(int descriptor) {
    const linger at_once{1, 0};
    setsockopt(descriptor, SOL_SOCKET, SO_LINGER, &at_once, sizeof at_once);
    close(descriptor);
}

int open_descriptor_count() {
    DIR* const folder = opendir("/proc/self/fd");
    int count = 0;
    while (readdir(folder) != nullptr) {
        ++count;
    }
    closedir(folder);
    return count;
}

std::string pattern(std::size_t size) {
    std::string text(size, '\0');
    for (std::size_t index = 0; index < size; ++index) {
        text[index] = static_cast<char>('a' + (index * 7 + index / 251) % 26);
    }
    return text;
}

void BackendTest::SetUp() {
    if (const auto features = probe_features(); !features) {
        GTEST_SKIP() << features.error().message;
    }
}

void BackendTest::make(const Options& options) {
    auto made = Backend::create(options, recorder);
    ASSERT_TRUE(made.has_value()) << made.error().message;
    backend = std::move(*made);
}

void BackendTest::run_until(const std::function<bool()>& is_done, WaitFor wait_for) {
    const base::Time give_up = backend->now() + std::chrono::seconds(10);
    while (!is_done()) {
        ASSERT_LT(backend->now(), give_up) << "what was waited for does not come";
        backend->wait(backend->now() + std::chrono::milliseconds(5), wait_for);
    }
}

}  // namespace tickwire::uring
