#include "service/config.hpp"

#include <algorithm>
#include <array>
#include <cctype>
#include <charconv>
#include <cmath>
#include <initializer_list>
#include <limits>

#include "base/peer_address.hpp"
#include "match/match.hpp"
#include "service/webhook_url.hpp"
#include "session/origins.hpp"
#include "uring/listener.hpp"

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

Result add_address(std::vector<std::string>& to, const std::string& value) {
    if (const auto address = uring::parse_address(value); !address) {
        return tl::unexpected(address.error());
    }
    to.push_back(value);
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

constexpr std::array
    table{
        Setting{"listen", "ADDR:PORT",
                "listen for ws:// (IPv4, [IPv6] or unix:PATH; port 0 picks one); repeatable",
                SettingKind::list,
                [](Config& c, Value v) { return add_address(c.listen, v); }, "server", "",
                Applies::on_restart},
        Setting{"tls-listen", "ADDR:PORT", "listen for wss://, in the same forms; repeatable",
                SettingKind::list,
                [](Config& c, Value v) { return add_address(c.tls_listen, v); }, "tls", "",
                Applies::on_restart},
        Setting{"proxy-listen", "ADDR:PORT",
                "listen for ws:// from trusted-proxies alone, each connection with a PROXY header, version "
                "1 or 2; repeatable",
                SettingKind::list,
                [](Config& c, Value v) { return add_address(c.proxy_listen, v); }, "proxy",
                "", Applies::on_restart},
        Setting{"proxy-tls-listen", "ADDR:PORT", "the same for wss://: TLS begins behind the header",
                SettingKind::list,
                [](Config& c, Value v) { return add_address(c.proxy_tls_listen, v); },
                "proxy", "", Applies::on_restart},
        Setting{
            "certificate", "FILE",
            "certificate chain, PEM; repeatable: the client's server name chooses, else the first is used; "
            "read again when it changes",
            SettingKind::list,
            [](Config& c, Value v) -> Result { return c.certificate.push_back(v), Result{}; }, "tls", "",
            Applies::at_once},
        Setting{"key", "FILE", "its private key, PEM; as many as there are certificates, in their order",
                SettingKind::list,
                [](Config& c, Value v) -> Result { return c.key.push_back(v), Result{}; }, "tls", "",
                Applies::at_once},
        Setting{"session-key-life", "SECONDS",
                "how long a key seals TLS session tickets, 1 to 604800; the one before it opens them as "
                "long again",
                SettingKind::value,
                [](Config& c, Value v) { return set_seconds(c.session_key_life_s, v, 1, 604'800); }, "tls",
                "43200", Applies::on_restart},
        Setting{"shards", "N", "event loops, 1 to 256", SettingKind::value,
                [](Config& c, Value v) { return set_number(c.shards, v, 1, 256); }, "server",
                "the CPUs that the process may use", Applies::on_restart},
        Setting{"pin", "", "pin each shard to a CPU of its own", SettingKind::flag,
                [](Config& c, Value v) { return set_flag(c.pin, v); }, "server", "false",
                Applies::on_restart},
        Setting{"tick-hz", "N", "ticks per second of every match, 1 to 128", SettingKind::value,
                [](Config& c, Value v) { return set_number(c.tick_hz, v, 1, 128); }, "match", "30",
                Applies::on_restart},
        Setting{"slot-us", "N",
                "longest time between two wake-ups while matches run, in microseconds, to 20000",
                SettingKind::value, [](Config& c, Value v) { return set_number(c.slot_us, v, 0, 20000); },
                "server", "2000", Applies::on_restart},
        Setting{"max-players", "N", "players in one match, 1 to 65535", SettingKind::value,
                [](Config& c, Value v) { return set_number(c.max_players, v, 1, 65535); }, "match", "64",
                Applies::to_new_matches},
        Setting{"max-matches", "N", "matches at the same time", SettingKind::value,
                [](Config& c, Value v) { return set_number(c.max_matches, v, 1, 1'000'000); }, "match",
                "10000", Applies::on_restart},
        Setting{"max-connections", "N", "connections at the same time", SettingKind::value,
                [](Config& c, Value v) { return set_number(c.max_connections, v, 1, 10'000'000); },
                "server", "what the limit on open files allows", Applies::on_restart},
        Setting{"resume-window", "SECONDS", "how long a lost player's place is kept, 0 to 3600",
                SettingKind::value,
                [](Config& c, Value v) { return set_seconds(c.resume_window_s, v, 0, 3600); }, "match",
                "20", Applies::to_new_matches},
        Setting{"join-timeout", "SECONDS", "time for the join message, 0.1 to 60", SettingKind::value,
                [](Config& c, Value v) { return set_seconds(c.join_timeout_s, v, 0.1, 60); }, "limits", "5",
                Applies::at_once},
        Setting{"idle-timeout", "SECONDS", "silence after which a connection is closed, 1 to 3600",
                SettingKind::value,
                [](Config& c, Value v) { return set_seconds(c.idle_timeout_s, v, 1, 3600); }, "limits",
                "30", Applies::at_once},
        Setting{"state-bytes", "N", "size of a STATE message, 6 to 32767", SettingKind::value,
                [](Config& c, Value v) { return set_number(c.state_bytes, v, 6, 32767); }, "limits", "1024",
                Applies::at_once},
        Setting{"event-bytes", "N", "size of an EVENT message, 4 to 65535", SettingKind::value,
                [](Config& c, Value v) { return set_number(c.event_bytes, v, 4, 65535); }, "limits",
                "16384", Applies::at_once},
        Setting{"messages-per-second", "N", "frames a member may send, 1 to 100000", SettingKind::value,
                [](Config& c, Value v) { return set_number(c.messages_per_second, v, 1, 100'000); },
                "limits", "240", Applies::at_once},
        Setting{"bytes-per-second", "N", "bytes a member may send, TLS included, 1024 to 1000000000", SettingKind::value,
                [](Config& c, Value v) { return set_number(c.bytes_per_second, v, 1024, 1'000'000'000); },
                "limits", "262144", Applies::at_once},
        Setting{"send-buffer-bytes", "N", "SO_SNDBUF of each connection, 4096 to 4194304",
                SettingKind::value,
                [](Config& c, Value v) { return set_number(c.send_buffer_bytes, v, 4096, 4194304); },
                "server", "32768", Applies::on_restart},
        Setting{"congestion-control", "NAME", "TCP congestion control", SettingKind::value,
                [](Config& c, Value v) { return set_text(c.congestion_control, v); }, "server", "cubic",
                Applies::on_restart},
        Setting{"echo", "", "serve /v1/echo, for conformance suites and latency probes", SettingKind::flag,
                [](Config& c, Value v) { return set_flag(c.echo, v); }, "server", "false",
                Applies::at_once},
        Setting{"demo", "", "serve the demo pages at /", SettingKind::flag,
                [](Config& c, Value v) { return set_flag(c.demo, v); }, "server", "false",
                Applies::at_once},
        Setting{
            "admin-listen", "ADDR:PORT",
            "listen for the admin interface and metrics: a loopback address or unix:PATH, or any address "
            "with a token; repeatable",
            SettingKind::list,
            [](Config& c, Value v) { return add_address(c.admin_listen, v); }, "admin", "",
            Applies::on_restart},
        Setting{"admin-token-file", "FILE", "a file with the bearer token that the admin interface wants",
                SettingKind::value, [](Config& c, Value v) { return set_text(c.admin_token_file, v); },
                "admin", "", Applies::on_restart},
        Setting{"admin-debug", "",
                "allow /v1/debug/freeze and /v1/debug/burden, which stop a shard or make it late for a "
                "while: for tests of the watchdog and of admission by cost",
                SettingKind::flag, [](Config& c, Value v) { return set_flag(c.admin_debug, v); }, "admin",
                "false", Applies::on_restart},
        Setting{"webhook-url", "URL",
                "http:// or https://: told when a match opens or closes and a player joins or leaves; "
                "repeatable",
                SettingKind::list,
                [](Config& c, Value v) -> Result {
                    if (auto url = WebhookUrl::parse(v); !url) {
                        return tl::unexpected(std::move(url.error()));
                    }
                    return c.webhook_url.push_back(v), Result{};
                },
                "webhook", "", Applies::on_restart},
        Setting{"webhook-secret-file", "FILE", "a file with the secret that signs what is posted",
                SettingKind::value, [](Config& c, Value v) { return set_text(c.webhook_secret_file, v); },
                "webhook", "", Applies::on_restart},
        Setting{"webhook-ca-file", "FILE",
                "certificates, PEM, that receivers' certificates are signed by, in place of the system's",
                SettingKind::value, [](Config& c, Value v) { return set_text(c.webhook_ca_file, v); },
                "webhook", "", Applies::on_restart},
        Setting{"webhook-timeout", "SECONDS", "time for an answer, 0.1 to 60", SettingKind::value,
                [](Config& c, Value v) { return set_seconds(c.webhook_timeout_s, v, 0.1, 60); }, "webhook",
                "5", Applies::on_restart},
        Setting{"webhook-retries", "N",
                "how often a POST is repeated before its events are given up, 0 to 1000; the pauses grow "
                "from half a second to a minute",
                SettingKind::value,
                [](Config& c, Value v) { return set_number(c.webhook_retries, v, 0, 1000); }, "webhook",
                "8", Applies::on_restart},
        Setting{"webhook-queue", "N", "events that may wait for one receiver; further ones are dropped",
                SettingKind::value,
                [](Config& c, Value v) { return set_number(c.webhook_queue, v, 1, 1'000'000); }, "webhook",
                "10000", Applies::on_restart},
        Setting{"log-level", "LEVEL", "what is logged at least: debug, info, warn or error",
                SettingKind::value,
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
        Setting{"log-lines", "N",
                "lines that each shard may log of one cause in ten seconds, 0 to 10000; more are counted",
                SettingKind::value, [](Config& c, Value v) { return set_number(c.log_lines, v, 0, 10'000); },
                "log", "10", Applies::at_once},

        Setting{"ticket-key", "KID=FILE",
                "joining needs a ticket signed with this key: a public key in PEM (P-256 or Ed25519), or a "
                "secret of 32 bytes and more for HS256; read again when it changes (whether there is any at all "
                "is settled at the start); repeatable",
                SettingKind::list,
                [](Config& c, Value v) -> Result {
                    const std::size_t equals = v.find('=');
                    if (equals == 0 || equals == v.npos || equals + 1 == v.size()) {
                        return tl::unexpected("'" + v + "' is not KID=FILE");
                    }
                    return c.ticket_key.push_back(v), Result{};
                },
                "ticket", "", Applies::at_once},
        Setting{"ticket-jwks", "FILE", "the same with a JSON Web Key Set; repeatable", SettingKind::list,
                [](Config& c, Value v) -> Result { return c.ticket_jwks.push_back(v), Result{}; }, "ticket",
                "", Applies::at_once},
        Setting{"ticket-audience", "NAME", "what a ticket's aud must name", SettingKind::value,
                [](Config& c, Value v) { return set_text(c.ticket_audience, v); }, "ticket",
                "it may have none", Applies::on_restart},
        Setting{"ticket-optional", "", "who brings no ticket may play too", SettingKind::flag,
                [](Config& c, Value v) { return set_flag(c.ticket_optional, v); }, "ticket", "false",
                Applies::on_restart},
        Setting{"ticket-single-use", "", "every ticket has a jti, and is good for one join",
                SettingKind::flag, [](Config& c, Value v) { return set_flag(c.ticket_single_use, v); },
                "ticket", "false", Applies::on_restart},
        Setting{
            "max-used-tickets", "N",
            "used tickets of single use that are remembered until they expire; further ones are refused",
            SettingKind::value,
            [](Config& c, Value v) { return set_number(c.max_used_tickets, v, 1, 100'000'000); }, "ticket",
            "100000", Applies::at_once},
        Setting{"origins", "ORIGIN",
                "web pages that may connect: https://game.example, https://*.game.example; repeatable",
                SettingKind::list,
                [](Config& c, Value v) -> Result {
                    if (auto pattern = session::OriginPattern::parse(v); !pattern) {
                        return tl::unexpected(std::move(pattern.error()));
                    }
                    return c.origins.push_back(v), Result{};
                },
                "origin", "all", Applies::at_once},
        Setting{"origin-required", "", "with origins: refuse clients that send none, as native ones do",
                SettingKind::flag, [](Config& c, Value v) { return set_flag(c.origin_required, v); },
                "origin", "false", Applies::at_once},
        Setting{
            "max-connections-per-address", "N", "connections of one IPv4 address or IPv6 /64 (0: any)",
            SettingKind::value,
            [](Config& c, Value v) { return set_number(c.max_connections_per_address, v, 0, 10'000'000); },
            "limits", "256", Applies::at_once},
        Setting{"connects-per-address", "N",
                "connections a second of one IPv4 address or IPv6 /64 (0: any)", SettingKind::value,
                [](Config& c, Value v) { return set_number(c.connects_per_address, v, 0, 1'000'000); },
                "limits", "64", Applies::at_once},
        Setting{"max-matches-per-address", "N",
                "open matches that one IPv4 address or IPv6 /64 has opened (0: any); those that an upgrade "
                "in place took over are nobody's",
                SettingKind::value,
                [](Config& c, Value v) { return set_number(c.max_matches_per_address, v, 0, 1'000'000); },
                "limits", "256", Applies::at_once},
        Setting{"trusted-proxies", "RANGE",
                "10.0.0.0/8, one address, or unix for all unix sockets: exempt from these limits, which "
                "then hold for whom their PROXY header or X-Forwarded-For names; repeatable",
                SettingKind::list,
                [](Config& c, Value v) -> Result {
                    if (v != "unix" && !base::AddressRange::parse(v)) {
                        return tl::unexpected("'" + v +
                                              "' is neither an address nor a range like 10.0.0.0/8, nor "
                                              "unix");
                    }
                    return c.trusted_proxies.push_back(v), Result{};
                },
                "limits", "", Applies::at_once},
        Setting{"limit-loopback", "", "connections of this machine count for these limits too",
                SettingKind::flag, [](Config& c, Value v) { return set_flag(c.limit_loopback, v); },
                "limits", "false", Applies::at_once},
        Setting{"max-handshakes", "N", "TLS handshakes in flight on each shard", SettingKind::value,
                [](Config& c, Value v) { return set_number(c.max_handshakes, v, 1, 10'000'000); }, "limits",
                "10000", Applies::at_once},
        Setting{"newcomer-share", "PERCENT",
                "of a slot, for handshakes, requests, joins and goodbyes while matches tick, 1 to 100",
                SettingKind::value,
                [](Config& c, Value v) { return set_number(c.newcomer_share, v, 1, 100); }, "limits", "40",
                Applies::at_once},
        Setting{"tls-timeout", "SECONDS", "time for a TLS handshake, 0.1 to 60", SettingKind::value,
                [](Config& c, Value v) { return set_seconds(c.tls_timeout_s, v, 0.1, 60); }, "limits", "10",
                Applies::at_once},
        Setting{"upgrade-timeout", "SECONDS", "time for a request, 0.1 to 60", SettingKind::value,
                [](Config& c, Value v) { return set_seconds(c.upgrade_timeout_s, v, 0.1, 60); }, "limits",
                "10", Applies::at_once},
        Setting{"message-timeout", "SECONDS", "time for the rest of a message that has begun, 0.1 to 600",
                SettingKind::value,
                [](Config& c, Value v) { return set_seconds(c.message_timeout_s, v, 0.1, 600); }, "limits",
                "10", Applies::at_once},
        Setting{"close-timeout", "SECONDS", "time for the answer to a close frame, 0.1 to 60",
                SettingKind::value,
                [](Config& c, Value v) { return set_seconds(c.close_timeout_s, v, 0.1, 60); }, "limits",
                "2", Applies::at_once},
        Setting{"user-timeout", "SECONDS",
                "TCP_USER_TIMEOUT: what was sent may wait so long for its receipt, 1 to 3600",
                SettingKind::value,
                [](Config& c, Value v) { return set_seconds(c.user_timeout_s, v, 1, 3600); }, "limits",
                "30", Applies::on_restart},
        Setting{"header-bytes", "N", "size of a request's head, 1024 to 65536", SettingKind::value,
                [](Config& c, Value v) { return set_number(c.header_bytes, v, 1024, 65536); }, "limits",
                "8192", Applies::at_once},
        Setting{"max-memory", "MIB",
                "what connections and matches may hold before new connections are refused",
                SettingKind::value,
                [](Config& c, Value v) { return set_number(c.max_memory_mib, v, 16, 16'777'216); },
                "limits", "half of the machine's memory", Applies::at_once},
        Setting{"upgrade-state-mib", "MIB",
                "what may be left to the next process at a restart; above it logs of events are not, and then "
                "whole matches, the largest first (0: never)",
                SettingKind::value,
                [](Config& c, Value v) { return set_number(c.upgrade_state_mib, v, 0, 65536); }, "limits",
                "1024", Applies::at_once},
        Setting{"max-spectators", "N", "spectators of one match", SettingKind::value,
                [](Config& c, Value v) { return set_number(c.max_spectators, v, 0, 10'000'000); }, "limits",
                "1000000", Applies::to_new_matches},
        Setting{"json-bytes", "N", "size of a control message, 256 to 65536", SettingKind::value,
                [](Config& c, Value v) { return set_number(c.json_bytes, v, 256, 65536); }, "limits",
                "16384", Applies::at_once},
        Setting{"spectator-bytes", "N", "size of any message of a spectator, 128 to 65536",
                SettingKind::value,
                [](Config& c, Value v) { return set_number(c.spectator_bytes, v, 128, 65536); }, "limits",
                "1024", Applies::at_once},
        Setting{"json-per-second", "N", "control messages of a member, 1 to 10000", SettingKind::value,
                [](Config& c, Value v) { return set_number(c.json_per_second, v, 1, 10'000); }, "limits",
                "10", Applies::at_once},
        Setting{"json-depth", "N", "nesting of control messages, 4 to 64", SettingKind::value,
                [](Config& c, Value v) { return set_number(c.json_depth, v, 4, 64); }, "limits", "64",
                Applies::at_once},
        Setting{"name-bytes", "N", "length of a player's name, 0 to 64", SettingKind::value,
                [](Config& c, Value v) { return set_number(c.name_bytes, v, 0, 64); }, "limits", "64",
                Applies::at_once},
        Setting{"max-fragments", "N", "fragments of one message, 1 to 65536", SettingKind::value,
                [](Config& c, Value v) { return set_number(c.max_fragments, v, 1, 65536); }, "limits",
                "1024", Applies::at_once},
        Setting{"outbox-bytes", "N", "what may wait for a member that reads slowly, 8192 to 4194304",
                SettingKind::value,
                [](Config& c, Value v) { return set_number(c.outbox_bytes, v, 8192, 4194304); }, "limits",
                "262144", Applies::at_once},
        Setting{"event-log-bytes", "N",
                "events of a match kept for resuming, a power of two, 16384 to 4194304", SettingKind::value,
                [](Config& c, Value v) -> Result {
                    if (auto done = set_number(c.event_log_bytes, v, 16384, 4194304); !done) {
                        return done;
                    }
                    if ((c.event_log_bytes & (c.event_log_bytes - 1)) != 0) {
                        return tl::unexpected("'" + v + "' is not a power of two");
                    }
                    return {};
                },
                "limits", "262144", Applies::to_new_matches},
        Setting{"properties-bytes", "N",
                "all properties of a match, as they are written in JSON, 0 to 1048576", SettingKind::value,
                [](Config& c, Value v) { return set_number(c.properties_bytes, v, 0, 1048576); }, "limits",
                "65536", Applies::to_new_matches},
        Setting{"max-properties", "N", "properties of a match, 0 to 65536", SettingKind::value,
                [](Config& c, Value v) { return set_number(c.max_properties, v, 0, 65536); }, "limits",
                "256", Applies::to_new_matches},
        Setting{"late-slots", "PERMILLE",
                "late slots at which a shard slows spectators down and then takes no new match, to 1000 "
                "(1000: never)",
                SettingKind::value, [](Config& c, Value v) { return set_number(c.late_slots, v, 1, 1000); },
                "limits", "50", Applies::at_once},
    };

/// A join whose `welcome` overflowed its outbox would end with 4101, and so would the next one.
Result check_welcome(const ServeConfig& config) {
    match::MatchOptions options;
    options.player_count_max = config.max_players;
    options.properties_size_max = config.properties_bytes;
    // A ticket may name its player at the protocol's length.
    const bool has_tickets = !config.ticket_key.empty() || !config.ticket_jwks.empty();
    const std::uint32_t name_size = has_tickets ? protocol::name_size_max : config.name_bytes;
    const std::uint64_t size = match::welcome_size_max(options, name_size);
    const std::uint64_t room = match::welcome_room(config.outbox_bytes);
    if (size > room) {
        return tl::unexpected("max-players " + std::to_string(config.max_players) + " with names of " +
                              std::to_string(name_size) + " bytes and properties-bytes " +
                              std::to_string(config.properties_bytes) + " make a welcome of up to " +
                              std::to_string(size) + " bytes, and outbox-bytes " +
                              std::to_string(config.outbox_bytes) + " has room for " +
                              std::to_string(room));
    }
    return {};
}

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
    for (const bool is_proxy : {false, true}) {
        const auto& addresses = is_proxy ? config.proxy_tls_listen : config.tls_listen;
        if (!addresses.empty() && (config.certificate.empty() || config.key.empty())) {
            return tl::unexpected(std::string(is_proxy ? "--proxy-tls-listen" : "--tls-listen") +
                                  " needs --certificate and --key");
        }
    }
    if (config.trusted_proxies.empty() &&
        !(config.proxy_listen.empty() && config.proxy_tls_listen.empty())) {
        return tl::unexpected(
            std::string("--proxy-listen and --proxy-tls-listen need --trusted-proxies: nobody else may "
                        "connect there"));
    }
    if (!config.webhook_url.empty() && config.webhook_secret_file.empty()) {
        return tl::unexpected(
            std::string("--webhook-url needs --webhook-secret-file: what is posted is signed"));
    }
    for (const std::string& address : config.admin_listen) {
        if (config.admin_token_file.empty() && !uring::parse_address(address)->is_local()) {
            return tl::unexpected("admin-listen " + address +
                                  " can be reached from elsewhere: give admin-token-file, or listen on a "
                                  "loopback address or a unix socket");
        }
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
    return check_welcome(config);
}

}  // namespace tickwire::service
