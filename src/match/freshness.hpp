// How fresh a member is: what it has not reported yet, how long its reports usually take, and how many
// ticks its link bears (proto/protocol.md section 4, Freshness).
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <utility>

#include "base/buffer_pool.hpp"
#include "base/prefetch.hpp"
#include "base/time.hpp"

namespace tickwire::match {

using base::TickNumber;

/// Times and delays in units of 2^16 ns (66 microseconds), so that a match of 10,000 spectators keeps its
/// records small. Times wrap after 78 hours: only differences mean something.
struct GaugeUnits {
    static constexpr int shift = 16;
    static constexpr std::uint32_t of(base::Duration duration) noexcept {
        return static_cast<std::uint32_t>(duration.count() >> shift);
    }
    static constexpr std::uint32_t of(base::Time time) noexcept { return of(time.time_since_epoch()); }
    static constexpr base::Duration to_duration(std::uint32_t units) noexcept {
        return base::Duration(std::int64_t{units} << shift);
    }
};

/// Ticks that were sent and not reported, oldest first. Where there are more than it holds, neighbours
/// share a place, which is reported with the later and was sent with the earlier: it errs by a seventh of
/// the oldest one's age at most, and always towards late. (Leaving out those before the newest made a
/// member look fresh that had reported into the gap: simulator, seed 422.) Its room is a buffer of a pool,
/// held while there is something in it: members of a match in which nothing happens are many, and keep
/// none.
class UnreportedTicks {
  public:
    struct SentTick {
        TickNumber number;
        std::uint32_t sent;  ///< in GaugeUnits
    };
    static constexpr std::size_t count_max = base::BufferPool::size_min / sizeof(SentTick);
    static_assert(count_max == 16);

    UnreportedTicks() noexcept = default;
    UnreportedTicks(UnreportedTicks&& other) noexcept { *this = std::move(other); }
    UnreportedTicks& operator=(UnreportedTicks&& other) noexcept {
        std::swap(pool_, other.pool_);
        std::swap(ticks_, other.ticks_);
        std::swap(begin_, other.begin_);
        std::swap(count_, other.count_);
        return *this;
    }
    UnreportedTicks(const UnreportedTicks&) = delete;
    UnreportedTicks& operator=(const UnreportedTicks&) = delete;
    ~UnreportedTicks();

    /// Ticks may be pushed from now on.
    void begin(base::BufferPool& pool) noexcept { pool_ = &pool; }
    bool has_begun() const noexcept { return pool_ != nullptr; }
    bool empty() const noexcept { return count_ == 0; }
    /// Not where it is empty.
    SentTick oldest() const noexcept { return ticks_[begin_]; }
    /// After begin(). Where the pool has no room, the tick is forgotten.
    void push(SentTick tick) noexcept;
    /// Not where it is empty.
    void drop_oldest() noexcept;
    void prefetch() const noexcept { base::prefetch(ticks_, base::BufferPool::size_min); }

  private:
    void give_room_back() noexcept;
    SentTick& at(std::size_t index) noexcept { return ticks_[(begin_ + index) % count_max]; }
    void join_closest(std::uint32_t now) noexcept;

    base::BufferPool* pool_ = nullptr;
    SentTick* ticks_ = nullptr;
    std::uint8_t begin_ = 0;
    std::uint8_t count_ = 0;
};

/// One member's ticks on their way. A member that has never reported is never lagging: its socket alone
/// judges it.
///
/// Invariant: unreported_ holds ticks that were sent after the first report and are newer than the newest
/// `seen`.
class LinkGauge {
  public:
    LinkGauge() noexcept = default;
    /// `newest_tick`: as `welcome` told it. `delay_floor`: a report that comes sooner is never late.
    LinkGauge(TickNumber newest_tick, base::Duration delay_floor) noexcept
        : last_sent_(newest_tick), delay_floor_(GaugeUnits::of(delay_floor)) {}

    void on_sent(TickNumber number, base::Time now) noexcept;
    /// `seen`: the low 16 bits of the newest tick that the member has received. `pool` must outlive the
    /// gauge; where it has no room the member is judged as if it had not reported. Returns how long ago the
    /// oldest tick was sent that this report is the first to cover; empty where it covers none.
    std::optional<base::Duration> on_report(std::uint16_t seen, base::Time now,
                                            base::BufferPool& pool) noexcept;

    void prefetch() const noexcept { unreported_.prefetch(); }

    /// The last report came later after the oldest tick that is still unreported than is usual; or none
    /// came although the way and what a client may leave between two reports are over. Until then silence
    /// says nothing: a player who stands still sends no STATE.
    bool is_lagging(base::Time now) const noexcept;
    /// Something is still on its way, or its report is.
    bool has_unreported() const noexcept { return !unreported_.empty(); }
    /// How old a tick may be that a report does not cover yet: measured, at most three seconds, at most the
    /// shortest of the last 10 to 20 seconds and what a client may leave between two reports, never below
    /// the floor.
    base::Duration delay_limit() const noexcept { return GaugeUnits::to_duration(limit()); }
    /// The shortest report delay of the last 10 to 20 seconds that had reports; empty before the first.
    std::optional<base::Duration> round_trip() const noexcept;
    /// How long ago the oldest unreported tick was sent; zero where there is none.
    base::Duration age(base::Time now) const noexcept;

  private:
    static constexpr std::uint32_t unknown = 0xffffffff;

    std::uint32_t shortest() const noexcept { return std::min(window_shortest_, previous_shortest_); }
    std::uint32_t limit() const noexcept;
    std::uint32_t silence_limit() const noexcept;
    void learn(std::uint32_t delay, std::uint32_t now) noexcept;

    UnreportedTicks unreported_;
    TickNumber last_sent_ = 0;
    std::uint32_t delay_floor_ = 0;
    std::uint32_t last_report_ = 0;  ///< in GaugeUnits, means something while there are unreported ticks
    std::uint32_t delay_mean_ = unknown;
    std::uint32_t delay_deviation_ = 0;
    // The minimum over two windows: the running one and the one before.
    std::uint32_t window_shortest_ = unknown;
    std::uint32_t previous_shortest_ = unknown;
    std::uint32_t window_begin_ = 0;
};

/// The divisor that a member's link needs: doubled when the member keeps lagging, halved when it has not
/// been skipped for a while.
class LinkDivisor {
  public:
    static constexpr std::uint32_t divisor_max = 8;

    std::uint32_t divisor() const noexcept { return divisor_; }
    /// Nothing was sent since the last lag.
    bool is_lagging() const noexcept { return is_lagging_; }

    /// A tick was withheld since the member lagged. True where the divisor changed.
    [[nodiscard]] bool on_lag(base::Time now) noexcept;
    /// The same of a member whose page is hidden: its timers sleep, which tells nothing about its link.
    void on_lag_of_hidden(base::Time now) noexcept {
        is_lagging_ = true;
        last_skip_or_change_ = now;
    }
    /// A tick was withheld since its send had not completed: no reason to slow down, but none to speed up.
    void on_busy(base::Time now) noexcept { last_skip_or_change_ = now; }
    void on_sent() noexcept { is_lagging_ = false; }
    /// To be asked now and then. True where the divisor changed.
    [[nodiscard]] bool recover(base::Time now) noexcept;

  private:
    std::uint32_t divisor_ = 1;
    std::uint32_t lag_count_ = 0;
    bool is_lagging_ = false;
    base::Time last_lag_{};
    base::Time last_skip_or_change_{};
};

}  // namespace tickwire::match
