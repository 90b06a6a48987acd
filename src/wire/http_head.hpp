// What request heads and answer heads have in common: lines, fields and lists, judged strictly. Used by the
// http_*.cpp beside it, and by the service for the HTTP that is not a player's.
//
// A head is read line by line and refused at the first line that is wrong. A verdict therefore depends on
// the bytes up to it alone, and not on how many had arrived when they were looked at.
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

/// Takes the lines of a head off the start of `bytes`, looking at no more than `size_max`.
class HeadLines {
  public:
    HeadLines(base::Bytes bytes, std::size_t size_max) noexcept;

    /// The next line without its CRLF, free of control characters but tabs; empty where it is not whole
    /// yet.
    tl::expected<std::optional<std::string_view>, HttpError> next() noexcept;
    /// Bytes of the lines taken so far.
    std::size_t size() const noexcept { return size_; }

  private:
    std::string_view window_;
    bool is_at_limit_;  ///< a line that does not end in the window is too long
    std::size_t size_ = 0;
};

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

/// Reads a head: its first line through `read_start(std::string_view)`, its fields through
/// `read_field(const HeaderField&)`, both giving a Verdict. Its size with the blank line, at most
/// `size_max`; 0 where it is not whole yet.
template <typename ReadStart, typename ReadField>
tl::expected<std::size_t, HttpError> read_head(base::Bytes bytes, std::size_t size_max,
                                               ReadStart read_start, ReadField read_field) noexcept {
    HeadLines lines(bytes, size_max);
    // The start line, the fields and the blank line.
    for (std::size_t index = 0; index <= request_header_count_max + 1; ++index) {
        const auto line = lines.next();
        if (!line) {
            return tl::unexpected(line.error());
        }
        if (!*line) {
            return 0;
        }
        const std::string_view text = **line;
        if (index != 0 && text.empty()) {
            return lines.size();
        }
        Verdict verdict;
        if (index == 0) {
            verdict = read_start(text);
        } else if (const auto field = parse_field(text)) {
            verdict = read_field(*field);
        } else {
            verdict = HttpError::malformed;
        }
        if (verdict) {
            return tl::unexpected(*verdict);
        }
    }
    return tl::unexpected(HttpError::head_too_long);
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
