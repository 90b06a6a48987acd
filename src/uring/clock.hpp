// Reading the monotonic clock: through the vDSO, 20 ns and no system call.
#pragma once

#include <time.h>

#include <algorithm>
#include <cstdint>

#include "base/time.hpp"

namespace tickwire::uring {

inline base::Time monotonic_now() noexcept {
    timespec time{};
    clock_gettime(CLOCK_MONOTONIC, &time);
    return base::Time(std::chrono::seconds(time.tv_sec) + std::chrono::nanoseconds(time.tv_nsec));
}

/// As the kernel's calls take it; the past is 0.
template <typename Timespec>
Timespec to_timespec(base::Duration duration) noexcept {
    const std::int64_t count = std::max<std::int64_t>(duration.count(), 0);
    Timespec time{};
    time.tv_sec = count / 1'000'000'000;
    time.tv_nsec = count % 1'000'000'000;
    return time;
}

}  // namespace tickwire::uring
