// The clock of the match, from PONGs: the sample with the shortest round trip is the truest, and ages.
#pragma once

#include <cstdint>
#include <optional>

#include "tickwire/client.hpp"

namespace tickwire::client {

class MatchClock {
  public:
    void learn(Time now, const Pong& pong) noexcept {
        // Clocks drift by up to some 50 ppm: half a millisecond in ten seconds.
        constexpr Time sample_lifetime = std::chrono::seconds(10);
        if (has_sample_ && pong.round_trip > round_trip_ && now - taken_ < sample_lifetime) {
            return;
        }
        has_sample_ = true;
        taken_ = now;
        round_trip_ = pong.round_trip;
        match_time_us_ = pong.match_time_us + static_cast<std::uint64_t>(to_us(pong.round_trip / 2));
    }
    std::optional<std::uint64_t> at(Time now) const noexcept {
        if (!has_sample_) {
            return std::nullopt;
        }
        return match_time_us_ + static_cast<std::uint64_t>(to_us(now - taken_));
    }
    void reset() noexcept { has_sample_ = false; }

    static std::int64_t to_us(Time time) noexcept {
        return std::chrono::duration_cast<std::chrono::microseconds>(time).count();
    }

  private:
    bool has_sample_ = false;
    Time taken_{};
    Time round_trip_{};
    std::uint64_t match_time_us_ = 0;
};

}  // namespace tickwire::client
