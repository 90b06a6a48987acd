// Time as the relay sees it: nanoseconds on the monotonic clock, passed in from the shard's loop. Nothing
// below `shard` reads a clock, which is what makes matches and sessions deterministic under test.
#pragma once

#include <chrono>
#include <cstdint>

namespace tickwire::base {

using Duration = std::chrono::nanoseconds;

/// CLOCK_MONOTONIC (the simulator substitutes its own readings).
struct MonotonicClock {
    using rep = Duration::rep;
    using period = Duration::period;
    using duration = Duration;
    using time_point = std::chrono::time_point<MonotonicClock, Duration>;
    static constexpr bool is_steady = true;
};

using Time = MonotonicClock::time_point;

/// The number of a tick in its match: tick k is due k / tick_hz seconds after the match opened.
using TickNumber = std::uint32_t;

}  // namespace tickwire::base
