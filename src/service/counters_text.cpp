#include "service/counters_text.hpp"

#include <array>
#include <cstdint>
#include <numeric>
#include <string_view>

namespace tickwire::service {
namespace {

struct NamedCounter {
    std::string_view name;
    std::uint64_t (*value)(const shard::ShardCounters&);
};

using C = const shard::ShardCounters&;

std::uint64_t proxy_errors(C counters, wire::ProxyError error) {
    return counters.sessions.proxy_errors[static_cast<std::size_t>(error)];
}

constexpr std::array counters_by_name{
    NamedCounter{"bytes_received", [](C c) { return c.sessions.bytes_received; }},
    NamedCounter{"bytes_sent", [](C c) { return c.sessions.bytes_sent; }},
    NamedCounter{"messages_received", [](C c) { return c.sessions.messages_received; }},
    NamedCounter{"sends", [](C c) { return c.sessions.sends; }},
    NamedCounter{"proxy_headers", [](C c) { return c.sessions.proxy_headers; }},
    NamedCounter{"proxy_headers_missing", [](C c) { return proxy_errors(c, wire::ProxyError::missing); }},
    NamedCounter{"proxy_headers_malformed",
                 [](C c) { return proxy_errors(c, wire::ProxyError::malformed); }},
    NamedCounter{"proxy_headers_too_long", [](C c) { return proxy_errors(c, wire::ProxyError::too_long); }},
    NamedCounter{"proxy_headers_checksum", [](C c) { return proxy_errors(c, wire::ProxyError::checksum); }},
    NamedCounter{"handshakes", [](C c) { return c.sessions.handshakes; }},
    NamedCounter{"handshakes_failed", [](C c) { return c.sessions.handshakes_failed; }},
    NamedCounter{"handshakes_resumed", [](C c) { return c.sessions.handshakes_resumed; }},
    NamedCounter{"upgrades", [](C c) { return c.sessions.upgrades; }},
    NamedCounter{"requests_refused", [](C c) { return c.sessions.requests_refused; }},
    NamedCounter{"protocol_errors", [](C c) { return c.sessions.protocol_errors; }},
    NamedCounter{"origins_refused", [](C c) { return c.sessions.origins_refused; }},
    NamedCounter{"timeouts_proxy", [](C c) { return c.sessions.timeouts_proxy; }},
    NamedCounter{"timeouts_tls", [](C c) { return c.sessions.timeouts_tls; }},
    NamedCounter{"timeouts_upgrade", [](C c) { return c.sessions.timeouts_upgrade; }},
    NamedCounter{"timeouts_join", [](C c) { return c.sessions.timeouts_join; }},
    NamedCounter{"timeouts_idle", [](C c) { return c.sessions.timeouts_idle; }},
    NamedCounter{"timeouts_message", [](C c) { return c.sessions.timeouts_message; }},
    NamedCounter{"timeouts_close", [](C c) { return c.sessions.timeouts_close; }},
    NamedCounter{"timeouts_user", [](C c) { return c.backend.user_timeouts; }},
    NamedCounter{"over_message_rate", [](C c) { return c.sessions.over_message_rate; }},
    NamedCounter{"over_byte_rate", [](C c) { return c.sessions.over_byte_rate; }},
    NamedCounter{"over_json_rate", [](C c) { return c.sessions.over_json_rate; }},
    NamedCounter{"over_outbox", [](C c) { return c.sessions.over_outbox; }},
    NamedCounter{"over_size", [](C c) { return c.sessions.over_size; }},
    NamedCounter{"ticks", [](C c) { return c.matches.ticks; }},
    NamedCounter{"ticks_left_out", [](C c) { return c.matches.ticks_left_out; }},
    NamedCounter{"tick_messages", [](C c) { return c.matches.tick_messages; }},
    NamedCounter{"keyframe_messages", [](C c) { return c.matches.keyframe_messages; }},
    NamedCounter{"entries_full", [](C c) { return c.matches.entries_full; }},
    NamedCounter{"entries_delta", [](C c) { return c.matches.entries_delta; }},
    NamedCounter{"skipped_busy", [](C c) { return c.matches.skipped_busy; }},
    NamedCounter{"skipped_lagging", [](C c) { return c.matches.skipped_lagging; }},
    NamedCounter{"skipped_no_memory", [](C c) { return c.matches.skipped_no_memory; }},
    NamedCounter{"states_taken", [](C c) { return c.matches.states_taken; }},
    NamedCounter{"events_taken", [](C c) { return c.matches.events_taken; }},
    NamedCounter{"events_refused", [](C c) { return c.matches.events_refused; }},
    NamedCounter{"errors",
                 [](C c) {
                     return std::accumulate(c.matches.errors.begin(), c.matches.errors.end(),
                                            std::uint64_t{0});
                 }},
    NamedCounter{"resumes", [](C c) { return c.matches.resumes; }},
    NamedCounter{"resumes_recovered", [](C c) { return c.matches.resumes_recovered; }},
    NamedCounter{"away_timeouts", [](C c) { return c.matches.away_timeouts; }},
    NamedCounter{"host_changes", [](C c) { return c.matches.host_changes; }},
    NamedCounter{"ring_enters", [](C c) { return c.backend.enters; }},
    NamedCounter{"ring_completions", [](C c) { return c.backend.completions; }},
    NamedCounter{"ring_buffer_shortages", [](C c) { return c.backend.buffer_shortages; }},
    NamedCounter{"ring_completion_overflows", [](C c) { return c.backend.completion_overflows; }},
    NamedCounter{"ring_sends", [](C c) { return c.backend.sends; }},
    NamedCounter{"ring_receives", [](C c) { return c.backend.receives; }},
    NamedCounter{"ring_accepts_failed", [](C c) { return c.backend.accepts_failed; }},
    NamedCounter{"connections_accepted", [](C c) { return c.connections_accepted; }},
    NamedCounter{"connections_refused", [](C c) { return c.connections_refused; }},
    NamedCounter{"refused_connections", [](C c) { return c.refused_connections; }},
    NamedCounter{"refused_memory", [](C c) { return c.refused_memory; }},
    NamedCounter{"refused_address_count", [](C c) { return c.refused_address_count; }},
    NamedCounter{"refused_address_rate", [](C c) { return c.refused_address_rate; }},
    NamedCounter{"refused_address_matches", [](C c) { return c.refused_address_matches; }},
    NamedCounter{"refused_handshakes", [](C c) { return c.refused_handshakes; }},
    NamedCounter{"refused_untrusted", [](C c) { return c.refused_untrusted; }},
    NamedCounter{"refused_matches", [](C c) { return c.refused_matches; }},
    NamedCounter{"refused_late", [](C c) { return c.refused_late; }},
    NamedCounter{"tickets_accepted", [](C c) { return c.tickets_accepted; }},
    NamedCounter{"tickets_refused", [](C c) { return c.tickets_refused; }},
    NamedCounter{"ticket_key_changes", [](C c) { return c.ticket_key_changes; }},
    NamedCounter{"newcomers_deferred", [](C c) { return c.newcomers_deferred; }},
    NamedCounter{"leavers_deferred", [](C c) { return c.leavers_deferred; }},
    NamedCounter{"newcomer_ns", [](C c) { return c.newcomer_ns; }},
    NamedCounter{"handshakes_in_flight", [](C c) { return c.handshakes_in_flight; }},
    NamedCounter{"pressure_level", [](C c) { return c.pressure_level; }},
    NamedCounter{"connections_passed_on", [](C c) { return c.connections_passed_on; }},
    NamedCounter{"connections_moved_out", [](C c) { return c.connections_moved_out; }},
    NamedCounter{"connections_moved_in", [](C c) { return c.connections_moved_in; }},
    NamedCounter{"connections_open", [](C c) { return c.connections_open; }},
    NamedCounter{"matches_open", [](C c) { return c.matches_open; }},
    NamedCounter{"matches_restored", [](C c) { return c.matches_restored; }},
    NamedCounter{"players_restored", [](C c) { return c.players_restored; }},
    NamedCounter{"matches_not_restored", [](C c) { return c.matches_not_restored; }},
    NamedCounter{"matches_opened", [](C c) { return c.matches_opened; }},
    NamedCounter{"members", [](C c) { return c.members; }},
    NamedCounter{"slots", [](C c) { return c.slots; }},
    NamedCounter{"busy_ns", [](C c) { return c.busy_ns; }},
    NamedCounter{"cpu_wait_ns", [](C c) { return c.cpu_wait_ns; }},
    NamedCounter{"ticks_late", [](C c) { return c.ticks_late; }},
    NamedCounter{"ticks_late_by_others", [](C c) { return c.ticks_late_by_others; }},
    NamedCounter{"pool_bytes", [](C c) { return c.pool_bytes; }},
    NamedCounter{"tls_mallocs", [](C c) { return c.tls_mallocs; }},
    NamedCounter{"pool_bytes_touched", [](C c) { return c.pool_bytes_touched; }},
};

/// Of these only the sum over all shards means something: one may be below zero.
constexpr std::array signed_by_name{
    NamedCounter{"openssl_bytes", [](C c) { return c.openssl_bytes; }},
    NamedCounter{"memory_bytes", [](C c) { return c.memory_bytes; }},
};

}  // namespace

std::string counters_as_json(std::uint32_t shard, const shard::ShardCounters& counters) {
    std::string text = "{\"shard\":" + std::to_string(shard);
    for (const NamedCounter& counter : counters_by_name) {
        text += ",\"";
        text += counter.name;
        text += "\":" + std::to_string(counter.value(counters));
    }
    for (const NamedCounter& counter : signed_by_name) {
        text += ",\"";
        text += counter.name;
        text += "\":" + std::to_string(static_cast<std::int64_t>(counter.value(counters)));
    }
    text += ",\"tick_lateness_max_ns\":" + std::to_string(counters.tick_lateness.max_ns);
    text += ",\"tick_lateness_below_us\":{";
    for (std::size_t bucket = 0; bucket < base::LatencyHistogram::bucket_count; ++bucket) {
        text += (bucket == 0 ? "\"" : ",\"") + std::to_string(std::uint64_t{1} << bucket) +
                "\":" + std::to_string(counters.tick_lateness.buckets[bucket]);
    }
    text += "},\"closes\":{";
    for (std::size_t index = 0; index < session::counted_close_codes.size(); ++index) {
        text += (index == 0 ? "\"" : ",\"") + std::to_string(session::counted_close_codes[index]) +
                "\":" + std::to_string(counters.sessions.closes[index]);
    }
    return text + ",\"other\":" + std::to_string(counters.sessions.closes.back()) + "}}";
}

}  // namespace tickwire::service
