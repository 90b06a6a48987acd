#include "service/layer_options.hpp"

#include <sys/sysinfo.h>

#include <algorithm>
#include <chrono>
#include <utility>

#include "service/demo_pages.hpp"

namespace tickwire::service {
namespace {

void set_session_admission(const ServeConfig& config, session::SessionOptions& options) {
    for (const std::string& origin : config.origins) {
        options.origins.allowed.push_back(*session::OriginPattern::parse(origin));
    }
    options.origins.is_required = config.origin_required;
    options.tls_timeout = to_duration(config.tls_timeout_s);
    options.upgrade_timeout = to_duration(config.upgrade_timeout_s);
    options.message_timeout = to_duration(config.message_timeout_s);
    options.close_timeout = to_duration(config.close_timeout_s);
    options.head_size_max = config.header_bytes;
    options.fragment_count_max = config.max_fragments;
    options.outbox_size_max = config.outbox_bytes;
    options.json = {config.name_bytes, config.json_depth};
}

wire::Limits spectator_limits(wire::Limits limits, std::uint32_t message_bytes) noexcept {
    limits.state_bytes = std::min(limits.state_bytes, message_bytes);
    limits.event_bytes = std::min(limits.event_bytes, message_bytes);
    limits.json_bytes = std::min(limits.json_bytes, message_bytes);
    return limits;
}

void set_match_bounds(const ServeConfig& config, match::MatchOptions& options) {
    options.outbox_size_max = config.outbox_bytes;
    options.spectator_count_max = config.max_spectators;
    options.event_log_size = config.event_log_bytes;
    options.properties_size_max = config.properties_bytes;
    options.properties_count_max = config.max_properties;
}

shard::AdmissionOptions admission(const ServeConfig& config) {
    shard::AdmissionOptions options;
    for (const std::string& range : config.trusted_proxies) {
        if (range == "unix") {
            options.addresses.is_unix_trusted = true;
        } else {
            options.addresses.trusted_proxies.push_back(*base::AddressRange::parse(range));
        }
    }
    options.addresses.is_loopback_limited = config.limit_loopback;
    options.handshake_count_max = config.max_handshakes;
    options.newcomer_share_permille = config.newcomer_share * 10;
    options.pressure.late_permille = config.late_slots;
    return options;
}

}  // namespace

shard::DirectoryLimits directory_limits(const ServeConfig& config, std::uint32_t connection_count_max) {
    shard::DirectoryLimits limits;
    limits.connection_count_max = connection_count_max;
    limits.match_count_max = config.max_matches;
    limits.address = {config.max_connections_per_address, config.connects_per_address};
    limits.matches_per_address_max = config.max_matches_per_address;
    limits.used_ticket_count_max = config.max_used_tickets;
    limits.memory_max = std::uint64_t{config.max_memory_mib} << 20U;
    if (limits.memory_max == 0) {
        struct sysinfo machine {};
        ::sysinfo(&machine);
        limits.memory_max = std::uint64_t{machine.totalram} * machine.mem_unit / 2;
    }
    return limits;
}

shard::LiveSettings live_settings(const ServeConfig& config, std::shared_ptr<tls::TlsContext> tls_context,
                                  std::shared_ptr<const ticket::KeySet> ticket_keys) {
    shard::LiveSettings options;
    options.match.tick_hz = config.tick_hz;
    options.match.player_count_max = config.max_players;
    options.match.resume_window = to_duration(config.resume_window_s);
    options.match.limits.state_bytes = config.state_bytes;
    options.match.limits.event_bytes = config.event_bytes;
    options.match.limits.messages_per_second = config.messages_per_second;
    options.match.limits.bytes_per_second = config.bytes_per_second;
    options.match.limits.json_bytes = config.json_bytes;
    options.match.limits.json_per_second = config.json_per_second;
    options.match.spectator_limits = spectator_limits(options.match.limits, config.spectator_bytes);
    options.session.limits = options.match.limits;
    options.session.spectator_limits = options.match.spectator_limits;
    options.session.idle_timeout = to_duration(config.idle_timeout_s);
    options.session.join_timeout = to_duration(config.join_timeout_s);
    options.session.is_echo_on = config.echo;
    set_session_admission(config, options.session);
    set_match_bounds(config, options.match);
    if (config.demo) {
        options.find_page = &find_demo_page;
    }
    options.admission = admission(config);
    options.tls_context = std::move(tls_context);
    options.ticket_keys = std::move(ticket_keys);
    options.log_lines = config.log_lines;
    return options;
}

shard::ShardOptions shard_options(const ServeConfig& config, const shard::LiveSettings& live,
                                  std::uint32_t connection_count_max) {
    shard::ShardOptions options;
    options.match = live.match;
    options.session = live.session;
    options.admission = live.admission;
    options.find_page = live.find_page;
    options.log_lines = live.log_lines;
    options.connection_count_max = connection_count_max;
    options.match_count_max = config.max_matches;
    options.slot_max = std::chrono::microseconds(config.slot_us);
    return options;
}

}  // namespace tickwire::service
