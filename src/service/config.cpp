#include "service/config.hpp"

#include <algorithm>
#include <array>
#include <cctype>
#include <charconv>
#include <cmath>
#include <initializer_list>
#include <limits>

namespace tickwire::service {
namespace {

using Result = tl::expected<void, std::string>;

/// The largest TICK of a match, one state of every player, must fit one pool buffer of 4 MiB.
constexpr std::uint64_t tick_size_max = 4 * 1024 * 1024 - 4096;

Result set_number(std::uint32_t& to, const std::string& value, std::uint32_t low, std::uint32_t high) {
    std::uint32_t number = 0;
    const auto [end, error] = std::from_chars(value.data(), value.data() + value.size(), number);
    if (error != std::errc{} || end != value.data() + value.size() || number < low || number > high) {
        return tl::unexpected("'" + value + "' is not a whole number from " + std::to_string(low) + " to " +
                              std::to_string(high));
    }
    to = number;
    return {};
}

Result set_seconds(double& to, const std::string& value, double low, double high) {
    double number = 0;
    const auto [end, error] = std::from_chars(value.data(), value.data() + value.size(), number);
    if (error != std::errc{} || end != value.data() + value.size() || !std::isfinite(number) ||
        number < low || number > high) {
        std::array<char, 64> range{};
        std::snprintf(range.data(), range.size(), "%g to %g", low, high);
        return tl::unexpected("'" + value + "' is not a number of seconds from " + range.data());
    }
    to = number;
    return {};
}

Result set_flag(bool& to, const std::string& value) {
    if (value != "true" && value != "false") {
        return tl::unexpected("'" + value + "' is neither true nor false");
    }
    to = value == "true";
    return {};
}

Result set_text(std::string& to, const std::string& value) {
    if (value.empty()) {
        return tl::unexpected(std::string("is empty"));
    }
    to = value;
    return {};
}

Result set_choice(std::string& to, const std::string& value,
                  std::initializer_list<std::string_view> allowed) {
    if (std::find(allowed.begin(), allowed.end(), value) == allowed.end()) {
        std::string message = "'" + value + "' is none of";
        for (const std::string_view one : allowed) {
            message.append(" ").append(one);
        }
        return tl::unexpected(std::move(message));
    }
    to = value;
    return {};
}

using Config = ServeConfig;
using Value = const std::string&;

constexpr std::array table{
    Setting{"listen", "ADDR:PORT",
            "listen for ws:// (IPv4, [IPv6] or unix:PATH; port 0 picks one); repeatable", SettingKind::list,
            [](Config& c, Value v) -> Result { return c.listen.push_back(v), Result{}; }, "server", "",
            Applies::on_restart},
    Setting{"tls-listen", "ADDR:PORT", "listen for wss://, in the same forms; repeatable",
            SettingKind::list,
            [](Config& c, Value v) -> Result { return c.tls_listen.push_back(v), Result{}; }, "tls", "",
            Applies::on_restart},
    Setting{"certificate", "FILE",
            "certificate chain, PEM; repeatable: the client's server name chooses, else the first is used",
            SettingKind::list,
            [](Config& c, Value v) -> Result { return c.certificate.push_back(v), Result{}; }, "tls", "",
            Applies::at_once},
    Setting{"key", "FILE", "its private key, PEM; as many as there are certificates, in their order",
            SettingKind::list, [](Config& c, Value v) -> Result { return c.key.push_back(v), Result{}; },
            "tls", "", Applies::at_once},
    Setting{"shards", "N", "event loops, 1 to 256", SettingKind::value,
            [](Config& c, Value v) { return set_number(c.shards, v, 1, 256); }, "server",
            "the CPUs that the process may use", Applies::on_restart},
    Setting{"pin", "", "pin each shard to a CPU of its own", SettingKind::flag,
            [](Config& c, Value v) { return set_flag(c.pin, v); }, "server", "false", Applies::on_restart},
    Setting{"tick-hz", "N", "ticks per second of every match, 1 to 128", SettingKind::value,
            [](Config& c, Value v) { return set_number(c.tick_hz, v, 1, 128); }, "match", "30",
            Applies::on_restart},
    Setting{"slot-us", "N",
            "longest time between two wake-ups while matches run, in microseconds, to 20000",
            SettingKind::value, [](Config& c, Value v) { return set_number(c.slot_us, v, 0, 20000); },
            "server", "2000", Applies::on_restart},
    Setting{"max-players", "N", "players in one match, 1 to 65535", SettingKind::value,
            [](Config& c, Value v) { return set_number(c.max_players, v, 1, 65535); }, "match", "64",
            Applies::at_once},
    Setting{"max-matches", "N", "matches at the same time", SettingKind::value,
            [](Config& c, Value v) { return set_number(c.max_matches, v, 1, 1'000'000); }, "match", "10000",
            Applies::on_restart},
    Setting{"max-connections", "N", "connections at the same time", SettingKind::value,
            [](Config& c, Value v) { return set_number(c.max_connections, v, 1, 10'000'000); }, "server",
            "what the limit on open files allows", Applies::on_restart},
    Setting{"resume-window", "SECONDS", "how long a lost player's place is kept, 0 to 3600",
            SettingKind::value,
            [](Config& c, Value v) { return set_seconds(c.resume_window_s, v, 0, 3600); }, "match", "20",
            Applies::at_once},
    Setting{"join-timeout", "SECONDS", "time for the join message, 0.1 to 60", SettingKind::value,
            [](Config& c, Value v) { return set_seconds(c.join_timeout_s, v, 0.1, 60); }, "limits", "5",
            Applies::at_once},
    Setting{"idle-timeout", "SECONDS", "silence after which a connection is closed, 1 to 3600",
            SettingKind::value,
            [](Config& c, Value v) { return set_seconds(c.idle_timeout_s, v, 1, 3600); }, "limits", "30",
            Applies::at_once},
    Setting{"state-bytes", "N", "size of a STATE message, 6 to 32767", SettingKind::value,
            [](Config& c, Value v) { return set_number(c.state_bytes, v, 6, 32767); }, "limits", "1024",
            Applies::at_once},
    Setting{"event-bytes", "N", "size of an EVENT message, 4 to 65535", SettingKind::value,
            [](Config& c, Value v) { return set_number(c.event_bytes, v, 4, 65535); }, "limits", "16384",
            Applies::at_once},
    Setting{"messages-per-second", "N", "frames a member may send, 1 to 100000", SettingKind::value,
            [](Config& c, Value v) { return set_number(c.messages_per_second, v, 1, 100'000); }, "limits",
            "240", Applies::at_once},
    Setting{"bytes-per-second", "N", "bytes a member may send, 1024 to 1000000000", SettingKind::value,
            [](Config& c, Value v) { return set_number(c.bytes_per_second, v, 1024, 1'000'000'000); },
            "limits", "262144", Applies::at_once},
    Setting{"send-buffer-bytes", "N", "SO_SNDBUF of each connection, 4096 to 4194304", SettingKind::value,
            [](Config& c, Value v) { return set_number(c.send_buffer_bytes, v, 4096, 4194304); }, "server",
            "32768", Applies::on_restart},
    Setting{"congestion-control", "NAME", "TCP congestion control", SettingKind::value,
            [](Config& c, Value v) { return set_text(c.congestion_control, v); }, "server", "cubic",
            Applies::on_restart},
    Setting{"echo", "", "serve /v1/echo, for conformance suites and latency probes", SettingKind::flag,
            [](Config& c, Value v) { return set_flag(c.echo, v); }, "server", "false", Applies::at_once},
    Setting{"demo", "", "serve the demo pages at /", SettingKind::flag,
            [](Config& c, Value v) { return set_flag(c.demo, v); }, "server", "false", Applies::at_once},
    Setting{"admin-listen", "ADDR:PORT",
            "listen for the admin interface and metrics: a loopback address or unix:PATH, or any address "
            "with a token; repeatable",
            SettingKind::list,
            [](Config& c, Value v) -> Result { return c.admin_listen.push_back(v), Result{}; }, "admin", "",
            Applies::on_restart},
    Setting{"admin-token-file", "FILE", "a file with the bearer token that the admin interface wants",
            SettingKind::value, [](Config& c, Value v) { return set_text(c.admin_token_file, v); }, "admin",
            "", Applies::on_restart},
    Setting{"admin-debug", "",
            "allow /v1/debug/freeze, which stops a shard for a while: for tests of the watchdog",
            SettingKind::flag, [](Config& c, Value v) { return set_flag(c.admin_debug, v); }, "admin",
            "false", Applies::on_restart},
    Setting{"log-level", "LEVEL", "what is logged at least: debug, info, warn or error", SettingKind::value,
            [](Config& c, Value v) {
                return set_choice(c.log_level, v, {"debug", "info", "warn", "error"});
            },
            "log", "info", Applies::at_once},
    Setting{"log-format", "FORMAT",
            "text, json, journal, or auto: journal where standard error is the journal, text elsewhere",
            SettingKind::value,
            [](Config& c, Value v) {
                return set_choice(c.log_format, v, {"auto", "text", "json", "journal"});
            },
            "log", "auto", Applies::on_restart},
};

}  // namespace

std::span<const Setting> settings() noexcept {
    return table;
}

std::string Setting::environment_name() const {
    std::string text = "TICKWIRE_" + std::string(section) + "_" + std::string(key());
    std::transform(text.begin(), text.end(), text.begin(), [](char letter) {
        return letter == '-' ? '_' : static_cast<char>(std::toupper(letter));
    });
    return text;
}

tl::expected<void, std::string> check_config(const ServeConfig& config) {
    if (!config.tls_listen.empty() && (config.certificate.empty() || config.key.empty())) {
        return tl::unexpected(std::string("--tls-listen needs --certificate and --key"));
    }
    if (config.certificate.size() != config.key.size()) {
        return tl::unexpected(std::to_string(config.certificate.size()) + " certificates and " +
                              std::to_string(config.key.size()) + " keys: each certificate has its key");
    }
    if (std::uint64_t{config.max_players} * (config.state_bytes + 16) > tick_size_max) {
        return tl::unexpected("max-players " + std::to_string(config.max_players) + " times state-bytes " +
                              std::to_string(config.state_bytes) + " is more than a tick can hold (" +
                              std::to_string(tick_size_max) + " bytes)");
    }
    return {};
}

}  // namespace tickwire::service
