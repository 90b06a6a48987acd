// The lines of the log that shards ask for (shard/incidents.hpp), and how many more there would have been.
#pragma once

#include <array>
#include <chrono>
#include <cstdint>
#include <deque>
#include <string_view>

#include "service/shards.hpp"
#include "shard/incidents.hpp"

namespace tickwire::service {

/// `ticket_refused`, as lines and metrics have it.
std::string_view name_of(shard::Cause cause) noexcept;

/// The main thread's; but each ring is written by its shard. Outlives the shards.
class IncidentLog {
  public:
    using Clock = std::chrono::steady_clock;

    explicit IncidentLog(std::uint32_t shard_count) : rings_(shard_count) {}

    shard::IncidentRing& ring(std::uint32_t shard) { return rings_[shard]; }

    /// Call a few times a second. What was left out is told at the end of an interval.
    void write(const Shards& shards, Clock::time_point now);
    /// The rest, when every shard has ended.
    void finish(const Shards& shards);

  private:
    void write_lines();
    void tell_left_out(const Shards& shards);

    std::deque<shard::IncidentRing> rings_;
    std::array<std::uint64_t, shard::cause_count> told_{};  ///< of what was left out
    Clock::time_point next_ = Clock::now() + shard::IncidentLimit::interval;
};

}  // namespace tickwire::service
