#include "match/freshness.hpp"

#include <algorithm>
#include <cstdlib>

#include "base/bugs.hpp"

namespace tickwire::match {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;

/// Before anything is measured: what a client on another continent needs, reporting every 250 ms.
constexpr std::uint32_t delay_limit_at_first = GaugeUnits::of(milliseconds(500));
/// How seldom a client may report (proto/protocol.md section 3).
constexpr std::uint32_t report_interval = GaugeUnits::of(milliseconds(250));
/// Beyond this nobody plays, however usual it may be.
constexpr std::uint32_t delay_limit_max = GaugeUnits::of(seconds(3));
constexpr std::uint32_t round_trip_window = GaugeUnits::of(seconds(10));

/// Two lags within this make a member slow; so long without a skip makes it fast again.
constexpr base::Duration lag_window = seconds(5);
constexpr base::Duration recovery_time = seconds(10);

}  // namespace

UnreportedTicks::~UnreportedTicks() {
    if (ticks_ != nullptr) {
        give_room_back();
    }
}

void UnreportedTicks::give_room_back() noexcept {
    pool_->release({reinterpret_cast<std::uint8_t*>(ticks_), base::BufferPool::size_min});
    ticks_ = nullptr;
}

void UnreportedTicks::push(SentTick tick) noexcept {
    if (ticks_ == nullptr) {
        const base::MutableBytes room = pool_->take(count_max * sizeof(SentTick));
        if (room.empty()) {
            return;
        }
        ticks_ = reinterpret_cast<SentTick*>(room.data());
    }
    if (count_ == count_max) {
        join_closest(tick.sent);
    }
    at(count_) = tick;
    ++count_;
}

/// Frees a place: of all neighbours the two that stand for the shortest time become one.
void UnreportedTicks::join_closest(std::uint32_t now) noexcept {
    std::size_t closest = 0;
    std::uint32_t shortest = 0xffffffff;
    for (std::size_t index = 0; index + 1 < count_max; ++index) {
        const std::uint32_t end = index + 2 < count_max ? at(index + 2).sent : now;
        const std::uint32_t span = end - at(index).sent;
        if (span < shortest) {
            shortest = span;
            closest = index;
        }
    }
    at(closest).number = at(closest + 1).number;
    for (std::size_t index = closest + 1; index + 1 < count_max; ++index) {
        at(index) = at(index + 1);
    }
    --count_;
}

void UnreportedTicks::drop_oldest() noexcept {
    begin_ = static_cast<std::uint8_t>((begin_ + 1U) % count_max);
    --count_;
    if (count_ == 0) {
        give_room_back();
    }
}

void LinkGauge::on_sent(TickNumber number, base::Time now) noexcept {
    last_sent_ = number;
    if (unreported_.has_begun()) {  // who never reports would look late for ever
        unreported_.push({number, GaugeUnits::of(now)});
    }
}

std::optional<base::Duration> LinkGauge::on_report(std::uint16_t seen, base::Time now,
                                                   base::BufferPool& pool) noexcept {
    if (!unreported_.has_begun()) {
        unreported_.begin(pool);
        return std::nullopt;
    }
    last_report_ = GaugeUnits::of(now);
    // `seen` stands for the newest number with these low bits that is not above the last one sent.
    const auto behind = static_cast<std::uint16_t>(static_cast<std::uint16_t>(last_sent_) - seen);
    TickNumber newest_seen = behind <= last_sent_ ? last_sent_ - behind : 0;
    if (base::bug(base::Bug::seen_wrap)) {
        newest_seen = seen;
    }
    if (unreported_.empty() || unreported_.oldest().number > newest_seen) {
        return std::nullopt;
    }
    const std::uint32_t oldest_sent = unreported_.oldest().sent;
    while (!unreported_.empty() && unreported_.oldest().number <= newest_seen) {
        unreported_.drop_oldest();
    }
    const std::uint32_t delay = last_report_ - oldest_sent;
    learn(delay, last_report_);
    return GaugeUnits::to_duration(delay);
}

/// Mean and deviation as in RFC 6298, but a delay over the limit counts at once: where the way became
/// longer, the member is late once, not eight times. It counts for so much only: a link that stalls for
/// seconds must not make seconds usual.
void LinkGauge::learn(std::uint32_t delay, std::uint32_t now) noexcept {
    if (delay_mean_ == unknown || delay > limit()) {
        delay_mean_ =
            std::min(delay, delay_mean_ == unknown ? delay_limit_at_first : delay_mean_ + report_interval);
        delay_deviation_ =
            std::max(delay_deviation_, delay_mean_ / 8);  // the limit is then 1.5 times the mean
    } else {
        const std::int64_t error = std::int64_t{delay} - delay_mean_;
        const std::int64_t deviation_error = std::abs(error) - std::int64_t{delay_deviation_};
        delay_mean_ = static_cast<std::uint32_t>(delay_mean_ + error / 8);
        delay_deviation_ = static_cast<std::uint32_t>(delay_deviation_ + deviation_error / 4);
    }
    if (now - window_begin_ > round_trip_window) {
        previous_shortest_ = window_shortest_;
        window_shortest_ = unknown;
        window_begin_ = now;
    }
    window_shortest_ = std::min(window_shortest_, delay);
}

/// What is usual, but no more than the link needs that has nothing waiting in it: a queue that grows slowly
/// is usual at every moment, and would take the limit with it.
std::uint32_t LinkGauge::limit() const noexcept {
    if (delay_mean_ == unknown) {
        return silence_limit();
    }
    const std::uint32_t usual = std::min(delay_mean_ + 4 * delay_deviation_, delay_limit_max);
    return std::max(std::min(usual, silence_limit()), delay_floor_);
}

/// The mean has the way in it too, and does not believe a stall of seconds.
std::uint32_t LinkGauge::silence_limit() const noexcept {
    return delay_mean_ == unknown ? std::max(delay_limit_at_first, delay_floor_)
                                  : std::min(shortest(), delay_mean_) + report_interval + delay_floor_;
}

bool LinkGauge::is_lagging(base::Time now) const noexcept {
    if (unreported_.empty()) {
        return false;
    }
    const std::uint32_t forgiven = base::bug(base::Bug::lag_forgiven) ? 2 : 1;
    const std::uint32_t oldest = unreported_.oldest().sent;
    if (GaugeUnits::of(now) - oldest > forgiven * silence_limit()) {
        return true;
    }
    const auto age_at_report = static_cast<std::int32_t>(last_report_ - oldest);  // below 0: sent since
    return age_at_report > 0 && static_cast<std::uint32_t>(age_at_report) > forgiven * limit();
}

base::Duration LinkGauge::age(base::Time now) const noexcept {
    return unreported_.empty() ? base::Duration{}
                               : GaugeUnits::to_duration(GaugeUnits::of(now) - unreported_.oldest().sent);
}

std::optional<base::Duration> LinkGauge::round_trip() const noexcept {
    return shortest() == unknown ? std::nullopt : std::optional(GaugeUnits::to_duration(shortest()));
}

bool LinkDivisor::on_lag(base::Time now) noexcept {
    const bool is_apart = lag_count_ == 0 || now - last_lag_ > lag_window;
    last_lag_ = now;
    last_skip_or_change_ = now;
    if (is_lagging_) {
        return false;  // the same lag goes on
    }
    is_lagging_ = true;
    lag_count_ = is_apart ? 1 : lag_count_ + 1;
    if (lag_count_ < 2 || divisor_ == divisor_max) {
        return false;
    }
    lag_count_ = 0;
    divisor_ *= 2;
    return true;
}

bool LinkDivisor::recover(base::Time now) noexcept {
    if (divisor_ == 1 || now - last_skip_or_change_ < recovery_time) {
        return false;
    }
    last_skip_or_change_ = now;
    divisor_ /= 2;
    return true;
}

}  // namespace tickwire::match
