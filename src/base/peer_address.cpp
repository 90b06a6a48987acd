#include "base/peer_address.hpp"

#include <arpa/inet.h>

#include <algorithm>
#include <charconv>
#include <cstring>

namespace tickwire::base {
namespace {

constexpr std::array<std::uint8_t, 12> ipv4_prefix{0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff};

std::string_view trim(std::string_view text) noexcept {
    while (!text.empty() && (text.front() == ' ' || text.front() == '\t')) {
        text.remove_prefix(1);
    }
    while (!text.empty() && (text.back() == ' ' || text.back() == '\t')) {
        text.remove_suffix(1);
    }
    return text;
}

/// Some proxies write a port behind the address: 192.0.2.1:4711, [2001:db8::1]:4711.
std::optional<PeerAddress> parse_forwarded(std::string_view text) noexcept {
    const std::size_t colon = text.rfind(':');
    if (text.starts_with('[')) {
        const std::size_t bracket = text.find(']');
        const bool is_followed_by_port = bracket + 1 == text.size() || bracket + 1 == colon;
        return bracket != text.npos && is_followed_by_port ? PeerAddress::parse(text.substr(1, bracket - 1))
                                                           : std::nullopt;
    }
    return PeerAddress::parse(text.find(':') == colon ? text.substr(0, colon) : text);
}

}  // namespace

PeerAddress PeerAddress::from_ipv4(std::array<std::uint8_t, 4> address) noexcept {
    PeerAddress peer;
    std::copy(ipv4_prefix.begin(), ipv4_prefix.end(), peer.bytes.begin());
    std::copy(address.begin(), address.end(), peer.bytes.begin() + ipv4_prefix.size());
    return peer;
}

std::optional<PeerAddress> PeerAddress::parse(std::string_view text) noexcept {
    std::array<char, INET6_ADDRSTRLEN> terminated{};
    if (text.size() >= terminated.size()) {
        return std::nullopt;
    }
    std::copy(text.begin(), text.end(), terminated.begin());
    std::array<std::uint8_t, 4> ipv4{};
    if (inet_pton(AF_INET, terminated.data(), ipv4.data()) == 1) {
        return from_ipv4(ipv4);
    }
    PeerAddress peer;
    if (inet_pton(AF_INET6, terminated.data(), peer.bytes.data()) == 1) {
        return peer;
    }
    return std::nullopt;
}

bool PeerAddress::is_ipv4() const noexcept {
    return std::equal(ipv4_prefix.begin(), ipv4_prefix.end(), bytes.begin());
}

bool PeerAddress::is_loopback() const noexcept {
    PeerAddress loopback_ipv6;
    loopback_ipv6.bytes.back() = 1;
    return (is_ipv4() && bytes[12] == 127) || *this == loopback_ipv6;
}

AddressKey PeerAddress::key() const noexcept {
    const auto number = [this](std::size_t begin, std::size_t end) {
        AddressKey key = 0;
        for (std::size_t index = begin; index < end; ++index) {
            key = key << 8U | bytes[index];
        }
        return key;
    };
    if (is_ipv4()) {
        return number(12, 16);
    }
    const AddressKey network = number(0, 8);
    return network != 0 ? network : number(8, 16);
}

std::string PeerAddress::text() const {
    if (!exists()) {
        return {};
    }
    std::array<char, INET6_ADDRSTRLEN> text{};
    const char* const done = is_ipv4() ? inet_ntop(AF_INET, bytes.data() + 12, text.data(), text.size())
                                       : inet_ntop(AF_INET6, bytes.data(), text.data(), text.size());
    return done != nullptr ? done : std::string();
}

std::optional<AddressRange> AddressRange::parse(std::string_view text) noexcept {
    const std::size_t slash = text.find('/');
    const auto base = PeerAddress::parse(text.substr(0, slash));
    if (!base) {
        return std::nullopt;
    }
    const unsigned written_max = base->is_ipv4() ? 32 : 128;
    unsigned prefix_size = written_max;
    if (slash != text.npos) {
        const std::string_view digits = text.substr(slash + 1);
        const auto [end, error] =
            std::from_chars(digits.data(), digits.data() + digits.size(), prefix_size);
        if (error != std::errc{} || end != digits.data() + digits.size() || prefix_size > written_max) {
            return std::nullopt;
        }
    }
    return AddressRange{*base, prefix_size + (128 - written_max)};
}

bool AddressRange::contains(const PeerAddress& address) const noexcept {
    const std::size_t whole = prefix_size / 8;
    const unsigned rest = prefix_size % 8;
    if (!address.exists() || std::memcmp(base.bytes.data(), address.bytes.data(), whole) != 0) {
        return false;
    }
    return rest == 0 || ((base.bytes[whole] ^ address.bytes[whole]) >> (8 - rest)) == 0;
}

bool AddressRules::is_trusted(const PeerAddress& peer) const noexcept {
    if (!peer.exists()) {
        return is_unix_trusted;
    }
    return std::any_of(trusted_proxies.begin(), trusted_proxies.end(),
                       [&peer](const AddressRange& range) { return range.contains(peer); });
}

AddressKey AddressRules::charged_key(const PeerAddress& peer) const noexcept {
    const bool is_exempt =
        !peer.exists() || is_trusted(peer) || (peer.is_loopback() && !is_loopback_limited);
    return is_exempt ? 0 : peer.key();
}

std::optional<PeerAddress> AddressRules::forwarded_client(
    std::span<const std::string_view> forwarded_for) const noexcept {
    for (; !forwarded_for.empty(); forwarded_for = forwarded_for.first(forwarded_for.size() - 1)) {
        std::string_view list = forwarded_for.back();
        while (!list.empty()) {
            const std::size_t comma = list.rfind(',');
            const bool is_first = comma == list.npos;
            const auto client = parse_forwarded(trim(is_first ? list : list.substr(comma + 1)));
            if (!client || !is_trusted(*client)) {
                return client;
            }
            list = list.substr(0, is_first ? 0 : comma);
        }
    }
    return std::nullopt;
}

}  // namespace tickwire::base
