#include "swarm/report.hpp"

#include <algorithm>
#include <cstdarg>
#include <cstdio>

#include "wire/json_writer.hpp"

namespace tickwire::swarm {
namespace {

constexpr double cpu_share_max = 0.85;
/// Sends that were late, of all: a slot or two happen on any machine.
constexpr double late_share_max = 0.01;

[[gnu::format(printf, 1, 2)]] std::string format(const char* pattern, ...) {
    char text[512];
    va_list arguments;
    va_start(arguments, pattern);
    std::vsnprintf(text, sizeof text, pattern, arguments);
    va_end(arguments);
    return text;
}

using wire::JsonObject;

void put(JsonObject& object, std::string_view name, double value) {
    object.json(name, format("%.4f", value));
}

void put(JsonObject& object, std::string_view name, const Histogram& histogram) {
    JsonObject inner(object.key(name));
    inner.number("count", histogram.count());
    put(inner, "p50", histogram.percentile_ms(0.5));
    put(inner, "p90", histogram.percentile_ms(0.9));
    put(inner, "p99", histogram.percentile_ms(0.99));
    put(inner, "p999", histogram.percentile_ms(0.999));
    put(inner, "max", histogram.max_ms());
    // The whole distribution, for plots: what 0, 2.5, 5, … 100 % do not pass.
    std::string quantiles;
    for (int step = 0; step <= 40; ++step) {
        quantiles += format(step == 0 ? "[%.3f" : ",%.3f", histogram.percentile_ms(step / 40.0));
    }
    inner.json("quantiles", quantiles + "]");
}

std::string line(const char* name, const Histogram& histogram) {
    return format("  %-22s p50 %7.2f   p90 %7.2f   p99 %7.2f   p99.9 %7.2f   max %7.2f ms\n", name,
                  histogram.percentile_ms(0.5), histogram.percentile_ms(0.9), histogram.percentile_ms(0.99),
                  histogram.percentile_ms(0.999), histogram.max_ms());
}

std::string_view name_of(Protocol protocol) {
    switch (protocol) {
        case Protocol::game:
            return "game";
        case Protocol::neutral:
            return "neutral";
        case Protocol::socket_io:
            return "socket-io";
        case Protocol::colyseus:
            return "colyseus";
        case Protocol::bare:
            return "bare";
    }
    return "";
}

unsigned long long wide(std::uint64_t value) {
    return value;
}

}  // namespace

bool Report::is_ok() const noexcept {
    return std::all_of(checks.begin(), checks.end(), [](const Check& check) { return check.is_ok; });
}

bool Report::is_bottleneck() const noexcept {
    return cpu_share() > cpu_share_max ||
           static_cast<double>(sends_late) > late_share_max * static_cast<double>(seen.states_sent);
}

std::string as_json(const Report& report) {
    const SwarmOptions& options = report.options;
    const Observations& seen = report.seen;
    std::string text;
    {
        JsonObject object(text);
        object.text("url", options.url);
        object.text("protocol", name_of(options.protocol));
        object.number("matches", options.match_count);
        object.number("players", options.player_count);
        object.number("spectators", options.spectator_count);
        object.number("hz", options.movement.hz);
        object.number("bytes", options.state_size);
        object.text("content", options.movement.content == Content::random ? "random" : "movement");
        object.number("seed", options.movement.seed);
        object.flag("phase_lock", options.phases == Phases::locked);
        object.number("joined", report.joined_count);
        put(object, "joining_s", report.joining_s);
        put(object, "measured_s", report.measured_s);
        put(object, "settled_s", report.settled_s);
        {
            JsonObject states(object.key("states"));
            states.number("sent", seen.states_sent);
            states.number("blocked", seen.states_blocked);
            states.number("delivered", seen.states_delivered);
            states.number("superseded", seen.states_superseded);
            states.number("lost", seen.states_lost);
            states.number("late", seen.states_late);
            states.number("wrong", seen.states_wrong);
        }
        put(object, "age_ms", seen.age);
        put(object, "own_age_ms", seen.own_age);
        put(object, "pong_ms", seen.pong);
        put(object, "send_lateness_ms", seen.send_lateness);
        object.number("frames", seen.frames);
        object.number("bytes_received", seen.bytes_received);
        object.number("bytes_sent", seen.bytes_sent);
        {
            JsonObject events(object.key("events"));
            events.number("sent", seen.events_sent);
            events.number("delivered", seen.events_delivered);
            events.number("missing", seen.events_missing);
            events.number("wrong", seen.events_wrong);
        }
        {
            JsonObject all(object.key("whole_run"));
            all.number("ticks_received", seen.ticks_received);
            all.number("keyframes_received", seen.keyframes_received);
            all.number("keyframes_first", seen.keyframes_first);
            all.number("ticks_skipped", seen.ticks_skipped);
            all.number("rate_changes", seen.rate_changes);
            all.number("states_sent", seen.states_sent_all);
        }
        {
            JsonObject returns(object.key("returns"));
            returns.number("cuts", seen.cuts);
            returns.number("count", seen.returns);
            returns.number("as_others", seen.returns_as_others);
            returns.number("absent", seen.absent);
            returns.number("tls_resumed", seen.tls_resumed);
            put(returns, "absence_ms", seen.absence);
            JsonObject codes(returns.key("after_code"));
            for (const auto& [code, count] : seen.returned_after) {
                codes.number(std::to_string(code), count);
            }
        }
        {
            JsonObject ends(object.key("ended_early"));
            for (const auto& [code, count] : seen.ends) {
                ends.number(std::to_string(code), count);
            }
        }
        {
            JsonObject swarm(object.key("swarm"));
            put(swarm, "cpu_s", report.cpu_s);
            put(swarm, "cpu_share", report.cpu_share());
            swarm.number("sends_late", report.sends_late);
            swarm.number("ring_enters", report.ring_enters);
            swarm.flag("was_bottleneck", report.is_bottleneck());
        }
        {
            JsonObject checks(object.key("checks"));
            for (const Check& check : report.checks) {
                checks.text(check.name, check.is_ok ? "ok" : check.detail);
            }
        }
        object.flag("ok", report.is_ok());
    }
    return text + "\n";
}

std::string as_table(const Report& report) {
    const SwarmOptions& options = report.options;
    const Observations& seen = report.seen;
    const double seconds = std::max(report.measured_s, 1e-9);
    std::string text =
        format("%s: %u matches x %u players + %u spectators, %u Hz, %u bytes of %s, %s, %.1f s\n",
               options.url.c_str(), options.match_count, options.player_count, options.spectator_count,
               options.movement.hz, options.state_size,
               options.movement.content == Content::random ? "random" : "movement",
               options.phases == Phases::locked ? "phase-locked" : "phases spread", report.measured_s);
    text += format("  %-22s %u in %.2f s\n", "joined", report.joined_count, report.joining_s);
    text +=
        format("  %-22s sent %llu, delivered %llu, superseded %llu, lost %llu, late %llu, wrong %llu\n",
               "states", wide(seen.states_sent), wide(seen.states_delivered), wide(seen.states_superseded),
               wide(seen.states_lost), wide(seen.states_late), wide(seen.states_wrong));
    text += format("  %-22s %llu, %.0f a second, %.0f bytes each\n", "frames", wide(seen.frames),
                   static_cast<double>(seen.frames) / seconds,
                   seen.frames == 0
                       ? 0.0
                       : static_cast<double>(seen.bytes_received) / static_cast<double>(seen.frames));
    text += line("age of states", seen.age);
    text += line("age of own state", seen.own_age);
    text += line("PONG round trip", seen.pong);
    text += format("  %-22s sent %llu, delivered %llu, missing %llu, wrong %llu\n", "events",
                   wide(seen.events_sent), wide(seen.events_delivered), wide(seen.events_missing),
                   wide(seen.events_wrong));
    text += format("  %-22s received %llu, keyframes %llu (%llu first), skipped %llu, rate changes %llu\n",
                   "ticks", wide(seen.ticks_received), wide(seen.keyframes_received),
                   wide(seen.keyframes_first), wide(seen.ticks_skipped), wide(seen.rate_changes));
    text += format("  %-22s received %.2f, sent %.2f MB/s\n", "bytes",
                   static_cast<double>(seen.bytes_received) / seconds / 1e6,
                   static_cast<double>(seen.bytes_sent) / seconds / 1e6);
    text += format("  %-22s CPU %.1f %% (%.2f us per frame), sends late %llu (max %.2f ms)\n",
                   "the swarm itself", 100 * report.cpu_share(),
                   seen.frames == 0 ? 0.0 : 1e6 * report.cpu_s / static_cast<double>(seen.frames),
                   wide(report.sends_late), seen.send_lateness.max_ms());
    if (options.comes_back || options.cut_every != 0) {
        text +=
            format("  %-22s %llu after %llu cuts, as somebody else %llu, absent %llu\n", "came back",
                   wide(seen.returns), wide(seen.cuts), wide(seen.returns_as_others), wide(seen.absent));
        text += line("without a connection", seen.absence);
    }
    for (const auto& [code, count] : seen.ends) {
        text += format("  %-22s %llu connections, close code %u\n", "ended too early", wide(count), code);
    }
    for (const Check& check : report.checks) {
        text += format("  %-22s %s%s\n", check.name.c_str(),
                       check.is_ok ? "ok" : "FAILED: ", check.is_ok ? "" : check.detail.c_str());
    }
    return text;
}

}  // namespace tickwire::swarm
