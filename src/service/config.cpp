#include "service/config.hpp"

#include <toml++/toml.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <cmath>
#include <limits>

#include "base/peer_address.hpp"
#include "match/match.hpp"
#include "session/origins.hpp"

namespace tickwire::service {
namespace {

using Result = tl::expected<void, std::string>;

using match::tick_size_max;

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
            [](Config& c, Value v) -> Result { return c.listen.push_back(v), Result{}; },
            [](Config& c) { c.listen.clear(); }},
    Setting{"tls-listen", "ADDR:PORT", "listen for wss://, in the same forms; repeatable",
            SettingKind::list,
            [](Config& c, Value v) -> Result { return c.tls_listen.push_back(v), Result{}; },
            [](Config& c) { c.tls_listen.clear(); }},
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

    Setting{
        "ticket-key", "KID=FILE",
        "joining needs a ticket signed with this key: a public key in PEM (P-256 or Ed25519), or a secret "
        "of 32 bytes and more for HS256; read again when it changes; repeatable",
        SettingKind::list,
        [](Config& c, Value v) -> Result {
            const std::size_t equals = v.find('=');
            if (equals == 0 || equals == v.npos || equals + 1 == v.size()) {
                return tl::unexpected("'" + v + "' is not KID=FILE");
            }
            return c.ticket_key.push_back(v), Result{};
        },
        [](Config& c) { c.ticket_key.clear(); }},
    Setting{"ticket-jwks", "FILE", "the same with a JSON Web Key Set; repeatable", SettingKind::list,
            [](Config& c, Value v) -> Result { return c.ticket_jwks.push_back(v), Result{}; },
            [](Config& c) { c.ticket_jwks.clear(); }},
    Setting{"ticket-audience", "NAME", "what a ticket's aud must name (default: it may have none)",
            SettingKind::value, [](Config& c, Value v) { return set_text(c.ticket_audience, v); }},
    Setting{"ticket-optional", "", "who brings no ticket may play too", SettingKind::flag,
            [](Config& c, Value v) { return set_flag(c.ticket_optional, v); }},
    Setting{"ticket-single-use", "", "every ticket has a jti, and is good for one join", SettingKind::flag,
            [](Config& c, Value v) { return set_flag(c.ticket_single_use, v); }},
    Setting{"max-used-tickets", "N",
            "used tickets of single use that are remembered until they expire; further ones are refused "
            "(default 100000)",
            SettingKind::value,
            [](Config& c, Value v) { return set_number(c.max_used_tickets, v, 1, 100'000'000); }},
    Setting{
        "origins", "ORIGIN",
        "web pages that may connect: https://game.example, https://*.game.example; repeatable (default: "
        "all)",
        SettingKind::list,
        [](Config& c, Value v) -> Result {
            if (auto pattern = session::OriginPattern::parse(v); !pattern) {
                return tl::unexpected(std::move(pattern.error()));
            }
            return c.origins.push_back(v), Result{};
        },
        [](Config& c) { c.origins.clear(); }},
    Setting{"origin-required", "", "with origins: refuse clients that send none, as native ones do",
            SettingKind::flag, [](Config& c, Value v) { return set_flag(c.origin_required, v); }},

    Setting{"max-connections-per-address", "N",
            "connections of one IPv4 address or IPv6 /64 (default 256; 0: any)", SettingKind::value,
            [](Config& c, Value v) { return set_number(c.max_connections_per_address, v, 0, 10'000'000); }},
    Setting{"connects-per-address", "N",
            "connections a second of one IPv4 address or IPv6 /64 (default 64; 0: any)", SettingKind::value,
            [](Config& c, Value v) { return set_number(c.connects_per_address, v, 0, 1'000'000); }},
    Setting{"trusted-proxies", "RANGE",
            "10.0.0.0/8 or one address: exempt from these limits, which then hold for whom X-Forwarded-For "
            "names; repeatable",
            SettingKind::list,
            [](Config& c, Value v) -> Result {
                if (!base::AddressRange::parse(v)) {
                    return tl::unexpected("'" + v + "' is neither an address nor a range like 10.0.0.0/8");
                }
                return c.trusted_proxies.push_back(v), Result{};
            },
            [](Config& c) { c.trusted_proxies.clear(); }},
    Setting{"limit-loopback", "", "connections of this machine count for these limits too",
            SettingKind::flag, [](Config& c, Value v) { return set_flag(c.limit_loopback, v); }},
    Setting{"max-handshakes", "N", "TLS handshakes in flight on each shard (default 10000)",
            SettingKind::value,
            [](Config& c, Value v) { return set_number(c.max_handshakes, v, 1, 10'000'000); }},
    Setting{"newcomer-share", "PERCENT",
            "of a slot, for handshakes, requests and joins while matches tick, 1 to 100 (default 40)",
            SettingKind::value, [](Config& c, Value v) { return set_number(c.newcomer_share, v, 1, 100); }},
    Setting{"tls-timeout", "SECONDS", "time for a TLS handshake, 0.1 to 60 (default 10)",
            SettingKind::value,
            [](Config& c, Value v) { return set_seconds(c.tls_timeout_s, v, 0.1, 60); }},
    Setting{"upgrade-timeout", "SECONDS", "time for a request, 0.1 to 60 (default 10)", SettingKind::value,
            [](Config& c, Value v) { return set_seconds(c.upgrade_timeout_s, v, 0.1, 60); }},
    Setting{"message-timeout", "SECONDS",
            "time for the rest of a message that has begun, 0.1 to 600 (default 10)", SettingKind::value,
            [](Config& c, Value v) { return set_seconds(c.message_timeout_s, v, 0.1, 600); }},
    Setting{
        "max-memory", "MIB",
        "what connections and matches may hold before new connections are refused (default: half of the "
        "machine's memory)",
        SettingKind::value,
        [](Config& c, Value v) { return set_number(c.max_memory_mib, v, 16, 16'777'216); }},
    Setting{"max-spectators", "N", "spectators of one match (default 1000000)", SettingKind::value,
            [](Config& c, Value v) { return set_number(c.max_spectators, v, 0, 10'000'000); }},
    Setting{"json-bytes", "N", "size of a control message, 256 to 65536 (default 16384)",
            SettingKind::value, [](Config& c, Value v) { return set_number(c.json_bytes, v, 256, 65536); }},
    Setting{"json-per-second", "N", "control messages of a member, 1 to 10000 (default 10)",
            SettingKind::value,
            [](Config& c, Value v) { return set_number(c.json_per_second, v, 1, 10'000); }},
    Setting{"json-depth", "N", "nesting of control messages, 4 to 64 (default 64)", SettingKind::value,
            [](Config& c, Value v) { return set_number(c.json_depth, v, 4, 64); }},
    Setting{"name-bytes", "N", "length of a player's name, 0 to 64 (default 64)", SettingKind::value,
            [](Config& c, Value v) { return set_number(c.name_bytes, v, 0, 64); }},
    Setting{"max-fragments", "N", "fragments of one message, 1 to 65536 (default 1024)", SettingKind::value,
            [](Config& c, Value v) { return set_number(c.max_fragments, v, 1, 65536); }},
    Setting{"outbox-bytes", "N",
            "what may wait for a member that reads slowly, 8192 to 4194304 (default 262144)",
            SettingKind::value,
            [](Config& c, Value v) { return set_number(c.outbox_bytes, v, 8192, 4194304); }},
    Setting{"event-log-bytes", "N",
            "events of a match kept for resuming, a power of two, 16384 to 4194304 (default 262144)",
            SettingKind::value,
            [](Config& c, Value v) -> Result {
                if (auto done = set_number(c.event_log_bytes, v, 16384, 4194304); !done) {
                    return done;
                }
                if ((c.event_log_bytes & (c.event_log_bytes - 1)) != 0) {
                    return tl::unexpected("'" + v + "' is not a power of two");
                }
                return {};
            }},
    Setting{"properties-bytes", "N", "all properties of a match, 0 to 1048576 (default 65536)",
            SettingKind::value,
            [](Config& c, Value v) { return set_number(c.properties_bytes, v, 0, 1048576); }},
    Setting{"max-properties", "N", "properties of a match, 0 to 65536 (default 256)", SettingKind::value,
            [](Config& c, Value v) { return set_number(c.max_properties, v, 0, 65536); }},
    Setting{"late-slots", "PERMILLE",
            "late slots at which a shard slows spectators down and then takes no new match, to 1000 "
            "(default 50; 1000: never)",
            SettingKind::value, [](Config& c, Value v) { return set_number(c.late_slots, v, 1, 1000); }},
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
