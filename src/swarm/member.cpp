#include "swarm/member.hpp"

#include <algorithm>
#include <array>
#include <cstring>

#include "base/check.hpp"

namespace tickwire::swarm {
namespace {

using client::PlayerNumber;

// A match that is older than 38 hours at 30 Hz is none of ours; a wild number must not cost memory.
constexpr std::size_t tick_number_max = std::size_t{1} << 22;
constexpr base::Duration slow_read_interval = std::chrono::milliseconds(500);
constexpr base::Duration cut_interval = std::chrono::seconds(2);

/// An event's body: who, the how-manieth, and bytes that only the two can make.
struct EventBody {
    std::uint32_t member;
    std::uint32_t number;
    std::uint64_t proof;
};

EventBody make_event(std::uint64_t seed, std::uint32_t member, std::uint32_t number) noexcept {
    return {member, number, mix(seed, member, 0x200000000 + number)};
}

/// A third of the players speaks to everyone, a third to the others, a third to one.
protocol::Target target_of(std::uint32_t member) noexcept {
    constexpr std::array targets{protocol::Target::everyone, protocol::Target::others,
                                 protocol::Target::player};
    return targets[member % targets.size()];
}

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

// --- what it receives

Member* Member::member_of(PlayerNumber player) const noexcept {
    return player < room().by_player.size() ? room().by_player[player] : nullptr;
}

Member::Known& Member::known(PlayerNumber player) {
    if (player >= known_.size()) {
        known_.resize(std::size_t{player} + 1);
    }
    return known_[player];
}

/// For people.
std::string Member::describe() const {
    return "member " + std::to_string(index_) + " of " + room().name;
}

void Member::on_welcome(const client::Welcome& welcome) {
    if (gone_since_) {
        crowd_.seen.absence.record(crowd_.now - *gone_since_);
        gone_since_.reset();
        --crowd_.absent_count;
        ++crowd_.seen.returns;
        const bool is_same = part_ == Part::spectator || (welcome.player == player_before_ &&
                                                          welcome.is_same_slot && welcome.is_recovered);
        if (!is_same) {
            ++crowd_.seen.returns_as_others;
            crowd_.note_first(
                crowd_.first_wrong_return,
                describe() + ", which was " + std::to_string(player_before_) + ", as " +
                    std::to_string(welcome.player) +
                    (welcome.is_same_slot ? ", its events not recovered" : ", its place was gone"));
        }
        last_tick_ = welcome.tick;
        divisor_ = 1;
        is_keyframe_due_ = true;
        return;
    }
    player_before_ = welcome.player;
    has_joined_ = true;
    if (network_.is_cut) {
        plan_cut();
    }
    --crowd_.pending_count;
    ++crowd_.joined_count;
    ++room().receiver_count;
    last_tick_ = welcome.tick;
    if (welcome.player != protocol::nobody) {
        if (welcome.player >= room().by_player.size()) {
            room().by_player.resize(std::size_t{welcome.player} + 1, nullptr);
        }
        room().by_player[welcome.player] = this;
    }
}

void Member::on_notice(const client::Notice& notice) {
    if (const auto* const rate = std::get_if<client::RateChanged>(&notice)) {
        divisor_ = rate->divisor;
        is_keyframe_due_ = true;
        ++crowd_.seen.rate_changes;
    } else if (const auto* const drain = std::get_if<client::Drain>(&notice)) {
        reconnect_ = std::chrono::milliseconds(drain->reconnect_ms);
    }
}

void Member::on_state(const client::StateView& state) {
    Observations& seen = crowd_.seen;
    Member* const sender = member_of(state.player);
    if (sender == nullptr || !sender->sent_) {
        ++seen.states_wrong;
        crowd_.note_first(
            crowd_.first_wrong_state,
            "to " + describe() + " from " + std::to_string(state.player) + ", who is none of us");
        return;
    }
    SentStates& sent = *sender->sent_;
    const std::uint32_t number = sent.number_of(state.seq);
    std::uint32_t& newest = known(state.player).state;
    if (number == 0 || number < newest || !sent.equals(number, state.bytes)) {
        ++seen.states_wrong;
        crowd_.note_first(crowd_.first_wrong_state,
                          "to " + describe() + " from " + std::to_string(state.player) + ", seq " +
                              std::to_string(state.seq) + ", number " + std::to_string(number) +
                              " behind " + std::to_string(newest));
        return;
    }
    if (number == newest) {
        return;  // a keyframe brings it again
    }
    newest = number;
    SentStates::Place* const place = sent.place_of(number);
    if (place == nullptr) {
        return;  // its account is closed: it was counted as lost
    }
    ++place->delivered_count;
    if (sender == this && crowd_.options.phases == Phases::locked) {
        learn_phase(state);
    }
    if (!crowd_.window.holds(place->sent)) {
        return;
    }
    ++seen.states_delivered;
    if (network_.is_slow) {
        return;  // what the others feel is the question
    }
    const base::Duration age = crowd_.now - place->sent;
    (sender == this ? seen.own_age : seen.age).record(age);
    if (age > base::Duration(std::chrono::seconds(2)) / talk_->tick_hz()) {
        ++seen.states_late;
    }
}

/// Moves the sending towards the tick, a quarter of the way at a time.
void Member::learn_phase(const client::StateView& own) noexcept {
    if (own.wait == 255) {
        return;
    }
    const base::Duration interval = base::Duration(std::chrono::seconds(1)) / talk_->tick_hz();
    // The relay's slot, and one of ours: nearer to the tick a state would now and then miss it.
    const base::Duration wanted = std::chrono::milliseconds(3);
    const base::Duration waited = interval * own.wait / 256;
    phase_shift_ = (waited - wanted) / 4;
}

void Member::on_tick(const client::Tick& tick) {
    Observations& seen = crowd_.seen;
    ++seen.ticks_received;
    seen.frames += crowd_.window.holds(crowd_.now) ? 1U : 0U;
    std::vector<bool>& ticks = room().ticks;
    if (tick.number >= tick_number_max) {
        return;
    }
    if (tick.number >= ticks.size()) {
        ticks.resize(std::max(std::size_t{tick.number} + 1, std::min(2 * ticks.size(), tick_number_max)));
    }
    ticks[tick.number] = true;
    if (tick.is_keyframe) {
        ++seen.keyframes_received;
        if (is_keyframe_due_) {
            ++seen.keyframes_first;
        } else if (divisor_ == 1) {
            crowd_.gaps.push_back({room_, last_tick_, tick.number});
        } else {
            seen.ticks_skipped += (tick.number - last_tick_ - 1) / divisor_;
        }
        is_keyframe_due_ = false;
    }
    last_tick_ = tick.number;
}

void Member::on_event(const client::Event& event) {
    Observations& seen = crowd_.seen;
    Member* const sender = member_of(event.from);
    EventBody body{};
    std::uint32_t due = 0;
    bool is_right = sender != nullptr && event.body.size() == sizeof body;
    if (is_right) {
        std::memcpy(&body, event.body.data(), sizeof body);
        due = known(event.from).events + 1;
        const EventBody wanted = make_event(crowd_.options.movement.seed, sender->index_, due);
        is_right = body.member == wanted.member && body.number == wanted.number &&
                   body.proof == wanted.proof && event.kind.target == target_of(sender->index_);
    }
    if (!is_right) {
        ++seen.events_wrong;
        crowd_.note_first(
            crowd_.first_wrong_event,
            "to " + describe() + " from " + std::to_string(event.from) +
                (due == 0 ? std::string(", of another size or from none of us")
                          : ": its " + std::to_string(body.number) + "th, or other bytes, where the " +
                                std::to_string(due) + "th was due"));
        return;
    }
    ++known(event.from).events;
    ++seen.events_delivered;
}

void Member::on_pong(const client::Pong& pong) {
    if (crowd_.window.holds(crowd_.now) && !network_.is_slow) {
        crowd_.seen.pong.record(pong.round_trip);
    }
    if (is_asked_) {
        is_asked_ = false;
        ++crowd_.answer_count;
    }
}

void Member::on_ended(const client::Ended& ended) {
    if (crowd_.is_leaving) {
        return;
    }
    if (comes_back() && ended.may_retry && has_joined_) {
        if (!gone_since_) {
            gone_since_ = crowd_.now;
            ++crowd_.absent_count;
            ++crowd_.seen.returned_after[ended.code];
        }
        return;
    }
    if (crowd_.ended_count++ == 0) {
        crowd_.first_end = std::string(client::describe(ended.fault)) + ", code " +
                           std::to_string(ended.code) + " " + std::string(ended.reason);
    }
    ++crowd_.seen.ends[ended.code];
}

// --- what it holds in the end

bool Member::events_reach(const Member& receiver) const noexcept {
    switch (target_of(index_)) {
        case protocol::Target::everyone:
            return true;
        case protocol::Target::others:
            return &receiver != this;
        case protocol::Target::player: {
            const auto& players = room().by_player;
            std::size_t to = talk_->player();
            do {
                to = (to + 1) % players.size();
            } while (players[to] == nullptr);
            return players[to] == &receiver;
        }
        case protocol::Target::host:
            return false;
    }
    return false;
}

bool Member::holds_last_states(std::string& detail) const {
    for (std::size_t number = 0; number < room().by_player.size(); ++number) {
        const Member* const sender = room().by_player[number];
        if (sender == nullptr || sender->sent() == nullptr || sender->sent()->count() == 0) {
            continue;
        }
        const SentStates& sent = *sender->sent();
        if (crowd_.options.protocol != Protocol::game) {
            continue;  // no other keeps states: what was lost is counted, and nobody promised it
        }
        const auto state = talk_->state_of(static_cast<PlayerNumber>(number));
        if (!state || state->seq != static_cast<std::uint16_t>(sent.count()) ||
            !sent.equals(sent.count(), state->bytes)) {
            detail = "member " + std::to_string(index_) + " of " + room().name + " holds " +
                     (state ? "state " + std::to_string(state->seq) : "no state") + " of player " +
                     std::to_string(number) + ", who sent " + std::to_string(sent.count() & 0xffffU);
            return false;
        }
    }
    return true;
}

std::uint64_t Member::missing_event_count() const {
    std::uint64_t missing = 0;
    for (std::size_t number = 0; number < room().by_player.size(); ++number) {
        const Member* const sender = room().by_player[number];
        if (sender != nullptr && sender->events_reach(*this)) {
            const std::uint32_t received = number < known_.size() ? known_[number].events : 0;
            missing += sender->events_sent_ - received;
        }
    }
    return missing;
}

}  // namespace tickwire::swarm
