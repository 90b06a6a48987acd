// When to give back to the kernel what malloc keeps.
#pragma once

#include <algorithm>
#include <cstdint>

namespace tickwire::service {

/// malloc keeps what was freed for whoever asks next. After a storm of connections that is most of what the
/// process has resident, and the next storm may be months away; in the middle of one it is needed again at
/// once. So it is time when much less is held than there was, and it does not become less any more.
class HeapTrim {
  public:
    /// Less than that, and than an eighth of what there was, is not worth it: a trim takes 0.4 ms for each
    /// MiB, and a shard that lets a newcomer in waits for it. Who plays allocates nothing.
    static constexpr std::uint64_t worth_bytes_min = std::uint64_t{1024} * 1024;

    /// Tell it a few times a second what the shards hold of malloc's memory. True: call malloc_trim() now.
    bool is_due(std::uint64_t held_bytes) noexcept {
        const bool falls = held_bytes < last_bytes_;
        last_bytes_ = held_bytes;
        peak_bytes_ = std::max(peak_bytes_, held_bytes);
        if (falls || peak_bytes_ - held_bytes < std::max(worth_bytes_min, peak_bytes_ / 8)) {
            return false;
        }
        peak_bytes_ = held_bytes;
        return true;
    }

  private:
    std::uint64_t last_bytes_ = 0;
    std::uint64_t peak_bytes_ = 0;  ///< since the last trim
};

}  // namespace tickwire::service
