// A shard's connections: from accept or hand-over to the last completion.
#include <array>
#include <utility>

#include "base/bugs.hpp"
#include "base/heap_trap.hpp"
#include "shard/shard.hpp"

namespace tickwire::shard {

using session::Phase;

void Shard::on_accepted(std::uint32_t listener, int descriptor) {
    const base::HeapAllowed accepting_allocates;
    now_ = backend_->now();
    const bool is_tls = setting_.listeners[listener].kind == ListenerKind::tls;
    const AcceptedConnection accepted{descriptor,
                                      is_tls ? session::Transport::tls : session::Transport::clear,
                                      setting_.listeners[listener].preamble};
    const bool is_full = handshaking_count_ >= options_.admission.handshake_count_max;
    const std::uint32_t chosen =
        is_tls ? setting_.directory->choose_for_handshake(setting_.index, is_full) : setting_.index;
    if (chosen == setting_.index) {
        welcome(accepted);
    } else {
        ++counters_.connections_passed_on;
        setting_.doors[chosen]->pass_on(accepted);
    }
}

/// Closed before anything was read from it.
void Shard::turn_away(const AcceptedConnection& accepted) noexcept {
    if (accepted.transport == session::Transport::tls) {
        setting_.directory->end_handshake(setting_.index);
    }
    uring::Backend::discard(accepted.descriptor);
}

void Shard::welcome(const AcceptedConnection& accepted) {
    const auto& [descriptor, transport, preamble] = accepted;
    if (is_stopping_) {
        turn_away(accepted);
        return;
    }
    const base::PeerAddress peer = uring::Backend::peer_of(descriptor);
    if (preamble == session::Preamble::proxy_header && !options_.admission.addresses.is_trusted(peer)) {
        ++counters_.connections_refused;
        ++counters_.refused_untrusted;
        report({.cause = Cause::proxy_untrusted, .peer = peer});
        turn_away(accepted);
        return;
    }
    const base::AddressKey address = options_.admission.addresses.charged_key(peer);
    const bool is_tls = transport == session::Transport::tls;
    const bool is_over_handshakes = is_tls && handshaking_count_ >= options_.admission.handshake_count_max;
    const Admission admission = setting_.directory->admit_connection(address, now_);
    const bool is_admitted = admission == Admission::admitted;
    if (is_over_handshakes || !is_admitted) {
        note_refusal(admission, peer);
    }
    if (is_over_handshakes && is_admitted) {
        ++counters_.refused_handshakes;
        report({.cause = Cause::handshakes_full, .peer = peer});
    }
    base::Handle handle = base::Handle::none();
    if (!is_over_handshakes && (is_admitted || refused_count_ < refusal_places)) {
        handle = connections_.emplace(environment_, transport, preamble, now_);
    }
    if (!handle.exists()) {
        setting_.directory->release_connection(is_admitted ? address : 0, now_);
        turn_away(accepted);
        return;
    }
    ++counters_.connections_accepted;
    Connection& connection = *connections_.find(handle);
    connection.peer = peer;
    connection.address = is_admitted ? address : 0;
    connection.is_refused = !is_admitted;
    connection.is_by_proxy = options_.admission.addresses.is_trusted(peer);
    refused_count_ += is_admitted ? 0U : 1U;
    handshaking_count_ += is_tls ? 1U : 0U;
    open_connection(handle, descriptor);
}

void Shard::open_connection(base::Handle handle, int descriptor) {
    Connection& connection = *connections_.find(handle);
    connection.session.set_self(handle);
    backend_->adopt(handle.index, descriptor);
    arm_receive(handle.index, connection);
}

void Shard::take_mail() {
    for (MovedConnection& moved : setting_.doors[setting_.index]->mailbox().take_all()) {
        const base::Handle handle =
            is_stopping_ ? base::Handle::none() : connections_.emplace(environment_, moved.session, now_);
        if (!handle.exists()) {
            ++counters_.connections_refused;
            setting_.directory->release(moved.session.upgrade.match);
            setting_.directory->release_connection(moved.address, now_);
            uring::Backend::discard(moved.descriptor);
            continue;
        }
        ++counters_.connections_moved_in;
        Connection& connection = *connections_.find(handle);
        connection.session.set_self(handle);
        connection.match_name = std::make_unique<std::string>(moved.session.upgrade.match);
        connection.peer = moved.peer;
        connection.address = moved.address;
        connection.arriving = std::make_unique<session::MovedSession>(std::move(moved.session));
        backend_->adopt(handle.index, moved.descriptor);
        newcomers_.push(handle.index, true);
    }
}

/// One receive at a time until the connection is a member, then receives without end: a newcomer's bytes
/// may have to wait for their turn. The echo stays with one at a time, so that it is never owed more than
/// it has read.
void Shard::arm_receive(uring::Channel channel, Connection& connection) {
    if (connection.receiving != Receiving::nothing || connection.is_closing || connection.is_ended ||
        connection.arriving != nullptr || !connection.session.wants_input()) {
        return;
    }
    const Phase phase = connection.session.phase();
    if (phase == Phase::game || phase == Phase::plain) {
        connection.receiving = Receiving::many;
        backend_->receive_many(channel);
    } else {
        connection.receiving = Receiving::once;
        backend_->receive_once(channel);
    }
}

/// The clock is read for each: stamped with the slot before, what arrives after a long sleep or a suspend
/// would look as old as that, and its sender idle.
void Shard::on_received(uring::Channel channel, base::MutableBytes bytes) {
    now_ = backend_->now();
    Connection& connection = *connections_.at(channel);
    if (connection.is_closing) {
        return;
    }
    if (connection.receiving == Receiving::once) {
        connection.receiving = Receiving::nothing;
    }
    if (connection.session.is_newcomer()) {
        connection.session.hold(bytes, now_);
        newcomers_.push(channel, connection.is_under_way);
        return;
    }
    connection.session.receive(bytes, now_);
    arm_receive(channel, connection);
}

void Shard::on_receive_ended(uring::Channel channel, uring::ReceiveEnd /*end*/) {
    now_ = backend_->now();
    Connection& connection = *connections_.at(channel);
    connection.receiving = Receiving::nothing;
    if (!connection.is_closing) {
        connection.is_ended = true;
        leavers_.push(channel);
    }
}

void Shard::on_sent(uring::Channel channel, uring::SendResult result) {
    if (base::bug(base::Bug::slot_reused_early) && connections_.at(channel) == nullptr) {
        return;
    }
    now_ = backend_->now();
    Connection& connection = *connections_.at(channel);
    connection.session.end_send(result == uring::SendResult::complete, now_);
    if (connection.is_last_send && !connection.is_closing) {
        begin_close(channel, connection);
    }
}

/// The connection stays, with the memory that is in flight, until on_closed().
void Shard::begin_close(uring::Channel channel, Connection& connection) noexcept {
    connection.is_closing = true;
    leavers_.push(channel);
}

void Shard::on_upcoming(uring::Channel channel, unsigned step) noexcept {
    if (step == 0) {
        connections_.prefetch(channel);
        return;
    }
    const Connection* const connection = connections_.at(channel);
    if (connection == nullptr || !connection->room.exists()) {
        return;
    }
    if (step == 1) {
        connection->session.prefetch_engine();
    } else if (step == 2) {
        connection->session.prefetch_tls(tls::TlsEngine::Direction::reads);
    }
    if (MatchRoom* const room = rooms_.find(connection->room); room != nullptr) {
        if (step == 1) {
            __builtin_prefetch(room->match.get());
        } else {
            room->match->prefetch(connection->member, step - 2);
        }
    }
}

void Shard::on_connected(uring::Channel /*channel*/, uring::SendResult /*result*/) {
    base::check(false, "Shard: it never connects");
}

void Shard::on_attention(session::Session& session) {
    Connection& connection = connection_of(session);
    if (!connection.is_listed) {
        connection.is_listed = true;
        attention_.push_back(session.self());
    }
}

/// Sends what a session has queued; moves it, closes it or listens to it again, where that is what it
/// awaits.
void Shard::attend(uring::Channel channel, Connection& connection) {
    session::Session& session = connection.session;
    if (connection.is_last_send) {
        return;
    }
    if (session.is_ready_to_move()) {
        const base::HeapAllowed hand_over_allocates;
        move_out(connections_.handle_at(channel), connection);
        return;
    }
    if (!session.is_busy()) {
        const base::Bytes bytes = session.begin_send(now_);
        if (!bytes.empty()) {
            connection.is_last_send = session.is_over();
            backend_->send(channel, bytes);
            return;
        }
        if (session.is_over()) {
            begin_close(channel, connection);
            return;
        }
        if (session.is_draining() && !connection.is_finished) {
            connection.is_finished = true;
            backend_->finish_sending(channel);
        }
    } else if (session.is_over()) {
        begin_close(channel, connection);
        return;
    }
    arm_receive(channel, connection);
}

void Shard::move_out(base::Handle handle, Connection& connection) {
    session::MovedSession moved = connection.session.take_moved();
    const std::uint32_t target = setting_.directory->shard_of(moved.upgrade.match);
    connection.match_name.reset();  // its reference travels along
    const int descriptor = backend_->release(handle.index);
    const base::PeerAddress peer = connection.peer;
    const base::AddressKey address = connection.address;
    connections_.erase(handle);
    ++counters_.connections_moved_out;
    setting_.doors[target]->hand_over({descriptor, peer, address, std::move(moved)});
}

void Shard::on_closed(uring::Channel channel) {
    if (base::bug(base::Bug::slot_reused_early)) {
        return;
    }
    connections_.at(channel)->is_closed = true;
    leavers_.push(channel);
}

void Shard::release_name(Connection& connection) {
    if (connection.match_name != nullptr) {
        setting_.directory->release(*connection.match_name);
        connection.match_name.reset();
    }
}

void Shard::erase(base::Handle handle) {
    Connection& connection = *connections_.find(handle);
    base::check(!connection.room.exists(), "Shard: a match forgets its member first");
    release_name(connection);
    end_handshake(connection);
    refused_count_ -= connection.is_refused ? 1U : 0U;
    const base::AddressKey address = connection.address;
    connections_.erase(handle);
    setting_.directory->release_connection(address, now_);
}

}  // namespace tickwire::shard
