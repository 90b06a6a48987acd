// The raw text of JSON, where simdjson's DOM does not keep it: the slices of an object's values as they
// were written, and how deep a text nests. Not a parser: all but soften() expect text that simdjson has
// found valid. Used by the control parser alone.
#pragma once

#include <cstddef>
#include <span>
#include <string_view>

namespace tickwire::wire {

/// Walks the values of an object of valid JSON, in the order of the text, without what surrounds them.
class RawValues {
  public:
    /// `object` begins with its brace and may have anything behind it.
    explicit RawValues(std::string_view object) noexcept : text_(object), at_(1) {}
    /// The next member's value. To be called once for each member.
    std::string_view next() noexcept;

  private:
    std::string_view text_;
    std::size_t at_;
};

/// The first byte of valid JSON that is not white space.
std::size_t skip_json_space(std::string_view text, std::size_t at) noexcept;

/// How many arrays and objects lie inside one another, at most. Never recurses.
std::size_t json_nesting_depth(std::string_view text) noexcept;

/// Makes JSON that is valid by RFC 8259, but that simdjson refuses, readable to it, in place and without
/// moving a byte: numbers beyond 64 bits or a double's range become 0.5 (as wrong for a field that wants an
/// integer as they were), escaped halves of surrogate pairs become U+FFFD (what a browser sends for them).
/// What was not JSON stays so. Takes any bytes; false where it found nothing to change.
bool soften_json(std::span<char> text) noexcept;

}  // namespace tickwire::wire
