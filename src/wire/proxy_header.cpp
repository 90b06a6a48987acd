#include "wire/proxy_header.hpp"

#include <algorithm>
#include <array>
#include <charconv>
#include <string_view>

namespace tickwire::wire {
namespace {

using Parsed = tl::expected<std::optional<ProxyHeader>, ProxyError>;
using Source = tl::expected<std::optional<base::PeerAddress>, ProxyError>;

constexpr std::string_view line_start = "PROXY ";
constexpr std::string_view signature{"\r\n\r\n\0\r\nQUIT\n", 12};

/// Whether the bytes begin, as far as they go, like `start`.
bool begins_like(std::string_view bytes, std::string_view start) noexcept {
    const std::size_t size = std::min(bytes.size(), start.size());
    return bytes.substr(0, size) == start.substr(0, size);
}

// --- version 1, section 2.1

/// Takes what stands before the next space, and the space. Empty for an empty word, which is none of any
/// field: exactly one space stands between two.
std::string_view take_word(std::string_view& line) noexcept {
    const std::size_t end = std::min(line.find(' '), line.size());
    const std::string_view word = line.substr(0, end);
    line.remove_prefix(std::min(end + 1, line.size()));
    return word;
}

/// inet_pton() takes neither leading zeros nor scopes, but an IPv4 address inside of an IPv6 one.
std::optional<base::PeerAddress> parse_address(std::string_view word, bool is_ipv6) noexcept {
    const bool is_written_as_ipv6 = word.find(':') != std::string_view::npos;
    return is_written_as_ipv6 == is_ipv6 ? base::PeerAddress::parse(word) : std::nullopt;
}

bool is_port(std::string_view word) noexcept {
    std::uint16_t port = 0;
    const auto [end, error] = std::from_chars(word.data(), word.data() + word.size(), port);
    return error == std::errc{} && end == word.data() + word.size() &&
           (word.size() == 1 || word.front() != '0');
}

/// What stands between "PROXY " and CRLF.
Source read_line(std::string_view line) noexcept {
    const bool ends_in_space = line.ends_with(' ');
    const std::string_view family = take_word(line);
    if (family == "UNKNOWN") {
        return std::nullopt;  // "the receiver must ignore anything presented before the CRLF"
    }
    const bool is_ipv6 = family == "TCP6";
    const auto source = parse_address(take_word(line), is_ipv6);
    const auto target = parse_address(take_word(line), is_ipv6);
    const bool has_ports = is_port(take_word(line)) && is_port(take_word(line));
    if ((family != "TCP4" && !is_ipv6) || !source || !target || !has_ports || !line.empty() ||
        ends_in_space) {
        return tl::unexpected(ProxyError::malformed);
    }
    return source;
}

Parsed parse_line(std::string_view bytes) noexcept {
    const std::string_view window = bytes.substr(0, proxy_line_size_max);
    const std::size_t control = static_cast<std::size_t>(
        std::find_if(window.begin(), window.end(), [](char c) { return c == '\r' || c == '\n'; }) -
        window.begin());
    if (control == window.size()) {
        if (window.size() == proxy_line_size_max) {
            return tl::unexpected(ProxyError::too_long);
        }
        return std::nullopt;
    }
    if (window[control] == '\n') {
        return tl::unexpected(ProxyError::malformed);
    }
    if (control + 1 == proxy_line_size_max) {
        return tl::unexpected(ProxyError::too_long);
    }
    if (control + 1 == window.size()) {
        return std::nullopt;
    }
    if (window[control + 1] != '\n') {
        return tl::unexpected(ProxyError::malformed);
    }
    const auto source = read_line(window.substr(line_start.size(), control - line_start.size()));
    if (!source) {
        return tl::unexpected(source.error());
    }
    return ProxyHeader{*source, control + 2};
}

// --- version 2, section 2.2

constexpr std::size_t fixed_size = 16;
constexpr std::size_t tlv_head_size = 3;
constexpr std::size_t unix_address_size = 108;

/// CRC32c (Castagnoli, RFC 4960 appendix B), by nibbles: a table of 16 words, for a header of a hundred
/// bytes once in a connection.
std::uint32_t update_crc32c(std::uint32_t crc, std::uint8_t byte) noexcept {
    constexpr auto table = [] {
        std::array<std::uint32_t, 16> words{};
        for (std::uint32_t index = 0; index < words.size(); ++index) {
            std::uint32_t word = index;
            for (int bit = 0; bit < 4; ++bit) {
                word = (word & 1U) != 0 ? word >> 1U ^ 0x82f63b78U : word >> 1U;
            }
            words[index] = word;
        }
        return words;
    }();
    crc ^= byte;
    crc = crc >> 4U ^ table[crc & 15U];
    return crc >> 4U ^ table[crc & 15U];
}

/// Of the header with zeros where the checksum stands (section 2.2.3).
std::uint32_t checksum_of(base::Bytes header, std::size_t checksum_at) noexcept {
    std::uint32_t crc = 0xffffffffU;
    for (std::size_t index = 0; index < header.size(); ++index) {
        const bool is_checksum = index >= checksum_at && index < checksum_at + 4;
        crc = update_crc32c(crc, is_checksum ? std::uint8_t{0} : header[index]);
    }
    return ~crc;
}

std::size_t big_endian_16(base::Bytes bytes, std::size_t at) noexcept {
    return static_cast<std::size_t>(bytes[at]) << 8U | bytes[at + 1];
}

/// The TLVs fill the header to its end. One is looked into, the checksum, which may stand there once.
std::optional<ProxyError> judge_tlvs(base::Bytes header, std::size_t begin) noexcept {
    constexpr std::uint8_t type_crc32c = 0x03;
    bool has_checksum = false;
    for (std::size_t at = begin; at < header.size();) {
        if (header.size() - at < tlv_head_size) {
            return ProxyError::malformed;
        }
        const std::size_t size = big_endian_16(header, at + 1);
        const std::size_t value_at = at + tlv_head_size;
        if (header.size() - value_at < size) {
            return ProxyError::malformed;
        }
        if (header[at] == type_crc32c) {
            if (size != 4 || has_checksum) {
                return ProxyError::malformed;
            }
            has_checksum = true;
            const std::size_t sum =
                big_endian_16(header, value_at) << 16U | big_endian_16(header, value_at + 2);
            if (sum != checksum_of(header, value_at)) {
                return ProxyError::checksum;
            }
        }
        at = value_at + size;
    }
    return std::nullopt;
}

/// The upper half of the header's 14th byte, and what its addresses take.
enum class Family : std::uint8_t { unspecified = 0, ipv4 = 1, ipv6 = 2, unix_socket = 3 };
constexpr std::array<std::size_t, 4> addresses_size{0, 2 * (4 + 2), 2 * (16 + 2), 2 * unix_address_size};

base::PeerAddress read_source(Family family, base::Bytes header) noexcept {
    base::PeerAddress source;  // as of a unix socket, whose path says nothing to us
    const auto at = header.begin() + static_cast<std::ptrdiff_t>(fixed_size);
    if (family == Family::ipv4) {
        std::array<std::uint8_t, 4> address{};
        std::copy_n(at, address.size(), address.begin());
        source = base::PeerAddress::from_ipv4(address);
    } else if (family == Family::ipv6) {
        std::copy_n(at, source.bytes.size(), source.bytes.begin());
    }
    return source;
}

Parsed parse_binary(base::Bytes bytes) noexcept {
    constexpr std::uint8_t local = 0x20;
    constexpr std::uint8_t proxy = 0x21;
    if (bytes.size() > 12 && bytes[12] != local && bytes[12] != proxy) {
        return tl::unexpected(ProxyError::malformed);
    }
    const bool is_local = bytes.size() > 12 && bytes[12] == local;
    if (bytes.size() > 13 && !is_local) {  // of LOCAL the family is ignored
        const unsigned family = bytes[13] >> 4U;
        const unsigned protocol = bytes[13] & 15U;
        // Datagrams too: a proxy that speaks HTTP/3 says so of its client.
        const bool is_known =
            bytes[13] == 0 || (family >= 1 && family <= 3 && protocol >= 1 && protocol <= 2);
        if (!is_known) {
            return tl::unexpected(ProxyError::malformed);
        }
    }
    if (bytes.size() < fixed_size) {
        return std::nullopt;
    }
    const auto family = static_cast<Family>(is_local ? 0 : bytes[13] >> 4U);
    const std::size_t addresses_end = fixed_size + addresses_size[static_cast<std::size_t>(family)];
    const std::size_t size = fixed_size + big_endian_16(bytes, 14);
    if (size < addresses_end) {
        return tl::unexpected(ProxyError::malformed);
    }
    if (size > proxy_header_size_max) {
        return tl::unexpected(ProxyError::too_long);
    }
    if (bytes.size() < size) {
        return std::nullopt;
    }
    if (family == Family::unspecified) {
        return ProxyHeader{std::nullopt, size};  // of what kind the rest is, nobody has said
    }
    const base::Bytes header = bytes.first(size);
    if (const auto error = judge_tlvs(header, addresses_end)) {
        return tl::unexpected(*error);
    }
    return ProxyHeader{read_source(family, header), size};
}

}  // namespace

Parsed parse_proxy_header(base::Bytes bytes) noexcept {
    const std::string_view text = base::as_text(bytes);
    if (text.empty()) {
        return std::nullopt;
    }
    const bool is_line = text.front() == line_start.front();
    const std::string_view start = is_line ? line_start : signature;
    if (!begins_like(text, start)) {
        return tl::unexpected(ProxyError::missing);
    }
    if (text.size() < start.size()) {
        return std::nullopt;
    }
    return is_line ? parse_line(text) : parse_binary(bytes);
}

std::string_view describe(ProxyError error) noexcept {
    switch (error) {
        case ProxyError::missing:
            return "no PROXY header";
        case ProxyError::malformed:
            return "a PROXY header that cannot be read";
        case ProxyError::too_long:
            return "a PROXY header that is too long";
        case ProxyError::checksum:
            break;
    }
    return "a PROXY header with a wrong checksum";
}

}  // namespace tickwire::wire
