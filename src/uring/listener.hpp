// Listening sockets: parsing their addresses, opening them with the options that accepted sockets inherit.
// Off the data path; used by `service` at start and by load generators to find their target.
#pragma once

#include <sys/socket.h>

#include <cstdint>
#include <string>
#include <string_view>
#include <tl/expected.hpp>

namespace tickwire::uring {

/// `127.0.0.1:8080`, `[::1]:8080`, `unix:/run/tickwire.sock`.
struct Address {
    sockaddr_storage storage{};
    socklen_t size = 0;
    bool is_unix() const noexcept { return storage.ss_family == AF_UNIX; }
    /// Whether only this machine reaches it: loopback, or a unix socket.
    bool is_local() const noexcept;
};

/// The address, or one line that says what is wrong with it. Numeric hosts only.
tl::expected<Address, std::string> parse_address(std::string_view text);
/// As parse_address() reads it.
std::string format_address(const Address& address);
/// Of the peer of a connected descriptor; empty family where there is none.
Address peer_address(int descriptor) noexcept;

/// Inherited by every accepted socket, so that no call per connection is needed. 0 or "": the system's.
struct SocketOptions {
    std::uint32_t send_buffer_size = 32768;  ///< SO_SNDBUF; the kernel doubles it: the bound on a slow peer
    std::uint32_t receive_buffer_size = 0;
    std::uint32_t unsent_low_water = 16384;    ///< TCP_NOTSENT_LOWAT
    std::uint32_t user_timeout_ms = 30000;     ///< TCP_USER_TIMEOUT: the dead are closed
    std::uint32_t keepalive_idle_s = 30;       ///< half-open connections end inside a minute
    std::uint32_t defer_accept_s = 3;          ///< TCP_DEFER_ACCEPT: accepted with the first bytes
    std::string congestion_control = "cubic";  ///< bbr paces by timers, which cost CPU on a crowded machine
    int backlog = 4096;
};

/// Opens, binds and listens: one descriptor (close-on-exec), or one line that says what and where. A TCP
/// listener has SO_REUSEPORT, so that each shard opens its own on the same port; a stale unix socket (one
/// that nobody answers) is replaced.
tl::expected<int, std::string> open_listener(const Address& address, const SocketOptions& options);
/// Sets what accepted sockets inherit on a listener that somebody else opened; or one line that says what
/// the kernel refused.
tl::expected<void, std::string> configure_listener(int descriptor, const SocketOptions& options);
/// The address that it is bound to: names the port where 0 was asked for.
Address bound_address(int descriptor) noexcept;

}  // namespace tickwire::uring
