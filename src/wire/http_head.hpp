// What request heads and answer heads have in common: lines, fields and lists, judged strictly. Used by the
// http_*.cpp beside it, and by the service for the HTTP that is not a player's.
//
// A head is searched for its end as it comes, each byte once, and read when it is whole: in one-byte pieces
// it costs what it costs in one. A byte that no head has is refused when it comes. A verdict therefore
// depends on the bytes up to it alone, and not on how many had arrived when they were looked at.
#pragma once

#include <cstddef>
#include <cstdint>
#include <initializer_list>
#include <optional>
#include <string_view>
#include <tl/expected.hpp>

#include "base/bytes.hpp"
#include "wire/http.hpp"

namespace tickwire::wire {

/// The size of the head at the start of `bytes`, its blank line included, at most `size_max`; 0 where it is
/// not whole yet. Its lines end in CRLF and have no other control characters but tabs, and there are no
/// more than request_header_count_max behind the first. `bytes` are those of the last call with this
/// `progress` and what has come since; `size_max` may be another.
tl::expected<std::size_t, HttpError> find_head_end(base::Bytes bytes, std::size_t size_max,
                                                   HeadProgress& progress) noexcept;

/// Takes a line off the start of whole ones and returns it without its CRLF.
std::string_view take_line(std::string_view& lines) noexcept;

struct HeaderField {
    std::string_view name;
    std::string_view value;  ///< without the white space around it
};

/// `name: value`; empty where the line is anything else, such as a folded one (RFC 9112 section 5.2).
std::optional<HeaderField> parse_field(std::string_view line) noexcept;

/// The start of an answer.
struct StatusLine {
    std::uint16_t status = 0;
    bool is_http_1_0 = false;
};
/// `HTTP/1.1 101 Switching Protocols`; the words may be missing, the space before them not (RFC 9112
/// section 4).
tl::expected<StatusLine, HttpError> parse_status_line(std::string_view line) noexcept;

/// The error that a line is refused with; empty: go on.
using Verdict = std::optional<HttpError>;

/// Reads a head as soon as it is whole: its first line through `read_start(std::string_view)`, its fields
/// through `read_field(const HeaderField&)`, both giving a Verdict. For the rest see find_head_end().
template <typename ReadStart, typename ReadField>
tl::expected<std::size_t, HttpError> read_head(base::Bytes bytes, std::size_t size_max,
                                               HeadProgress& progress, ReadStart read_start,
                                               ReadField read_field) noexcept {
    constexpr std::size_t blank_line_size = 2;
    const auto size = find_head_end(bytes, size_max, progress);
    if (!size || *size == 0) {
        return size;
    }
    std::string_view lines = base::as_text(bytes.first(*size - blank_line_size));
    Verdict verdict = read_start(take_line(lines));
    while (!verdict && !lines.empty()) {
        const auto field = parse_field(take_line(lines));
        verdict = field ? read_field(*field) : HttpError::malformed;
    }
    if (verdict) {
        return tl::unexpected(*verdict);
    }
    return size;
}

constexpr bool is_digit(char c) noexcept {
    return c >= '0' && c <= '9';
}
constexpr bool is_alphanumeric(char c) noexcept {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || is_digit(c);
}

/// ASCII alone.
bool equals_ignoring_case(std::string_view left, std::string_view right) noexcept;
/// RFC 9110 section 5.6.2: one or more of the characters that a method or a field name may have.
bool is_token(std::string_view text) noexcept;

/// Takes the next item off a comma-separated list (RFC 9110 section 5.6.1), skipping empty ones; empty at
/// the end.
std::string_view take_list_item(std::string_view& list) noexcept;
/// Whether `list` has `item`, in any case.
bool list_has(std::string_view list, std::string_view item) noexcept;

/// Writes `parts` one after the other at `to` and returns their size; 0, and nothing is written, where that
/// is over `size_max`.
std::size_t write_parts(std::initializer_list<std::string_view> parts, std::size_t size_max,
                        std::uint8_t* to) noexcept;

}  // namespace tickwire::wire
