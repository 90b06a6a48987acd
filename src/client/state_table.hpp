// The latest state of each player, as one connection received it: what deltas apply to.
#pragma once

#include <cstdint>
#include <optional>
#include <vector>

#include "tickwire/client.hpp"

namespace tickwire::client {

/// States lie side by side in one block, so that a tick walks memory forwards. A state keeps its place
/// while it fits there; one that outgrows it moves to the end.
///
/// Bound: 12 bytes for each number up to the highest, and less than three times the bytes of the states.
/// Invariant: places do not overlap; wasted_ is the part of block_ that belongs to no place.
class StateTable {
  public:
    /// All baselines are void: a keyframe follows.
    void clear() noexcept;
    void put(const protocol::StateEntry& entry);
    /// False where there is no baseline, or the delta does not fit it: nothing has changed then.
    [[nodiscard]] bool apply_delta(const protocol::StateEntry& entry) noexcept;
    void forget(PlayerNumber player) noexcept;

    std::optional<StateView> find(PlayerNumber player) const noexcept;

  private:
    struct Place {
        std::uint32_t offset;
        std::uint16_t capacity;
        std::uint16_t size;
        std::uint16_t seq;
        std::uint8_t wait;
        bool is_set;
    };
    static_assert(sizeof(Place) == 12);

    void move_to_end(Place& place, std::size_t size);
    void compact();

    std::vector<Place> places_;  // by player number
    std::vector<std::uint8_t> block_;
    std::size_t wasted_ = 0;
};

}  // namespace tickwire::client
