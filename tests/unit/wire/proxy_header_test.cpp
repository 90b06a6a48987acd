// The PROXY header against tables written from HAProxy's proxy-protocol.txt, whole and in every split.
#include "wire/proxy_header.hpp"

#include <gtest/gtest.h>

#include <set>
#include <string>
#include <string_view>
#include <vector>

namespace tickwire::wire {
namespace {

using Parsed = tl::expected<std::optional<ProxyHeader>, ProxyError>;

Parsed parse(std::string_view bytes) {
    return parse_proxy_header(base::as_bytes(bytes));
}

/// `192.0.2.1` for a source, `real` where the connection's own counts, `unix`; `malformed` and so on; `...`
/// where more is needed.
std::string verdict_of(const Parsed& parsed) {
    if (!parsed) {
        switch (parsed.error()) {
            case ProxyError::missing:
                return "missing";
            case ProxyError::malformed:
                return "malformed";
            case ProxyError::too_long:
                return "too long";
            case ProxyError::checksum:
                return "checksum";
        }
    }
    if (!*parsed) {
        return "...";
    }
    const auto& source = (*parsed)->source;
    return !source ? "real" : source->exists() ? source->text() : "unix";
}

const std::string signature("\r\n\r\n\0\r\nQUIT\n", 12);

std::string big_endian_16(std::size_t number) {
    return {static_cast<char>(number >> 8U), static_cast<char>(number)};
}
std::string tlv(char type, const std::string& value) {
    return type + big_endian_16(value.size()) + value;
}
/// A header of version 2 whose length is that of what follows.
std::string binary(std::uint8_t command, std::uint8_t family, const std::string& rest) {
    return signature + static_cast<char>(command) + static_cast<char>(family) + big_endian_16(rest.size()) +
           rest;
}

/// 203.0.113.7:4711 to 192.0.2.1:443.
const std::string ipv4("\xcb\0\x71\x07\xc0\0\x02\x01\x12\x67\x01\xbb", 12);
/// 2001:db8::7 to 2001:db8::1, the same ports.
const std::string ipv6 = std::string("\x20\x01\x0d\xb8\0\0\0\0\0\0\0\0\0\0\0\x07", 16) +
                         std::string("\x20\x01\x0d\xb8\0\0\0\0\0\0\0\0\0\0\0\x01", 16) + "\x12\x67\x01\xbb";
const std::string paths(216, '/');

/// Bit by bit, in another way than the parser's.
std::uint32_t crc32c(const std::string& bytes) {
    std::uint32_t crc = 0xffffffffU;
    for (const char byte : bytes) {
        for (unsigned bit = 0; bit < 8; ++bit) {
            const bool differs = ((crc ^ static_cast<std::uint8_t>(byte) >> bit) & 1U) != 0;
            crc = crc >> 1U ^ (differs ? 0x82f63b78U : 0U);
        }
    }
    return ~crc;
}
/// The same header with a checksum behind it, off by `error`.
std::string with_checksum(std::uint8_t family, const std::string& rest, std::uint32_t error = 0) {
    std::string header = binary(0x21, family, rest + tlv(3, std::string(4, '\0')));
    const std::uint32_t sum = crc32c(header) ^ error;
    for (unsigned index = 0; index < 4; ++index) {
        header[header.size() - 1 - index] = static_cast<char>(sum >> (8 * index));
    }
    return header;
}

/// Two checksums, of which the first is right: over a header where it alone counts as zeros.
std::string twice_the_checksum() {
    const std::string second = tlv(3, std::string(4, 's'));
    std::string header = binary(0x21, 0x11, ipv4 + tlv(3, std::string(4, '\0')) + second);
    const std::uint32_t sum = crc32c(header);
    for (unsigned index = 0; index < 4; ++index) {
        header[header.size() - second.size() - 1 - index] = static_cast<char>(sum >> (8 * index));
    }
    return header;
}

struct Case {
    std::string header;
    std::string verdict;
};

std::vector<Case> good_headers() {
    const std::string widest = "ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff";
    return {
        {"PROXY TCP4 203.0.113.7 192.0.2.1 4711 443\r\n", "203.0.113.7"},
        {"PROXY TCP4 255.255.255.255 255.255.255.255 65535 65535\r\n", "255.255.255.255"},
        {"PROXY TCP4 0.0.0.0 0.0.0.0 0 0\r\n", "0.0.0.0"},
        {"PROXY TCP6 2001:db8::7 2001:DB8::1 4711 443\r\n", "2001:db8::7"},
        {"PROXY TCP6 " + widest + " " + widest + " 65535 65535\r\n", widest},
        {"PROXY TCP6 ::ffff:203.0.113.7 ::1 4711 443\r\n", "203.0.113.7"},
        {"PROXY UNKNOWN\r\n", "real"},
        {"PROXY UNKNOWN \r\n", "real"},
        {"PROXY UNKNOWN what  ever\t\x01\r\n", "real"},
        {"PROXY UNKNOWN " + widest + " " + widest + " 65535 65535\r\n",
         "real"},  // the 107 of the specification
        {binary(0x21, 0x11, ipv4), "203.0.113.7"},
        {binary(0x21, 0x12, ipv4), "203.0.113.7"},
        {binary(0x21, 0x21, ipv6), "2001:db8::7"},
        {binary(0x21, 0x22, ipv6), "2001:db8::7"},
        {binary(0x21, 0x31, paths), "unix"},
        {binary(0x21, 0x32, paths), "unix"},
        {binary(0x21, 0x00, ""), "real"},
        {binary(0x21, 0x00, "whatever this is"), "real"},
        {binary(0x20, 0x00, ""), "real"},
        {binary(0x20, 0x11, ipv4), "real"},
        {binary(0x20, 0xff, "the family is ignored"), "real"},
        {binary(0x21, 0x11, ipv4 + tlv(4, "") + tlv(1, "http/1.1") + tlv(2, "relay.example")),
         "203.0.113.7"},
        {binary(0x21, 0x21, ipv6 + tlv(5, std::string(128, 'i'))), "2001:db8::7"},
        {binary(0x21, 0x31, paths + tlv(4, "")), "unix"},
        {binary(0x21, 0x11, ipv4 + tlv(4, std::string(proxy_header_size_max - 16 - 12 - 3, 'x'))),
         "203.0.113.7"},
        {with_checksum(0x11, ipv4), "203.0.113.7"},
        {with_checksum(0x21, ipv6 + tlv(4, "before it")), "2001:db8::7"},
        {with_checksum(0x31, paths), "unix"},
    };
}

std::vector<Case> bad_headers() {
    return {
        // Neither version: an HTTP request, a TLS record, other first bytes.
        {"GET / HTTP/1.1\r\n", "missing"},
        {"POST / HTTP/1.1\r\n", "missing"},
        {"\x16\x03\x01\x02", "missing"},
        {"PROXY\r\n", "missing"},
        {"PROXY\tTCP4 203.0.113.7 192.0.2.1 4711 443\r\n", "missing"},
        {"proxy TCP4 203.0.113.7 192.0.2.1 4711 443\r\n", "missing"},
        {" PROXY UNKNOWN\r\n", "missing"},
        {"\r\n\r\n\r\n", "missing"},
        {signature.substr(0, 11) + "\r", "missing"},
        // Version 1: spaces, families, addresses, ports, ends of lines.
        {"PROXY \r\n", "malformed"},
        {"PROXY  TCP4 203.0.113.7 192.0.2.1 4711 443\r\n", "malformed"},
        {"PROXY TCP4  203.0.113.7 192.0.2.1 4711 443\r\n", "malformed"},
        {"PROXY TCP4 203.0.113.7  192.0.2.1 4711 443\r\n", "malformed"},
        {"PROXY TCP4 203.0.113.7 192.0.2.1  4711 443\r\n", "malformed"},
        {"PROXY TCP4 203.0.113.7 192.0.2.1 4711  443\r\n", "malformed"},
        {"PROXY TCP4 203.0.113.7 192.0.2.1 4711 443 \r\n", "malformed"},
        {"PROXY TCP4 203.0.113.7 192.0.2.1 4711 443 1\r\n", "malformed"},
        {"PROXY TCP4 203.0.113.7 192.0.2.1 4711\r\n", "malformed"},
        {"PROXY TCP4 203.0.113.7\t192.0.2.1 4711 443\r\n", "malformed"},
        {"PROXY UNKNOWNS\r\n", "malformed"},
        {"PROXY unknown\r\n", "malformed"},
        {"PROXY TCP5 203.0.113.7 192.0.2.1 4711 443\r\n", "malformed"},
        {"PROXY UDP4 203.0.113.7 192.0.2.1 4711 443\r\n", "malformed"},
        {"PROXY TCP4 2001:db8::7 2001:db8::1 4711 443\r\n", "malformed"},
        {"PROXY TCP6 203.0.113.7 192.0.2.1 4711 443\r\n", "malformed"},
        {"PROXY TCP4 203.0.113.7 2001:db8::1 4711 443\r\n", "malformed"},
        {"PROXY TCP4 203.0.113.07 192.0.2.1 4711 443\r\n", "malformed"},
        {"PROXY TCP4 203.0.113 192.0.2.1 4711 443\r\n", "malformed"},
        {"PROXY TCP4 203.0.113.256 192.0.2.1 4711 443\r\n", "malformed"},
        {"PROXY TCP4 203.0.113.7. 192.0.2.1 4711 443\r\n", "malformed"},
        {"PROXY TCP6 2001:db8::7::1 2001:db8::1 4711 443\r\n", "malformed"},
        {"PROXY TCP6 2001:db8::7%eth0 2001:db8::1 4711 443\r\n", "malformed"},
        {"PROXY TCP6 [2001:db8::7] 2001:db8::1 4711 443\r\n", "malformed"},
        {"PROXY TCP6 1:2:3:4:5:6:7 2001:db8::1 4711 443\r\n", "malformed"},
        {"PROXY TCP4 203.0.113.7 192.0.2.1 65536 443\r\n", "malformed"},
        {"PROXY TCP4 203.0.113.7 192.0.2.1 04711 443\r\n", "malformed"},
        {"PROXY TCP4 203.0.113.7 192.0.2.1 00 443\r\n", "malformed"},
        {"PROXY TCP4 203.0.113.7 192.0.2.1 -1 443\r\n", "malformed"},
        {"PROXY TCP4 203.0.113.7 192.0.2.1 +1 443\r\n", "malformed"},
        {"PROXY TCP4 203.0.113.7 192.0.2.1 0x1 443\r\n", "malformed"},
        {"PROXY TCP4 203.0.113.7 192.0.2.1 4711 443\n", "malformed"},
        {"PROXY TCP4 203.0.113.7 192.0.2.1 4711 443\r\r\n", "malformed"},
        {"PROXY UNKNOWN\rX\n", "malformed"},
        {"PROXY UNKNOWN " + std::string(92, 'x') + "\r\n", "too long"},  // 108 bytes
        {"PROXY UNKNOWN " + std::string(93, 'x') + "\r\n", "too long"},
        // Version 2: command, family, length, TLVs, checksum.
        {binary(0x11, 0x11, ipv4), "malformed"},
        {binary(0x31, 0x11, ipv4), "malformed"},
        {binary(0x22, 0x11, ipv4), "malformed"},
        {binary(0x2f, 0x11, ipv4), "malformed"},
        {binary(0x21, 0x10, ipv4), "malformed"},
        {binary(0x21, 0x01, ipv4), "malformed"},
        {binary(0x21, 0x13, ipv4), "malformed"},
        {binary(0x21, 0x41, paths), "malformed"},
        {binary(0x21, 0x11, ipv4.substr(0, 11)), "malformed"},
        {binary(0x21, 0x21, ipv6.substr(0, 35)), "malformed"},
        {binary(0x21, 0x31, paths.substr(0, 215)), "malformed"},
        {binary(0x21, 0x11, ""), "malformed"},
        {binary(0x21, 0x11, ipv4 + "\x04"), "malformed"},
        {binary(0x21, 0x11, ipv4 + std::string("\x04\0", 2)), "malformed"},
        {binary(0x21, 0x11, ipv4 + std::string("\x04\0\x01", 3)), "malformed"},
        {binary(0x21, 0x11, ipv4 + tlv(4, "x") + std::string("\x04\xff\xff", 3)), "malformed"},
        {binary(0x21, 0x11, ipv4 + tlv(3, "123")), "malformed"},
        {binary(0x21, 0x11, ipv4 + tlv(3, "12345")), "malformed"},
        {with_checksum(0x11, ipv4 + tlv(3, std::string(4, '\0'))), "checksum"},
        {twice_the_checksum(), "malformed"},
        {with_checksum(0x11, ipv4, 1), "checksum"},
        {with_checksum(0x11, ipv4, 0x80000000U), "checksum"},
        {binary(0x21, 0x11, ipv4 + tlv(4, std::string(proxy_header_size_max, 'x'))), "too long"},
        {binary(0x20, 0x00, std::string(proxy_header_size_max - 16 + 1, 'x')), "too long"},
    };
}

TEST(ProxyHeader, tells_whom_a_proxy_speaks_for) {
    for (const Case& good : good_headers()) {
        const Parsed parsed = parse(good.header);
        EXPECT_EQ(verdict_of(parsed), good.verdict) << testing::PrintToString(good.header);
        ASSERT_TRUE(parsed && *parsed);
        EXPECT_EQ((*parsed)->size, good.header.size());
    }
}

TEST(ProxyHeader, ends_where_it_says_whatever_follows) {
    for (const Case& good : good_headers()) {
        for (const std::string behind : {"\n", "\r\nPROXY ", "\x16\x03\x01"}) {
            const Parsed parsed = parse(good.header + behind);
            EXPECT_EQ(verdict_of(parsed), good.verdict) << testing::PrintToString(good.header);
            ASSERT_TRUE(parsed && *parsed);
            EXPECT_EQ((*parsed)->size, good.header.size());
        }
    }
}

TEST(ProxyHeader, needs_every_byte_of_it) {
    for (const Case& good : good_headers()) {
        for (std::size_t size = 0; size < good.header.size(); ++size) {
            ASSERT_EQ(verdict_of(parse(good.header.substr(0, size))), "...")
                << size << " of " << testing::PrintToString(good.header);
        }
    }
}

TEST(ProxyHeader, refuses_all_that_is_not_exactly_the_specification) {
    for (const Case& bad : bad_headers()) {
        EXPECT_EQ(verdict_of(parse(bad.header)), bad.verdict) << testing::PrintToString(bad.header);
    }
}

TEST(ProxyHeader, refuses_for_one_reason_however_the_bytes_come) {
    for (const Case& bad : bad_headers()) {
        bool is_refused = false;
        for (std::size_t size = 0; size <= bad.header.size(); ++size) {
            const std::string verdict = verdict_of(parse(bad.header.substr(0, size)));
            ASSERT_TRUE(verdict == bad.verdict || (!is_refused && verdict == "..."))
                << verdict << " of " << size << " of " << testing::PrintToString(bad.header);
            is_refused = verdict != "...";
        }
        EXPECT_TRUE(is_refused);
    }
}

TEST(ProxyHeader, knows_at_the_first_byte_that_there_is_none) {
    for (int byte = 0; byte < 256; ++byte) {
        const bool may_begin = byte == 'P' || byte == '\r';
        EXPECT_EQ(verdict_of(parse(std::string(1, static_cast<char>(byte)))),
                  may_begin ? "..." : "missing");
    }
}

TEST(ProxyHeader, gives_each_error_words_of_its_own) {
    std::set<std::string_view> descriptions;
    for (std::size_t i = 0; i < proxy_error_count; ++i) {
        descriptions.insert(describe(static_cast<ProxyError>(i)));
    }
    EXPECT_EQ(descriptions.size(), proxy_error_count);
}

TEST(ProxyHeader, the_checksum_here_is_the_one_that_everybody_knows) {
    EXPECT_EQ(crc32c("123456789"),
              0xe3069283U);  // the check value of CRC-32C, RFC 3720 appendix B.4's kind
}

}  // namespace
}  // namespace tickwire::wire
