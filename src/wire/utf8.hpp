// UTF-8 as a stream: tells at each byte whether what came so far can still become valid text (RFC 3629).
// A WebSocket reader uses it to refuse a text message at its first impossible byte; simdjson alone judges
// only whole texts.
#pragma once

#include <cstdint>

#include "base/bytes.hpp"

namespace tickwire::wire {

/// What the bytes so far leave to be expected. One byte is the whole carry across input borders.
enum class Utf8State : std::uint8_t {
    boundary,    ///< between characters: the text may end here
    one_left,    ///< one continuation byte, 80..BF
    two_left,    ///< two of them
    three_left,  ///< three of them
    after_e0,    ///< A0..BF and one more: below that, three bytes for what fits two
    after_ed,    ///< 80..9F and one more: above that, surrogates
    after_f0,    ///< 90..BF and two more: below that, four bytes for what fits three
    after_f4,    ///< 80..8F and two more: above that, beyond U+10FFFF
    invalid,     ///< nothing can repair it
};

/// The state after `bytes`, `invalid` as soon as they hold an impossible one.
Utf8State advance_utf8(Utf8State state, base::Bytes bytes) noexcept;

/// Whether `bytes` is whole, valid UTF-8.
bool is_valid_utf8(base::Bytes bytes) noexcept;

}  // namespace tickwire::wire
