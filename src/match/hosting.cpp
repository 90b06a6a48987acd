// Who is host, and what ends when time runs out: resume windows and the host's grace.
#include <algorithm>

#include "match/implementation.hpp"

namespace tickwire::match {

void Match::Implementation::name_host(std::optional<PlayerNumber> player) {
    if (!election.name(player)) {
        return;
    }
    ++counters.host_changes;
    json.clear();
    wire::write_host(election.host(), election.epoch(), json);
    announce();
}

void Match::Implementation::reconsider_host(base::Time now) {
    if (const auto host = election.host()) {
        if (is_eligible(*host)) {
            election.set_fit();
            return;
        }
        election.set_unfit(now);
        if (now < *election.deadline()) {
            set_timer(*election.deadline());
            return;
        }
    }
    // With nobody to name the host stays, or stays null, until somebody comes, comes back or shows itself.
    if (const auto candidate = best_candidate()) {
        name_host(candidate);
    }
}

bool Match::Implementation::is_eligible(PlayerNumber player) const noexcept {
    const Slot& slot = roster[player];
    return slot.presence == Presence::present && !slot.is_plain && members[slot.member].is_visible;
}

std::optional<PlayerNumber> Match::Implementation::best_candidate() const noexcept {
    std::optional<HostCandidate> best;
    for (std::uint32_t number = 0; number < roster.number_end(); ++number) {
        const auto player = static_cast<PlayerNumber>(number);
        if (is_eligible(player)) {
            const HostCandidate candidate{player, members[roster[player].member].gauge.round_trip()};
            if (!best || candidate.is_better_than(*best)) {
                best = candidate;
            }
        }
    }
    return best ? std::optional(best->player) : std::nullopt;
}

void Match::Implementation::set_timer(base::Time due) noexcept {
    timer_due = std::min(timer_due, due);
}

void Match::Implementation::run_timers(base::Time now) {
    timer_due = base::Time::max();
    for (std::uint32_t number = 0; number < roster.number_end(); ++number) {
        const auto player = static_cast<PlayerNumber>(number);
        if (roster[player].presence != Presence::away) {
            continue;
        }
        if (now >= roster[player].away_until) {
            ++counters.away_timeouts;
            end_slot(player, wire::LeftReason::timeout);
        } else {
            set_timer(roster[player].away_until);
        }
    }
    reconsider_host(now);
}

}  // namespace tickwire::match
