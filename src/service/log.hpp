// The log: one line for each thing that an operator must know, as text, as JSON, or with fields to the
// journal. Whatever is not printable ASCII is escaped in each, for it may be a peer's.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>

namespace tickwire::service {

/// To be called once, before anything is logged. `format`: auto, text, json or journal; auto is journal
/// where standard error leads there.
void start_log(const std::string& format, const std::string& level);
/// False for a level that there is not.
bool set_log_level(const std::string& level);

/// What a line is about, for programs: a member of the JSON object, `TICKWIRE_MATCH=arena-7` in the
/// journal, and ` match=arena-7` behind the text.
struct LogField {
    std::string_view name;
    std::string value;
    bool is_number = false;

    static LogField text(std::string_view name, std::string_view value) {
        return {name, std::string(value)};
    }
    static LogField number(std::string_view name, std::uint64_t value) {
        return {name, std::to_string(value), true};
    }
};
enum class LogLevel : std::uint8_t { debug, info, warn };
/// Other lines are spdlog's own calls.
void log_line(LogLevel level, std::string_view message, std::span<const LogField> fields);

}  // namespace tickwire::service
