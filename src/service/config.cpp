#include "service/config.hpp"

#include <toml++/toml.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <cmath>
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

using Config = ServeConfig;
using Value = const std::string&;

constexpr std::array table{
    Setting{"listen", "ADDR:PORT",
            "listen for ws:// (IPv4, [IPv6] or unix:PATH; port 0 picks one); repeatable", SettingKind::list,
            [](Config& c, Value v) -> Result { return c.listen.push_back(v), Result{}; }},
    Setting{"tls-listen", "ADDR:PORT", "listen for wss://, in the same forms; repeatable",
            SettingKind::list,
            [](Config& c, Value v) -> Result { return c.tls_listen.push_back(v), Result{}; }},
    Setting{"certificate", "FILE", "certificate chain, PEM", SettingKind::value,
            [](Config& c, Value v) { return set_text(c.certificate, v); }},
    Setting{"key", "FILE", "its private key, PEM", SettingKind::value,
            [](Config& c, Value v) { return set_text(c.key, v); }},
    Setting{"shards", "N", "event loops, 1 to 256 (default: the CPUs that the process may use)",
            SettingKind::value, [](Config& c, Value v) { return set_number(c.shards, v, 1, 256); }},
    Setting{"pin", "", "pin each shard to a CPU of its own", SettingKind::flag,
            [](Config& c, Value v) { return set_flag(c.pin, v); }},
    Setting{"tick-hz", "N", "ticks per second of every match, 1 to 128 (default 30)", SettingKind::value,
            [](Config& c, Value v) { return set_number(c.tick_hz, v, 1, 128); }},
    Setting{"slot-us", "N",
            "longest time between two wake-ups while matches run, in microseconds, to 20000 (default 2000; "
            "0: wake at "
            "each arrival)",
            SettingKind::value, [](Config& c, Value v) { return set_number(c.slot_us, v, 0, 20000); }},
    Setting{"max-players", "N", "players in one match, 1 to 65535 (default 64)", SettingKind::value,
            [](Config& c, Value v) { return set_number(c.max_players, v, 1, 65535); }},
    Setting{"max-matches", "N", "matches at the same time (default 10000)", SettingKind::value,
            [](Config& c, Value v) { return set_number(c.max_matches, v, 1, 1'000'000); }},
    Setting{"max-connections", "N",
            "connections at the same time (default: what the limit on open files allows)",
            SettingKind::value,
            [](Config& c, Value v) { return set_number(c.max_connections, v, 1, 10'000'000); }},
    Setting{"resume-window", "SECONDS", "how long a lost player's place is kept, 0 to 3600 (default 20)",
            SettingKind::value,
            [](Config& c, Value v) { return set_seconds(c.resume_window_s, v, 0, 3600); }},
    Setting{"join-timeout", "SECONDS", "time for the join message, 0.1 to 60 (default 5)",
            SettingKind::value,
            [](Config& c, Value v) { return set_seconds(c.join_timeout_s, v, 0.1, 60); }},
    Setting{"idle-timeout", "SECONDS", "silence after which a connection is closed, 1 to 3600 (default 30)",
            SettingKind::value,
            [](Config& c, Value v) { return set_seconds(c.idle_timeout_s, v, 1, 3600); }},
    Setting{"state-bytes", "N", "size of a STATE message, 6 to 32767 (default 1024)", SettingKind::value,
            [](Config& c, Value v) { return set_number(c.state_bytes, v, 6, 32767); }},
    Setting{"event-bytes", "N", "size of an EVENT message, 4 to 65535 (default 16384)", SettingKind::value,
            [](Config& c, Value v) { return set_number(c.event_bytes, v, 4, 65535); }},
    Setting{"messages-per-second", "N", "frames a member may send, 1 to 100000 (default 240)",
            SettingKind::value,
            [](Config& c, Value v) { return set_number(c.messages_per_second, v, 1, 100'000); }},
    Setting{"bytes-per-second", "N", "bytes a member may send, 1024 to 1000000000 (default 262144)",
            SettingKind::value,
            [](Config& c, Value v) { return set_number(c.bytes_per_second, v, 1024, 1'000'000'000); }},
    Setting{"send-buffer-bytes", "N", "SO_SNDBUF of each connection, 4096 to 4194304 (default 32768)",
            SettingKind::value,
            [](Config& c, Value v) { return set_number(c.send_buffer_bytes, v, 4096, 4194304); }},
    Setting{"congestion-control", "NAME", "TCP congestion control (default cubic)", SettingKind::value,
            [](Config& c, Value v) { return set_text(c.congestion_control, v); }},
    Setting{"echo", "", "serve /v1/echo, for conformance suites and latency probes", SettingKind::flag,
            [](Config& c, Value v) { return set_flag(c.echo, v); }},
    Setting{"demo", "", "serve the demo pages at /", SettingKind::flag,
            [](Config& c, Value v) { return set_flag(c.demo, v); }},
};

std::size_t edit_distance(std::string_view left, std::string_view right) {
    std::vector<std::size_t> row(right.size() + 1);
    for (std::size_t column = 0; column <= right.size(); ++column) {
        row[column] = column;
    }
    for (std::size_t line = 1; line <= left.size(); ++line) {
        std::size_t diagonal = row[0];
        row[0] = line;
        for (std::size_t column = 1; column <= right.size(); ++column) {
            const std::size_t above = row[column];
            row[column] = std::min({above + 1, row[column - 1] + 1,
                                    diagonal + (left[line - 1] == right[column - 1] ? 0U : 1U)});
            diagonal = above;
        }
    }
    return row.back();
}

std::string_view nearest_name(std::string_view name) {
    return std::min_element(table.begin(), table.end(),
                            [name](const Setting& left, const Setting& right) {
                                return edit_distance(name, left.name) < edit_distance(name, right.name);
                            })
        ->name;
}

/// The value as the command line would have it; nothing where it is of a kind that no setting has.
std::string text_of(const toml::node& node) {
    if (const auto* text = node.as_string()) {
        return text->get();
    }
    if (const auto* number = node.as_integer()) {
        return std::to_string(number->get());
    }
    if (const auto* number = node.as_floating_point()) {
        std::array<char, 64> digits{};
        return {digits.data(),
                std::to_chars(digits.data(), digits.data() + digits.size(), number->get()).ptr};
    }
    if (const auto* flag = node.as_boolean()) {
        return flag->get() ? "true" : "false";
    }
    return {};
}

Result apply_node(const Setting& setting, const toml::node& node, ServeConfig& config) {
    if (const auto* array = node.as_array(); array != nullptr && setting.kind == SettingKind::list) {
        for (const toml::node& item : *array) {
            if (auto done = setting.set(config, text_of(item)); !done) {
                return done;
            }
        }
        return {};
    }
    const std::string text = text_of(node);
    if (text.empty() || (setting.kind == SettingKind::flag) != node.is_boolean()) {
        return tl::unexpected(std::string("is of the wrong type"));
    }
    return setting.set(config, text);
}

}  // namespace

std::span<const Setting> settings() noexcept {
    return table;
}

tl::expected<void, std::string> load_config_file(const std::string& file, ServeConfig& config) {
    toml::table document;
    try {
        document = toml::parse_file(file);
    } catch (const toml::parse_error& error) {
        const auto line = error.source().begin.line;
        return tl::unexpected(file + (line != 0 ? ":" + std::to_string(line) : "") + ": " +
                              std::string(error.description()));
    }
    for (const auto& [key, node] : document) {
        const std::string name(key.str());
        std::string place = file;
        place.append(":").append(std::to_string(node.source().begin.line)).append(": ").append(name);
        const auto setting = std::find_if(table.begin(), table.end(),
                                          [&name](const Setting& one) { return one.name == name; });
        if (setting == table.end()) {
            return tl::unexpected(place + ": no such setting; the nearest is " +
                                  std::string(nearest_name(name)));
        }
        if (const auto done = apply_node(*setting, node, config); !done) {
            return tl::unexpected(place + ": " + done.error());
        }
    }
    return {};
}

tl::expected<void, std::string> check_config(const ServeConfig& config) {
    if (config.listen.empty() && config.tls_listen.empty()) {
        return tl::unexpected(std::string("nothing to listen on: give --listen or --tls-listen"));
    }
    if (!config.tls_listen.empty() && (config.certificate.empty() || config.key.empty())) {
        return tl::unexpected(std::string("--tls-listen needs --certificate and --key"));
    }
    if (std::uint64_t{config.max_players} * (config.state_bytes + 16) > tick_size_max) {
        return tl::unexpected("max-players " + std::to_string(config.max_players) + " times state-bytes " +
                              std::to_string(config.state_bytes) + " is more than a tick can hold (" +
                              std::to_string(tick_size_max) + " bytes)");
    }
    return {};
}

}  // namespace tickwire::service
