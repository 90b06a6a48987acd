// Ticks and time: which tick an instant belongs to, and when a tick is due. Exact: a match that runs for a
// year is not a nanosecond off.
#pragma once

#include <cstdint>

#include "base/time.hpp"

namespace tickwire::match {

using base::TickNumber;

/// Tick k is due at the first nanosecond that is not before opened + k / tick_hz. Tick 0 is the opening
/// itself, at which nothing happens: 0 stands for "none yet".
class TickClock {
  public:
    TickClock(base::Time opened, std::uint32_t tick_hz) noexcept : opened_(opened), tick_hz_(tick_hz) {}

    /// The newest tick whose time has come.
    TickNumber number_at(base::Time now) const noexcept {
        // Whole seconds apart from the rest: nanoseconds times 128 would pass 63 bits after 2.3 years.
        const std::int64_t elapsed = (now - opened_).count();
        const std::int64_t seconds = elapsed / second_ns;
        return static_cast<TickNumber>(seconds * tick_hz_ + elapsed % second_ns * tick_hz_ / second_ns);
    }

    base::Time due(TickNumber number) const noexcept {
        const std::int64_t seconds = number / tick_hz_;
        const std::int64_t rest = number % tick_hz_ * second_ns;
        return opened_ + base::Duration(seconds * second_ns + (rest + tick_hz_ - 1) / tick_hz_);
    }

    base::Duration interval() const noexcept { return base::Duration(second_ns / tick_hz_); }

    /// A state entry's `wait`: 1/256 of the tick interval between `arrived` and `now`, at most 255.
    std::uint8_t wait_between(base::Time arrived, base::Time now) const noexcept {
        const std::int64_t waited = (now - arrived).count();
        if (waited >= second_ns) {
            return 255;
        }
        const std::int64_t parts = waited * 256 * tick_hz_ / second_ns;
        return static_cast<std::uint8_t>(parts < 255 ? parts : 255);
    }

    std::uint64_t microseconds_at(base::Time now) const noexcept {
        return static_cast<std::uint64_t>((now - opened_).count() / 1000);
    }

  private:
    static constexpr std::int64_t second_ns = 1'000'000'000;

    base::Time opened_;
    std::int64_t tick_hz_;
};

}  // namespace tickwire::match
