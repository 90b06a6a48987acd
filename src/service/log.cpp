#include "service/log.hpp"

#include <spdlog/sinks/base_sink.h>
#include <spdlog/spdlog.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <syslog.h>
#include <systemd/sd-journal.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cctype>
#include <cstdio>
#include <cstdlib>
#include <mutex>
#include <string_view>
#include <vector>

#include "wire/json_writer.hpp"

namespace tickwire::service {
namespace {

enum class Format : std::uint8_t { text, json, journal };

/// Of the line that this thread writes: spdlog, which calls the sink before it returns, has no place for
/// them.
thread_local std::span<const LogField> current_fields;

/// A terminal or a reader of lines could take what is no printable ASCII for something else: C1 controls
/// are valid UTF-8, and what is not valid UTF-8 is no JSON. Unambiguous: a backslash is doubled.
std::string escaped(std::string_view text) {
    std::string out;
    for (const char letter : text) {
        const auto byte = static_cast<unsigned char>(letter);
        if (byte < 0x20 || byte >= 0x7f) {
            std::array<char, 8> code{};
            std::snprintf(code.data(), code.size(), "\\x%02x", byte);
            out += code.data();
        } else {
            out.append(letter == '\\' ? 2 : 1, letter);
        }
    }
    return out;
}

/// ` match=arena-7 detail="too slow"`. A quote is escaped, so that no value looks like another field.
std::string fields_as_text() {
    std::string text;
    for (const LogField& field : current_fields) {
        std::string value = escaped(field.value);
        if (value.find_first_of(" =\"") != std::string::npos) {
            for (std::size_t at = 0; (at = value.find('"', at)) != std::string::npos; at += 2) {
                value.insert(at, 1, '\\');
            }
            value.insert(0, 1, '"').push_back('"');
        }
        text.append(" ").append(field.name).append("=").append(value);
    }
    return text;
}

int priority_of(spdlog::level::level_enum level) {
    switch (level) {
        case spdlog::level::trace:
        case spdlog::level::debug:
            return LOG_DEBUG;
        case spdlog::level::warn:
            return LOG_WARNING;
        case spdlog::level::err:
            return LOG_ERR;
        case spdlog::level::critical:
            return LOG_CRIT;
        default:
            return LOG_INFO;
    }
}

/// RFC 3339, UTC, with milliseconds.
std::string time_text(spdlog::log_clock::time_point time) {
    const auto since = time.time_since_epoch();
    const std::time_t seconds = std::chrono::duration_cast<std::chrono::seconds>(since).count();
    const auto milliseconds =
        std::chrono::duration_cast<std::chrono::milliseconds>(since % std::chrono::seconds(1)).count();
    std::tm parts{};
    ::gmtime_r(&seconds, &parts);
    std::array<char, 40> text{};
    const std::size_t size = std::strftime(text.data(), text.size(), "%Y-%m-%dT%H:%M:%S", &parts);
    std::snprintf(text.data() + size, text.size() - size, ".%03dZ", static_cast<int>(milliseconds));
    return text.data();
}

/// The message names the fields too: `journalctl` shows nothing else by itself.
void send_to_journal(std::string_view message, int priority) {
    std::vector<std::string> entries{"MESSAGE=" + escaped(message) + fields_as_text(),
                                     "PRIORITY=" + std::to_string(priority), "SYSLOG_IDENTIFIER=tickwire"};
    entries.reserve(entries.size() + current_fields.size());
    for (const LogField& field : current_fields) {
        std::string name = "TICKWIRE_" + std::string(field.name);
        std::ranges::transform(name, name.begin(), [](unsigned char letter) {
            return static_cast<char>(std::toupper(letter));
        });
        entries.push_back(name + "=" + escaped(field.value));
    }
    std::vector<iovec> parts;
    parts.reserve(entries.size());
    for (std::string& entry : entries) {
        parts.push_back({entry.data(), entry.size()});
    }
    ::sd_journal_sendv(parts.data(), static_cast<int>(parts.size()));
}

std::string as_json(const spdlog::details::log_msg& entry, std::string_view level,
                    std::string_view message) {
    std::string line;
    {
        wire::JsonObject object(line);
        object.text("time", time_text(entry.time));
        object.text("level", level);
        object.text("message", escaped(message));
        for (const LogField& field : current_fields) {
            if (field.is_number) {
                object.json(field.name, field.value);
            } else {
                object.text(field.name, escaped(field.value));
            }
        }
    }
    return line;
}

class Sink final : public spdlog::sinks::base_sink<std::mutex> {
  public:
    explicit Sink(Format format) : format_(format) {}

  private:
    void sink_it_(const spdlog::details::log_msg& entry) override {
        const std::string_view message(entry.payload.data(), entry.payload.size());
        const std::string_view level(spdlog::level::to_string_view(entry.level).data(),
                                     spdlog::level::to_string_view(entry.level).size());
        switch (format_) {
            case Format::journal:
                send_to_journal(message, priority_of(entry.level));
                return;
            case Format::json:
                write(as_json(entry, level, message));
                return;
            case Format::text:
                write(time_text(entry.time) + " " + std::string(level) + " " + escaped(message) +
                      fields_as_text());
                return;
        }
    }
    void flush_() override {}
    static void write(std::string line) {
        line += '\n';
        std::fwrite(line.data(), 1, line.size(), stderr);
    }

    Format format_;
};

/// JOURNAL_STREAM names the device and inode of what a service's standard error was connected to.
bool is_journal() {
    const char* const stream = std::getenv("JOURNAL_STREAM");
    struct stat status {};
    return stream != nullptr && ::fstat(STDERR_FILENO, &status) == 0 &&
           std::to_string(status.st_dev) + ":" + std::to_string(status.st_ino) == stream;
}

}  // namespace

void start_log(const std::string& format, const std::string& level) {
    const bool is_to_journal = format == "journal" || (format == "auto" && is_journal());
    const Format chosen = is_to_journal ? Format::journal : format == "json" ? Format::json : Format::text;
    spdlog::set_default_logger(
        std::make_shared<spdlog::logger>("tickwire", std::make_shared<Sink>(chosen)));
    static_cast<void>(set_log_level(level));
}

void log_line(LogLevel level, std::string_view message, std::span<const LogField> fields) {
    using spdlog::level::level_enum;
    current_fields = fields;
    spdlog::log(level == LogLevel::debug  ? level_enum::debug
                : level == LogLevel::info ? level_enum::info
                                          : level_enum::warn,
                "{}", message);
    current_fields = {};
}

bool set_log_level(const std::string& level) {
    if (level != "debug" && level != "info" && level != "warn" && level != "error") {
        return false;
    }
    spdlog::set_level(spdlog::level::from_str(level == "error" ? "err" : level));
    return true;
}

}  // namespace tickwire::service
