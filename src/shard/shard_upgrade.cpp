// A shard between two processes: what it leaves to the next one, and what it takes over from the one
// before.
#include <algorithm>
#include <utility>

#include "shard/shard.hpp"

namespace tickwire::shard {

/// Everybody is away before the first snapshot is taken, and from begin_stop() on sessions hand over
/// nothing: what is not counted in a snapshot was not taken, and its sender sends it again.
std::vector<std::vector<std::uint8_t>> Shard::leave(Farewell farewell) {
    std::vector<base::Handle> open;
    for (std::uint32_t index = 0; index < rooms_.index_end(); ++index) {
        // One of spectators alone lives on, too: they are told to come back.
        if (const MatchRoom* const room = rooms_.at(index);
            room != nullptr && (!room->match->is_over() || now_ < room->held_until)) {
            open.push_back(rooms_.handle_at(index));
        }
    }
    options_.farewell = std::move(farewell);
    if (!is_stopping_) {
        begin_stop();
    }
    std::vector<std::vector<std::uint8_t>> snapshots;
    snapshots.reserve(open.size());
    for (const base::Handle handle : open) {
        if (const MatchRoom* const room = rooms_.find(handle); room != nullptr) {
            match::MatchSnapshot snapshot = room->match->snapshot(now_);
            snapshot.hold = std::max(room->held_until - now_, base::Duration(0));
            encode_snapshot(snapshot, snapshots.emplace_back());
        }
    }
    return snapshots;
}

void Shard::restore_matches() {
    if (!setting_.legacy.matches.empty()) {
        rush_until_ = now_ + setting_.legacy.pause;
    }
    for (const match::MatchSnapshot* const snapshot : setting_.legacy.matches) {
        if (restore_match(*snapshot)) {
            ++counters_.matches_restored;
            counters_.players_restored += snapshot->slots.size();
        } else {
            ++counters_.matches_not_restored;
            report({.cause = Cause::match_not_restored, .match = FixedText<64>(snapshot->name)});
        }
        setting_.directory->release(snapshot->name);
    }
    setting_.legacy.matches.clear();
}

bool Shard::restore_match(const match::MatchSnapshot& snapshot) {
    const Legacy& legacy = setting_.legacy;
    match::Outlet& outlet = *this;
    auto match = match::Match::restore(
        snapshot, options_of_match(snapshot.tick_hz, snapshot.player_count_max),
        {.now = now_, .pause = legacy.pause}, pool_, outlet, *setting_.tokens, counters_.matches);
    if (match == nullptr) {
        return false;
    }
    // Its clock goes on as it was, and so its ticks lie somewhere in a slot: they run in the next one. The
    // microsecond is for what either grid rounds.
    std::uint32_t phase = off_grid;
    base::Duration slot_delay{};
    if (snapshot.tick_hz == options_.match.tick_hz) {
        const base::Time due = match->next_tick_due() + std::chrono::microseconds(1);
        const std::int64_t slot = grid_.slot_at(due) + 1;
        phase = static_cast<std::uint32_t>(slot % static_cast<std::int64_t>(grid_.slots_per_tick()));
        slot_delay = grid_.time_of(slot) - due;
    }
    const base::Handle handle = add_room(std::move(match), phase);
    if (!handle.exists()) {
        return false;
    }
    MatchRoom& room = *rooms_.find(handle);
    room.slot_delay = slot_delay;
    room.held_until = now_ + legacy.pause + snapshot.hold;
    return true;
}

}  // namespace tickwire::shard
