// How late a shard is with its slots, and what it gives up for that: first the rate of spectators, then new
// matches. Judged once a second, by the shard's own work: a machine on which others have the CPU makes
// slots late too, but fewer spectators would not help there.
#pragma once

#include <algorithm>
#include <array>
#include <cstdint>
#include <string_view>

#include "base/time.hpp"

namespace tickwire::shard {

struct PressureLimits {
    std::uint32_t late_permille =
        50;  ///< slots of a second that ended after the next had begun; 1000: never
    std::uint32_t busy_permille = 700;  ///< of a second that the thread must have worked, to be at fault
};

/// Levels: 0 all is well; 1 to 3 spectators get every 2nd, 4th, 8th tick; from 2 on no match may open.
/// A step up for each late second, a step down for every five good ones.
class Pressure {
  public:
    static constexpr std::uint32_t level_max = 3;
    static constexpr std::uint32_t closed_level = 2;
    static constexpr std::uint32_t good_seconds_for_relief = 5;

    explicit Pressure(const PressureLimits& limits) noexcept : limits_(limits) {}

    /// From the next judgement on.
    void set_limits(const PressureLimits& limits) noexcept { limits_ = limits; }

    void on_slot(bool is_late) noexcept {
        ++slot_count_;
        late_count_ += is_late ? 1U : 0U;
    }
    /// A second is over. True where the level has changed.
    bool judge(std::uint32_t busy_permille) noexcept {
        const bool is_late =
            slot_count_ != 0 &&
            std::uint64_t{late_count_} * 1000 > std::uint64_t{limits_.late_permille} * slot_count_ &&
            busy_permille >= limits_.busy_permille;
        slot_count_ = late_count_ = 0;
        const std::uint32_t before = level_;
        if (is_late) {
            good_seconds_ = 0;
            level_ = std::min(level_ + 1, level_max);
        } else if (level_ != 0 && ++good_seconds_ == good_seconds_for_relief) {
            good_seconds_ = 0;
            --level_;
        }
        return level_ != before;
    }

    std::uint32_t level() const noexcept { return level_; }
    bool is_closed() const noexcept { return level_ >= closed_level; }
    /// For people.
    std::string_view consequence() const noexcept {
        static constexpr std::array<std::string_view, level_max + 1> texts{
            "spectators get every tick again",
            "spectators get every 2nd tick",
            "spectators get every 4th tick, and no match may open",
            "spectators get every 8th tick, and no match may open",
        };
        return texts[level_];
    }
    std::uint8_t spectator_divisor() const noexcept { return static_cast<std::uint8_t>(1U << level_); }

  private:
    PressureLimits limits_;
    std::uint32_t slot_count_ = 0;
    std::uint32_t late_count_ = 0;
    std::uint32_t level_ = 0;
    std::uint32_t good_seconds_ = 0;
};

}  // namespace tickwire::shard
