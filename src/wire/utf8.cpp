// The long runs go to simdjson, whole characters only; what is cut by a border goes byte by byte through
// the automaton of RFC 3629's table.
#include "wire/utf8.hpp"

#include <simdjson.h>

#include <algorithm>
#include <cstddef>

namespace tickwire::wire {
namespace {

// Below this the automaton is done before simdjson has padded its first block of 64.
constexpr std::size_t simd_size_min = 16;

constexpr bool is_between(std::uint8_t byte, std::uint8_t low, std::uint8_t high) noexcept {
    return byte >= low && byte <= high;
}

constexpr Utf8State after_lead(std::uint8_t byte) noexcept {
    if (byte < 0x80) return Utf8State::boundary;
    if (byte < 0xc2) return Utf8State::invalid;  // a continuation, or two bytes for what fits one
    if (byte < 0xe0) return Utf8State::one_left;
    if (byte == 0xe0) return Utf8State::after_e0;
    if (byte == 0xed) return Utf8State::after_ed;
    if (byte < 0xf0) return Utf8State::two_left;
    if (byte == 0xf0) return Utf8State::after_f0;
    if (byte < 0xf4) return Utf8State::three_left;
    if (byte == 0xf4) return Utf8State::after_f4;
    return Utf8State::invalid;
}

constexpr Utf8State step(Utf8State state, std::uint8_t byte) noexcept {
    const auto expect = [byte](std::uint8_t low, std::uint8_t high, Utf8State then) {
        return is_between(byte, low, high) ? then : Utf8State::invalid;
    };
    switch (state) {
        case Utf8State::boundary:
            return after_lead(byte);
        case Utf8State::one_left:
            return expect(0x80, 0xbf, Utf8State::boundary);
        case Utf8State::two_left:
            return expect(0x80, 0xbf, Utf8State::one_left);
        case Utf8State::three_left:
            return expect(0x80, 0xbf, Utf8State::two_left);
        case Utf8State::after_e0:
            return expect(0xa0, 0xbf, Utf8State::one_left);
        case Utf8State::after_ed:
            return expect(0x80, 0x9f, Utf8State::one_left);
        case Utf8State::after_f0:
            return expect(0x90, 0xbf, Utf8State::two_left);
        case Utf8State::after_f4:
            return expect(0x80, 0x8f, Utf8State::two_left);
        case Utf8State::invalid:
            break;
    }
    return Utf8State::invalid;
}

Utf8State step_all(Utf8State state, base::Bytes bytes) noexcept {
    for (const std::uint8_t byte : bytes) {
        state = step(state, byte);
    }
    return state;
}

/// Bytes at the end that begin a character and do not finish it: 0 to 3. For bytes that are not UTF-8 the
/// answer may be anything in that range: they are refused on either side of the cut.
std::size_t unfinished_size(base::Bytes bytes) noexcept {
    const std::size_t back_max = std::min<std::size_t>(3, bytes.size());
    for (std::size_t back = 1; back <= back_max; ++back) {
        const std::uint8_t byte = bytes[bytes.size() - back];
        if (byte < 0x80) return 0;
        if (byte >= 0xc0) {
            const std::size_t character_size = byte < 0xe0 ? 2 : byte < 0xf0 ? 3 : 4;
            return character_size > back ? back : 0;
        }
    }
    return 0;
}

}  // namespace

Utf8State advance_utf8(Utf8State state, base::Bytes bytes) noexcept {
    while (state != Utf8State::boundary && state != Utf8State::invalid && !bytes.empty()) {
        state = step(state, bytes.front());
        bytes = bytes.subspan(1);
    }
    if (state != Utf8State::boundary || bytes.size() < simd_size_min) {
        return step_all(state, bytes);
    }
    const std::size_t run_size = bytes.size() - unfinished_size(bytes);
    if (!simdjson::validate_utf8(reinterpret_cast<const char*>(bytes.data()), run_size)) {
        return Utf8State::invalid;
    }
    return step_all(Utf8State::boundary, bytes.subspan(run_size));
}

bool is_valid_utf8(base::Bytes bytes) noexcept {
    return advance_utf8(Utf8State::boundary, bytes) == Utf8State::boundary;
}

}  // namespace tickwire::wire
