#include "match/rate_class.hpp"

#include "base/check.hpp"

namespace tickwire::match {

void RateClass::grow(std::size_t number_end) {
    if (baselines_.size() < number_end) {
        baselines_.resize(number_end);
    }
    changed_.grow(number_end);
}

void RateClass::add_member(const StateTable& states) noexcept {
    if (member_count_++ == 0) {
        is_ticking_ = false;
        states.players().for_each(
            [&](PlayerNumber player) { baselines_[player] = states.taken(player).bytes; });
    }
}

void RateClass::remove_member() noexcept {
    base::check(member_count_ != 0, "RateClass: a member to remove");
    if (--member_count_ == 0) {
        is_ticking_ = false;
        changed_.clear();
        for (base::SharedBuffer& baseline : baselines_) {
            baseline = {};
        }
    }
}

void RateClass::finish_tick(const StateTable& states) noexcept {
    if (!is_ticking_) {
        return;
    }
    is_ticking_ = false;
    changed_.for_each([&](PlayerNumber player) { baselines_[player] = states.taken(player).bytes; });
    changed_.clear();
}

void RateClass::drop(PlayerNumber player) noexcept {
    baselines_[player] = {};
    changed_.erase(player);
}

RateClasses::RateClasses(std::uint32_t tick_hz) noexcept
    : classes_{RateClass(1), RateClass(2), RateClass(4), RateClass(8), RateClass(tick_hz)} {}

std::size_t RateClasses::index_of(std::uint32_t divisor) const noexcept {
    // Where tick_hz is itself 1, 2, 4 or 8 the first that fits stands for both.
    std::size_t index = 0;
    while (classes_[index].divisor() != divisor) {
        ++index;
        base::check(index != count_max, "RateClasses: a divisor that is in use");
    }
    return index;
}

}  // namespace tickwire::match
