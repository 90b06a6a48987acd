// The instants at which a shard wakes while matches run: so many slots to a tick that none is longer than
// was asked for, at exact fractions of the tick period.
#pragma once

#include <algorithm>
#include <cstdint>

#include "base/check.hpp"
#include "base/time.hpp"

namespace tickwire::shard {

/// Slot k is at origin + k / (tick_hz * slots_per_tick) seconds, rounded up to a nanosecond, so that a tick
/// which is due at that instant (rounded down) is never missed by one.
class SlotGrid {
  public:
    /// `slot_max` of zero: the grid still spreads the phases of matches, as with 2 ms.
    SlotGrid(base::Time origin, std::uint32_t tick_hz, base::Duration slot_max) noexcept : origin_(origin) {
        base::check(tick_hz != 0, "SlotGrid: ticks have a rate");
        const std::int64_t tick_ns = second_ns / tick_hz;
        const std::int64_t slot_ns = slot_max.count() > 0 ? slot_max.count() : 2'000'000;
        slots_per_tick_ =
            static_cast<std::uint32_t>(std::max<std::int64_t>(1, (tick_ns + slot_ns - 1) / slot_ns));
        slots_per_second_ = std::int64_t{tick_hz} * slots_per_tick_;
    }

    base::Time time_of(std::int64_t slot) const noexcept {
        const std::int64_t whole = slot / slots_per_second_ * second_ns;
        const std::int64_t part =
            (slot % slots_per_second_ * second_ns + slots_per_second_ - 1) / slots_per_second_;
        return origin_ + base::Duration(whole + part);
    }
    /// The last slot at or before `time`, which is not before the origin.
    std::int64_t slot_at(base::Time time) const noexcept {
        const std::int64_t elapsed = (time - origin_).count();
        std::int64_t slot =
            elapsed / second_ns * slots_per_second_ + elapsed % second_ns * slots_per_second_ / second_ns;
        if (time_of(slot + 1) <= time) {
            ++slot;
        } else if (time_of(slot) > time) {
            --slot;
        }
        return slot;
    }
    /// When a match whose phase is that slot opens: its ticks are due on the grid.
    base::Time opening_of(std::int64_t slot) const noexcept {
        return origin_ + base::Duration(slot / slots_per_second_ * second_ns +
                                        slot % slots_per_second_ * second_ns / slots_per_second_);
    }

    std::uint32_t slots_per_tick() const noexcept { return slots_per_tick_; }
    base::Duration slot_length() const noexcept { return base::Duration(second_ns / slots_per_second_); }

  private:
    static constexpr std::int64_t second_ns = 1'000'000'000;
    base::Time origin_;
    std::uint32_t slots_per_tick_ = 1;
    std::int64_t slots_per_second_ = 1;
};

}  // namespace tickwire::shard
