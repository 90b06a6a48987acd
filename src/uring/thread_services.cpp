// What a backend does for its shard without the ring.
#include <fcntl.h>
#include <unistd.h>

#include <array>
#include <charconv>
#include <ctime>
#include <string_view>

#include "uring/backend.hpp"

namespace tickwire::uring {
namespace {

/// The kernel's account of this thread's time; -1 where it keeps none.
class ScheduleStatistics {
  public:
    ScheduleStatistics() noexcept
        : descriptor_(::open("/proc/thread-self/schedstat", O_RDONLY | O_CLOEXEC)) {}
    ~ScheduleStatistics() {
        if (descriptor_ >= 0) {
            ::close(descriptor_);
        }
    }
    ScheduleStatistics(const ScheduleStatistics&) = delete;
    ScheduleStatistics& operator=(const ScheduleStatistics&) = delete;

    int descriptor() const noexcept { return descriptor_; }

  private:
    int descriptor_;
};

}  // namespace

void Backend::discard(int descriptor) noexcept {
    ::close(descriptor);
}

base::Duration Backend::cpu_time() const noexcept {
    timespec used{};
    ::clock_gettime(CLOCK_THREAD_CPUTIME_ID, &used);
    return std::chrono::seconds(used.tv_sec) + std::chrono::nanoseconds(used.tv_nsec);
}

base::Duration Backend::cpu_wait() const noexcept {
    static thread_local const ScheduleStatistics statistics;
    std::array<char, 96> line{};  // time on a CPU in ns, time waiting for one in ns, turns
    const ssize_t size = ::pread(statistics.descriptor(), line.data(), line.size(), 0);
    if (size <= 0) {
        return {};
    }
    const std::string_view text(line.data(), static_cast<std::size_t>(size));
    const std::size_t second = text.find(' ') + 1;
    std::int64_t waited_ns = 0;
    std::from_chars(text.data() + second, text.data() + text.size(), waited_ns);
    return base::Duration(waited_ns);
}

}  // namespace tickwire::uring
