// What a run found, and how it is told: a table for people, JSON for programs.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "swarm/histogram.hpp"
#include "swarm/options.hpp"

namespace tickwire::swarm {

/// Counted by the members while they receive. "In the window" is what was sent between the end of the
/// warm-up and the end of the measuring; the rest counts the whole run, to be compared with the relay's.
struct Observations {
    // States in the window, one for each receiver that it was for.
    std::uint64_t states_sent = 0;     ///< once for each state, whoever it is for
    std::uint64_t states_blocked = 0;  ///< not sent, since the socket had something waiting
    std::uint64_t states_delivered = 0;
    std::uint64_t states_superseded = 0;  ///< reached nobody: a newer one came before the tick
    std::uint64_t states_lost = 0;        ///< reached others of the match, but not this member
    std::uint64_t states_late = 0;        ///< of those delivered: older than two ticks
    Histogram age;
    Histogram own_age;
    Histogram pong;
    Histogram send_lateness;
    std::uint64_t frames = 0;  ///< TICK messages received in the window
    std::uint64_t frames_with_events = 0;
    std::uint64_t bytes_received = 0;  ///< in the window, above TCP (TLS included)
    std::uint64_t bytes_sent = 0;

    // The whole run.
    std::uint64_t states_wrong = 0;  ///< bytes that nobody sent under that number, or an older number
    std::uint64_t events_wrong = 0;  ///< out of order, twice, or with wrong bytes
    std::uint64_t events_sent = 0;
    std::uint64_t events_delivered = 0;
    std::uint64_t events_missing = 0;
    std::uint64_t ticks_received = 0;
    std::uint64_t keyframes_received = 0;
    std::uint64_t keyframes_first = 0;  ///< after `welcome`, or after a change of the divisor
    std::uint64_t ticks_skipped = 0;    ///< numbers missing before a keyframe that had no other reason
    std::uint64_t rate_changes = 0;
    std::uint64_t states_sent_all = 0;
    // With comes_back or cut_every.
    std::uint64_t cuts = 0;  ///< made by members themselves
    std::uint64_t returns = 0;
    std::uint64_t returns_as_others = 0;  ///< another number, or events in between are lost
    std::uint64_t absent = 0;             ///< at the end
    std::uint64_t tls_resumed = 0;        ///< handshakes without certificates
    Histogram absence;                    ///< from a connection's end to the next welcome
    std::map<std::uint16_t, std::uint64_t> returned_after;  ///< close codes of the connections before
    std::map<std::uint16_t, std::uint64_t> ends;  ///< close codes of connections that ended too early
};

struct Check {
    std::string name;
    bool is_ok;
    std::string detail;
};

struct Report {
    SwarmOptions options;
    Observations seen;
    std::uint32_t joined_count = 0;
    double joining_s = 0;
    double measured_s = 0;
    double settled_s = 0;  ///< until all held the last states
    double cpu_s = 0;      ///< of the swarm's thread, in the window
    std::uint64_t sends_late = 0;
    std::uint64_t ring_enters = 0;
    std::vector<Check> checks;

    bool is_ok() const noexcept;
    double cpu_share() const noexcept { return measured_s > 0 ? cpu_s / measured_s : 0; }
    /// The generator could not keep up: the figures say nothing about the relay.
    bool is_bottleneck() const noexcept;
};

std::string as_json(const Report& report);
std::string as_table(const Report& report);

}  // namespace tickwire::swarm
