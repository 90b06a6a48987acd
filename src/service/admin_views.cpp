#include "service/admin_views.hpp"

#include <algorithm>
#include <optional>
#include <vector>

#include "service/operations.hpp"
#include "service/shards.hpp"
#include "wire/json_writer.hpp"

namespace tickwire::service {
namespace {

using wire::JsonObject;

std::uint64_t microseconds(base::Duration duration) {
    return static_cast<std::uint64_t>(std::max<std::int64_t>(duration.count(), 0) / 1000);
}

}  // namespace

std::string matches_as_json(Shards& shards) {
    std::string json = "{\"matches\":[";
    bool is_first = true;
    bool is_complete = true;
    for (std::uint32_t index = 0; index < shards.count(); ++index) {
        const auto matches =
            shards.ask(index, [](shard::Control& control) { return control.list_matches(); });
        is_complete = is_complete && matches.has_value();
        for (const shard::MatchSummary& match : matches.value_or(std::vector<shard::MatchSummary>{})) {
            json += is_first ? "" : ",";
            is_first = false;
            JsonObject object(json);
            object.text("match", match.name);
            object.number("shard", index);
            object.number("players", match.players);
            object.number("spectators", match.spectators);
            object.number("tick", match.tick);
            object.flag("held", match.is_held);
        }
    }
    json += "],\"complete\":";
    return json + (is_complete ? "true}" : "false}");
}

std::string match_as_json(std::string_view name, std::uint32_t shard, const shard::MatchDetails& details) {
    std::string json;
    {
        JsonObject object(json);
        const match::MatchReport& report = details.report;
        object.text("match", name);
        object.number("shard", shard);
        object.number("tick", report.tick);
        object.number("event", report.event);
        object.number_or_null("host",
                              report.host ? std::optional<std::uint64_t>(*report.host) : std::nullopt);
        object.flag("locked", report.is_locked);
        object.number("properties_version", report.properties_version);
        std::string& members = object.key("members");
        members += '[';
        for (std::size_t index = 0; index < report.members.size(); ++index) {
            const match::MemberReport& member = report.members[index];
            members += index == 0 ? "" : ",";
            JsonObject one(members);
            one.number("player", member.player);
            one.text("role", member.is_spectator ? "spectator" : member.is_plain ? "plain" : "player");
            one.text("name", member.name);
            one.flag("away", member.is_away);
            if (member.is_away) {
                continue;
            }
            one.number_or_null("round_trip_us", member.round_trip ? std::optional<std::uint64_t>(
                                                                        microseconds(*member.round_trip))
                                                                  : std::nullopt);
            one.number("age_us", microseconds(member.age));
            one.number("divisor", member.divisor);
            one.flag("slow", member.is_slow);
            one.flag("visible", member.is_visible);
            const shard::MemberTraffic& traffic = details.traffic[index];
            one.text("address", traffic.peer.text());
            one.flag("tls", traffic.is_tls);
            one.number("received_bytes", traffic.bytes_received);
            one.number("sent_bytes", traffic.bytes_sent);
            one.number("queued_bytes", traffic.bytes_queued);
            one.number("held_bytes", traffic.bytes_held);
        }
        members += ']';
    }
    return json;
}

std::string slots_as_json(std::uint32_t shard, const shard::SlotLog& log) {
    std::string json = "{\"shard\":" + std::to_string(shard) + ",\"slots\":[";
    bool is_first = true;
    for (std::size_t step = 0; step < log.slots.size(); ++step) {
        const shard::SlotRecord& slot = log.slots[(log.next + step) % log.slots.size()];
        if (slot.woke == base::Time{}) {
            continue;
        }
        json += is_first ? "" : ",";
        is_first = false;
        JsonObject object(json);
        object.number("woke_us", microseconds(slot.woke.time_since_epoch()));
        object.number("busy_us", slot.busy_us);
        object.number("receives", slot.receives);
        object.number("sends", slot.sends);
        object.number("ticks", slot.ticks);
        object.number("lateness_us", slot.lateness_max_us);
    }
    return json + "]}";
}

std::string status_as_json(Operations& operations) {
    Shards& shards = operations.shards();
    std::string json;
    {
        JsonObject object(json);
        object.flag("draining", shards.directory().is_draining());
        object.number("connections", shards.directory().connection_count());
        object.number("connections_max", operations.connection_count_max());
        std::string& list = object.key("shards");
        list += '[';
        for (std::uint32_t index = 0; index < shards.count(); ++index) {
            const shard::ShardCounters counters = shards.counters(index);
            list += index == 0 ? "" : ",";
            JsonObject one(list);
            one.number("load_permille", shards.directory().load_permille(index));
            one.number("connections", counters.connections_open);
            one.number("members", counters.members);
            one.number("matches", counters.matches_open);
            one.number("slots", counters.slots);
            one.number("ticks", counters.matches.ticks);
            one.number("ticks_late", counters.ticks_late);
            one.number("received_bytes", counters.sessions.bytes_received);
            one.number("sent_bytes", counters.sessions.bytes_sent);
            one.number("skipped", counters.matches.skipped_busy + counters.matches.skipped_lagging +
                                      counters.matches.skipped_no_memory);
            one.number("pool_bytes", counters.pool_bytes);
            const auto buckets = [&one](std::string_view name, const base::LatencyHistogram& histogram) {
                std::string& text = one.key(name);
                for (std::size_t bucket = 0; bucket < histogram.buckets.size(); ++bucket) {
                    text += (bucket == 0 ? "[" : ",") + std::to_string(histogram.buckets[bucket]);
                }
                text += ']';
            };
            buckets("lateness", counters.tick_lateness);
            buckets("age", counters.matches.state_age);
            buckets("slot", counters.slot_time);
        }
        list += ']';
    }
    return json;
}

}  // namespace tickwire::service
