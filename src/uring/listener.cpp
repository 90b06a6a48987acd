#include "uring/listener.hpp"

#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <utility>

namespace tickwire::uring {
namespace {

/// Closes on every way out but the good one.
class OwnedDescriptor {
  public:
    explicit OwnedDescriptor(int descriptor) noexcept : descriptor_(descriptor) {}
    ~OwnedDescriptor() {
        if (descriptor_ >= 0) {
            close(descriptor_);
        }
    }
    OwnedDescriptor(const OwnedDescriptor&) = delete;
    OwnedDescriptor& operator=(const OwnedDescriptor&) = delete;
    int get() const noexcept { return descriptor_; }
    int release() noexcept { return std::exchange(descriptor_, -1); }

  private:
    int descriptor_;
};

const sockaddr* socket_address(const Address& address) noexcept {
    return reinterpret_cast<const sockaddr*>(&address.storage);
}

std::string failure(const Address& address, const std::string& step) {
    return "cannot listen on " + format_address(address) + ": " + step + ": " + std::strerror(errno);
}

bool set_option(int descriptor, int level, int name, int value) noexcept {
    return setsockopt(descriptor, level, name, &value, sizeof value) == 0;
}

/// 0: the system's.
bool set_unless_zero(int descriptor, int level, int name, std::uint32_t value) noexcept {
    return value == 0 || set_option(descriptor, level, name, static_cast<int>(value));
}

/// Null, or the name of the option that the kernel refused.
const char* set_buffer_options(int descriptor, const SocketOptions& options) noexcept {
    if (!set_unless_zero(descriptor, SOL_SOCKET, SO_SNDBUF, options.send_buffer_size)) {
        return "SO_SNDBUF";
    }
    if (!set_unless_zero(descriptor, SOL_SOCKET, SO_RCVBUF, options.receive_buffer_size)) {
        return "SO_RCVBUF";
    }
    return nullptr;
}

const char* set_tcp_options(int descriptor, const SocketOptions& options) noexcept {
    if (!set_option(descriptor, SOL_SOCKET, SO_REUSEADDR, 1)) {
        return "SO_REUSEADDR";
    }
    if (!set_option(descriptor, SOL_SOCKET, SO_REUSEPORT, 1)) {
        return "SO_REUSEPORT";
    }
    if (!set_option(descriptor, IPPROTO_TCP, TCP_NODELAY, 1)) {
        return "TCP_NODELAY";
    }
    if (!set_unless_zero(descriptor, IPPROTO_TCP, TCP_NOTSENT_LOWAT, options.unsent_low_water)) {
        return "TCP_NOTSENT_LOWAT";
    }
    if (!set_unless_zero(descriptor, IPPROTO_TCP, TCP_USER_TIMEOUT, options.user_timeout_ms)) {
        return "TCP_USER_TIMEOUT";
    }
    if (!set_unless_zero(descriptor, IPPROTO_TCP, TCP_DEFER_ACCEPT, options.defer_accept_s)) {
        return "TCP_DEFER_ACCEPT";
    }
    return nullptr;
}

const char* set_keepalive(int descriptor, const SocketOptions& options) noexcept {
    if (options.keepalive_idle_s == 0) {
        return nullptr;
    }
    constexpr int interval_s = 5;
    constexpr int probe_count = 4;  // 30 s idle + 4 probes every 5 s: gone after 50 s
    const bool is_set = set_option(descriptor, SOL_SOCKET, SO_KEEPALIVE, 1) &&
                        set_unless_zero(descriptor, IPPROTO_TCP, TCP_KEEPIDLE, options.keepalive_idle_s) &&
                        set_option(descriptor, IPPROTO_TCP, TCP_KEEPINTVL, interval_s) &&
                        set_option(descriptor, IPPROTO_TCP, TCP_KEEPCNT, probe_count);
    return is_set ? nullptr : "SO_KEEPALIVE";
}

const char* set_congestion_control(int descriptor, const SocketOptions& options) noexcept {
    const std::string& name = options.congestion_control;
    if (name.empty() || setsockopt(descriptor, IPPROTO_TCP, TCP_CONGESTION, name.data(),
                                   static_cast<socklen_t>(name.size())) == 0) {
        return nullptr;
    }
    return "TCP_CONGESTION (net.ipv4.tcp_available_congestion_control lists what there is)";
}

/// Null, or the first option that the kernel refused; errno says why.
const char* set_options(int descriptor, const Address& address, const SocketOptions& options) noexcept {
    const char* refused = set_buffer_options(descriptor, options);
    if (address.is_unix() || refused != nullptr) {
        return refused;
    }
    refused = set_tcp_options(descriptor, options);
    refused = refused != nullptr ? refused : set_keepalive(descriptor, options);
    return refused != nullptr ? refused : set_congestion_control(descriptor, options);
}

const char* path_of(const Address& address) noexcept {
    return reinterpret_cast<const sockaddr_un*>(&address.storage)->sun_path;
}

/// Whether the file is that of a unix socket, left over from a process that is gone. (To connect to a file
/// that is no socket is refused as well.)
bool is_stale(const Address& address) noexcept {
    struct stat status {};
    if (lstat(path_of(address), &status) != 0 || !S_ISSOCK(status.st_mode)) {
        return false;
    }
    const OwnedDescriptor probe(socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0));
    return probe.get() >= 0 && connect(probe.get(), socket_address(address), address.size) != 0 &&
           errno == ECONNREFUSED;
}

bool bind_to(int descriptor, const Address& address) noexcept {
    if (bind(descriptor, socket_address(address), address.size) == 0) {
        return true;
    }
    if (errno != EADDRINUSE || !address.is_unix()) {
        return false;
    }
    if (!is_stale(address)) {
        errno = EADDRINUSE;
        return false;
    }
    return unlink(path_of(address)) == 0 && bind(descriptor, socket_address(address), address.size) == 0;
}

}  // namespace

tl::expected<int, std::string> open_listener(const Address& address, const SocketOptions& options) {
    OwnedDescriptor descriptor(socket(address.storage.ss_family, SOCK_STREAM | SOCK_CLOEXEC, 0));
    if (descriptor.get() < 0) {
        return tl::unexpected(failure(address, "socket"));
    }
    if (const char* const refused = set_options(descriptor.get(), address, options); refused != nullptr) {
        return tl::unexpected(failure(address, refused));
    }
    if (!bind_to(descriptor.get(), address)) {
        return tl::unexpected(failure(address, "bind"));
    }
    if (listen(descriptor.get(), options.backlog) != 0) {
        return tl::unexpected(failure(address, "listen"));
    }
    return descriptor.release();
}

tl::expected<void, std::string> configure_listener(int descriptor, const SocketOptions& options) {
    const Address address = bound_address(descriptor);
    if (const char* const refused = set_options(descriptor, address, options); refused != nullptr) {
        return tl::unexpected(failure(address, refused));
    }
    return {};
}

}  // namespace tickwire::uring
