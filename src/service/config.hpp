// What an operator may set, in one table: each setting has one name, one check and one place, whether it
// comes from the configuration file, from the environment or from the command line. Where the values come
// from and which of them wins is in config_sources.hpp.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <tl/expected.hpp>
#include <vector>

#include "base/time.hpp"

namespace tickwire::service {

struct ServeConfig {
    std::vector<std::string> listen;
    std::vector<std::string> tls_listen;
    std::vector<std::string> proxy_listen;  ///< for proxies that send a PROXY header, as the next
    std::vector<std::string> proxy_tls_listen;
    std::vector<std::string> certificate;
    double session_key_life_s = 43'200;
    std::vector<std::string> key;  ///< of the certificate at the same place
    std::uint32_t shards = 0;      ///< 0: as many as the CPUs that the process may use
    std::uint32_t tick_hz = 30;
    std::uint32_t max_players = 64;
    std::uint32_t max_connections = 0;  ///< 0: what the limit on open files allows
    std::uint32_t max_matches = 10000;
    double resume_window_s = 20;
    std::uint32_t slot_us = 2000;
    std::uint32_t state_bytes = 1024;
    std::uint32_t event_bytes = 16384;
    std::uint32_t messages_per_second = 240;
    std::uint32_t bytes_per_second = 262144;
    double idle_timeout_s = 30;
    double join_timeout_s = 5;
    std::string congestion_control = "cubic";
    std::uint32_t send_buffer_bytes = 32768;
    bool pin = false;
    bool echo = false;
    bool demo = false;

    // Who may come: tickets and origins.
    std::vector<std::string> ticket_key;   ///< KID=FILE
    std::vector<std::string> ticket_jwks;  ///< files
    std::string ticket_audience;
    bool ticket_optional = false;
    bool ticket_single_use = false;
    std::uint32_t max_used_tickets = 100'000;
    std::vector<std::string> origins;
    bool origin_required = false;

    // What they may cost.
    std::uint32_t max_connections_per_address = 256;  ///< 0: any
    std::uint32_t connects_per_address = 64;          ///< a second; 0: any
    std::uint32_t max_matches_per_address = 256;      ///< 0: any
    std::vector<std::string> trusted_proxies;         ///< ranges, or `unix`
    bool limit_loopback = false;
    std::uint32_t max_handshakes = 10'000;
    std::uint32_t newcomer_share = 40;  ///< percent of a slot
    double tls_timeout_s = 10;
    double upgrade_timeout_s = 10;
    double message_timeout_s = 10;
    double close_timeout_s = 2;
    double user_timeout_s = 30;
    std::uint32_t upgrade_state_mib = 1024;
    std::uint32_t max_memory_mib = 0;  ///< 0: half of what the machine has
    std::uint32_t max_spectators = 1'000'000;
    std::uint32_t header_bytes = 8192;
    std::uint32_t json_bytes = 16384;
    std::uint32_t spectator_bytes = 1024;
    std::uint32_t json_per_second = 10;
    std::uint32_t json_depth = 64;
    std::uint32_t name_bytes = 64;
    std::uint32_t max_fragments = 1024;
    std::uint32_t outbox_bytes = 262144;
    std::uint32_t event_log_bytes = 262144;
    std::uint32_t properties_bytes = 65536;
    std::uint32_t max_properties = 256;
    std::uint32_t late_slots = 50;  ///< in 1000
    std::vector<std::string> admin_listen;
    std::string admin_token_file;
    bool admin_debug = false;
    // Whom to tell of matches and players.
    std::vector<std::string> webhook_url;
    std::string webhook_secret_file;
    std::string webhook_ca_file;
    double webhook_timeout_s = 5;
    std::uint32_t webhook_retries = 8;
    std::uint32_t webhook_queue = 10'000;
    std::string log_level = "info";
    std::string log_format = "auto";
    std::uint32_t log_lines = 10;
};

/// Of the settings that end in `_s`.
inline base::Duration to_duration(double seconds) noexcept {
    return base::Duration(static_cast<std::int64_t>(seconds * 1e9));
}

enum class SettingKind : std::uint8_t {
    value,
    list,  ///< may be given more than once
    flag,
};

/// Whether a reload puts a changed value into force.
enum class Applies : std::uint8_t {
    on_restart,
    at_once,
    to_new_matches,  ///< at once, for matches that open from then on
};

/// One line of the table. `set` checks and stores; its error is what is wrong with the value, without the
/// name.
struct Setting {
    std::string_view name;        ///< `log-level`: of the option --log-level
    std::string_view value_name;  ///< `N`, `SECONDS`, `PERCENT`, `MIB` and `PERMILLE` are numbers
    std::string_view help;        ///< one line, with the range
    SettingKind kind;
    tl::expected<void, std::string> (*set)(ServeConfig& config, const std::string& value);
    std::string_view section = "server";  ///< `log`: of the file
    std::string_view default_text = {};   ///< for people: ServeConfig holds the default itself
    Applies applies = Applies::on_restart;

    bool is_number() const noexcept {
        return value_name == "N" || value_name == "SECONDS" || value_name == "PERCENT" ||
               value_name == "MIB" || value_name == "PERMILLE";
    }
    /// In its section: `level`. A name that begins with its section loses it.
    std::string_view key() const noexcept {
        const bool has_prefix =
            name.size() > section.size() + 1 && name.starts_with(section) && name[section.size()] == '-';
        return has_prefix ? name.substr(section.size() + 1) : name;
    }
    /// `TICKWIRE_LOG_LEVEL`.
    std::string environment_name() const;
};

std::span<const Setting> settings() noexcept;

/// Whether the settings fit together; the error is one line.
tl::expected<void, std::string> check_config(const ServeConfig& config);

}  // namespace tickwire::service
