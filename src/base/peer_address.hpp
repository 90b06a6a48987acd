// Who a peer is, as far as limits go: its address, and what of it is one party. An IPv4 address is; of IPv6
// it is the /64, since every host may choose the rest.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace tickwire::base {

/// What is charged together; 0 is nobody. IPv4: the address. IPv6: the first 64 bits, which for real hosts
/// are over 2^32 (RFC 4291 reserves ::/32); where they are zero, as of ::1, it is the others.
using AddressKey = std::uint64_t;

/// IPv4 as the IPv4-mapped address of RFC 4291 section 2.5.5.2. Default: none, as of a unix socket.
struct PeerAddress {
    std::array<std::uint8_t, 16> bytes{};

    /// Bytes in the order of the network.
    static PeerAddress from_ipv4(std::array<std::uint8_t, 4> address) noexcept;
    /// Numeric, without a port; empty where it is anything else.
    static std::optional<PeerAddress> parse(std::string_view text) noexcept;

    bool exists() const noexcept { return bytes != decltype(bytes){}; }
    bool is_ipv4() const noexcept;
    bool is_loopback() const noexcept;
    AddressKey key() const noexcept;
    /// As parse() reads it: `192.0.2.1`, `2001:db8::1`; empty where there is none.
    std::string text() const;
    friend bool operator==(const PeerAddress&, const PeerAddress&) = default;
};

/// `10.0.0.0/8`, `2001:db8::/32`, or a single address.
struct AddressRange {
    PeerAddress base;
    unsigned prefix_size = 128;  ///< bits; of IPv4 96 more than written

    static std::optional<AddressRange> parse(std::string_view text) noexcept;
    bool contains(const PeerAddress& address) const noexcept;
};

/// Whom the limits for one address concern.
struct AddressRules {
    std::vector<AddressRange> trusted_proxies;  ///< who speak for others: X-Forwarded-For, PROXY headers
    bool is_unix_trusted = false;               ///< whoever comes by a unix socket does too
    bool is_loopback_limited = false;

    bool is_trusted(const PeerAddress& peer) const noexcept;
    /// What a connection of this peer is charged to; 0: exempt.
    AddressKey charged_key(const PeerAddress& peer) const noexcept;
    /// Whom a trusted proxy speaks for: the last address in the lists that is no trusted proxy itself. What
    /// stands before it anybody may have written. Empty: nobody that can be read.
    std::optional<PeerAddress> forwarded_client(
        std::span<const std::string_view> forwarded_for) const noexcept;
};

}  // namespace tickwire::base
