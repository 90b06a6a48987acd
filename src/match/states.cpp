#include "match/states.hpp"

#include <cstring>
#include <utility>

namespace tickwire::match {

void StateTable::grow(std::size_t number_end) {
    if (slots_.size() < number_end) {
        slots_.resize(number_end);
    }
    is_pending_.grow(number_end);
    is_taken_.grow(number_end);
}

bool StateTable::put(PlayerNumber player, const protocol::State& state, base::Time now) noexcept {
    PlayerState& pending = slots_[player].pending;
    // A pending buffer is ours alone: it is shared only once it is taken.
    if (!pending.bytes || pending.bytes.room().size() < state.bytes.size()) {
        auto grown = base::SharedBuffer::create(pool_, state.bytes.size());
        if (!grown) {
            return false;
        }
        pending.bytes = std::move(grown);
    }
    if (!state.bytes.empty()) {
        std::memcpy(pending.bytes.room().data(), state.bytes.data(), state.bytes.size());
    }
    pending.bytes.set_size(state.bytes.size());
    pending.seq = state.seq;
    pending.arrived = now;
    is_pending_.insert(player);
    return true;
}

bool StateTable::restore(PlayerNumber player, const protocol::State& state, base::Time arrived,
                         Restored restored) noexcept {
    if (!put(player, state, arrived)) {
        return false;
    }
    if (restored == Restored::taken) {
        take(player);
        is_pending_.erase(player);
    }
    return true;
}

void StateTable::take(PlayerNumber player) noexcept {
    Slot& slot = slots_[player];
    slot.taken = std::move(slot.pending);
    is_taken_.insert(player);
}

void StateTable::drop(PlayerNumber player) noexcept {
    slots_[player] = {};
    is_pending_.erase(player);
    is_taken_.erase(player);
}

}  // namespace tickwire::match
