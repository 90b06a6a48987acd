// Minified JSON, appended to a string. Every string is escaped; UTF-8 is taken on trust.
#pragma once

#include <charconv>
#include <concepts>
#include <cstddef>
#include <cstdint>
#include <iterator>
#include <optional>
#include <string>
#include <string_view>

namespace tickwire::wire {

/// Appends `text` in quotes, escaped as RFC 8259 section 7 wants it and no further.
void append_json_string(std::string_view text, std::string& out);

/// How many bytes append_json_string() appends.
std::size_t json_string_size(std::string_view text) noexcept;

/// Appends one object to a string; closes it when it goes.
class JsonObject {
  public:
    explicit JsonObject(std::string& out) : out_(out) { out_ += '{'; }
    JsonObject(std::string& out, std::string_view op) : JsonObject(out) { text("op", op); }
    ~JsonObject() { out_ += '}'; }
    JsonObject(const JsonObject&) = delete;
    JsonObject& operator=(const JsonObject&) = delete;

    void text(std::string_view name, std::string_view value) { append_json_string(value, key(name)); }
    void number(std::string_view name, std::uint64_t value) {
        char digits[20];
        const auto end = std::to_chars(std::begin(digits), std::end(digits), value).ptr;
        key(name).append(digits, end);
    }
    /// `value` is JSON already.
    void json(std::string_view name, std::string_view value) { key(name) += value; }
    void flag(std::string_view name, std::same_as<bool> auto value) {
        json(name, value ? "true" : "false");
    }
    void number_or_null(std::string_view name, std::optional<std::uint64_t> value) {
        if (value) {
            number(name, *value);
        } else {
            json(name, "null");
        }
    }

    /// Begins a field; its value is to be appended to what this returns.
    std::string& key(std::string_view name) {
        if (!is_first_) {
            out_ += ',';
        }
        is_first_ = false;
        append_json_string(name, out_);
        return out_ += ':';
    }

  private:
    std::string& out_;
    bool is_first_ = true;
};

}  // namespace tickwire::wire
