// Lines, fields and lists of HTTP heads (RFC 9110 section 5, RFC 9112 sections 2 and 5).
#include "wire/http_head.hpp"

#include <algorithm>
#include <cstring>

namespace tickwire::wire {
namespace {

constexpr std::string_view white_space = " \t";

/// RFC 9110 section 5.5: visible ASCII, space, tab, and bytes from 80 on (obs-text).
constexpr bool is_line_character(char character) noexcept {
    const auto byte = static_cast<unsigned char>(character);
    return (byte >= 0x20 && byte != 0x7f) || byte == '\t';
}

constexpr bool is_token_character(char c) noexcept {
    return is_alphanumeric(c) || std::string_view("!#$%&'*+-.^_`|~").find(c) != std::string_view::npos;
}

constexpr char to_lower(char c) noexcept {
    return c >= 'A' && c <= 'Z' ? static_cast<char>(c + ('a' - 'A')) : c;
}

std::string_view trim(std::string_view text) noexcept {
    const std::size_t first = text.find_first_not_of(white_space);
    if (first == std::string_view::npos) {
        return text.substr(text.size());
    }
    return text.substr(first, text.find_last_not_of(white_space) + 1 - first);
}

}  // namespace

tl::expected<std::size_t, HttpError> find_head_end(base::Bytes bytes, std::size_t size_max,
                                                   HeadProgress& progress) noexcept {
    const std::string_view window = base::as_text(bytes.first(std::min(bytes.size(), size_max)));
    if (progress.searched > window.size()) {
        return tl::unexpected(HttpError::head_too_long);  // of what is allowed now
    }
    while (true) {
        const std::size_t line_feed = window.find('\n', progress.searched);
        const bool is_whole = line_feed != std::string_view::npos;
        std::string_view fresh = window.substr(progress.searched, line_feed - progress.searched);
        const bool ends_in_return = fresh.ends_with('\r');
        if (ends_in_return) {
            fresh.remove_suffix(1);  // where the line is not whole, to be looked at with what follows it
        }
        // Also before the line is whole: what opens with a TLS hello shall not wait for a time limit.
        if ((is_whole && !ends_in_return) || !std::ranges::all_of(fresh, is_line_character)) {
            return tl::unexpected(HttpError::malformed);
        }
        progress.searched += static_cast<std::uint32_t>(fresh.size());
        if (!is_whole) {
            if (bytes.size() >= size_max) {
                return tl::unexpected(HttpError::head_too_long);
            }
            return 0;
        }
        const bool is_blank = progress.searched == progress.line_begin;
        progress.searched = static_cast<std::uint32_t>(line_feed) + 1;
        progress.line_begin = progress.searched;
        if (is_blank && progress.line_count != 0) {
            return progress.searched;
        }
        if (++progress.line_count > request_header_count_max + 1) {
            return tl::unexpected(HttpError::head_too_long);
        }
    }
}

std::string_view take_line(std::string_view& lines) noexcept {
    const std::size_t end = lines.find('\r');
    const std::string_view line = lines.substr(0, end);
    lines.remove_prefix(end + 2);
    return line;
}

std::optional<HeaderField> parse_field(std::string_view line) noexcept {
    const std::size_t colon = line.find(':');
    // A token has no space, which refuses both a folded line and "Name : value" (RFC 9112 section 5.1).
    if (colon == std::string_view::npos || !is_token(line.substr(0, colon))) {
        return std::nullopt;
    }
    return HeaderField{line.substr(0, colon), trim(line.substr(colon + 1))};
}

tl::expected<StatusLine, HttpError> parse_status_line(std::string_view line) noexcept {
    const bool is_status_line = line.size() >= 13 && line.starts_with("HTTP/") && is_digit(line[5]) &&
                                line[6] == '.' && is_digit(line[7]) && line[8] == ' ' &&
                                is_digit(line[9]) && is_digit(line[10]) && is_digit(line[11]) &&
                                line[12] == ' ';
    if (!is_status_line) {
        return tl::unexpected(HttpError::malformed);
    }
    if (line[5] != '1') {
        return tl::unexpected(HttpError::version_unsupported);
    }
    const int status = (line[9] - '0') * 100 + (line[10] - '0') * 10 + (line[11] - '0');
    return StatusLine{static_cast<std::uint16_t>(status), line[7] == '0'};
}

bool equals_ignoring_case(std::string_view left, std::string_view right) noexcept {
    return std::ranges::equal(left, right, {}, to_lower, to_lower);
}

bool is_token(std::string_view text) noexcept {
    return !text.empty() && std::ranges::all_of(text, is_token_character);
}

std::string_view take_list_item(std::string_view& list) noexcept {
    while (!list.empty()) {
        const std::size_t comma = std::min(list.find(','), list.size());
        const std::string_view item = trim(list.substr(0, comma));
        list.remove_prefix(std::min(comma + 1, list.size()));
        if (!item.empty()) {
            return item;
        }
    }
    return {};
}

bool list_has(std::string_view list, std::string_view item) noexcept {
    for (auto next = take_list_item(list); !next.empty(); next = take_list_item(list)) {
        if (equals_ignoring_case(next, item)) {
            return true;
        }
    }
    return false;
}

std::size_t write_parts(std::initializer_list<std::string_view> parts, std::size_t size_max,
                        std::uint8_t* to) noexcept {
    std::size_t size = 0;
    for (const std::string_view part : parts) {
        size += part.size();
    }
    if (size > size_max) {
        return 0;
    }
    for (const std::string_view part : parts) {
        if (!part.empty()) {
            std::memcpy(to, part.data(), part.size());
            to += part.size();
        }
    }
    return size;
}

}  // namespace tickwire::wire
