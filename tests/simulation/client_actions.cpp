// What a client does while it is a member.
#include <algorithm>
#include <chrono>

#include "virtual_client.hpp"

namespace tickwire::simulation {

using std::chrono::milliseconds;
using std::chrono::seconds;
using websocket::Opcode;

void VirtualClient::play() {
    if (stage_.is_settling) {
        is_slow_ = false;
        link_->set_throttle(0);
    }
    const bool is_paused = now() < paused_until_ && !stage_.is_settling;
    link_->set_reading(!is_paused);
    if (is_paused || is_slow_) {
        unwell_until_ = now() + stage_.session.idle_timeout;
    } else if (link_->is_path_full()) {
        unwell_until_ = std::max(unwell_until_, now() + stage_.session.close_timeout);
    }
    if (is_leaving_ || (is_paused && is_silent_)) {
        return;
    }
    if (link_->is_close_sent()) {
        return;
    }
    report();
    if (stage_.is_settling) {
        go_on();
        return;
    }
    if (role_ == Role::player && now() >= next_state_ && link_->is_drained()) {
        send_state();
        next_state_ = now() + state_interval_;
    }
    if (now() >= next_action_) {
        next_action_ = now() + random_.duration(milliseconds(50), milliseconds(700));
        act();
    }
}

/// "Every tick within 250 ms": by a timer, where no STATE and no tick's handler did it.
void VirtualClient::report() {
    if (reported_tick_ != view_.tick() && now() - reported_at_ >= milliseconds(200)) {
        send_ping();
    }
}

void VirtualClient::send_ping() {
    if (link_->is_close_sent() || is_leaving_) {
        return;
    }
    std::array<std::uint8_t, protocol::ping_size> ping;
    protocol::encode_ping({static_cast<std::uint16_t>(view_.tick()),
                           static_cast<std::uint32_t>(now().time_since_epoch().count())},
                          ping.data());
    view_.note_report(link_->socket(), link_->send(Opcode::binary, ping), view_.tick());
    reported_tick_ = view_.tick();
    reported_at_ = now();
}

void VirtualClient::send_state() {
    const std::size_t size_max = stage_.match.limits.state_bytes - protocol::state_header_size;
    if (random_.chance(20)) {
        state_.resize(random_.chance(200) ? size_max
                                          : random_.between(0, std::min<std::size_t>(size_max, 100)));
    }
    if (!state_.empty() && !random_.chance(100)) {
        for (std::uint64_t changes = random_.chance(50) ? state_.size() : random_.below(6); changes != 0;
             --changes) {
            state_[random_.below(state_.size())] = random_.byte();
        }
    }
    const std::uint32_t tick = view_.is_welcome() ? view_.tick() : 0;
    std::vector<std::uint8_t> message(protocol::state_header_size + state_.size());
    const auto seq = static_cast<std::uint16_t>(slot_->first_seq + slot_->states.size());
    protocol::encode_state({seq, static_cast<std::uint16_t>(tick), state_}, message.data());
    const std::uint64_t end = link_->send(Opcode::binary, message);
    slot_->states.push_back({state_, link_->socket().descriptor, end, view_.is_welcome()});
    view_.note_report(link_->socket(), end, tick);
    if (view_.is_welcome()) {
        reported_tick_ = tick;
        reported_at_ = now();
    }
}

void VirtualClient::send_event() {
    const std::uint64_t draw = random_.below(100);
    if (draw < 40) {
        send_event_to(protocol::Target::others, 0);
    } else if (draw < 70) {
        send_event_to(protocol::Target::everyone, 0);
    } else if (draw < 80) {
        send_event_to(protocol::Target::host, 0);
    } else {
        send_event_to(protocol::Target::player, random_.chance(950) && view_.is_welcome()
                                                    ? view_.draw_player(random_)
                                                    : PlayerNumber{500});
    }
}

void VirtualClient::send_event_to(protocol::Target target, PlayerNumber player) {
    protocol::Kind kind;
    kind.target = target;
    kind.is_text = random_.chance(300);
    kind.purpose = random_.chance(800)   ? protocol::Purpose::event
                   : random_.chance(500) ? protocol::Purpose::request
                                         : protocol::Purpose::reply;
    SentEvent event;
    event.player = player;
    event.kind = protocol::encode_kind(kind);
    const std::size_t padding =
        random_.chance(30) ? stage_.match.limits.event_bytes - 64 : random_.below(120);
    const std::string body = make_event_body(slot_->name, slot_->events.size(),
                                             kind.purpose != protocol::Purpose::event, random_, padding);
    event.body.assign(body.begin(), body.end());
    slot_->events.push_back(event);
    send_event_message(event);
}

void VirtualClient::send_event_message(const SentEvent& event) {
    std::vector<std::uint8_t> message(protocol::event_header_size + event.body.size());
    protocol::encode_event({*protocol::decode_kind(event.kind), event.player, event.body}, message.data());
    link_->send(Opcode::binary, message);
}

void VirtualClient::send_request(const std::string& fields) {
    if (now() < next_request_) {
        return;
    }
    next_request_ = now() + milliseconds(350);
    const std::string id = std::to_string(view_.note_request());
    link_->send(Opcode::text, base::as_bytes("{" + fields + R"(,"id":)" + id + "}"));
}

void VirtualClient::act() {
    if (now() >= leave_at_) {
        leave();
        return;
    }
    const std::uint64_t draw = random_.below(1000);
    if (draw < 350) {
        for (std::uint64_t count = random_.between(1, 4); role_ == Role::player && count != 0; --count) {
            send_event();
        }
    } else if (draw < 430) {
        divisor_asked_ = 1U << random_.below(4);
        send_request(R"("op":"rate","divisor":)" + std::to_string(divisor_asked_));
    } else if (draw < 510) {
        if (now() >= next_request_) {
            is_hidden_ = !is_hidden_;
            send_request(std::string(R"("op":"visible","visible":)") + (is_hidden_ ? "false" : "true"));
        }
    } else if (draw < 580) {
        std::array<std::uint8_t, 1> resync;
        protocol::encode_resync(resync.data());
        link_->send(Opcode::binary, resync);
    } else if (draw < 650) {
        const std::string value =
            random_.chance(200) ? "null" : R"({"x":[)" + std::to_string(random_.below(100)) + "]}";
        std::string fields =
            R"("op":"properties","set":{"k)" + std::to_string(random_.below(8)) + "\":" + value + "}";
        if (random_.chance(300)) {
            fields += R"(,"if_version":)" + std::to_string(view_.properties_version());
        }
        send_request(fields);
    } else if (draw < 730) {
        pause();
    } else if (draw < 770) {
        is_slow_ = !is_slow_;
        link_->set_throttle(is_slow_ ? static_cast<std::uint32_t>(random_.between(300, 6000)) : 0);
    } else if (draw < 820) {
        cut();
    } else if (draw < 850) {
        note_loss(now());
        link_->send_close(1001);  // a page that reloads
        is_leaving_or_reloading_ = true;
    } else if (draw < 880 && role_ == Role::player) {
        take_over();
    } else if (draw < 890) {
        note_loss(now());
        is_frozen_ = true;  // half open: the relay is to find out by itself
        if (slot_ != nullptr) {
            slot_->is_silenced = true;
        }
        link_->freeze();
        link_->set_owner(forgets_);
        frozen_links_.push_back(std::move(link_));
        unwell_until_ = now() + seconds(60);
        come_back_later();
    } else if (draw < 920) {
        link_->send(Opcode::ping, base::as_bytes("are you there"));
    } else if (draw < 980) {
        act_as_host();
    } else {
        send_request(R"("op":"dance")");
    }
}

void VirtualClient::act_as_host() {
    if (view_.is_locked() || random_.chance(150)) {
        send_request(std::string(R"("op":"lock","locked":)") + (view_.is_locked() ? "false" : "true"));
    } else if (random_.chance(200)) {
        const PlayerNumber player = view_.draw_player(random_);
        stage_.note_kick(match_, player);
        send_request(R"("op":"kick","reason":"so there","player":)" + std::to_string(player));
    } else {
        send_request(R"("op":"host","player":)" + std::to_string(view_.draw_player(random_)));
    }
}

void VirtualClient::pause() {
    paused_until_ = now() + (random_.chance(300) ? random_.duration(milliseconds(500), seconds(4))
                                                 : random_.duration(milliseconds(20), milliseconds(500)));
    is_silent_ = random_.chance(500);
}

void VirtualClient::go_on() {
    is_silent_ = false;
    paused_until_ = now();
    if (now() < next_request_) {
        return;
    }
    if (is_hidden_) {
        is_hidden_ = false;
        send_request(R"("op":"visible","visible":true)");
    } else if (divisor_asked_ != 1) {
        divisor_asked_ = 1;
        send_request(R"("op":"rate","divisor":1)");
    } else if (view_.is_locked() && view_.is_host()) {
        send_request(R"("op":"lock","locked":false)");
    }
}

void VirtualClient::speak_last() {
    was_in_play_at_rest_ = is_in_play();
    if (role_ == Role::player && is_in_play()) {
        send_state();
        send_event();
        // Whoever gets this one misses what was for it before.
        send_event_to(protocol::Target::everyone, 0);
    }
}

}  // namespace tickwire::simulation
