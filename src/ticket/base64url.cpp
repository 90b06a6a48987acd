#include "ticket/base64url.hpp"

#include <array>
#include <cstdint>

namespace tickwire::ticket {
namespace {

constexpr std::string_view digits = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
constexpr std::uint8_t no_digit = 0xff;

constexpr std::array<std::uint8_t, 256> values = [] {
    std::array<std::uint8_t, 256> table{};
    table.fill(no_digit);
    for (std::size_t index = 0; index < digits.size(); ++index) {
        table[static_cast<std::uint8_t>(digits[index])] = static_cast<std::uint8_t>(index);
    }
    return table;
}();

}  // namespace

std::optional<std::string> decode_base64url(std::string_view text) {
    if (text.size() % 4 == 1) {
        return std::nullopt;
    }
    std::string bytes;
    bytes.reserve(text.size() * 3 / 4);
    std::uint32_t bits = 0;
    unsigned bit_count = 0;
    for (const char digit : text) {
        const std::uint8_t value = values[static_cast<std::uint8_t>(digit)];
        if (value == no_digit) {
            return std::nullopt;
        }
        bits = (bits << 6U | value) & 0xffffU;
        bit_count += 6;
        if (bit_count >= 8) {
            bit_count -= 8;
            bytes.push_back(static_cast<char>(bits >> bit_count & 0xffU));
        }
    }
    if ((bits & ((1U << bit_count) - 1)) != 0) {
        return std::nullopt;  // bits behind the last byte
    }
    return bytes;
}

std::string encode_base64url(std::string_view bytes) {
    std::string text;
    text.reserve((bytes.size() * 4 + 2) / 3);
    std::uint32_t bits = 0;
    unsigned bit_count = 0;
    for (const char byte : bytes) {
        bits = (bits << 8U | static_cast<std::uint8_t>(byte)) & 0xffffU;
        bit_count += 8;
        while (bit_count >= 6) {
            bit_count -= 6;
            text.push_back(digits[bits >> bit_count & 0x3fU]);
        }
    }
    if (bit_count != 0) {
        text.push_back(digits[bits << (6 - bit_count) & 0x3fU]);
    }
    return text;
}

}  // namespace tickwire::ticket
