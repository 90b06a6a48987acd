// What a member makes of what it receives: each state, event and tick is held against what was sent.
#include <algorithm>
#include <array>
#include <cstring>

#include "swarm/member.hpp"
#include "swarm/member_events.hpp"

namespace tickwire::swarm {
namespace {

using client::PlayerNumber;

// A match that is older than 38 hours at 30 Hz is none of ours; a wild number must not cost memory.
constexpr std::size_t tick_number_max = std::size_t{1} << 22;

}  // namespace

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
