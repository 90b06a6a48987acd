// What the log says of connections to listeners for proxies that were closed: a line now and then with how
// many, why, and whose the last one was. A shard only counts; who scans such a port fills no disk.
#pragma once

#include <chrono>
#include <cstdint>
#include <string>

#include "service/shards.hpp"

namespace tickwire::service {

/// The main thread's.
class ProxyRefusals {
  public:
    using Clock = std::chrono::steady_clock;

    /// Call a few times a second: logs what is new, every ten seconds at most.
    void report(const Shards& shards, Clock::time_point now);

  private:
    struct Counts {
        std::uint64_t untrusted = 0;
        std::uint64_t missing = 0;
        std::uint64_t unreadable = 0;  ///< malformed, too long, a wrong checksum
        std::uint64_t late = 0;
        friend bool operator==(const Counts&, const Counts&) = default;
    };

    Counts told_;
    Clock::time_point next_{};
};

}  // namespace tickwire::service
