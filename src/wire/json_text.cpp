// Raw slices and depth of valid JSON: one pass each, never recursive.
#include "wire/json_text.hpp"

#include <algorithm>

namespace tickwire::wire {
namespace {

bool is_space(char c) noexcept {
    return c == ' ' || c == '\t' || c == '\n' || c == '\r';
}

/// The position behind the string whose opening quote is at `at`.
std::size_t skip_string(std::string_view text, std::size_t at) noexcept {
    ++at;
    while (at < text.size() && text[at] != '"') {
        at += text[at] == '\\' ? std::size_t{2} : std::size_t{1};
    }
    return std::min(at + 1, text.size());
}

/// Behind an array or an object.
std::size_t skip_container(std::string_view text, std::size_t at) noexcept {
    std::size_t depth = 0;
    while (at < text.size()) {
        const char c = text[at];
        if (c == '"') {
            at = skip_string(text, at);
            continue;
        }
        ++at;
        if (c == '{' || c == '[') {
            ++depth;
        } else if ((c == '}' || c == ']') && --depth == 0) {
            break;
        }
    }
    return at;
}

/// Behind the value that begins at `at`.
std::size_t skip_value(std::string_view text, std::size_t at) noexcept {
    const char first = text[at];
    if (first == '"') {
        return skip_string(text, at);
    }
    if (first == '{' || first == '[') {
        return skip_container(text, at);
    }
    return std::min(text.find_first_of(",]} \t\n\r", at), text.size());
}

}  // namespace

std::size_t skip_json_space(std::string_view text, std::size_t at) noexcept {
    while (at < text.size() && is_space(text[at])) {
        ++at;
    }
    return at;
}

std::string_view RawValues::next() noexcept {
    // Before a member: the brace or the last value, and perhaps white space and a comma.
    const std::size_t key = std::min(text_.find('"', at_), text_.size());
    const std::size_t colon = std::min(text_.find(':', skip_string(text_, key)), text_.size());
    const std::size_t value = skip_json_space(text_, colon + 1);
    if (value >= text_.size()) {
        return {};
    }
    at_ = skip_value(text_, value);
    return text_.substr(value, at_ - value);
}

std::size_t json_nesting_depth(std::string_view text) noexcept {
    std::size_t depth = 0;
    std::size_t depth_max = 0;
    for (std::size_t at = 0; at < text.size();) {
        const char c = text[at];
        if (c == '"') {
            at = skip_string(text, at);
            continue;
        }
        ++at;
        if (c == '{' || c == '[') {
            depth_max = std::max(depth_max, ++depth);
        } else if (c == '}' || c == ']') {
            --depth;
        }
    }
    return depth_max;
}

}  // namespace tickwire::wire
