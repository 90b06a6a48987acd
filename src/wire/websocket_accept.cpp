// Sec-WebSocket-Accept: how a server proves that it read the key of a WebSocket upgrade (section 4.2.2).
#include <algorithm>
#include <cstring>

#include "base/bytes.hpp"
#include "base/check.hpp"
#include "tickwire/websocket.hpp"
#include "wire/sha1.hpp"

namespace tickwire::websocket {
namespace {

constexpr std::string_view guid = "258EAFA5-E914-47DA-95CA-C5AB0DC85B11";
// A key is base64 of 16 bytes, 24 characters; callers may bring what has not been checked.
constexpr std::size_t key_size_max = 64;

/// 20 bytes are six groups of three and two bytes over: 26 characters, two bits to spare in the 27th, "=".
std::array<char, 28> encode_base64(const wire::Sha1Digest& digest) noexcept {
    constexpr std::string_view alphabet =
        "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    std::array<std::uint8_t, 21> padded{};
    std::copy(digest.begin(), digest.end(), padded.begin());
    std::array<char, 28> text;
    for (std::size_t group = 0; group < 7; ++group) {
        const std::uint8_t* const three = padded.data() + 3 * group;
        const unsigned bits = unsigned{three[0]} << 16 | unsigned{three[1]} << 8 | three[2];
        for (std::size_t i = 0; i < 4; ++i) {
            text[4 * group + i] = alphabet[bits >> (18 - 6 * i) & 0x3f];
        }
    }
    text[27] = '=';
    return text;
}

}  // namespace

std::array<char, 28> accept_value(std::string_view key) noexcept {
    base::check(key.size() <= key_size_max, "accept_value: a key that was checked");
    std::array<std::uint8_t, key_size_max + guid.size()> joined;
    std::memcpy(joined.data(), key.data(), key.size());
    std::memcpy(joined.data() + key.size(), guid.data(), guid.size());
    return encode_base64(wire::sha1(base::Bytes{joined}.first(key.size() + guid.size())));
}

}  // namespace tickwire::websocket
