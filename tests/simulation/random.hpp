// The one source of chance in the simulator: splitmix64 (Steele, Lea, Flood 2014). Everything that a run
// does follows from its seed.
#pragma once

#include <cstdint>

#include "base/time.hpp"

namespace tickwire::simulation {

class Random {
  public:
    explicit Random(std::uint64_t seed) noexcept : state_(seed) {}

    std::uint64_t next() noexcept {
        state_ += 0x9e3779b97f4a7c15U;
        std::uint64_t mixed = state_;
        mixed = (mixed ^ (mixed >> 30U)) * 0xbf58476d1ce4e5b9U;
        mixed = (mixed ^ (mixed >> 27U)) * 0x94d049bb133111ebU;
        return mixed ^ (mixed >> 31U);
    }
    /// 0 to bound - 1; the bias of the remainder is of no matter here.
    std::uint64_t below(std::uint64_t bound) noexcept { return next() % bound; }
    std::uint64_t between(std::uint64_t low, std::uint64_t high) noexcept {
        return low + below(high - low + 1);
    }
    bool chance(std::uint32_t permille) noexcept { return below(1000) < permille; }
    base::Duration duration(base::Duration low, base::Duration high) noexcept {
        return low + base::Duration(static_cast<std::int64_t>(
                         below(static_cast<std::uint64_t>((high - low).count()) + 1)));
    }
    std::uint8_t byte() noexcept { return static_cast<std::uint8_t>(next()); }
    /// A stream of its own: what one part draws does not shift what another gets.
    Random fork() noexcept { return Random(next()); }

  private:
    std::uint64_t state_;
};

}  // namespace tickwire::simulation
