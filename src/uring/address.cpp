#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/un.h>

#include <array>
#include <charconv>
#include <cstddef>
#include <cstring>
#include <optional>

#include "uring/backend.hpp"
#include "uring/listener.hpp"

namespace tickwire::uring {
namespace {

constexpr std::string_view unix_prefix = "unix:";

tl::unexpected<std::string> refuse(std::string_view text, std::string_view why) {
    return tl::unexpected("address '" + std::string(text) + "': " + std::string(why));
}

std::optional<std::uint16_t> parse_port(std::string_view text) noexcept {
    std::uint16_t port = 0;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), port);
    if (error != std::errc{} || end != text.data() + text.size()) {
        return std::nullopt;
    }
    return port;
}

/// Copies a socket address of any family to where the kernel expects it.
template <typename SocketAddress>
Address to_address(const SocketAddress& socket_address, std::size_t size = sizeof(SocketAddress)) noexcept {
    Address address;
    std::memcpy(&address.storage, &socket_address, sizeof socket_address);
    address.size = static_cast<socklen_t>(size);
    return address;
}

template <typename SocketAddress>
SocketAddress from_address(const Address& address) noexcept {
    SocketAddress socket_address;
    std::memcpy(&socket_address, &address.storage, sizeof socket_address);
    return socket_address;
}

tl::expected<Address, std::string> parse_unix(std::string_view text, std::string_view path) {
    sockaddr_un socket_address{};
    socket_address.sun_family = AF_UNIX;
    if (path.empty()) {
        return refuse(text, "a path follows unix:");
    }
    if (path.size() >= sizeof socket_address.sun_path) {
        return refuse(text, "the path of a unix socket has at most 107 bytes");
    }
    if (path.find('\0') != std::string_view::npos) {
        return refuse(text, "the path holds a zero byte");
    }
    std::memcpy(socket_address.sun_path, path.data(), path.size());
    return to_address(socket_address, offsetof(sockaddr_un, sun_path) + path.size() + 1);
}

tl::expected<Address, std::string> parse_ipv6(std::string_view text, std::string_view host,
                                              std::uint16_t port) {
    sockaddr_in6 socket_address{};
    socket_address.sin6_family = AF_INET6;
    socket_address.sin6_port = htons(port);
    if (inet_pton(AF_INET6, std::string(host).c_str(), &socket_address.sin6_addr) != 1) {
        return refuse(text, "what is in the brackets is no IPv6 address");
    }
    return to_address(socket_address);
}

tl::expected<Address, std::string> parse_ipv4(std::string_view text, std::string_view host,
                                              std::uint16_t port) {
    sockaddr_in socket_address{};
    socket_address.sin_family = AF_INET;
    socket_address.sin_port = htons(port);
    if (host.find(':') != std::string_view::npos) {
        return refuse(text, "an IPv6 address goes in brackets: [::1]:8080");
    }
    if (inet_pton(AF_INET, std::string(host).c_str(), &socket_address.sin_addr) != 1) {
        return refuse(text, "the host is a number, not a name: 127.0.0.1:8080 or 0.0.0.0:8080");
    }
    return to_address(socket_address);
}

}  // namespace

bool Address::is_local() const noexcept {
    if (storage.ss_family == AF_INET) {
        return ntohl(from_address<sockaddr_in>(*this).sin_addr.s_addr) >> 24U == 127;
    }
    if (storage.ss_family == AF_INET6) {
        const auto ipv6 = from_address<sockaddr_in6>(*this);
        return IN6_IS_ADDR_LOOPBACK(&ipv6.sin6_addr) != 0;
    }
    return is_unix();
}

tl::expected<Address, std::string> parse_address(std::string_view text) {
    if (text.starts_with(unix_prefix)) {
        return parse_unix(text, text.substr(unix_prefix.size()));
    }
    const std::size_t colon = text.rfind(':');
    if (colon == std::string_view::npos || text.ends_with(']')) {
        return refuse(text, "a port is missing: 127.0.0.1:8080, [::1]:8080 or unix:/path");
    }
    const std::string_view host = text.substr(0, colon);
    const std::optional<std::uint16_t> port = parse_port(text.substr(colon + 1));
    if (!port) {
        return refuse(text, "the port is a number from 0 to 65535");
    }
    if (!host.starts_with('[')) {
        return parse_ipv4(text, host, *port);
    }
    if (!host.ends_with(']')) {
        return refuse(text, "a bracket is not closed");
    }
    return parse_ipv6(text, host.substr(1, host.size() - 2), *port);
}

std::string format_address(const Address& address) {
    char text[INET6_ADDRSTRLEN] = {};
    switch (address.storage.ss_family) {
        case AF_INET: {
            const auto ipv4 = from_address<sockaddr_in>(address);
            inet_ntop(AF_INET, &ipv4.sin_addr, text, sizeof text);
            return std::string(text) + ":" + std::to_string(ntohs(ipv4.sin_port));
        }
        case AF_INET6: {
            const auto ipv6 = from_address<sockaddr_in6>(address);
            inet_ntop(AF_INET6, &ipv6.sin6_addr, text, sizeof text);
            return "[" + std::string(text) + "]:" + std::to_string(ntohs(ipv6.sin6_port));
        }
        case AF_UNIX: {
            const auto local = from_address<sockaddr_un>(address);
            return std::string(unix_prefix) +
                   std::string(local.sun_path, strnlen(local.sun_path, sizeof local.sun_path));
        }
        default:
            return {};
    }
}

Address peer_address(int descriptor) noexcept {
    Address address;
    address.size = sizeof address.storage;
    if (getpeername(descriptor, reinterpret_cast<sockaddr*>(&address.storage), &address.size) != 0) {
        return {};
    }
    return address;
}

base::PeerAddress Backend::peer_of(int descriptor) noexcept {
    const Address address = peer_address(descriptor);
    base::PeerAddress peer;
    switch (address.storage.ss_family) {
        case AF_INET: {
            std::array<std::uint8_t, 4> ipv4{};
            const auto from = from_address<sockaddr_in>(address);
            std::memcpy(ipv4.data(), &from.sin_addr, ipv4.size());
            return base::PeerAddress::from_ipv4(ipv4);
        }
        case AF_INET6: {
            const auto from = from_address<sockaddr_in6>(address);
            std::memcpy(peer.bytes.data(), &from.sin6_addr, peer.bytes.size());
            return peer;
        }
        default:
            return peer;
    }
}

Address bound_address(int descriptor) noexcept {
    Address address;
    address.size = sizeof address.storage;
    if (getsockname(descriptor, reinterpret_cast<sockaddr*>(&address.storage), &address.size) != 0) {
        return {};
    }
    return address;
}

}  // namespace tickwire::uring
