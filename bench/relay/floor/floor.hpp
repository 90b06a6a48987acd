// The floor under a relay: a server that receives and sends what a relay receives and sends, and does
// nothing else. No HTTP, no frames, no matches, no copy: what arrives is thrown away, and each member of a
// "match" is sent the same bytes once per tick. What a real relay costs beyond it is the relay's own work;
// what two kinds of floor cost apart is what the way of asking the kernel is worth.
//
// Driven by `tickwire swarm --protocol bare`. One thread, loopback, until SIGTERM.
#pragma once

#include <chrono>
#include <cstdint>
#include <span>
#include <string>
#include <vector>

namespace tickwire::floor {

using Duration = std::chrono::nanoseconds;
using Time = std::chrono::time_point<std::chrono::steady_clock, Duration>;

struct Options {
    std::uint32_t match_count = 1;
    std::uint32_t hz = 30;
    std::uint32_t slot_us = 2000;  ///< longest time between two wake-ups
    std::uint32_t frame_size = 868;
    std::uint32_t connection_count_max = 20'000;
};

/// The ticks cut into slots of equal length, at most the one asked for. Match m sends in the slots s with
/// s % slots_per_tick == m % slots_per_tick.
class Schedule {
  public:
    explicit Schedule(const Options& options)
        : tick_(Duration(std::chrono::seconds(1)) / options.hz),
          slots_per_tick_(static_cast<std::uint32_t>((tick_.count() + options.slot_us * 1000 - 1) /
                                                     (options.slot_us * 1000))),
          match_count_(options.match_count),
          begin_(std::chrono::steady_clock::now()) {}

    std::uint32_t slots_per_tick() const noexcept { return slots_per_tick_; }
    std::uint32_t slot_of_match(std::uint32_t match) const noexcept { return match % slots_per_tick_; }
    /// Slots are left out where the server is late: no bursts.
    std::uint64_t slot_after(Time now) const noexcept {
        return static_cast<std::uint64_t>((now - begin_) * slots_per_tick_ / tick_) + 1;
    }
    Time start_of(std::uint64_t slot) const noexcept {
        return begin_ + Duration(static_cast<std::int64_t>(slot) * tick_.count() / slots_per_tick_);
    }
    std::uint32_t match_of(std::uint32_t connection) const noexcept { return connection % match_count_; }

  private:
    Duration tick_;
    std::uint32_t slots_per_tick_;
    std::uint32_t match_count_;
    Time begin_;
};

/// The bytes of each frame: byte i is i, so that the swarm can tell them from garbage.
std::vector<std::uint8_t> make_frame(std::uint32_t size);

/// A listening socket on 127.0.0.1 with a port of the kernel's choice, TCP_NODELAY and cubic; prints
/// `listening tcp://127.0.0.1:PORT`. Ends the program where that cannot be had.
int open_listener();

/// Whether SIGTERM or SIGINT came.
bool is_stopping() noexcept;

/// Ends the program with the name of the system call and errno.
[[noreturn]] void fail(const char* call, int error);

/// Each runs until is_stopping().
void run_uring(const Options& options, int listener);
/// Looks at its sockets once for each slot.
void run_epoll_slots(const Options& options, int listener);
/// Wakes up for whatever arrives, as a usual server does; sends all matches' frames at the tick.
void run_epoll_arrivals(const Options& options, int listener);

}  // namespace tickwire::floor
