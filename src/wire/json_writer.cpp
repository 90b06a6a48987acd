// The escaping of JSON strings (RFC 8259 section 7).
#include "wire/json_writer.hpp"

namespace tickwire::wire {
namespace {

/// The escape of a byte that may not stand in a string as it is (RFC 8259 section 7).
void append_escape(char c, std::string& out) {
    constexpr std::string_view hex = "0123456789abcdef";
    switch (c) {
        case '"':
            out += "\\\"";
            return;
        case '\\':
            out += "\\\\";
            return;
        case '\b':
            out += "\\b";
            return;
        case '\f':
            out += "\\f";
            return;
        case '\n':
            out += "\\n";
            return;
        case '\r':
            out += "\\r";
            return;
        case '\t':
            out += "\\t";
            return;
        default:
            out += "\\u00";
            out += hex[static_cast<unsigned char>(c) >> 4];
            out += hex[static_cast<unsigned char>(c) & 0xf];
    }
}

bool must_be_escaped(char c) noexcept {
    return c == '"' || c == '\\' || static_cast<unsigned char>(c) < 0x20;
}

/// Of what append_escape() writes.
std::size_t escape_size(char c) noexcept {
    return std::string_view("\"\\\b\f\n\r\t").find(c) == std::string_view::npos ? 6 : 2;
}

}  // namespace

void append_json_string(std::string_view text, std::string& out) {
    out += '"';
    for (const char c : text) {
        if (must_be_escaped(c)) {
            append_escape(c, out);
        } else {
            out += c;
        }
    }
    out += '"';
}

std::size_t json_string_size(std::string_view text) noexcept {
    std::size_t size = text.size() + 2;
    for (const char c : text) {
        size += must_be_escaped(c) ? escape_size(c) - 1 : 0;
    }
    return size;
}

}  // namespace tickwire::wire
