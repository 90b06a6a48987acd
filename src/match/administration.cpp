// What the operator asks of a match, and the game's backend: through the shard, at the end of a slot.
#include <algorithm>
#include <utility>

#include "base/heap_trap.hpp"
#include "match/implementation.hpp"

namespace tickwire::match {
namespace {

using protocol::nobody;

constexpr std::uint16_t close_going_away = 1001;
constexpr std::uint16_t close_kicked = 4002;

}  // namespace

MatchReport Match::Implementation::report(base::Time now) {
    MatchReport report;
    report.host = election.host();
    report.is_locked = is_locked;
    report.tick = last_tick;
    report.event = log.newest_event();
    report.properties_version = properties.version();
    const auto describe = [&](const MemberRecord& record, MemberReport& member) {
        member.connection = record.connection;
        member.is_visible = record.is_visible;
        member.round_trip = record.gauge.round_trip();
        member.age = record.gauge.age(now);
        member.is_slow = record.gauge.is_lagging(now) || record.link.divisor() > 1;
        member.divisor = classes[record.class_index].divisor();
    };
    for (std::uint32_t number = 0; number < roster.number_end(); ++number) {
        const auto player = static_cast<PlayerNumber>(number);
        if (!roster.has(player)) {
            continue;
        }
        const Slot& slot = roster[player];
        MemberReport member;
        member.player = player;
        member.name = slot.name;
        member.is_plain = slot.is_plain;
        member.is_away = slot.presence == Presence::away;
        if (!member.is_away) {
            describe(members[slot.member], member);
        }
        report.members.push_back(std::move(member));
    }
    for (const MemberRecord& record : members.records()) {
        if (record.kind == MemberKind::spectator) {
            MemberReport member;
            member.is_spectator = true;
            describe(record, member);
            report.members.push_back(std::move(member));
        }
    }
    return report;
}

bool Match::Implementation::kick(PlayerNumber player, std::string_view reason) {
    if (!roster.has(player)) {
        return false;
    }
    const Slot& slot = roster[player];
    if (slot.presence == Presence::present) {
        outlet.close(members[slot.member].connection, close_kicked, reason);
        forget_member(slot.member);
    }
    end_slot(player, wire::LeftReason::kicked);
    return true;
}

/// All are away before the first slot ends: whoever is still present could be named host, and is asked for
/// the member that it no longer has.
void Match::Implementation::close_everyone(std::uint16_t code, std::string_view reason) {
    for (Member member = 0; member < members.records().size(); ++member) {
        const MemberRecord& record = members.records()[member];
        if (record.kind == MemberKind::none) {
            continue;
        }
        if (record.kind != MemberKind::spectator) {
            roster[record.player].presence = Presence::away;
        }
        outlet.close(record.connection, code, reason);
        forget_member(member);
    }
    for (std::uint32_t number = 0; number < roster.number_end(); ++number) {
        if (const auto player = static_cast<PlayerNumber>(number); roster.has(player)) {
            end_slot(player, wire::LeftReason::closed);
        }
    }
}

/// All are sent away before the first slot changes, so that the log keeps events and not who is away.
void Match::Implementation::send_away(Parting& parting, base::Time now) {
    std::vector<PlayerNumber> plain_players;
    for (Member member = 0; member < members.records().size(); ++member) {
        MemberRecord& record = members.records()[member];
        if (record.kind == MemberKind::none) {
            continue;
        }
        if (record.is_game_lane()) {
            const base::Duration reconnect = parting.window * parting.place / parting.count;
            json.clear();
            wire::write_drain(static_cast<std::uint32_t>(
                                  std::chrono::duration_cast<std::chrono::milliseconds>(reconnect).count()),
                              parting.url, json);
            tell(record);
        }
        ++parting.place;
        outlet.close(record.connection, close_going_away, "the relay stops");
        if (record.kind == MemberKind::player) {
            Slot& slot = roster[record.player];
            slot.presence = Presence::away;
            slot.away_until = now + options.resume_window;
            set_timer(slot.away_until);
        } else if (record.kind == MemberKind::plain) {
            plain_players.push_back(record.player);
        }
        forget_member(member);
    }
    for (const PlayerNumber player : plain_players) {
        end_slot(player, wire::LeftReason::closed);
    }
    reconsider_host(now);
}

MatchReport Match::report(base::Time now) const {
    return implementation_->report(now);
}

bool Match::kick(PlayerNumber player, std::string_view reason) {
    const base::HeapAllowed control_allocates;
    return implementation_->kick(player, reason);
}

void Match::send_away(Parting& parting, base::Time now) {
    const base::HeapAllowed control_allocates;
    implementation_->send_away(parting, now);
}

void Match::close_everyone(std::uint16_t code, std::string_view reason) {
    const base::HeapAllowed control_allocates;
    implementation_->close_everyone(code, reason);
}

Match::Done Match::send_event(const ServerEvent& event, base::Bytes body) {
    Implementation& self = *implementation_;
    if (!self.log.reserve()) {
        return Done::no_memory;
    }
    if (event.to != nobody && !self.roster.has(event.to)) {
        return Done::no_such_player;
    }
    if (body.size() > self.options.limits.event_bytes || !self.log.fits(body.size())) {
        return Done::too_large;
    }
    const protocol::Kind kind{
        .target = event.to == nobody ? protocol::Target::everyone : protocol::Target::player,
        .is_text = event.is_text,
        .purpose = protocol::Purpose::event};
    self.log_event(nobody, event.to, kind, body);
    return Done::done;
}

Match::Done Match::set_properties(const wire::SetProperties& request) {
    Implementation& self = *implementation_;
    if (!self.log.reserve()) {
        return Done::no_memory;
    }
    // Written before it is applied: whoever is told must be told all of it.
    self.json.clear();
    wire::write_properties(self.properties.version() + 1, request.set, nobody, self.json);
    if (!self.log.fits(self.json.size())) {
        return Done::too_large;
    }
    switch (self.properties.apply(request)) {
        case Properties::Outcome::version_differs:
            return Done::version_differs;
        case Properties::Outcome::too_large:
            return Done::too_large;
        case Properties::Outcome::accepted:
            break;
    }
    self.announce();
    return Done::done;
}

void Match::set_limits(const wire::Limits& limits, const wire::Limits& spectator_limits) noexcept {
    implementation_->set_limits(limits, spectator_limits);
}

void Match::Implementation::set_limits(const wire::Limits& limits,
                                       const wire::Limits& spectator_limits) noexcept {
    options.spectator_limits = spectator_limits;
    options.limits = limits;
    options.limits.state_bytes = std::min(limits.state_bytes, match::state_bytes_max(options));
}

}  // namespace tickwire::match
