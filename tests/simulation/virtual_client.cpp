// A client's connections: joining, resuming, and how they end. What it does in between: client_actions.cpp.
#include "virtual_client.hpp"

#include <algorithm>
#include <chrono>
#include <utility>

namespace tickwire::simulation {

using std::chrono::milliseconds;
using std::chrono::seconds;
using websocket::Opcode;

VirtualClient::VirtualClient(Stage& stage, Random random, Role role, std::string match)
    : stage_(stage),
      random_(random),
      role_(role),
      match_(std::move(match)),
      who_(stage.new_name(role == Role::player ? "p" : "s")),
      view_(stage.world, stage.oracles, who_, stage.match),
      connect_at_(stage.world.now() + random_.duration({}, milliseconds(500))),
      leave_at_(stage.world.now() + random_.duration(seconds(3), seconds(40))) {
    const Duration tick = seconds(1) / stage.match.tick_hz;
    state_interval_ = random_.chance(800) ? std::max<Duration>(tick, milliseconds(16))
                                          : random_.duration(milliseconds(16), milliseconds(600));
    state_.resize(random_.chance(50) ? stage.match.limits.state_bytes - 6 : random_.between(0, 80));
}

VirtualClient::~VirtualClient() = default;

void VirtualClient::step() {
    step_old_links();
    if (is_done_) {
        return;
    }
    if (link_ == nullptr) {
        if (now() >= connect_at_ || stage_.is_settling) {
            connect();
        }
        return;
    }
    link_->pump();
    if (link_->state() == LinkState::ended) {
        on_link_end();
        return;
    }
    const bool is_time = link_->state() == LinkState::open && now() >= join_at_;
    if (!is_join_sent_ && (is_time || (pipelines_join_ && link_->is_ready()))) {
        send_join();
    }
    if (view_.is_welcome() && link_->close_code() == 0) {
        play();
    } else if (stage_.is_settling && is_frozen_) {
        cut();
    }
}

void VirtualClient::connect() {
    const LinkTarget target = stage_.make_target(random_, "/v1/match/" + match_,
                                                 random_.chance(800) ? "tickwire.v1" : "chat, tickwire.v1");
    LinkOwner& owner = *this;
    link_ = std::make_unique<ClientLink>(stage_.world, random_.fork(), owner, target);
    is_join_sent_ = false;
    was_in_play_at_rest_ = false;
    is_leaving_or_reloading_ = false;
    is_frozen_ = false;
    is_silent_ = false;
    is_slow_ = false;
    is_hidden_ = false;
    divisor_asked_ = 1;
    paused_until_ = now();
    reported_tick_.reset();
    JoinAttempt attempt;
    if (role_ == Role::player) {
        // The slot of the last welcome: a connection may have ended before it got one.
        is_resuming_ = view_.slot() != nullptr && random_.chance(950);
        if (is_resuming_) {
            attempt.resumed_slot = view_.slot();
            attempt.token = view_.token();
            attempt.window_end = window_end_;
            if (random_.chance(900)) {
                attempt.seen_event = view_.seen_event();
            }
        }
        attempt.slot = &stage_.oracles.add_slot(stage_.new_name("n"), false);
        slot_ = attempt.slot;
    }
    view_.begin(attempt);
    pending_join_ = attempt;
    pipelines_join_ = random_.chance(400);  // before the answer to the upgrade
    if (pipelines_join_ && link_->is_ready()) {
        send_join();
    }
}

void VirtualClient::on_open() {
    join_at_ = now() + (random_.chance(100) ? milliseconds(300) : milliseconds(0));
}

void VirtualClient::send_join() {
    is_join_sent_ = true;
    std::string join = R"({"op":"join")";
    if (pending_join_.slot != nullptr) {
        join += R"(,"name":")" + pending_join_.slot->name + '"';
    } else {
        join += R"(,"role":"spectator")";
    }
    if (pending_join_.resumed_slot != nullptr) {
        join += R"(,"resume":")" + pending_join_.token + '"';
    } else if (random_.chance(20)) {
        join += R"(,"resume":")" + std::string(random_.between(0, 40), 'x') + '"';  // of no slot
    }
    if (pending_join_.seen_event) {
        join += R"(,"seen_event":)" + std::to_string(*pending_join_.seen_event);
    }
    ticket_ =
        stage_.make_ticket(random_, match_, slot_ != nullptr ? wire::Role::player : wire::Role::spectator,
                           pending_join_.slot != nullptr ? pending_join_.slot->name : who_);
    if (!ticket_.empty()) {
        join += R"(,"ticket":")" + ticket_ + '"';
    }
    link_->send(Opcode::text, base::as_bytes(join + "}"));
    // "What follows the join is taken in order; welcome need not be awaited."
    if (role_ == Role::player && !is_resuming_ && random_.chance(100)) {
        send_state();
        send_event();
    }
}

void VirtualClient::on_message(const websocket::Message& message, const Arrival& arrival) {
    const bool was_welcome = view_.is_welcome();
    if (message.opcode == Opcode::text) {
        view_.on_text(base::as_text(message.payload), arrival);
        if (!was_welcome) {
            on_welcome(arrival);
        }
        return;
    }
    const std::uint32_t tick = view_.tick();
    view_.on_binary(message.payload, arrival);
    if (view_.tick() != tick && !is_frozen_ && now() - reported_at_ >= milliseconds(250)) {
        send_ping();
    }
}

void VirtualClient::on_welcome(const Arrival& arrival) {
    const bool is_resumed = role_ == Role::player && view_.slot() == pending_join_.resumed_slot;
    if (!is_resumed && !ticket_.empty()) {
        stage_.tickets->note_spent(ticket_);
    }
    if (role_ == Role::player) {
        const std::optional<Time> window_end = pending_join_.window_end;
        if (!is_resumed && window_end && arrival.send_started < *window_end &&
            !stage_.may_be_kicked(match_, player_)) {
            fail("it came back in time, and its slot is gone");
        }
        window_end_.reset();
        player_ = view_.player();
        slot_ = view_.slot();
        slot_->is_silenced = false;
        for (std::size_t index = view_.events_taken(); is_resumed && index < slot_->events.size();
             ++index) {
            send_event_message(slot_->events[index]);
        }
    }
    reported_tick_ = view_.tick();
    reported_at_ = now();
    next_state_ = now();
    next_action_ = now() + random_.duration(milliseconds(50), milliseconds(800));
    next_request_ = now();
}

// --- how it ends

void VirtualClient::step_old_links() {
    for (const auto& link : old_links_) {
        link->pump();
    }
    std::erase_if(old_links_, [this](const auto& link) {
        if (link->state() != LinkState::ended) {
            return false;
        }
        // The relay does not wait longer than its close timeout for a slow reader to take what comes before
        // the close frame. (And the slot may have ended by itself before it was taken over: with any code.)
        const bool is_explained = link->is_faulted() || link->close_code() != 0 || link->was_throttled() ||
                                  now() - stage_.last_pause <= stage_.session.idle_timeout;
        if (!is_explained && !stage_.is_stopping && !stage_.was_going_away(link->ended_at())) {
            fail("the old connection of a slot ended without a close frame");
        }
        return true;
    });
}

void VirtualClient::on_link_end() {
    const std::uint16_t code = link_->close_code();
    if (link_->socket().is_cut) {
        note_loss(link_->socket().cut_at);
    } else if (code == 1001 && stage_.was_going_away(link_->ended_at())) {
        note_loss(link_->ended_at());
    }
    const bool is_refused = link_->http_status() != 101;
    if (is_refused && link_->http_status() != 0 && link_->http_status() != 503) {
        fail("its upgrade was answered with " + std::to_string(link_->http_status()));
    }
    if (!link_->is_faulted() && !is_refused && !stage_.is_stopping) {
        judge_end(code);
    }
    // A jump of the clock is time that the relay believes the client took, however late it gets to say so:
    // bytes of newcomers may wait for their turn at each of its sweeps.
    if (is_refused && link_->http_status() == 0 && !link_->is_faulted() && !stage_.is_stopping &&
        !stage_.was_going_away(link_->ended_at()) && now() > unwell_until_ &&
        stage_.last_pause < link_->began_at()) {
        fail("its connection ended before the answer to its upgrade");
    }
    const bool was_welcome = view_.is_welcome();
    link_.reset();
    if (stage_.is_stopping) {
        end_slot();
    } else if (is_leaving_ || code == 4002) {
        end_slot();
    } else if (code == 4001 || (is_refused && !was_welcome)) {
        // Full or locked: as somebody else, later.
        if (random_.chance(300) && !stage_.is_settling) {
            end_slot();
        } else {
            come_back_later();
        }
    } else if (random_.chance(100) && !stage_.is_settling) {
        end_slot();
    } else {
        come_back_later();
    }
}

void VirtualClient::judge_end(std::uint16_t code) const {
    const bool is_unwell =
        now() <= unwell_until_ || now() - stage_.last_pause <= stage_.session.idle_timeout;
    const bool went_away = stage_.was_going_away(link_->ended_at());
    bool is_right = false;
    switch (code) {
        case 0:
            // The close frame did not get through in time.
            is_right = is_unwell || went_away || link_->was_close_overdue(stage_.session.close_timeout);
            break;
        case 1000:
        case 1001:
            is_right = is_leaving_or_reloading_ || (code == 1001 && went_away);
            break;
        case 4001:
            is_right = !view_.is_welcome();
            break;
        case 4002:
            is_right = view_.is_welcome() && role_ == Role::player;
            break;
        case 4101:
        case 4102:
            is_right = is_unwell;
            break;
        case 4104:
            is_right = is_unwell && !view_.is_welcome();
            break;
        default:
            break;
    }
    if (!is_right) {
        fail("it was closed with " + std::to_string(code) + ", and did nothing for it");
    }
}

void VirtualClient::come_back_later() {
    is_leaving_or_reloading_ = false;
    const Duration window = stage_.match.resume_window;
    connect_at_ = now() + (random_.chance(700) ? random_.duration({}, window / 2)
                                               : random_.duration({}, window + seconds(1)));
}

void VirtualClient::end_slot() {
    is_done_ = true;
    view_.finish();
}

void VirtualClient::note_loss(Time lost) {
    const bool is_unwell = lost <= unwell_until_ || lost - stage_.last_pause <= stage_.session.idle_timeout;
    if (view_.is_welcome() && !window_end_ && !is_unwell && !is_leaving_) {
        window_end_ = lost + stage_.match.resume_window;
    }
}

void VirtualClient::cut() {
    note_loss(now());
    link_->reset();
    link_.reset();
    come_back_later();
}

/// Resumes while the old connection still lives.
void VirtualClient::take_over() {
    note_loss(now());
    link_->set_owner(forgets_);
    link_->set_reading(true);
    old_links_.push_back(std::move(link_));
    connect_at_ = now();
}

void VirtualClient::leave() {
    is_leaving_ = true;
    is_leaving_or_reloading_ = true;
    if (random_.chance(500)) {
        link_->send(Opcode::text, base::as_bytes(R"({"op":"leave"})"));
    } else {
        link_->send_close(1000);
    }
}

void VirtualClient::retire() {
    if (is_done_ || link_ == nullptr) {
        end_slot();
    } else if (random_.chance(300) || !view_.is_welcome()) {
        link_->reset();
        link_.reset();
        end_slot();
    } else if (!is_leaving_) {
        leave();
    }
}

}  // namespace tickwire::simulation
