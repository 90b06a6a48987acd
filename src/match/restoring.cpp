// A match between two processes: what of it goes on in the next one, and how it is made anew from that.
#include <algorithm>
#include <utility>

#include "base/bugs.hpp"
#include "base/heap_trap.hpp"
#include "match/implementation.hpp"
#include "match/snapshot.hpp"

namespace tickwire::match {

/// Who is present is taken for away from now on, with a whole window.
MatchSnapshot Match::Implementation::snapshot(base::Time now) const {
    MatchSnapshot snapshot;
    snapshot.saved = now;
    snapshot.name = name;
    snapshot.tick_hz = options.tick_hz;
    snapshot.player_count_max = options.player_count_max;
    snapshot.age = now - clock.due(0);
    snapshot.last_tick = last_tick;
    snapshot.is_locked = is_locked;
    snapshot.host = election.host();
    snapshot.epoch = election.epoch();
    if (const auto deadline = election.deadline()) {
        snapshot.host_unfit_for = std::max(now - (*deadline - options.host_grace), base::Duration(0));
    }
    snapshot.properties_version = properties.version();
    for (const wire::PropertyView& property : properties.list()) {
        snapshot.properties.push_back({std::string(property.key), std::string(property.json)});
    }
    snapshot.newest_event = log.newest_event();
    snapshot.newest_dropped_event = log.newest_dropped_event();
    log.visit_events([&](PlayerNumber addressee, const protocol::EventEntry& event) {
        snapshot.events.push_back({event.number, event.from, addressee, event.kind, event.body});
    });
    for (std::uint32_t number = 0; number < roster.number_end(); ++number) {
        const auto player = static_cast<PlayerNumber>(number);
        if (roster.has(player) && !roster[player].is_plain) {
            snapshot.slots.push_back(snapshot_of(player, now));
        }
    }
    return snapshot;
}

SlotSnapshot Match::Implementation::snapshot_of(PlayerNumber player, base::Time now) const {
    const Slot& slot = roster[player];
    SlotSnapshot snapshot;
    snapshot.player = player;
    snapshot.is_host_by_ticket = slot.is_host_by_ticket;
    snapshot.events_taken = base::bug(base::Bug::upgrade_forgets_events_taken) ? 0 : slot.events_taken;
    snapshot.joined_at_event = slot.joined_at_event;
    snapshot.window_left = slot.presence == Presence::away ? slot.away_until - now : options.resume_window;
    snapshot.token = slot.token;
    snapshot.limits = slot.limits;
    snapshot.name = slot.name;
    snapshot.subject = slot.subject;
    const PlayerState* const pending = states.pending(player);
    const PlayerState* const last = pending != nullptr ? pending : states.last_taken(player);
    if (last != nullptr) {
        snapshot.state = {last->seq, pending != nullptr, now - last->arrived, last->bytes.bytes()};
    }
    return snapshot;
}

/// `go_on`: when time goes on for those who are away and for the host.
bool Match::Implementation::restore(const MatchSnapshot& snapshot, base::Time now, base::Time go_on) {
    if (!log.reserve()) {
        return false;
    }
    // The ticks of the time between are left out, as those of a late relay.
    last_tick = std::max(snapshot.last_tick, clock.number_at(now));
    counters.ticks_left_out += last_tick - snapshot.last_tick;
    is_locked = snapshot.is_locked;
    properties.restore(snapshot.properties_version, snapshot.properties);
    for (const EventSnapshot& event : snapshot.events) {
        log.restore_event({event.number, event.from, event.kind, event.body}, event.addressee);
    }
    log.restore_numbers({.newest = snapshot.newest_event, .newest_dropped = snapshot.newest_dropped_event});
    for (const SlotSnapshot& one : snapshot.slots) {
        Slot slot;
        slot.presence = Presence::away;
        slot.is_host_by_ticket = one.is_host_by_ticket;
        slot.away_until = go_on + one.window_left;
        slot.events_taken = one.events_taken;
        slot.joined_at_event = one.joined_at_event;
        slot.token = one.token;
        slot.limits = one.limits;
        slot.name = one.name;
        slot.subject = one.subject;
        set_timer(slot.away_until);
        roster.restore(one.player, std::move(slot));
    }
    states.grow(roster.number_end());
    for (RateClass& rate_class : classes) {
        rate_class.grow(roster.number_end());
    }
    for (const SlotSnapshot& one : snapshot.slots) {
        if (one.state &&
            !states.restore(
                one.player, {one.state->seq, 0, one.state->bytes}, snapshot.saved - one.state->age,
                one.state->is_pending ? StateTable::Restored::pending : StateTable::Restored::taken)) {
            ++counters.skipped_no_memory;
        }
    }
    if (snapshot.host) {
        election.restore(*snapshot.host, snapshot.epoch, go_on - snapshot.host_unfit_for);
        set_timer(*election.deadline());
    } else {
        election.restore(std::nullopt, snapshot.epoch, {});
    }
    return true;
}

MatchSnapshot Match::snapshot(base::Time now) const {
    return implementation_->snapshot(now);
}

std::unique_ptr<Match> Match::restore(const MatchSnapshot& snapshot, const MatchOptions& options,
                                      const Restoring& restoring, base::BufferPool& pool, Outlet& outlet,
                                      TokenSource& tokens, MatchCounters& counters) {
    auto match = std::make_unique<Match>(snapshot.name, options, snapshot.saved - snapshot.age, pool,
                                         outlet, tokens, counters);
    return match->implementation_->restore(snapshot, restoring.now, restoring.now + restoring.pause)
               ? std::move(match)
               : nullptr;
}

}  // namespace tickwire::match
