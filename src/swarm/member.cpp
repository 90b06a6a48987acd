// A member's connection, and what it sends.
#include "swarm/member.hpp"

#include <algorithm>
#include <array>
#include <cstring>

#include "base/check.hpp"
#include "swarm/member_events.hpp"

namespace tickwire::swarm {
namespace {

using client::PlayerNumber;

constexpr base::Duration slow_read_interval = std::chrono::milliseconds(500);
constexpr base::Duration cut_interval = std::chrono::seconds(2);

}  // namespace

/// Ciphertext that waits for the socket. Invariant: sealed_ ends where the ciphertext does, but while the
/// engine writes into the room that it asked for.
class Member::Sealed final : public tls::CiphertextSink {
  public:
    explicit Sealed(std::vector<std::uint8_t>& to) noexcept : to_(to), used_(to.size()) {}
    ~Sealed() { to_.resize(used_); }
    Sealed(const Sealed&) = delete;
    Sealed& operator=(const Sealed&) = delete;

    base::MutableBytes room(std::size_t size) noexcept override {
        to_.resize(used_ + size);
        return base::MutableBytes(to_).subspan(used_);
    }
    void commit(std::size_t size) noexcept override { used_ += size; }

  private:
    std::vector<std::uint8_t>& to_;
    std::size_t used_;
};

Member::Member(Crowd& crowd, std::uint32_t index, std::uint32_t room, Part part, Network network)
    : crowd_(crowd), index_(index), room_(room), part_(part), network_(network) {
    const bool is_spectator = part == Part::spectator;
    talk_ = make_talk(
        crowd, *this,
        {this->room().name,
         is_spectator ? protocol::nobody : static_cast<PlayerNumber>(index / crowd.options.match_count)});
    if (sends_states()) {
        sent_.emplace(crowd.options.movement, index, crowd.options.state_size);
    }
}

// --- the connection

void Member::start_connecting() {
    const uring::Address& address = crowd_.options.target.address;
    link_ = Link::connecting;
    connect_at_ = base::Time::max();
    crowd_.pending_count += gone_since_ ? 0U : 1U;
    crowd_.backend->connect(index_, &address.storage, address.size);
}

void Member::on_connected(uring::SendResult result) {
    if (result == uring::SendResult::failed) {
        begin_talk();  // so that its end is told like any other
        talk_->lose_connection();
        close_channel();
        return;
    }
    if (network_.is_slow) {
        crowd_.backend->receive_once(index_);
    } else {
        crowd_.backend->receive_many(index_);
    }
    if (crowd_.tls_context == nullptr) {
        link_ = Link::open;
        begin_talk();
        flush();
        return;
    }
    link_ = Link::handshake;
    tls_ = tls::TlsEngine::create(crowd_.tls_context, tls::TlsEngine::Side::client,
                                  crowd_.options.target.server_name, tls_session_);
    base::check(tls_ != nullptr, "TlsEngine: memory");
    receive_tls({});
}

void Member::begin_talk() {
    talk_->begin(crowd_.client_now());
}

void Member::on_received(base::MutableBytes bytes) {
    if (crowd_.window.holds(crowd_.now)) {
        crowd_.seen.bytes_received += bytes.size();
    }
    if (tls_ != nullptr) {
        receive_tls(bytes);
    } else {
        talk_->receive(bytes, crowd_.client_now());
        flush();
    }
    if (network_.is_slow && link_ != Link::closing) {
        next_read_ = crowd_.now + slow_read_interval;
    }
}

void Member::receive_tls(base::MutableBytes bytes) {
    base::Bytes input = bytes;
    auto status = tls::TlsStatus::ok;
    {
        Sealed sink(sealed_);
        if (link_ == Link::handshake) {
            status = tls_->handshake(input, sink);
            if (status == tls::TlsStatus::ok) {
                link_ = Link::open;
                crowd_.seen.tls_resumed += tls_->was_resumed() ? 1U : 0U;
                begin_talk();
            }
        }
        while (link_ == Link::open && status == tls::TlsStatus::ok) {
            std::size_t size = 0;
            status = tls_->read(input, crowd_.plaintext, size, sink);
            if (size != 0) {
                talk_->receive(base::MutableBytes(crowd_.plaintext).first(size), crowd_.client_now());
            }
        }
    }
    flush();
    if (status == tls::TlsStatus::closed || status == tls::TlsStatus::failed) {
        if (link_ == Link::handshake) {
            begin_talk();
        }
        talk_->lose_connection();
        close_channel();
    }
}

void Member::flush() {
    if (is_sending_ || link_ == Link::closing || link_ == Link::closed) {
        return;
    }
    if (tls_ == nullptr) {
        talk_->take_output(in_flight_);
    } else {
        if (link_ == Link::open && talk_->has_output()) {
            talk_->take_output(crowd_.clear);
            Sealed sink(sealed_);
            const auto status = tls_->write(crowd_.clear, sink);
            base::check(status == tls::TlsStatus::ok, "TlsEngine: encrypting with room enough");
            crowd_.clear.clear();
        }
        in_flight_.swap(sealed_);
    }
    if (!in_flight_.empty()) {
        is_sending_ = true;
        if (crowd_.window.holds(crowd_.now)) {
            crowd_.seen.bytes_sent += in_flight_.size();
        }
        crowd_.backend->send(index_, in_flight_);
    } else if (link_ == Link::open && talk_->phase() == client::Phase::over) {
        close_channel();  // of who comes back, the talk before is over until the handshake is
    }
}

void Member::on_sent(uring::SendResult result) {
    is_sending_ = false;
    in_flight_.clear();
    if (!sends_states()) {
        in_flight_.shrink_to_fit();  // it will not send for long
        sealed_.shrink_to_fit();
    }
    if (link_ == Link::closing) {
        return;
    }
    if (result == uring::SendResult::failed) {
        talk_->lose_connection();
        close_channel();
        return;
    }
    flush();
}

void Member::on_receive_ended() {
    talk_->lose_connection();
    close_channel();
}

void Member::close_channel() {
    if (link_ != Link::closing && link_ != Link::closed) {
        link_ = Link::closing;
        crowd_.backend->close(index_);
    }
}

void Member::on_closed() {
    link_ = Link::closed;
    if (tls_ != nullptr && gone_since_) {
        tls_session_ = tls_->session();  // as a browser would
    }
    tls_.reset();
    if (gone_since_ && !crowd_.is_leaving) {
        return_later();
        return;
    }
    ++crowd_.closed_count;
}

void Member::return_later() {
    sealed_.clear();
    in_flight_.clear();
    is_sending_ = false;
    next_read_ = {};
    // Where nobody said when: soon, and not all at once.
    constexpr base::Duration unasked = std::chrono::milliseconds(50);
    const base::Duration wait =
        reconnect_ > base::Duration(0) ? reconnect_ : unasked * (1 + index_ % 8) / 8;
    connect_at_ = std::max(*gone_since_ + wait, crowd_.now);
    reconnect_ = {};
}

/// The first of all members' cuts are spread over the interval.
void Member::plan_cut() noexcept {
    const bool is_first = next_cut_ == base::Time::max();
    next_cut_ = crowd_.now + (is_first ? cut_interval * (1 + index_ % 16) / 16 : cut_interval);
}

// --- what it sends

void Member::send_state() {
    if (!is_joined()) {
        return;
    }
    const bool is_counted = crowd_.window.holds(crowd_.now);
    if (is_sending_) {
        crowd_.seen.states_blocked += is_counted ? 1U : 0U;
        return;
    }
    if (const auto oldest = sent_->oldest()) {
        account(*oldest);
    }
    const base::Bytes state = sent_->make_next(crowd_.now);
    const std::uint16_t seq = talk_->send_state(state, crowd_.client_now());
    base::check(seq == static_cast<std::uint16_t>(sent_->count()), "states are counted from 1");
    ++crowd_.seen.states_sent_all;
    crowd_.seen.states_sent += is_counted ? 1U : 0U;
    flush();
}

/// What became of a state that nobody will receive any more.
void Member::account(const SentStates::Place& place) noexcept {
    if (!crowd_.window.holds(place.sent) || crowd_.options.protocol == Protocol::bare) {
        return;  // a bare server delivers no states
    }
    const std::uint64_t receivers = room().receiver_count;
    if (place.delivered_count == 0) {
        crowd_.seen.states_superseded += receivers;
    } else if (place.delivered_count < receivers) {
        crowd_.seen.states_lost += receivers - place.delivered_count;
    }
}

void Member::count_rest() {
    if (!sent_) {
        return;
    }
    for (std::uint32_t number = sent_->count(); number != 0; --number) {
        const auto* const place = sent_->place_of(number);
        if (place == nullptr) {
            return;
        }
        account(*place);
    }
}

void Member::send_event() {
    if (!is_joined() || part_ != Part::player) {
        return;
    }
    const protocol::Target target = target_of(index_);
    PlayerNumber to = 0;
    if (target == protocol::Target::player) {
        const auto& players = room().by_player;
        to = talk_->player();
        do {
            to = static_cast<PlayerNumber>((to + 1U) % players.size());
        } while (players[to] == nullptr);
    }
    const EventBody body = make_event(crowd_.options.movement.seed, index_, events_sent_ + 1);
    std::array<std::uint8_t, sizeof body> bytes{};
    std::memcpy(bytes.data(), &body, sizeof body);
    if (talk_->send_event({{target, false, protocol::Purpose::event}, to, bytes}, crowd_.client_now())) {
        ++events_sent_;
        ++crowd_.seen.events_sent;
        flush();
    }
}

void Member::send_probe() {
    if (is_joined()) {
        talk_->send_ping(crowd_.client_now());
        flush();
    }
}

void Member::pass_time() {
    if (crowd_.now >= connect_at_) {
        start_connecting();
        return;
    }
    if (crowd_.now >= next_cut_ && is_joined() && link_ == Link::open) {
        plan_cut();
        if (crowd_.window.holds(crowd_.now)) {
            ++crowd_.seen.cuts;
            talk_->lose_connection();
            close_channel();
            return;
        }
    }
    if (next_read_ != base::Time{} && crowd_.now >= next_read_ && link_ == Link::open) {
        next_read_ = {};
        crowd_.backend->receive_once(index_);
    }
    if (talk_->next_deadline() <= crowd_.client_now()) {
        talk_->pass_time(crowd_.client_now());
        flush();
    }
}

void Member::ask() {
    is_asked_ = true;
    send_probe();
}

void Member::leave() {
    talk_->close(1000, "done");
    if (gone_since_ && link_ == Link::closed) {
        connect_at_ = base::Time::max();  // on its way back, and not expected any more
        ++crowd_.closed_count;
    } else if (link_ == Link::open) {
        flush();
    } else if (link_ != Link::unused) {
        close_channel();
    }
}

void Member::cut() {
    if (link_ != Link::unused) {
        close_channel();
    }
}

}  // namespace tickwire::swarm
