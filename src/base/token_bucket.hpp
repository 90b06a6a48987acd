// A rate limit in eight bytes: the generic cell rate algorithm (ITU-T I.371), which admits exactly what a
// token bucket of one second's worth does.
#pragma once

#include <algorithm>
#include <cstdint>

#include "base/time.hpp"

namespace tickwire::base {

/// Holds one second's worth of tokens and is full at first.
///
/// Invariant: `full_at_` is when the bucket would be full again; it is empty when that is a second away.
class TokenBucket {
  public:
    /// Takes `count` tokens of a bucket that refills with `rate_per_second`. False, and nothing is taken,
    /// where it holds fewer.
    bool take(std::uint64_t count, std::uint32_t rate_per_second, Time now) noexcept {
        constexpr std::int64_t second_ns = 1'000'000'000;
        const auto cost = Duration(static_cast<std::int64_t>(count) * second_ns /
                                   static_cast<std::int64_t>(rate_per_second));
        const Time full_at = std::max(full_at_, now) + cost;
        if (full_at - now > Duration(second_ns)) {
            return false;
        }
        full_at_ = full_at;
        return true;
    }

  private:
    Time full_at_{};
};

/// What one player may send, whichever connection it sends by.
struct RateBuckets {
    TokenBucket messages;  ///< WebSocket frames
    TokenBucket bytes;
    TokenBucket json;
};

}  // namespace tickwire::base
