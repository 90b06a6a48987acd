// soften_json(): the two things that RFC 8259 allows and simdjson's DOM refuses, made harmless in place.
#include <algorithm>
#include <cstdint>
#include <cstring>
#include <optional>

#include "wire/json_text.hpp"

namespace tickwire::wire {
namespace {

bool is_digit(char c) noexcept {
    return c >= '0' && c <= '9';
}

constexpr std::string_view number_characters = "+-.0123456789Ee";
/// 2^53 - 1, the largest integer that any field takes, has 16 digits.
constexpr std::size_t integer_digits_max = 16;

std::size_t skip_digits(std::string_view text, std::size_t at) noexcept {
    while (at < text.size() && is_digit(text[at])) {
        ++at;
    }
    return at;
}

/// Whether a run of number characters is a number (RFC 8259 section 6) that no field would take: with a
/// fraction or an exponent, or too long.
bool is_unusable_number(std::string_view run) noexcept {
    const std::size_t first = run.starts_with('-') ? 1 : 0;
    std::size_t at = skip_digits(run, first);
    if (at == first || (run[first] == '0' && at - first > 1)) {
        return false;
    }
    bool is_unusable = at - first > integer_digits_max;
    if (at < run.size() && run[at] == '.') {
        const std::size_t fraction = at + 1;
        at = skip_digits(run, fraction);
        if (at == fraction) {
            return false;
        }
        is_unusable = true;
    }
    if (at < run.size() && (run[at] == 'e' || run[at] == 'E')) {
        std::size_t exponent = at + 1;
        if (exponent < run.size() && (run[exponent] == '+' || run[exponent] == '-')) {
            ++exponent;
        }
        at = skip_digits(run, exponent);
        if (at == exponent) {
            return false;
        }
        is_unusable = true;
    }
    return is_unusable && at == run.size();
}

/// The code unit of the escape `\uXXXX` at `at`.
std::optional<std::uint16_t> unicode_escape(std::string_view text, std::size_t at) noexcept {
    if (at + 6 > text.size() || text[at] != '\\' || text[at + 1] != 'u') {
        return std::nullopt;
    }
    unsigned value = 0;
    for (const char c : text.substr(at + 2, 4)) {
        const char lower = static_cast<char>(c | 0x20);
        if (is_digit(c)) {
            value = value * 16 + static_cast<unsigned>(c - '0');
        } else if (lower >= 'a' && lower <= 'f') {
            value = value * 16 + static_cast<unsigned>(lower - 'a') + 10;
        } else {
            return std::nullopt;
        }
    }
    return static_cast<std::uint16_t>(value);
}

bool is_high_surrogate(std::uint16_t unit) noexcept {
    return (unit & 0xfc00) == 0xd800;
}
bool is_low_surrogate(std::uint16_t unit) noexcept {
    return (unit & 0xfc00) == 0xdc00;
}

/// Softens the string whose opening quote is at `at`, and moves `at` behind it.
bool soften_string(std::span<char> text, std::size_t& at) noexcept {
    const std::string_view view(text.data(), text.size());
    bool is_changed = false;
    ++at;
    while (at < text.size() && text[at] != '"') {
        if (text[at] != '\\') {
            ++at;
            continue;
        }
        const std::optional<std::uint16_t> unit = unicode_escape(view, at);
        if (!unit) {
            at += 2;
        } else if (!is_high_surrogate(*unit) && !is_low_surrogate(*unit)) {
            at += 6;
        } else if (is_high_surrogate(*unit) && is_low_surrogate(unicode_escape(view, at + 6).value_or(0))) {
            at += 12;
        } else {
            std::memcpy(text.data() + at, "\\ufffd", 6);
            is_changed = true;
            at += 6;
        }
    }
    ++at;
    return is_changed;
}

}  // namespace

bool soften_json(std::span<char> text) noexcept {
    const std::string_view view(text.data(), text.size());
    bool is_changed = false;
    for (std::size_t at = 0; at < text.size();) {
        if (text[at] == '"') {
            is_changed = soften_string(text, at) || is_changed;
            continue;
        }
        const std::size_t end = std::min(view.find_first_not_of(number_characters, at), text.size());
        if (end == at) {
            ++at;
            continue;
        }
        if (is_unusable_number(view.substr(at, end - at))) {
            // The shortest of them, 1.0 or 1e0, has the room.
            std::memset(text.data() + at, ' ', end - at);
            std::memcpy(text.data() + at, "0.5", 3);
            is_changed = true;
        }
        at = end;
    }
    return is_changed;
}

}  // namespace tickwire::wire
