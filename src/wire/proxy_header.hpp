// The PROXY protocol's header, versions 1 and 2: what a proxy that passes bytes on says of its client
// before the first of them. Written from HAProxy's proxy-protocol.txt, to which the sections refer; strict,
// bounded, a pure function of bytes.
//
// Used by `session`, on listeners that were set for it and for proxies that are trusted. Which those are is
// not for bytes to say: the specification forbids guessing whether there is a header (section 2).
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string_view>
#include <tl/expected.hpp>

#include "base/bytes.hpp"
#include "base/peer_address.hpp"

namespace tickwire::wire {

/// Of a version 1 line, CRLF included (section 2.1).
inline constexpr std::size_t proxy_line_size_max = 107;
/// Of a whole header. Version 2 could announce 64 KiB; what senders add to the addresses (protocol and
/// server name, an id of at most 128 bytes, TLS names, a client's certificate at worst) stays below 4 KiB.
inline constexpr std::size_t proxy_header_size_max = 4096;

struct ProxyHeader {
    /// Whom the connection comes from; empty: it is the proxy's own (LOCAL), or of a kind that the proxy
    /// cannot tell (UNKNOWN, UNSPEC): the real peer counts. A client that came to the proxy by a unix
    /// socket has an address that does not exist.
    std::optional<base::PeerAddress> source;
    std::size_t size = 0;  ///< bytes of the header; what follows is the client's
};

/// `missing`: the bytes begin like neither version, which is a client that came without a proxy, or a proxy
/// that was not told to send a header. `checksum`: its CRC32c TLV is not that of the header.
enum class ProxyError : std::uint8_t { missing, malformed, too_long, checksum };
inline constexpr std::size_t proxy_error_count = 4;
/// For people.
std::string_view describe(ProxyError error) noexcept;

/// The header at the start of `bytes`; empty where it is not complete yet. Refused as soon as the byte that
/// spoils it has come; of version 2 that is the fixed part first, and the rest when it is complete.
tl::expected<std::optional<ProxyHeader>, ProxyError> parse_proxy_header(base::Bytes bytes) noexcept;

}  // namespace tickwire::wire
