// Whose turn it is: connections, by their index, in the order of their coming, each at most once. Room for
// all of them is there from the start: nothing is allocated when they come.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <vector>

#include "base/check.hpp"

namespace tickwire::shard {

/// An index whose connection has gone keeps its place, and whoever gets the index next inherits
/// it: a turn with nothing to do is harmless.
///
/// Invariant: an index is in the ring exactly while is_queued_ says so, hence never twice.
class TurnQueue {
  public:
    explicit TurnQueue(std::uint32_t index_count)
        : ring_(std::make_unique_for_overwrite<std::uint32_t[]>(index_count)),
          index_count_(index_count),
          is_queued_(index_count) {}

    bool is_empty() const noexcept { return count_ == 0; }
    std::size_t count() const noexcept { return count_; }
    void push(std::uint32_t index) noexcept {
        if (is_queued_[index]) {
            return;
        }
        is_queued_[index] = true;
        ring_[(first_ + count_) % index_count_] = index;
        ++count_;
    }
    std::uint32_t pop() noexcept {
        base::check(count_ != 0, "TurnQueue: one to take");
        const std::uint32_t index = ring_[first_];
        --count_;
        first_ = count_ == 0 ? 0 : (first_ + 1) % index_count_;
        is_queued_[index] = false;
        return index;
    }

  private:
    std::unique_ptr<std::uint32_t[]> ring_;  ///< touched as far as it is used
    std::size_t index_count_;
    std::vector<bool> is_queued_;
    std::size_t first_ = 0;
    std::size_t count_ = 0;
};

}  // namespace tickwire::shard
