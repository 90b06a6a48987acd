#include "service/metrics.hpp"

#include <dirent.h>
#include <prometheus/text_serializer.h>
#include <sys/resource.h>
#include <unistd.h>

#include <array>
#include <fstream>
#include <sstream>
#include <string_view>
#include <utility>
#include <vector>

#include "service/incident_log.hpp"

namespace tickwire::service {
namespace {

using prometheus::ClientMetric;
using prometheus::MetricFamily;
using prometheus::MetricType;
using C = const shard::ShardCounters&;

constexpr double ns_per_s = 1e9;

/// One series for each shard; where `label` is given, several families' rows share a name.
struct Row {
    std::string_view name;
    std::string_view help;
    MetricType type;
    std::string_view label;
    std::string_view label_value;
    double (*value)(C);
};

double number(std::uint64_t value) {
    return static_cast<double>(value);
}

double proxy_errors(C counters, wire::ProxyError error) {
    return number(counters.sessions.proxy_errors[static_cast<std::size_t>(error)]);
}

constexpr auto counter = MetricType::Counter;
constexpr auto gauge = MetricType::Gauge;

// Rows of one name stand together.
constexpr std::array rows{
    Row{"tickwire_connections", "Connections open now.", gauge, "", "",
        [](C c) { return number(c.connections_open); }},
    Row{"tickwire_connections_accepted_total", "Connections accepted.", counter, "", "",
        [](C c) { return number(c.connections_accepted); }},
    Row{"tickwire_connections_refused_total", "Connections and matches over a limit, by the limit.",
        counter, "limit", "connections", [](C c) { return number(c.refused_connections); }},
    Row{"tickwire_connections_refused_total", "", counter, "limit", "memory",
        [](C c) { return number(c.refused_memory); }},
    Row{"tickwire_connections_refused_total", "", counter, "limit", "address_count",
        [](C c) { return number(c.refused_address_count); }},
    Row{"tickwire_connections_refused_total", "", counter, "limit", "address_rate",
        [](C c) { return number(c.refused_address_rate); }},
    Row{"tickwire_connections_refused_total", "", counter, "limit", "address_matches",
        [](C c) { return number(c.refused_address_matches); }},
    Row{"tickwire_connections_refused_total", "", counter, "limit", "handshakes",
        [](C c) { return number(c.refused_handshakes); }},
    Row{"tickwire_connections_refused_total", "", counter, "limit", "untrusted",
        [](C c) { return number(c.refused_untrusted); }},
    Row{"tickwire_connections_refused_total", "", counter, "limit", "matches",
        [](C c) { return number(c.refused_matches); }},
    Row{"tickwire_connections_refused_total", "", counter, "limit", "late",
        [](C c) { return number(c.refused_late); }},
    Row{"tickwire_connections_passed_on_total",
        "Connections accepted and given to a shard with fewer TLS handshakes in flight.", counter, "", "",
        [](C c) { return number(c.connections_passed_on); }},
    Row{"tickwire_connections_moved_total", "Connections handed to another shard, or taken from one.",
        counter, "direction", "out", [](C c) { return number(c.connections_moved_out); }},
    Row{"tickwire_connections_moved_total", "", counter, "direction", "in",
        [](C c) { return number(c.connections_moved_in); }},
    Row{"tickwire_matches", "Matches open now.", gauge, "", "", [](C c) { return number(c.matches_open); }},
    Row{"tickwire_matches_restored_total", "Matches of the process before that go on.", counter, "", "",
        [](C c) { return number(c.matches_restored); }},
    Row{"tickwire_players_restored_total", "Their players.", counter, "", "",
        [](C c) { return number(c.players_restored); }},
    Row{"tickwire_matches_not_restored_total", "Matches of the process before for which there was no room.",
        counter, "", "", [](C c) { return number(c.matches_not_restored); }},
    Row{"tickwire_matches_opened_total", "Matches opened.", counter, "", "",
        [](C c) { return number(c.matches_opened); }},
    Row{"tickwire_members", "Members in a match now.", gauge, "", "",
        [](C c) { return number(c.members); }},
    Row{"tickwire_proxy_headers_total", "PROXY headers on listeners for proxies, by what came of them.",
        counter, "result", "taken", [](C c) { return number(c.sessions.proxy_headers); }},
    Row{"tickwire_proxy_headers_total", "", counter, "result", "missing",
        [](C c) { return proxy_errors(c, wire::ProxyError::missing); }},
    Row{"tickwire_proxy_headers_total", "", counter, "result", "malformed",
        [](C c) { return proxy_errors(c, wire::ProxyError::malformed); }},
    Row{"tickwire_proxy_headers_total", "", counter, "result", "too_long",
        [](C c) { return proxy_errors(c, wire::ProxyError::too_long); }},
    Row{"tickwire_proxy_headers_total", "", counter, "result", "checksum",
        [](C c) { return proxy_errors(c, wire::ProxyError::checksum); }},
    Row{"tickwire_tls_handshakes_total", "TLS handshakes, by how they ended.", counter, "result", "full",
        [](C c) { return number(c.sessions.handshakes - c.sessions.handshakes_resumed); }},
    Row{"tickwire_tls_handshakes_total", "", counter, "result", "resumed",
        [](C c) { return number(c.sessions.handshakes_resumed); }},
    Row{"tickwire_tls_handshakes_total", "", counter, "result", "failed",
        [](C c) { return number(c.sessions.handshakes_failed); }},
    Row{"tickwire_upgrades_total", "Requests that became WebSockets.", counter, "", "",
        [](C c) { return number(c.sessions.upgrades); }},
    Row{"tickwire_received_bytes_total", "Bytes received, as plaintext.", counter, "", "",
        [](C c) { return number(c.sessions.bytes_received); }},
    Row{"tickwire_sent_bytes_total", "Bytes handed to the kernel.", counter, "", "",
        [](C c) { return number(c.sessions.bytes_sent); }},
    Row{"tickwire_received_messages_total", "WebSocket messages received.", counter, "", "",
        [](C c) { return number(c.sessions.messages_received); }},
    Row{"tickwire_sent_messages_total", "WebSocket messages handed to connections.", counter, "", "",
        [](C c) { return number(c.sessions.messages_queued + c.matches.shared_messages); }},
    Row{"tickwire_sends_total", "Sends handed to the kernel.", counter, "", "",
        [](C c) { return number(c.sessions.sends); }},
    Row{"tickwire_protocol_errors_total", "Connections closed for what their peer sent.", counter, "", "",
        [](C c) { return number(c.sessions.protocol_errors); }},
    Row{"tickwire_timeouts_total", "Connections ended for what did not come in time, by what it was.",
        counter, "awaited", "proxy", [](C c) { return number(c.sessions.timeouts_proxy); }},
    Row{"tickwire_timeouts_total", "", counter, "awaited", "tls",
        [](C c) { return number(c.sessions.timeouts_tls); }},
    Row{"tickwire_timeouts_total", "", counter, "awaited", "upgrade",
        [](C c) { return number(c.sessions.timeouts_upgrade); }},
    Row{"tickwire_timeouts_total", "", counter, "awaited", "join",
        [](C c) { return number(c.sessions.timeouts_join); }},
    Row{"tickwire_timeouts_total", "", counter, "awaited", "idle",
        [](C c) { return number(c.sessions.timeouts_idle); }},
    Row{"tickwire_timeouts_total", "", counter, "awaited", "message",
        [](C c) { return number(c.sessions.timeouts_message); }},
    Row{"tickwire_timeouts_total", "", counter, "awaited", "close",
        [](C c) { return number(c.sessions.timeouts_close); }},
    Row{"tickwire_timeouts_total", "", counter, "awaited", "receipt",
        [](C c) { return number(c.backend.user_timeouts); }},
    Row{"tickwire_origins_refused_total", "Upgrades refused for their Origin.", counter, "", "",
        [](C c) { return number(c.sessions.origins_refused); }},
    Row{"tickwire_tickets_refused_total", "Joins refused for their ticket.", counter, "", "",
        [](C c) { return number(c.tickets_refused); }},
    Row{"tickwire_ticks_total", "Ticks run, of all matches.", counter, "", "",
        [](C c) { return number(c.matches.ticks); }},
    Row{"tickwire_ticks_late_total", "Ticks later than a slot.", counter, "", "",
        [](C c) { return number(c.ticks_late); }},
    Row{"tickwire_ticks_late_by_others_total",
        "Ticks later than a slot only because other threads had the shard's CPU.", counter, "", "",
        [](C c) { return number(c.ticks_late_by_others); }},
    Row{"tickwire_ticks_left_out_total", "Tick numbers that a late relay left out.", counter, "", "",
        [](C c) { return number(c.matches.ticks_left_out); }},
    Row{"tickwire_tick_messages_total", "TICK messages handed to members, by kind.", counter, "kind",
        "delta", [](C c) { return number(c.matches.tick_messages - c.matches.keyframe_messages); }},
    Row{"tickwire_tick_messages_total", "", counter, "kind", "keyframe",
        [](C c) { return number(c.matches.keyframe_messages); }},
    Row{"tickwire_state_entries_total", "State entries encoded, by encoding.", counter, "encoding", "full",
        [](C c) { return number(c.matches.entries_full); }},
    Row{"tickwire_state_entries_total", "", counter, "encoding", "delta",
        [](C c) { return number(c.matches.entries_delta); }},
    Row{"tickwire_ticks_skipped_total", "Ticks withheld from a member, by reason.", counter, "reason",
        "busy", [](C c) { return number(c.matches.skipped_busy); }},
    Row{"tickwire_ticks_skipped_total", "", counter, "reason", "lagging",
        [](C c) { return number(c.matches.skipped_lagging); }},
    Row{"tickwire_ticks_skipped_total", "", counter, "reason", "no_memory",
        [](C c) { return number(c.matches.skipped_no_memory); }},
    Row{"tickwire_states_total", "States taken from players.", counter, "", "",
        [](C c) { return number(c.matches.states_taken); }},
    Row{"tickwire_events_total", "Events taken from players, by what became of them.", counter, "result",
        "taken", [](C c) { return number(c.matches.events_taken - c.matches.events_refused); }},
    Row{"tickwire_events_total", "", counter, "result", "refused",
        [](C c) { return number(c.matches.events_refused); }},
    Row{"tickwire_resumes_total", "Players that came back, by whether nothing was missing.", counter,
        "result", "recovered", [](C c) { return number(c.matches.resumes_recovered); }},
    Row{"tickwire_resumes_total", "", counter, "result", "afresh",
        [](C c) { return number(c.matches.resumes - c.matches.resumes_recovered); }},
    Row{"tickwire_away_timeouts_total", "Players that did not come back in time.", counter, "", "",
        [](C c) { return number(c.matches.away_timeouts); }},
    Row{"tickwire_host_changes_total", "Changes of a match's host.", counter, "", "",
        [](C c) { return number(c.matches.host_changes); }},
    Row{"tickwire_notices_lost_total", "Events for webhooks that were lost on their way from a shard.",
        counter, "", "", [](C c) { return number(c.notices_lost); }},
    Row{"tickwire_slots_total", "Slots run.", counter, "", "", [](C c) { return number(c.slots); }},
    Row{"tickwire_shard_cpu_seconds_total", "CPU time of the shard's thread.", counter, "", "",
        [](C c) { return number(c.busy_ns) / ns_per_s; }},
    Row{"tickwire_shard_cpu_wait_seconds_total",
        "Time in which the shard was ready and others had its CPU.", counter, "", "",
        [](C c) { return number(c.cpu_wait_ns) / ns_per_s; }},
    Row{"tickwire_memory_bytes",
        "Memory held for peers, by what holds it. Of TLS the sum over shards is meant: connections move.",
        gauge, "pool", "buffers", [](C c) { return number(c.pool_bytes); }},
    Row{"tickwire_memory_bytes", "", gauge, "pool", "tls",
        [](C c) { return static_cast<double>(static_cast<std::int64_t>(c.openssl_bytes)); }},
    Row{"tickwire_memory_bytes", "", gauge, "pool", "connections",
        [](C c) { return number(c.connection_bytes); }},
    Row{"tickwire_memory_bytes", "", gauge, "pool", "matches",
        [](C c) { return number(c.match_heap_bytes); }},
    Row{"tickwire_memory_bytes", "", gauge, "pool", "echo", [](C c) { return number(c.echo_bytes); }},
    Row{"tickwire_outbox_bytes", "Bytes that wait for connections whose last send is not over.", gauge, "",
        "", [](C c) { return number(c.outbox_bytes); }},
    Row{"tickwire_outbox_largest_bytes", "Of these, the bytes of the connection that has most.", gauge, "",
        "", [](C c) { return number(c.outbox_bytes_max); }},
    Row{"tickwire_ring_enters_total", "System calls of the shard's ring.", counter, "", "",
        [](C c) { return number(c.backend.enters); }},
    Row{"tickwire_ring_buffer_shortages_total", "Receives that met an empty buffer ring.", counter, "", "",
        [](C c) { return number(c.backend.buffer_shortages); }},
    Row{"tickwire_ring_completion_overflows_total", "Times that the completion queue overflowed.", counter,
        "", "", [](C c) { return number(c.backend.completion_overflows); }},
    Row{"tickwire_accepts_failed_total", "Accepts that failed: open files have run out, for example.",
        counter, "", "", [](C c) { return number(c.backend.accepts_failed); }},
};

struct HistogramRow {
    std::string_view name;
    std::string_view help;
    const base::LatencyHistogram& (*value)(C);
};

constexpr std::array histograms{
    HistogramRow{"tickwire_tick_lateness_seconds", "How long after its due time a tick ran.",
                 [](C c) -> const base::LatencyHistogram& { return c.tick_lateness; }},
    HistogramRow{"tickwire_slot_duration_seconds", "From a shard's waking to its sleeping.",
                 [](C c) -> const base::LatencyHistogram& { return c.slot_time; }},
    HistogramRow{"tickwire_state_age_seconds",
                 "From a tick's sending to the member's report that it was received.",
                 [](C c) -> const base::LatencyHistogram& { return c.matches.state_age; }},
    HistogramRow{"tickwire_tls_handshake_seconds", "From accepting to the end of the TLS handshake.",
                 [](C c) -> const base::LatencyHistogram& { return c.sessions.handshake_time; }},
};

class Families {
  public:
    MetricFamily& family(std::string_view name, std::string_view help, MetricType type) {
        if (families_.empty() || families_.back().name != name) {
            families_.push_back({std::string(name), std::string(help), type, {}});
        }
        return families_.back();
    }
    void add(MetricFamily& to, std::vector<ClientMetric::Label> labels, double value) {
        ClientMetric metric;
        metric.label = std::move(labels);
        metric.counter.value = value;
        metric.gauge.value = value;
        to.metric.push_back(std::move(metric));
    }
    void add(std::string_view name, std::string_view help, MetricType type, double value) {
        add(family(name, help, type), {}, value);
    }
    std::string text() const {
        std::ostringstream out;
        prometheus::TextSerializer().Serialize(out, families_);
        return out.str();
    }

  private:
    std::vector<MetricFamily> families_;
};

/// Bucket k holds what is below 2^k us; the last one's bound is +Inf, which the serializer adds.
ClientMetric::Histogram as_prometheus(const base::LatencyHistogram& histogram) {
    ClientMetric::Histogram out;
    for (std::size_t index = 0; index < base::LatencyHistogram::bucket_count; ++index) {
        out.sample_count += histogram.buckets[index];
        if (index + 1 < base::LatencyHistogram::bucket_count) {
            out.bucket.push_back({out.sample_count, static_cast<double>(std::uint64_t{1} << index) * 1e-6});
        }
    }
    out.sample_sum = number(histogram.sum_ns) / ns_per_s;
    return out;
}

std::uint64_t open_file_count() {
    DIR* const folder = ::opendir("/proc/self/fd");
    if (folder == nullptr) {
        return 0;
    }
    std::uint64_t count = 0;
    while (::readdir(folder) != nullptr) {
        ++count;
    }
    ::closedir(folder);
    return count > 3 ? count - 3 : 0;  // `.`, `..` and the folder itself
}

void add_process(Families& families) {
    rusage usage{};
    ::getrusage(RUSAGE_SELF, &usage);
    const auto seconds = [](const timeval& time) {
        return static_cast<double>(time.tv_sec) + static_cast<double>(time.tv_usec) * 1e-6;
    };
    families.add("process_cpu_seconds_total", "CPU time of the process.", counter,
                 seconds(usage.ru_utime) + seconds(usage.ru_stime));
    std::uint64_t pages = 0;
    std::uint64_t resident = 0;
    std::ifstream("/proc/self/statm") >> pages >> resident;
    families.add("process_resident_memory_bytes", "Memory of the process in use.", gauge,
                 number(resident) * static_cast<double>(::sysconf(_SC_PAGESIZE)));
    rlimit files{};
    ::getrlimit(RLIMIT_NOFILE, &files);
    families.add("process_open_fds", "Open files.", gauge, number(open_file_count()));
    families.add("process_max_fds", "Limit on open files.", gauge, number(files.rlim_cur));
}

/// By the place of the receiver in the settings.
void add_webhooks(Families& families, const std::vector<Webhooks::Report>& reports) {
    const auto add = [&](std::string_view name, std::string_view help, MetricType type,
                         std::uint64_t Webhooks::Report::*value, const char* result) {
        MetricFamily& family = families.family(name, help, type);
        for (std::size_t index = 0; index < reports.size(); ++index) {
            std::vector<ClientMetric::Label> labels{{"receiver", std::to_string(index)}};
            if (result != nullptr) {
                labels.push_back({"result", result});
            }
            families.add(family, std::move(labels), number(reports[index].*value));
        }
    };
    using Report = Webhooks::Report;
    constexpr std::string_view events = "tickwire_webhook_events_total";
    add(events, "Events for webhooks, by what came of them.", counter, &Report::sent, "sent");
    add(events, "", counter, &Report::failed, "failed");
    add(events, "", counter, &Report::dropped, "dropped");
    add("tickwire_webhook_attempts_failed_total", "POSTs that were not answered with 2xx.", counter,
        &Report::attempts_failed, nullptr);
    add("tickwire_webhook_queue_events", "Events that wait for a receiver.", gauge, &Report::waiting,
        nullptr);
}

void add_admin(Families& families, const HttpServer::Counters& counters) {
    MetricFamily& family = families.family(
        "tickwire_admin_limits_total",
        "Times that the admin interface's limits were met: requests refused or given up as malformed, "
        "too_large or too_slow, and its last place taken (full).",
        counter);
    families.add(family, {{"limit", "malformed"}}, number(counters.malformed));
    families.add(family, {{"limit", "too_large"}}, number(counters.too_large));
    families.add(family, {{"limit", "too_slow"}}, number(counters.too_slow));
    families.add(family, {{"limit", "full"}}, number(counters.full));
}

/// Values by a code: the last one of `values` is for all others.
template <typename Codes, typename Values>
void add_codes(Families& families, MetricFamily& family, const ClientMetric::Label& shard,
               const char* label, const Codes& codes, const Values& values) {
    for (std::size_t index = 0; index < values.size(); ++index) {
        const std::string code = index < codes.size() ? std::to_string(codes[index]) : "other";
        families.add(family, {shard, {label, code}}, number(values[index]));
    }
}

}  // namespace

std::string metrics_text(const Shards& shards, std::uint32_t connection_count_max, const Webhooks* webhooks,
                         const HttpServer::Counters& admin) {
    std::vector<shard::ShardCounters> counters;
    for (std::uint32_t index = 0; index < shards.count(); ++index) {
        counters.push_back(shards.counters(index));
    }
    const auto label_of = [](std::size_t index) {
        return ClientMetric::Label{"shard", std::to_string(index)};
    };
    Families families;
    for (const Row& row : rows) {
        MetricFamily& family = families.family(row.name, row.help, row.type);
        for (std::size_t index = 0; index < counters.size(); ++index) {
            std::vector<ClientMetric::Label> labels{label_of(index)};
            if (!row.label.empty()) {
                labels.push_back({std::string(row.label), std::string(row.label_value)});
            }
            families.add(family, std::move(labels), row.value(counters[index]));
        }
    }
    MetricFamily& closes =
        families.family("tickwire_closes_total", "Connections closed, by close code.", counter);
    for (std::size_t index = 0; index < counters.size(); ++index) {
        add_codes(families, closes, label_of(index), "code", session::counted_close_codes,
                  counters[index].sessions.closes);
    }
    MetricFamily& refusals =
        families.family("tickwire_requests_refused_total", "HTTP requests refused, by status.", counter);
    for (std::size_t index = 0; index < counters.size(); ++index) {
        add_codes(families, refusals, label_of(index), "status", session::counted_refusals,
                  counters[index].sessions.refusals);
    }
    MetricFamily& errors = families.family(
        "tickwire_errors_total",
        "Requests and events of members that were answered with an error, by its code.", counter);
    for (std::size_t index = 0; index < counters.size(); ++index) {
        for (std::size_t code = 0; code < wire::control_error_count; ++code) {
            families.add(errors,
                         {label_of(index),
                          {"error", std::string(name_of(static_cast<wire::ControlErrorCode>(code)))}},
                         number(counters[index].matches.errors[code]));
        }
    }
    MetricFamily& left_out = families.family("tickwire_log_lines_left_out_total",
                                             "Lines that were not logged (log-lines), by cause.", counter);
    for (std::size_t index = 0; index < counters.size(); ++index) {
        for (std::size_t cause = 0; cause < shard::cause_count; ++cause) {
            families.add(
                left_out,
                {label_of(index), {"cause", std::string(name_of(static_cast<shard::Cause>(cause)))}},
                number(counters[index].incidents_untold[cause]));
        }
    }
    for (const HistogramRow& row : histograms) {
        MetricFamily& family = families.family(row.name, row.help, MetricType::Histogram);
        for (std::size_t index = 0; index < counters.size(); ++index) {
            ClientMetric metric;
            metric.label = {label_of(index)};
            metric.histogram = as_prometheus(row.value(counters[index]));
            family.metric.push_back(std::move(metric));
        }
    }
    MetricFamily& load =
        families.family("tickwire_shard_load_ratio", "Share of its time that a shard is busy.", gauge);
    for (std::uint32_t index = 0; index < shards.count(); ++index) {
        families.add(load, {label_of(index)}, number(shards.directory().load_permille(index)) / 1000);
    }
    families.add("tickwire_connections_max", "Limit on connections.", gauge, number(connection_count_max));
    families.add("tickwire_memory_max_bytes", "Limit on the sum of tickwire_memory_bytes (max-memory).",
                 gauge, number(shards.directory().memory_max()));
    families.add("tickwire_used_tickets",
                 "Used tickets of single use that are remembered (max-used-tickets).", gauge,
                 number(shards.directory().used_ticket_count()));
    families.add("tickwire_draining", "1 while the relay drains.", gauge,
                 shards.directory().is_draining() ? 1 : 0);
    if (webhooks != nullptr) {
        add_webhooks(families, webhooks->reports());
    }
    add_admin(families, admin);
    add_process(families);
    return families.text();
}

}  // namespace tickwire::service
