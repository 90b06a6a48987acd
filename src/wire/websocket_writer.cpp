// Frames out, and what both directions know about close codes.
#include <algorithm>
#include <bit>
#include <cstring>

#include "base/bytes.hpp"
#include "base/check.hpp"
#include "tickwire/websocket.hpp"
#include "wire/unmask.hpp"

namespace tickwire::websocket {
namespace {

constexpr std::uint8_t final_bit = 0x80;
constexpr std::uint8_t masked_bit = 0x80;

std::size_t encode_header(Opcode opcode, std::size_t payload_size, std::uint8_t mask,
                          std::uint8_t* to) noexcept {
    to[0] = static_cast<std::uint8_t>(final_bit | static_cast<std::uint8_t>(opcode));
    const std::size_t size = server_header_size(payload_size);
    if (size == 2) {
        to[1] = static_cast<std::uint8_t>(mask | payload_size);
    } else if (size == 4) {
        to[1] = mask | 126;
        base::store_le(to + 2, __builtin_bswap16(static_cast<std::uint16_t>(payload_size)));
    } else {
        to[1] = mask | 127;
        base::store_le(to + 2, __builtin_bswap64(std::uint64_t{payload_size}));
    }
    return size;
}

/// The longest start of `text` of at most `size_max` bytes that does not cut a character.
std::string_view cut_at_character(std::string_view text, std::size_t size_max) noexcept {
    if (text.size() <= size_max) {
        return text;
    }
    std::size_t size = size_max;
    while (size > 0 && (static_cast<std::uint8_t>(text[size]) & 0xc0) == 0x80) {
        --size;
    }
    return text.substr(0, size);
}

}  // namespace

std::size_t encode_server_header(Opcode opcode, std::size_t payload_size, std::uint8_t* to) noexcept {
    return encode_header(opcode, payload_size, 0, to);
}

std::size_t encode_client_frame(Opcode opcode, std::span<const std::uint8_t> payload,
                                std::array<std::uint8_t, 4> key, std::uint8_t* to) noexcept {
    std::size_t size = encode_header(opcode, payload.size(), masked_bit, to);
    std::memcpy(to + size, key.data(), key.size());
    size += key.size();
    if (!payload.empty()) {
        std::memcpy(to + size, payload.data(), payload.size());
        wire::unmask(to + size, payload.size(), key);
    }
    return size + payload.size();
}

std::size_t encode_close_payload(std::uint16_t code, std::string_view reason, std::uint8_t* to) noexcept {
    constexpr std::uint16_t no_status = 1005;
    if (code == no_status) {
        return 0;
    }
    base::check(is_sendable_close_code(code), "encode_close_payload: a sendable code");
    constexpr std::size_t code_size = 2;
    const std::string_view cut = cut_at_character(reason, control_size_max - code_size);
    base::store_le(to, __builtin_bswap16(code));
    if (!cut.empty()) {
        std::memcpy(to + code_size, cut.data(), cut.size());
    }
    return code_size + cut.size();
}

Close parse_close(std::span<const std::uint8_t> payload) noexcept {
    if (payload.size() < 2) {
        return {};
    }
    return {__builtin_bswap16(base::load_le<std::uint16_t>(payload.data())),
            base::as_text(payload.subspan(2))};
}

bool is_sendable_close_code(std::uint16_t code) noexcept {
    // 1004 is reserved; 1005, 1006 and 1015 stand for what no close frame said.
    return (code >= 1000 && code <= 1003) || (code >= 1007 && code <= 1014) ||
           (code >= 3000 && code <= 4999);
}

std::uint16_t close_code(Error error) noexcept {
    switch (error) {
        case Error::reserved_bits:
        case Error::reserved_opcode:
        case Error::mask_missing:
        case Error::mask_unexpected:
        case Error::length_not_minimal:
        case Error::control_too_long:
        case Error::control_fragmented:
        case Error::continuation_unexpected:
        case Error::continuation_expected:
        case Error::close_length:
        case Error::close_code:
            break;
        case Error::invalid_utf8:
            return 1007;
        case Error::message_too_long:
        case Error::too_many_fragments:
            return 1009;
        case Error::out_of_memory:
            return 1013;
    }
    return 1002;
}

std::string_view describe(Error error) noexcept {
    switch (error) {
        case Error::reserved_bits:
            return "reserved bits set";
        case Error::reserved_opcode:
            return "reserved opcode";
        case Error::mask_missing:
            return "frame not masked";
        case Error::mask_unexpected:
            return "frame masked";
        case Error::length_not_minimal:
            return "length not in its shortest form";
        case Error::control_too_long:
            return "control frame too long";
        case Error::control_fragmented:
            return "control frame fragmented";
        case Error::continuation_unexpected:
            return "continuation without a message";
        case Error::continuation_expected:
            return "message inside a message";
        case Error::close_length:
            return "close payload of one byte";
        case Error::close_code:
            return "close code not allowed";
        case Error::invalid_utf8:
            return "text is not UTF-8";
        case Error::message_too_long:
            return "message too long";
        case Error::too_many_fragments:
            return "too many fragments";
        case Error::out_of_memory:
            break;
    }
    return "no memory for the message";
}

}  // namespace tickwire::websocket
