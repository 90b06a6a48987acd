// What a match is between two processes: the relay that stops writes it, the one that starts goes on from
// it (src/README.md, "Upgrade in place"). Plain values, and their form in bytes.
//
// It holds what the protocol promises to outlive a connection, and nothing of connections: who was there is
// away, spectators and the plain lane are gone.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <tl/expected.hpp>
#include <vector>

#include "base/bytes.hpp"
#include "base/time.hpp"
#include "match/event_log.hpp"
#include "match/match.hpp"
#include "wire/control.hpp"

namespace tickwire::match {

/// Bytes are views into whatever the snapshot was taken or decoded from.
struct StateSnapshot {
    std::uint16_t seq = 0;
    bool is_pending = false;  ///< no tick has taken it yet
    base::Duration age{};     ///< since it arrived
    base::Bytes bytes;
};
struct SlotSnapshot {
    PlayerNumber player = 0;
    bool is_host_by_ticket = false;
    std::uint32_t events_taken = 0;
    EventNumber joined_at_event = 0;
    base::Duration window_left{};  ///< of the resume window
    ResumeToken token{};
    wire::Limits limits{};
    std::string name;
    std::string subject;
    std::optional<StateSnapshot> state;
};
struct EventSnapshot {
    EventNumber number = 0;
    PlayerNumber from = 0;
    PlayerNumber addressee = 0;
    std::uint8_t kind = 0;
    base::Bytes body;
};

/// Durations are told from the moment of the snapshot.
struct MatchSnapshot {
    base::Time saved{};  ///< by the monotonic clock, which goes on in the next process
    std::string name;
    std::uint32_t tick_hz = 0;
    std::uint32_t player_count_max = 0;
    base::Duration age{};   ///< since it opened
    base::Duration hold{};  ///< how long it stays open though nobody is in it: the shard's
    base::TickNumber last_tick = 0;
    bool is_locked = false;
    std::optional<PlayerNumber> host;
    std::uint32_t epoch = 0;
    base::Duration host_unfit_for{};  ///< since the host is away or hidden
    std::uint64_t properties_version = 0;
    std::vector<wire::PropertySet> properties;
    EventNumber newest_event = 0;
    EventNumber newest_dropped_event = 0;
    std::vector<EventSnapshot> events;  ///< those that are still in the log
    std::vector<SlotSnapshot> slots;    ///< by number
};

/// Appends the snapshot.
void encode_snapshot(const MatchSnapshot& snapshot, std::vector<std::uint8_t>& to);
/// Reads what encode_snapshot() wrote, all of `bytes`, and believes none of it: every field is in the range
/// that a running match keeps it in, and it was saved before `now`. The error says what is not. `parser`
/// reads the properties.
tl::expected<MatchSnapshot, std::string_view> decode_snapshot(base::Bytes bytes, base::Time now,
                                                              wire::ControlParser& parser);

}  // namespace tickwire::match
