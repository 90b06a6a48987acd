// Who gets in, and what newcomers and leavers may cost: tickets, limits for addresses, the share of a slot
// that handshakes, requests, joins and goodbyes may take, the memory that is held, and what a late shard
// gives up.
#include <algorithm>
#include <string>
#include <utility>

#include "base/bugs.hpp"
#include "base/heap_trap.hpp"
#include "shard/shard.hpp"
#include "tls/record_allocator.hpp"

namespace tickwire::shard {
namespace {

/// Where no match ticks: long enough to be worth it, short enough for doors and signals.
constexpr base::Duration idle_turn = std::chrono::milliseconds(20);
/// Between two looks at the time.
constexpr std::uint32_t leavers_in_a_row = 4;
/// After an upgrade in place everybody is a newcomer, and who plays is who came back first.
constexpr std::uint32_t rush_share_permille = 900;
/// How long to wait before asking a late shard again, as the close reason says.
constexpr std::string_view late_reason = "the relay is busy: try again in 5 seconds";

wire::Limits limits_of(const ticket::Grant& grant, wire::Limits limits,
                       std::uint32_t state_bytes) noexcept {
    limits.state_bytes = std::min(grant.state_bytes.value_or(limits.state_bytes), state_bytes);
    limits.event_bytes = grant.event_bytes.value_or(limits.event_bytes);
    limits.messages_per_second = grant.messages_per_second.value_or(limits.messages_per_second);
    return limits;
}

}  // namespace

// --- tickets

std::optional<ticket::Grant> Shard::judge_ticket(session::Session& session, std::string_view token,
                                                 std::string_view match) {
    const auto refuse = [&](ticket::Fault fault) -> std::optional<ticket::Grant> {
        ++counters_.tickets_refused;
        report(connection_of(session), {.cause = Cause::ticket_refused,
                                        .code = 4000,
                                        .detail = FixedText<128>(ticket::describe(fault))});
        session.close(4000, ticket::describe(fault), now_);
        return std::nullopt;
    };
    if (!tickets_) {
        return ticket::Grant{};
    }
    if (token.empty()) {
        return tickets_->policy().is_required ? refuse(ticket::Fault::missing)
                                              : std::optional(ticket::Grant{});
    }
    const std::int64_t unix_now = setting_.unix_time();
    auto grant = tickets_->verify(token, match, unix_now);
    if (!grant) {
        return refuse(grant.error());
    }
    if (grant->is_single_use) {
        switch (setting_.directory->use_ticket(grant->id, grant->expires + ticket::leeway_s, unix_now)) {
            case TicketLedger::Verdict::taken:
                break;
            case TicketLedger::Verdict::used:
                return refuse(ticket::Fault::used);
            case TicketLedger::Verdict::full:
                ++counters_.tickets_refused;
                report(connection_of(session),
                       {.cause = Cause::ticket_refused,
                        .code = 1013,
                        .detail = FixedText<128>("too many tickets of single use")});
                session.close(1013, "too many tickets of single use", now_);
                return std::nullopt;
        }
    }
    ++counters_.tickets_accepted;
    return std::move(*grant);
}

Shard::Entry Shard::admit(session::Session& session, std::string_view ticket, wire::Join& join,
                          session::Lane lane) {
    const std::string& name = *connection_of(session).match_name;
    Entry entry;
    entry.handle = find_room(name);
    entry.room = rooms_.find(entry.handle);
    if (entry.room != nullptr && join.resume && entry.room->match->can_resume(*join.resume)) {
        return entry;  // the slot was paid for with the ticket that opened it
    }
    const auto grant = judge_ticket(session, ticket, name);
    if (!grant) {
        return {};
    }
    entry.used_ticket = grant->is_single_use ? grant->id : std::string();
    if (lane == session::Lane::plain && grant->role == wire::Role::spectator) {
        ++counters_.tickets_refused;
        give_back(entry);
        session.close(4000, ticket::describe(ticket::Fault::other_role), now_);
        return {};
    }
    if (entry.room == nullptr && pressure_.is_closed()) {
        ++counters_.refused_late;
        report(connection_of(session), {.cause = Cause::match_refused_late, .code = 1013});
        give_back(entry);
        session.close(1013, late_reason, now_);
        return {};
    }
    if (entry.room == nullptr) {
        const base::AddressKey opener = connection_of(session).address;
        if (!setting_.directory->charge_match(opener, now_)) {
            ++counters_.refused_address_matches;
            report(connection_of(session), {.cause = Cause::address_matches, .code = 1013});
            give_back(entry);
            session.close(1013, "too many matches of this address", now_);
            return {};
        }
        entry.handle = open_room(name, &*grant);
        entry.room = rooms_.find(entry.handle);
        if (entry.room == nullptr) {
            setting_.directory->release_match(opener, now_);
        } else {
            entry.room->opener = opener;
        }
    }
    if (entry.room == nullptr) {
        ++counters_.refused_matches;
        report(connection_of(session), {.cause = Cause::matches_full, .code = 1013});
        give_back(entry);
        session.close(1013, "no room for another match", now_);
        return {};
    }
    join.role = grant->role.value_or(join.role);
    join.name = grant->name.value_or(join.name);
    entry.claims.is_host = grant->is_host;
    entry.claims.subject = grant->subject;
    const match::Match& match = *entry.room->match;
    entry.claims.limits = limits_of(*grant, match.limits_of(join.role), match.state_bytes_max());
    return entry;
}

void Shard::give_back(const Entry& entry) {
    if (!entry.used_ticket.empty()) {
        setting_.directory->give_ticket_back(entry.used_ticket);
    }
}

// --- addresses

void Shard::note_refusal(Admission admission, const base::PeerAddress& peer) noexcept {
    ++counters_.connections_refused;
    switch (admission) {
        case Admission::admitted:
            return;
        case Admission::over_connections:
            ++counters_.refused_connections;
            report({.cause = Cause::connections_full, .peer = peer});
            return;
        case Admission::over_memory:
            ++counters_.refused_memory;
            report({.cause = Cause::memory_full, .peer = peer});
            return;
        case Admission::over_address_count:
            ++counters_.refused_address_count;
            report({.cause = Cause::address_connections, .peer = peer});
            return;
        case Admission::over_address_rate:
            ++counters_.refused_address_rate;
            report({.cause = Cause::address_rate, .peer = peer});
            return;
    }
}

bool Shard::charge_client(Connection& connection, const base::PeerAddress& client) {
    connection.peer = client;
    // A proxy may use a connection again for another client's request, after one that was refused.
    setting_.directory->release_address(std::exchange(connection.address, 0), now_);
    const base::AddressKey address = options_.admission.addresses.charged_key(client);
    const Admission admission = setting_.directory->charge_address(address, now_);
    if (admission != Admission::admitted) {
        note_refusal(admission, client);
        return false;
    }
    connection.address = address;
    return true;
}

bool Shard::on_proxy_header(session::Session& session, const wire::ProxyHeader& header) {
    if (!header.source) {
        return true;
    }
    Connection& connection = connection_of(session);
    connection.peer = *header.source;
    connection.is_by_proxy =
        options_.admission.addresses.is_trusted(connection.peer);  // one behind the other
    if (connection.is_refused || charge_client(connection, connection.peer)) {
        return true;
    }
    // As at accept: an answer of 503 while there are places for it.
    connection.is_refused = refused_count_ < refusal_places;
    refused_count_ += connection.is_refused ? 1U : 0U;
    return connection.is_refused;
}

// --- newcomers and leavers

/// What newcomers and leavers may use of the CPU now: their share of the time since their last turn, which
/// is a slot mostly. A late shard gives them more at once, but never a whole slot.
base::Duration Shard::turn_length() const noexcept {
    if (rooms_.live_count() == 0 || is_stopping_) {
        return idle_turn;
    }
    const std::uint32_t permille =
        now_ < rush_until_ ? std::max(rush_share_permille, options_.admission.newcomer_share_permille)
                           : options_.admission.newcomer_share_permille;
    const base::Duration share = (now_ - last_turn_) * permille / 1000;
    return std::min(share, grid_.slot_length());
}

/// After the ticks, so that storms of handshakes and of goodbyes cost those who play at most their share of
/// each slot; half of it is the newcomers' where there are any. Measured as CPU time: what others take of
/// the machine is not their fault.
///
/// Each time at least one newcomer and four leavers, however little is left of their share.
///
/// What leavers submit completes at once, and so the next wait() does not sleep: while a crowd leaves the
/// shard goes round many times in a slot, some of them each time. Once in a slot took a quarter less CPU,
/// and ticks were later (bench/README.md, Experiments).
void Shard::serve_comers_and_goers() {
    if (newcomers_.is_empty() && leavers_.is_empty()) {
        last_turn_ = now_;
        return;
    }
    const base::Duration turn = turn_length();
    last_turn_ = now_;
    if (!leavers_.is_empty()) {
        backend_->submit();  // those who play pay for what they are sent
    }
    const base::Duration begin = backend_->cpu_time();
    if (!leavers_.is_empty()) {
        serve_leavers(begin, newcomers_.is_empty() ? turn : turn / 2);
    }
    if (!newcomers_.is_empty()) {
        serve_newcomers(begin, turn);
    }
    counters_.newcomer_ns += static_cast<std::uint64_t>((backend_->cpu_time() - begin).count());
    counters_.newcomers_deferred += newcomers_.count();
}

/// A goodbye costs ten times what a state does, and over TLS forty times; a storm's crowd leaves at once.
void Shard::serve_leavers(base::Duration begin, base::Duration turn) {
    const base::HeapAllowed leaving_allocates;
    for (std::uint32_t count = 1; !leavers_.is_empty(); ++count) {
        serve_leaver(leavers_.pop());
        const bool is_time_to_look = count % leavers_in_a_row == 0;
        if (is_time_to_look || leavers_.is_empty()) {
            finish_touched();
            flush();
        }
        if (is_time_to_look) {
            backend_->submit();  // closing costs the kernel's time
            if (backend_->cpu_time() - begin >= turn) {
                counters_.leavers_deferred += leavers_.count();
                return;
            }
        }
    }
}

void Shard::serve_leaver(uring::Channel channel) {
    Connection* const connection = connections_.at(channel);
    if (connection == nullptr) {
        return;
    }
    if (connection->is_closed) {
        erase(connections_.handle_at(channel));
        return;
    }
    if (connection->is_closing) {
        backend_->close(channel);
        if (base::bug(base::Bug::slot_reused_early)) {
            erase(connections_.handle_at(channel));
        }
        return;
    }
    if (std::exchange(connection->is_ended, false)) {
        connection->session.on_receive_ended(now_);
    }
    attend(channel, *connection);
}

void Shard::serve_newcomers(base::Duration begin, base::Duration turn) {
    const base::HeapAllowed newcomers_allocate;
    do {
        now_ = backend_->now();
        const uring::Channel channel = newcomers_.pop();
        Connection* const connection = connections_.at(channel);
        if (connection != nullptr && !connection->is_closing) {
            serve_newcomer(channel, *connection);
        }
    } while (!newcomers_.is_empty() && backend_->cpu_time() - begin < turn);
    now_ = backend_->now();
    finish_touched();
    flush();
    report_memory();
}

void Shard::serve_newcomer(uring::Channel channel, Connection& connection) {
    if (connection.arriving != nullptr) {
        connection.is_under_way = true;
        const auto moved = std::move(connection.arriving);
        if (!connection.session.is_over()) {
            connection.session.resume_moved(*moved, now_);
        }
    } else if (connection.session.holds_input()) {
        connection.is_under_way = true;
        connection.session.receive_held(now_);
    }
    note_handshake(connection);
    arm_receive(channel, connection);
}

void Shard::note_handshake(Connection& connection) noexcept {
    const session::Phase phase = connection.session.phase();
    if (phase != session::Phase::tls_handshake && phase != session::Phase::proxy_header) {
        end_handshake(connection);
    }
}

void Shard::end_handshake(Connection& connection) noexcept {
    if (std::exchange(connection.is_handshaking, false)) {
        --handshaking_count_;
        setting_.directory->end_handshake(setting_.index);
    }
}

// --- memory and time

/// What the bound is about: buffers, TLS, connections, matches. After newcomers too, so that a storm within
/// one of the sweep's intervals does not pass unseen.
void Shard::report_memory() noexcept {
    counters_.connection_bytes = std::uint64_t{connections_.live_count()} * sizeof(Connection);
    counters_.echo_bytes = heap_.bytes_in_use();
    const std::int64_t bytes =
        static_cast<std::int64_t>(pool_.bytes_in_use() + counters_.match_heap_bytes + counters_.echo_bytes +
                                  counters_.connection_bytes) +
        tls::held_by_openssl();
    counters_.memory_bytes = static_cast<std::uint64_t>(bytes);
    setting_.directory->report_memory(setting_.index, bytes);
}

void Shard::judge_pressure() noexcept {
    const base::Duration passed = now_ - (next_judgement_ - judgement_interval);
    const std::uint64_t busy_ns = counters_.busy_ns - busy_ns_at_judgement_;
    const auto busy_permille =
        static_cast<std::uint32_t>(busy_ns * 1000 / static_cast<std::uint64_t>(passed.count()));
    busy_ns_at_judgement_ = counters_.busy_ns;
    next_judgement_ = now_ + judgement_interval;
    if (!pressure_.judge(busy_permille)) {
        return;
    }
    report({.cause = pressure_.level() == 0 ? Cause::shard_recovered : Cause::shard_late,
            .detail = FixedText<128>(pressure_.consequence())});
    for (std::uint32_t index = 0; index < rooms_.index_end(); ++index) {
        if (MatchRoom* const room = rooms_.at(index); room != nullptr) {
            room->match->shed_spectators(pressure_.spectator_divisor());
        }
    }
}

}  // namespace tickwire::shard
