// The public face of a match, and what members send on the data path.
#include "match/match.hpp"

#include <algorithm>
#include <utility>

#include "base/check.hpp"
#include "base/heap_trap.hpp"
#include "match/implementation.hpp"

namespace tickwire::match {
namespace {

using protocol::nobody;
using protocol::Target;

/// What the log must hold beside events: the longest JSON of one request. Escaping can make its keys up to
/// three times as long as they came ("\n" is two bytes and at worst six).
std::size_t message_size_max(const MatchOptions& options) noexcept {
    return std::max<std::size_t>(
        {options.limits.event_bytes, 3 * std::size_t{options.limits.json_bytes}, 1024});
}

}  // namespace

Match::Implementation::Implementation(std::string match_name, const MatchOptions& match_options,
                                      base::Time opened, base::BufferPool& buffer_pool,
                                      Outlet& match_outlet, TokenSource& token_source,
                                      MatchCounters& match_counters)
    : name(std::move(match_name)),
      options(match_options),
      pool(buffer_pool),
      outlet(match_outlet),
      tokens(token_source),
      counters(match_counters),
      clock(opened, options.tick_hz),
      roster(options.player_count_max),
      states(pool),
      classes(options.tick_hz),
      log(pool, {options.event_log_size, message_size_max(options)}),
      properties({options.properties_size_max, options.properties_count_max}),
      election(options.host_grace),
      frames(pool) {
    set_limits(match_options.limits, match_options.spectator_limits);
}

bool Match::Implementation::take_event(Member member, const protocol::Event& event, base::Time now) {
    static_cast<void>(now);
    MemberRecord& record = members[member];
    if (record.kind != MemberKind::player) {
        return false;
    }
    ++roster[record.player].events_taken;
    ++counters.events_taken;
    PlayerNumber addressee = nobody;
    switch (event.kind.target) {
        case Target::others:
        case Target::everyone:
            break;
        case Target::host:
            if (!election.host()) {
                refuse_event(record, wire::ControlErrorCode::no_such_player, "there is no host");
                return true;
            }
            addressee = *election.host();
            break;
        case Target::player:
            if (!roster.has(event.player)) {
                refuse_event(record, wire::ControlErrorCode::no_such_player, "nobody has that number");
                return true;
            }
            addressee = event.player;
            break;
    }
    if (!log.fits(event.body.size())) {
        refuse_event(record, wire::ControlErrorCode::too_large, "longer than the match's log can hold");
        return true;
    }
    log_event(record.player, addressee, event.kind, event.body);
    return true;
}

void Match::Implementation::on_report(MemberRecord& record, std::uint16_t seen, base::Time now) noexcept {
    if (const auto age = record.gauge.on_report(seen, now, pool)) {
        counters.state_age.record(*age);
    }
}

void Match::Implementation::refuse_event(MemberRecord& record, wire::ControlErrorCode code,
                                         std::string_view message) {
    const base::HeapAllowed json_allocates;
    ++counters.events_refused;
    answer_error(record, code, message, std::nullopt);
}

void Match::Implementation::log_event(PlayerNumber from, PlayerNumber addressee, protocol::Kind kind,
                                      base::Bytes body) noexcept {
    make_room(body.size());
    log.append_event(from, addressee, protocol::encode_kind(kind), body);
    if (addressee != nobody) {
        const Slot& slot = roster[addressee];
        if (slot.presence == Presence::present && !slot.is_plain) {
            materialise(members[slot.member]);
        }
    }
    send_plain(addressee, kind, body);
}

// --- the public face

Match::Match(std::string name, const MatchOptions& options, base::Time opened, base::BufferPool& pool,
             Outlet& outlet, TokenSource& tokens, MatchCounters& counters)
    : implementation_(std::make_unique<Implementation>(std::move(name), options, opened, pool, outlet,
                                                       tokens, counters)) {}

Match::~Match() = default;

tl::expected<Member, Refusal> Match::join(Connection connection, const wire::Join& join, base::Time now,
                                          const Claims& claims) {
    const base::HeapAllowed joins_allocate;
    return implementation_->join(connection, join, now, claims);
}

tl::expected<Member, Refusal> Match::join_plain(Connection connection, base::Time now, const Claims& claims,
                                                std::string name) {
    const base::HeapAllowed joins_allocate;
    return implementation_->join_plain(connection, now, claims, std::move(name));
}

bool Match::can_resume(std::string_view token) const noexcept {
    return implementation_->roster.find(token).has_value();
}

void Match::disconnect(Member member, Ending ending, base::Time now) noexcept {
    const base::HeapAllowed leaves_write_json;
    implementation_->disconnect(member, ending, now);
}

bool Match::take_state(Member member, const protocol::State& state, base::Time now) noexcept {
    Implementation& self = *implementation_;
    MemberRecord& record = self.members[member];
    if (record.kind != MemberKind::player) {
        return false;
    }
    self.on_report(record, state.seen, now);
    ++self.counters.states_taken;
    if (!self.states.put(record.player, state, now)) {
        ++self.counters.skipped_no_memory;
    }
    return true;
}

void Match::prefetch(Member member, unsigned step) const noexcept {
    const Implementation& self = *implementation_;
    if (step == 0) {
        base::prefetch(&self.members, sizeof self.members);
        base::prefetch(&self.states, sizeof self.states);
        return;
    }
    const auto& records = self.members.records();
    if (member >= records.size()) {
        return;
    }
    const MemberRecord& record = records[member];
    if (step == 1) {
        base::prefetch(&record, sizeof record);
        return;
    }
    record.gauge.prefetch();
    if (record.kind == MemberKind::player) {
        self.states.prefetch(record.player);
    }
}

bool Match::take_event(Member member, const protocol::Event& event, base::Time now) noexcept {
    return implementation_->take_event(member, event, now);
}

void Match::take_ping(Member member, const protocol::Ping& ping, base::Time now) noexcept {
    Implementation& self = *implementation_;
    MemberRecord& record = self.members[member];
    self.on_report(record, ping.seen, now);
    record.has_pong = true;
    record.pong_client_time = ping.client_time;
    if (!record.is_on_pong_list) {
        record.is_on_pong_list = true;
        self.pongs.push_back(member);
    }
}

void Match::take_resync(Member member, base::Time) noexcept {
    implementation_->members[member].is_keyframe_asked = true;
    implementation_->put_on_waiting_list(member);
}

void Match::take_plain(Member member, base::Bytes body, bool is_text, base::Time) noexcept {
    Implementation& self = *implementation_;
    MemberRecord& record = self.members[member];
    base::check(record.kind == MemberKind::plain, "Match: a plain member's message");
    ++self.roster[record.player].events_taken;
    ++self.counters.events_taken;
    if (!self.log.fits(body.size())) {
        ++self.counters.events_refused;
        return;
    }
    const protocol::Kind kind{
        .target = Target::everyone, .is_text = is_text, .purpose = protocol::Purpose::event};
    self.log_event(record.player, nobody, kind, body);
}

void Match::take_request(Member member, const wire::ControlRequest& request, base::Time now) {
    const base::HeapAllowed control_allocates;
    implementation_->take_request(member, request, now);
}

void Match::refuse_request(Member member, const wire::RequestError& error, base::Time) {
    const base::HeapAllowed control_allocates;
    implementation_->refuse_request(member, error);
}

base::Time Match::next_tick_due() const noexcept {
    return implementation_->clock.due(implementation_->last_tick + 1);
}

void Match::run_tick(base::Time now) noexcept {
    implementation_->run_tick(now);
}

void Match::finish_slot(base::Time now) noexcept {
    implementation_->answer_pings(now);
}

void Match::shed_spectators(std::uint8_t divisor) noexcept {
    if (implementation_->shed_divisor != divisor) {
        implementation_->shed_divisor = divisor;
        implementation_->shed_next = 0;
    }
}

bool Match::is_over() const noexcept {
    return implementation_->members.count() == 0 && implementation_->roster.count() == 0;
}

std::string_view Match::name() const noexcept {
    return implementation_->name;
}
std::uint32_t Match::player_count() const noexcept {
    return implementation_->roster.count();
}
std::uint32_t Match::spectator_count() const noexcept {
    return implementation_->members.count(MemberKind::spectator);
}
std::uint32_t Match::tick_number() const noexcept {
    return implementation_->last_tick;
}
std::uint32_t Match::tick_hz() const noexcept {
    return implementation_->options.tick_hz;
}
const wire::Limits& Match::limits_of(wire::Role role) const noexcept {
    const MatchOptions& options = implementation_->options;
    return role == wire::Role::spectator ? options.spectator_limits : options.limits;
}
std::uint32_t Match::state_bytes_max() const noexcept {
    return match::state_bytes_max(implementation_->options);
}
std::string_view Match::subject(PlayerNumber player) const noexcept {
    return implementation_->roster.has(player) ? std::string_view(implementation_->roster[player].subject)
                                               : std::string_view();
}
std::size_t Match::heap_size() const noexcept {
    const Implementation& self = *implementation_;
    return sizeof self + self.members.size() * (sizeof(MemberRecord) + 2 * sizeof(Member)) +
           self.roster.number_end() * sizeof(Slot) + self.properties.size() + self.json.capacity();
}
PlayerNumber Match::player_of(Member member) const noexcept {
    return implementation_->members[member].player;
}

const wire::Limits& Match::limits(Member member) const noexcept {
    return implementation_->limits_of(implementation_->members[member]);
}

base::RateBuckets Match::rates(Member member) const noexcept {
    const PlayerNumber player = implementation_->members[member].player;
    return player == nobody ? base::RateBuckets() : implementation_->roster[player].rates;
}

}  // namespace tickwire::match
