// What a backend does for its shard without the ring.
#include <unistd.h>

#include <ctime>

#include "uring/backend.hpp"

namespace tickwire::uring {

void Backend::discard(int descriptor) noexcept {
    ::close(descriptor);
}

base::Duration Backend::cpu_time() const noexcept {
    timespec used{};
    ::clock_gettime(CLOCK_THREAD_CPUTIME_ID, &used);
    return std::chrono::seconds(used.tv_sec) + std::chrono::nanoseconds(used.tv_nsec);
}

}  // namespace tickwire::uring
