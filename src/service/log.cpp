#include "service/log.hpp"

#include <spdlog/sinks/base_sink.h>
#include <spdlog/spdlog.h>
#include <sys/stat.h>
#include <syslog.h>
#include <systemd/sd-journal.h>
#include <unistd.h>

#include <array>
#include <cstdio>
#include <cstdlib>
#include <mutex>
#include <string_view>

#include "wire/json_writer.hpp"

namespace tickwire::service {
namespace {

enum class Format : std::uint8_t { text, json, journal };

/// What a terminal or a reader of lines could take for something else.
std::string escaped(std::string_view text) {
    std::string out;
    for (const char letter : text) {
        const auto byte = static_cast<unsigned char>(letter);
        if (byte < 0x20 || byte == 0x7f) {
            std::array<char, 8> code{};
            std::snprintf(code.data(), code.size(), "\\x%02x", byte);
            out += code.data();
        } else {
            out += letter;
        }
    }
    return out;
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
                ::sd_journal_send("MESSAGE=%s", escaped(message).c_str(), "PRIORITY=%d",
                                  priority_of(entry.level), "SYSLOG_IDENTIFIER=tickwire", nullptr);
                return;
            case Format::json: {
                std::string line;
                {
                    wire::JsonObject object(line);
                    object.text("time", time_text(entry.time));
                    object.text("level", level);
                    object.text("message", message);
                }
                write(line);
                return;
            }
            case Format::text:
                write(time_text(entry.time) + " " + std::string(level) + " " + escaped(message));
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

bool set_log_level(const std::string& level) {
    if (level != "debug" && level != "info" && level != "warn" && level != "error") {
        return false;
    }
    spdlog::set_level(spdlog::level::from_str(level == "error" ? "err" : level));
    return true;
}

}  // namespace tickwire::service
