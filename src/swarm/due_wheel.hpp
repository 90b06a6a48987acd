// Who is to send when: a ring of buckets, one for each slot of time, with the members due in it.
#pragma once

#include <cstdint>
#include <vector>

#include "base/time.hpp"

namespace tickwire::swarm {

/// A member is in it at most once, and due less than `bucket_count` slots ahead.
class DueWheel {
  public:
    DueWheel(base::Duration slot, std::uint32_t member_count)
        : slot_(slot), heads_(bucket_count, none), next_(member_count, none) {}

    void start(base::Time now) noexcept { done_ = slot_of(now); }

    void add(std::uint32_t member, base::Time due) noexcept {
        std::int64_t slot = slot_of(due);
        slot = slot < done_ ? done_ : slot;
        std::uint32_t& head = heads_[static_cast<std::size_t>(slot) % bucket_count];
        next_[member] = head;
        head = member;
    }

    /// Calls send(member) for all that were due in slots that are over. They may be added again.
    template <typename Send>
    void run(base::Time now, Send send) {
        for (const std::int64_t end = slot_of(now); done_ < end; ++done_) {
            std::uint32_t& head = heads_[static_cast<std::size_t>(done_) % bucket_count];
            std::uint32_t member = head;
            head = none;
            while (member != none) {
                const std::uint32_t following = next_[member];
                send(member);
                member = following;
            }
        }
    }

  private:
    static constexpr std::uint32_t none = 0xffffffff;
    static constexpr std::size_t bucket_count = 8192;

    std::int64_t slot_of(base::Time time) const noexcept { return time.time_since_epoch() / slot_; }

    base::Duration slot_;
    std::vector<std::uint32_t> heads_;
    std::vector<std::uint32_t> next_;
    std::int64_t done_ = 0;
};

}  // namespace tickwire::swarm
