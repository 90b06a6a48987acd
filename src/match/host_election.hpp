// Who is host, since when it is unfit, and who is next: the rules, without the roster that they are applied
// to (lifecycle.cpp does that).
#pragma once

#include <cstdint>
#include <optional>

#include "base/bugs.hpp"
#include "base/time.hpp"
#include "tickwire/protocol.hpp"

namespace tickwire::match {

using protocol::PlayerNumber;

/// A present, visible player of the game lane.
struct HostCandidate {
    PlayerNumber player;
    std::optional<base::Duration> round_trip;  ///< unknown: worse than any that is known

    /// Lower round trip first, then lower number.
    bool is_better_than(const HostCandidate& other) const noexcept {
        if (round_trip != other.round_trip) {
            return round_trip && (!other.round_trip || *round_trip < *other.round_trip);
        }
        return player < other.player;
    }
};

/// Lives in its match. `epoch` is 0 until the first host; each change raises it by one.
class HostElection {
  public:
    explicit HostElection(base::Duration grace) noexcept : grace_(grace) {}

    std::optional<PlayerNumber> host() const noexcept { return host_; }
    std::uint32_t epoch() const noexcept { return epoch_; }
    bool is_host(PlayerNumber player) const noexcept { return host_ == player; }

    /// True where that is a change.
    bool name(std::optional<PlayerNumber> player) noexcept {
        if (player == host_) {
            return false;
        }
        host_ = player;
        unfit_since_.reset();
        epoch_ += base::bug(base::Bug::host_epoch_not_raised) ? 0U : 1U;
        return true;
    }

    /// As another process had it.
    void restore(std::optional<PlayerNumber> host, std::uint32_t epoch, base::Time unfit_since) noexcept {
        host_ = host;
        epoch_ = epoch;
        unfit_since_ = host ? std::optional(unfit_since) : std::nullopt;
    }

    /// The host is away or hidden; it has until deadline() to come back.
    void set_unfit(base::Time now) noexcept { unfit_since_ = unfit_since_.value_or(now); }
    void set_fit() noexcept { unfit_since_.reset(); }
    /// When another may be named in its place; empty while it is fit.
    std::optional<base::Time> deadline() const noexcept {
        return unfit_since_ ? std::optional(*unfit_since_ + grace_) : std::nullopt;
    }

  private:
    base::Duration grace_;
    std::optional<PlayerNumber> host_;
    std::uint32_t epoch_ = 0;
    std::optional<base::Time> unfit_since_;
};

}  // namespace tickwire::match
