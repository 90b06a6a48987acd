#include "plain_client.hpp"

#include <algorithm>
#include <chrono>

namespace tickwire::simulation {

using std::chrono::milliseconds;
using std::chrono::seconds;
using websocket::Opcode;

namespace {

constexpr std::uint8_t kind_everyone = 1;
constexpr std::uint8_t kind_text = 4;

LinkTarget target_of(Stage& stage, Random& random, const std::string& match) {
    const std::string ticket = stage.make_ticket(random, match, wire::Role::player, {});
    return stage.make_target(random, "/v1/match/" + match + (ticket.empty() ? "" : "?ticket=" + ticket),
                             "");
}

}  // namespace

PlainClient::PlainClient(Stage& stage, Random random, const std::string& match)
    : stage_(stage),
      random_(random),
      slot_(stage.oracles.add_slot(stage.new_name("plain"), true)),
      link_(stage.world, random_.fork(), *this, target_of(stage, random_, match)),
      next_message_(stage.world.now() + random_.duration({}, seconds(1))),
      leave_at_(stage.world.now() + random_.duration(seconds(2), seconds(20))) {}

void PlainClient::step() {
    if (is_done_) {
        return;
    }
    const Time now = stage_.world.now();
    const bool is_paused = now < paused_until_;
    link_.set_reading(!is_paused);
    if (is_paused) {
        unwell_until_ = now + stage_.session.idle_timeout;
    } else if (link_.is_path_full()) {
        unwell_until_ = std::max(unwell_until_, now + stage_.session.close_timeout);
    }
    link_.pump();
    if (link_.state() == LinkState::ended) {
        judge_end();
        is_done_ = true;
        return;
    }
    if (stage_.is_settling || link_.is_close_sent() || !link_.is_ready()) {
        return;
    }
    if (now >= next_message_) {
        next_message_ = now + random_.duration(milliseconds(20), seconds(1));
        speak();
    }
    if (now >= leave_at_) {
        retire();
    } else if (random_.below(20000) == 0) {
        paused_until_ = now + random_.duration(milliseconds(100), seconds(3));
    }
}

void PlainClient::speak() {
    SentEvent event;
    const bool is_text = random_.chance(600);
    event.kind = is_text ? kind_everyone | kind_text : kind_everyone;
    event.player = 0;
    const std::string body =
        make_event_body(slot_.name, slot_.events.size(), false, random_, random_.below(200));
    event.body.assign(body.begin(), body.end());
    slot_.events.push_back(event);
    link_.send(is_text ? Opcode::text : Opcode::binary, event.body);
}

void PlainClient::on_message(const websocket::Message& message, const Arrival& /*arrival*/) {
    const auto origin = parse_event_body(message.payload, 0);
    // A body with an id would be a request or a reply, which are not for this lane.
    Slot* const sender = origin ? stage_.oracles.find_slot(origin->name) : nullptr;
    if (sender == nullptr || origin->index >= sender->events.size()) {
        fail("a message that nobody sent");
    }
    const SentEvent& sent = sender->events[origin->index];
    const bool is_same =
        std::equal(sent.body.begin(), sent.body.end(), message.payload.begin(), message.payload.end());
    if (!is_same || (sent.kind >> 3U) != 0 ||
        ((sent.kind & kind_text) != 0) != (message.opcode == Opcode::text)) {
        fail("a message that is not what " + sender->name + " sent");
    }
    const auto [newest, is_first] = event_indices_.emplace(sender, origin->index);
    if (is_first) {
        return;
    }
    if (origin->index <= newest->second) {
        fail("a message of " + sender->name + " came before, or is out of order");
    }
    for (std::size_t index = newest->second + 1; index < origin->index; ++index) {
        const std::uint8_t kind = sender->events[index].kind;
        if (is_public(kind) && (kind >> 3U) == 0) {
            fail("a message of " + sender->name + " is missing");
        }
    }
    newest->second = origin->index;
}

void PlainClient::judge_end() const {
    const Time now = stage_.world.now();
    const bool is_unwell = now <= unwell_until_ || now - stage_.last_pause <= stage_.session.idle_timeout;
    if (link_.is_faulted() || stage_.is_stopping || link_.http_status() == 503) {
        return;
    }
    if (stage_.was_going_away(link_.ended_at()) &&
        (link_.close_code() == 0 || link_.close_code() == 1001)) {
        return;
    }
    switch (link_.close_code()) {
        case 4001:
        case 4002:
            return;
        case 1000:
        case 1001:
            if (link_.is_close_sent()) {
                return;
            }
            break;
        case 0:
        case 4101:
        case 4102:
            if (is_unwell) {
                return;
            }
            break;
        default:
            break;
    }
    fail("it was closed with " + std::to_string(link_.close_code()) + ", and did nothing for it");
}

void PlainClient::retire() {
    if (is_done_) {
        return;
    }
    if (random_.chance(300) || !link_.is_ready()) {
        link_.reset();
        is_done_ = true;
    } else {
        paused_until_ = stage_.world.now();
        link_.send_close(random_.chance(500) ? 1000 : 1001);
    }
}

}  // namespace tickwire::simulation
