// The players' states: what each sent last (pending) and what the last tick took (taken).
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

#include "base/prefetch.hpp"
#include "base/shared_buffer.hpp"
#include "base/time.hpp"
#include "match/player_set.hpp"

namespace tickwire::match {

/// One version of a player's state. The bytes never change once a tick has taken them, so that taken
/// states and the baselines of any rate class share them: a state is copied once, out of the receive
/// buffer.
struct PlayerState {
    base::SharedBuffer bytes;
    std::uint16_t seq = 0;
    base::Time arrived{};
};

/// Lives in its match. Holds at most one pending and one taken state for each slot, in pool buffers.
class StateTable {
  public:
    explicit StateTable(base::BufferPool& pool) noexcept : pool_(pool) {}

    /// Makes room for numbers below `number_end`: at a join, which may allocate.
    void grow(std::size_t number_end);

    /// The latest state of a player, which replaces one that is still pending. False where the pool has no
    /// room: what was pending stays.
    [[nodiscard]] bool put(PlayerNumber player, const protocol::State& state, base::Time now) noexcept;

    /// As another process had it: waiting for a tick, or taken by one. False where the pool has no room.
    enum class Restored : std::uint8_t { pending, taken };
    [[nodiscard]] bool restore(PlayerNumber player, const protocol::State& state, base::Time arrived,
                               Restored restored) noexcept;

    /// Takes all pending states; `visit(PlayerNumber)` is told whose.
    template <typename Visit>
    void take_pending(Visit visit) noexcept {
        is_pending_.for_each([&](PlayerNumber player) {
            take(player);
            visit(player);
        });
        is_pending_.clear();
    }

    void prefetch(PlayerNumber player) const noexcept {
        if (player < slots_.size()) {
            base::prefetch(&slots_[player], sizeof(Slot));
        }
    }

    /// `bytes` is empty where the player has none.
    const PlayerState& taken(PlayerNumber player) const noexcept { return slots_[player].taken; }
    /// Null where there is none.
    const PlayerState* pending(PlayerNumber player) const noexcept {
        return is_pending_.contains(player) ? &slots_[player].pending : nullptr;
    }
    const PlayerState* last_taken(PlayerNumber player) const noexcept {
        return is_taken_.contains(player) ? &slots_[player].taken : nullptr;
    }
    /// Those who have a taken state.
    const PlayerSet& players() const noexcept { return is_taken_; }

    /// The player has left: nothing of it stays.
    void drop(PlayerNumber player) noexcept;

  private:
    struct Slot {
        PlayerState pending;
        PlayerState taken;
    };
    void take(PlayerNumber player) noexcept;

    base::BufferPool& pool_;
    std::vector<Slot> slots_;
    PlayerSet is_pending_;
    PlayerSet is_taken_;
};

}  // namespace tickwire::match
