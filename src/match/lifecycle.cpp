// Members come and go: joins, resumes, connections that end, slots that end.
#include <algorithm>
#include <utility>

#include "base/bugs.hpp"
#include "match/implementation.hpp"

namespace tickwire::match {

using protocol::nobody;
using websocket::Opcode;

namespace {

constexpr std::uint16_t close_replaced = 4003;
constexpr Refusal refused_full{4001, "match full"};
constexpr Refusal refused_locked{4001, "match locked"};
constexpr Refusal refused_no_memory{1013, "no memory for another match"};

/// By halves more, so that a thousand joins do not mean a thousand copies.
template <typename Value>
void reserve_for(std::vector<Value>& values, std::size_t count) {
    if (values.capacity() < count) {
        values.reserve(count + count / 2);
    }
}

template <typename Value>
void remove_one(std::vector<Value>& values, Value value) {
    values.erase(std::find(values.begin(), values.end(), value));
}

}  // namespace

// --- coming

tl::expected<Member, Refusal> Match::Implementation::join(Connection connection, const wire::Join& join,
                                                          base::Time now, const Claims& claims) {
    if (!log.reserve()) {
        return tl::unexpected(refused_no_memory);
    }
    if (join.resume) {
        if (const auto player = roster.find(*join.resume)) {
            return resume(*player, connection, join.seen_event, now);
        }
    }
    if (is_locked) {
        return tl::unexpected(refused_locked);
    }
    if (join.role == wire::Role::spectator) {
        return join_as_spectator(connection, claims);
    }
    Slot slot;
    slot.name = join.name;
    slot.token = tokens.next_token();
    slot.is_host_by_ticket = claims.is_host;
    slot.limits = claims.limits.value_or(options.limits);
    slot.subject = claims.subject;
    const auto member = add_player(std::move(slot), connection);
    if (member) {
        MemberRecord& record = members[*member];
        if (claims.is_host) {
            name_host(record.player);
        } else {
            reconsider_host(now);
        }
        write_welcome(record, false);
        welcome(record);
    }
    return member;
}

tl::expected<Member, Refusal> Match::Implementation::join_plain(Connection connection, base::Time,
                                                                const Claims& claims,
                                                                std::string player_name) {
    if (!log.reserve()) {
        return tl::unexpected(refused_no_memory);
    }
    if (is_locked) {
        return tl::unexpected(refused_locked);
    }
    Slot slot;
    slot.is_plain = true;
    slot.name = std::move(player_name);
    slot.subject = claims.subject;
    slot.limits = claims.limits.value_or(options.limits);
    const auto member = add_player(std::move(slot), connection);
    if (member) {
        plain.push_back(*member);
    }
    return member;
}

tl::expected<Member, Refusal> Match::Implementation::join_as_spectator(Connection connection,
                                                                       const Claims& claims) {
    if (members.count(MemberKind::spectator) >= options.spectator_count_max) {
        return tl::unexpected(refused_full);
    }
    const Member member = add_member(MemberKind::spectator, nobody, connection);
    MemberRecord& record = members[member];
    if (claims.limits && *claims.limits != options.spectator_limits) {
        record.own_limits = std::make_unique<const wire::Limits>(*claims.limits);
    }
    write_welcome(record, false);
    welcome(record);
    if (shed_divisor != record.shed_divisor) {
        shed_next = std::min(shed_next, member);
    }
    return member;
}

tl::expected<Member, Refusal> Match::Implementation::add_player(Slot slot, Connection connection) {
    slot.joined_at_event = log.newest_event();
    const bool is_plain = slot.is_plain;
    const auto player = roster.add(std::move(slot));
    if (!player) {
        return tl::unexpected(refused_full);
    }
    states.grow(roster.number_end());
    for (RateClass& rate_class : classes) {
        rate_class.grow(roster.number_end());
    }
    const Member member =
        add_member(is_plain ? MemberKind::plain : MemberKind::player, *player, connection);
    roster[*player].member = member;
    json.clear();
    wire::write_joined(*player, roster[*player].name, is_plain, json);
    announce();
    outlet.on_player_joined(describe(*player), connection);
    return member;
}

Member Match::Implementation::add_member(MemberKind kind, PlayerNumber player, Connection connection) {
    MemberRecord record;
    record.kind = kind;
    record.player = player;
    record.connection = connection;
    // A report that takes two ticks and a little is never late, however quick a member usually is.
    record.gauge = LinkGauge(last_tick, 2 * clock.interval() + std::chrono::milliseconds(50));
    const Member member = members.add(std::move(record));
    // Everybody may come to wait at once, in the middle of a tick, where nothing may be allocated.
    reserve_for(waiting, members.records().size());
    reserve_for(pongs, members.records().size());
    if (kind != MemberKind::plain) {
        classes[0].add_member(states);
        put_on_waiting_list(member);
    }
    return member;
}

const wire::Limits& Match::Implementation::limits_of(const MemberRecord& record) const noexcept {
    if (record.player != nobody) {
        return roster[record.player].limits;
    }
    return record.own_limits != nullptr ? *record.own_limits : options.spectator_limits;
}

Member Match::Implementation::resume(PlayerNumber player, Connection connection,
                                     std::optional<std::uint32_t> seen_event, base::Time now) {
    Slot& slot = roster[player];
    const bool was_away = slot.presence == Presence::away;
    if (!was_away) {
        slot.rates = outlet.rates(members[slot.member].connection);
        outlet.close(members[slot.member].connection, close_replaced, "replaced by a newer connection");
        forget_member(slot.member);
    }
    slot.presence = Presence::present;
    slot.member = add_member(MemberKind::player, player, connection);
    MemberRecord& record = members[slot.member];

    Replay replay = plan_replay(player, seen_event);
    write_welcome(record, replay.is_recovered);
    if (replay.is_recovered &&
        json.size() + measure_replay(replay) > welcome_room(options.outbox_size_max)) {
        replay.is_recovered = false;
        write_welcome(record, false);
    }
    welcome(record);
    if (replay.is_recovered) {
        queue_log(connection, 0, replay.audience);
    }
    ++counters.resumes;
    counters.resumes_recovered += replay.is_recovered ? 1 : 0;

    if (was_away) {
        json.clear();
        wire::write_back(player, json);
        announce();
    }
    if (was_away && slot.is_host_by_ticket) {
        name_host(player);
    }
    reconsider_host(now);
    return slot.member;
}

Match::Implementation::Replay Match::Implementation::plan_replay(
    PlayerNumber player, std::optional<std::uint32_t> seen_event) const noexcept {
    if (!seen_event || *seen_event > log.newest_event() || base::bug(base::Bug::replay_refused)) {
        return {};
    }
    // What came before the slot's `joined` was for whoever had the number before.
    const EventNumber after = std::max(*seen_event, roster[player].joined_at_event);
    const EventNumber first_left_out = base::bug(base::Bug::replay_off_by_one) ? after + 1 : after;
    return {after >= log.newest_dropped_event(),
            {.player = player, .after = first_left_out, .wants_control = false}};
}

std::size_t Match::Implementation::measure_replay(const Replay& replay) const noexcept {
    std::size_t size = 0;
    LogPosition position = 0;
    while (const auto run = log.next_run(position, replay.audience)) {
        size += websocket::server_header_size(run->payload_size) + run->payload_size;
    }
    return size;
}

void Match::Implementation::write_welcome(const MemberRecord& record, bool is_recovered) {
    std::vector<wire::RosterEntry> players;
    players.reserve(roster.count());
    for (std::uint32_t number = 0; number < roster.number_end(); ++number) {
        const auto player = static_cast<PlayerNumber>(number);
        if (roster.has(player)) {
            const Slot& slot = roster[player];
            players.push_back({player, slot.name, slot.presence == Presence::away, slot.is_plain});
        }
    }
    const bool is_player = record.kind == MemberKind::player;
    const auto resume_ms =
        std::chrono::duration_cast<std::chrono::milliseconds>(options.resume_window).count();
    wire::Welcome welcome{};
    welcome.server = options.server_name;
    welcome.match = name;
    welcome.player = record.player;
    welcome.role = is_player ? wire::Role::player : wire::Role::spectator;
    welcome.host = election.host();
    welcome.epoch = election.epoch();
    welcome.is_locked = is_locked;
    welcome.tick = last_tick;
    welcome.tick_hz = options.tick_hz;
    welcome.event = log.newest_event();
    if (is_player) {
        const Slot& slot = roster[record.player];
        welcome.events_taken = slot.events_taken;
        welcome.resume = {slot.token.data(), slot.token.size()};
        welcome.resume_ms = static_cast<std::uint32_t>(resume_ms);
    }
    welcome.is_recovered = is_recovered;
    welcome.spectators = members.count(MemberKind::spectator);
    welcome.limits = limits_of(record);
    welcome.properties_version = properties.version();
    json.clear();
    wire::write_welcome(welcome, players, properties.list(), json);
}

void Match::Implementation::welcome(MemberRecord& record) noexcept {
    record.cursor = log.head();
    outlet.queue_frame(record.connection, Opcode::text, base::as_bytes(json));
}

// --- going

void Match::Implementation::forget_member(Member member) noexcept {
    const MemberRecord& record = members[member];
    if (record.is_game_lane()) {
        classes[record.class_index].remove_member();
    } else {
        remove_one(plain, member);
    }
    members.remove(member);
}

void Match::Implementation::disconnect(Member member, Ending ending, base::Time now) {
    const MemberKind kind = members[member].kind;
    const PlayerNumber player = members[member].player;
    if (kind != MemberKind::spectator) {
        roster[player].rates = outlet.rates(members[member].connection);
    }
    forget_member(member);
    if (kind == MemberKind::spectator) {
        return;
    }
    if (ending != Ending::lost || kind == MemberKind::plain) {
        end_slot(player, ending == Ending::left ? wire::LeftReason::left : wire::LeftReason::closed);
        return;
    }
    Slot& slot = roster[player];
    slot.presence = Presence::away;
    slot.away_until = now + options.resume_window / (base::bug(base::Bug::slot_ended_early) ? 2 : 1);
    set_timer(slot.away_until);
    json.clear();
    wire::write_away(player, json);
    announce();
    reconsider_host(now);
}

PlayerSlot Match::Implementation::describe(PlayerNumber player) const noexcept {
    const Slot& slot = roster[player];
    return {name, player, slot.name, slot.subject, slot.is_plain};
}

void Match::Implementation::end_slot(PlayerNumber player, wire::LeftReason reason) {
    const bool is_plain = roster[player].is_plain;
    outlet.on_player_left(describe(player), reason);
    roster.remove(player);
    states.drop(player);
    for (RateClass& rate_class : classes) {
        rate_class.drop(player);
    }
    json.clear();
    wire::write_left(player, reason, is_plain, json);
    announce();
    if (election.is_host(player)) {
        name_host(best_candidate());
    }
}

}  // namespace tickwire::match
