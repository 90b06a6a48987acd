// A rate class: the members of one divisor, who get the same ticks and so share their baselines.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <vector>

#include "base/shared_buffer.hpp"
#include "base/time.hpp"
#include "match/player_set.hpp"
#include "match/states.hpp"

namespace tickwire::match {

/// Lives in its match. While it has members:
///
///     baseline(p) == the state of p that its up-to-date members have
///     p in changed() <=> a STATE of p was taken since the class's last tick
///     p not in changed() => baseline(p) == states.taken(p)
///
/// so that a keyframe given at a tick of the class leaves a member exactly where the class is after it.
class RateClass {
  public:
    explicit RateClass(std::uint32_t divisor = 1) noexcept : divisor_(divisor) {}

    std::uint32_t divisor() const noexcept { return divisor_; }

    /// Makes room for numbers below `number_end`: at a join, which may allocate.
    void grow(std::size_t number_end);

    /// The first member starts the class from the states as they are: it has a keyframe to come.
    void add_member(const StateTable& states) noexcept;
    /// The last member takes the baselines with it.
    void remove_member() noexcept;
    bool has_members() const noexcept { return member_count_ != 0; }

    /// A match tick has come: is it one of this class's, the first at or after a multiple of the divisor?
    void start_tick(base::TickNumber number, base::TickNumber previous) noexcept {
        is_ticking_ = has_members() && number / divisor_ > previous / divisor_;
    }
    bool is_ticking() const noexcept { return is_ticking_; }
    /// The match tick is over: what changed has been sent.
    void finish_tick(const StateTable& states) noexcept;

    void on_taken(PlayerNumber player) noexcept {
        if (has_members()) {
            changed_.insert(player);
        }
    }
    const PlayerSet& changed() const noexcept { return changed_; }
    /// Empty where the player's next entry must be full.
    const base::SharedBuffer& baseline(PlayerNumber player) const noexcept { return baselines_[player]; }

    /// The player has left: whoever gets its number next is a stranger.
    void drop(PlayerNumber player) noexcept;

  private:
    std::uint32_t divisor_;
    std::uint32_t member_count_ = 0;
    bool is_ticking_ = false;
    PlayerSet changed_;
    std::vector<base::SharedBuffer> baselines_;
};

/// The classes of a match: divisors 1, 2, 4 and 8, and tick_hz for hidden pages.
class RateClasses {
  public:
    static constexpr std::size_t count_max = 5;

    explicit RateClasses(std::uint32_t tick_hz) noexcept;

    RateClass& operator[](std::size_t index) noexcept { return classes_[index]; }
    const RateClass& operator[](std::size_t index) const noexcept { return classes_[index]; }
    std::size_t index_of(std::uint32_t divisor) const noexcept;
    auto begin() noexcept { return classes_.begin(); }
    auto end() noexcept { return classes_.end(); }

  private:
    std::array<RateClass, count_max> classes_;
};

}  // namespace tickwire::match
