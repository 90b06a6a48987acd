// TICK messages: the delta of a rate class, and the keyframe that is the same for every class.
#pragma once

#include "base/buffer_pool.hpp"
#include "base/shared_buffer.hpp"
#include "base/time.hpp"
#include "match/match.hpp"
#include "match/rate_class.hpp"
#include "match/states.hpp"
#include "match/tick_clock.hpp"

namespace tickwire::match {

/// The tick that is being encoded. Lives as long as one run_tick().
struct TickEncoder {
    base::BufferPool& pool;
    const TickClock& clock;
    const StateTable& states;
    MatchCounters& counters;
    TickNumber number;
    base::Time now;

    /// The payload for the up-to-date members of a class: what changed since its last tick. Empty where
    /// the pool has no room.
    base::SharedBuffer encode_delta(const RateClass& rate_class) const noexcept;
    /// The payload for everybody else: all states, full.
    base::SharedBuffer encode_keyframe() const noexcept;
};

}  // namespace tickwire::match
