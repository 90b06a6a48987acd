// Which newcomer is next: those who are under way before those who have just come.
#pragma once

#include <cstddef>
#include <cstdint>

#include "base/check.hpp"
#include "shard/turn_queue.hpp"

namespace tickwire::shard {

/// Two lines, each in the order of its coming. Who is under way has a handshake's 34 KB and is warm in the
/// cache: of 2,000 who come at once, and are read one after another twice, all have that at the same time;
/// let through first, only those have it whose answer we wait for. They cannot shut the door behind
/// themselves: after `in_a_row_max` of them one who has just come is next.
class NewcomerQueue {
  public:
    /// A request, a join and a handshake's end are at most three turns, so whoever came is through before
    /// more have come.
    static constexpr std::uint32_t in_a_row_max = 4;

    explicit NewcomerQueue(std::uint32_t index_count) : fresh_(index_count), under_way_(index_count) {}

    bool is_empty() const noexcept { return fresh_.is_empty() && under_way_.is_empty(); }
    std::size_t count() const noexcept { return fresh_.count() + under_way_.count(); }
    /// As TurnQueue: an index that waits already keeps its place in that line.
    void push(std::uint32_t index, bool is_under_way) noexcept {
        (is_under_way ? under_way_ : fresh_).push(index);
    }
    std::uint32_t pop() noexcept {
        base::check(!is_empty(), "NewcomerQueue: one to take");
        if (!under_way_.is_empty() && (fresh_.is_empty() || in_a_row_ < in_a_row_max)) {
            ++in_a_row_;
            return under_way_.pop();
        }
        in_a_row_ = 0;
        return fresh_.pop();
    }

  private:
    TurnQueue fresh_;
    TurnQueue under_way_;
    std::uint32_t in_a_row_ = 0;
};

}  // namespace tickwire::shard
