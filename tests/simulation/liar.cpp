#include "liar.hpp"

#include <algorithm>
#include <array>
#include <chrono>
#include <string_view>
#include <vector>

#include "tickwire/protocol.hpp"

namespace tickwire::simulation {

using std::chrono::milliseconds;
using std::chrono::seconds;
using websocket::Opcode;

namespace {

using Limits = wire::Limits;
using Tell = void (*)(ClientLink& link, const Limits& limits);

struct Lie {
    const char* name;
    LieTime time;
    std::uint16_t code;
    Tell tell;
};

void raw(ClientLink& link, std::string_view bytes) {
    link.send_raw(base::as_bytes(bytes));
}
void raw(ClientLink& link, std::initializer_list<std::uint8_t> bytes) {
    link.send_raw(base::Bytes(bytes.begin(), bytes.size()));
}
void text(ClientLink& link, std::string_view message) {
    link.send(Opcode::text, base::as_bytes(message));
}
void binary(ClientLink& link, std::initializer_list<std::uint8_t> message) {
    link.send(Opcode::binary, base::Bytes(message.begin(), message.size()));
}
void blob(ClientLink& link, std::uint8_t type, std::size_t size) {
    std::vector<std::uint8_t> message(size);
    message[0] = type;
    link.send(Opcode::binary, message);
}

// A header of a masked frame with the key 0; its payload follows as it is.
const std::array<Lie, 37> lies{{
    {"nothing at all", LieTime::at_join, 4104, [](ClientLink&, const Limits&) {}},
    {"binary first", LieTime::at_join, 1002, [](ClientLink& link, const Limits&) { binary(link, {4}); }},
    {"another op first", LieTime::at_join, 1002,
     [](ClientLink& link, const Limits&) { text(link, R"({"op":"leave"})"); }},
    {"no object first", LieTime::at_join, 1002, [](ClientLink& link, const Limits&) { text(link, "[1]"); }},
    {"no JSON first", LieTime::at_join, 1007, [](ClientLink& link, const Limits&) { text(link, "hello"); }},
    {"a name that is a number", LieTime::at_join, 1008,
     [](ClientLink& link, const Limits&) { text(link, R"({"op":"join","name":5})"); }},
    {"a role that is none", LieTime::at_join, 1008,
     [](ClientLink& link, const Limits&) { text(link, R"({"op":"join","role":"king"})"); }},
    {"a name of 65 bytes", LieTime::at_join, 1008,
     [](ClientLink& link, const Limits&) {
         text(link, R"({"op":"join","name":")" + std::string(65, 'x') + "\"}");
     }},
    {"a frame without a mask", LieTime::as_player, 1002,
     [](ClientLink& link, const Limits&) {
         raw(link, {0x82, 1, 4});
     }},
    {"RSV1", LieTime::as_player, 1002,
     [](ClientLink& link, const Limits&) {
         raw(link, {0xc2, 0x81, 0, 0, 0, 0, 4});
     }},
    {"opcode 3", LieTime::as_player, 1002,
     [](ClientLink& link, const Limits&) {
         raw(link, {0x83, 0x80, 0, 0, 0, 0});
     }},
    {"opcode 11", LieTime::as_player, 1002,
     [](ClientLink& link, const Limits&) {
         raw(link, {0x8b, 0x80, 0, 0, 0, 0});
     }},
    {"a continuation of nothing", LieTime::as_player, 1002,
     [](ClientLink& link, const Limits&) {
         raw(link, {0x80, 0x81, 0, 0, 0, 0, 'a'});
     }},
    {"a message inside another", LieTime::as_player, 1002,
     [](ClientLink& link, const Limits&) {
         raw(link, {0x01, 0x81, 0, 0, 0, 0, '{'});
         raw(link, {0x81, 0x81, 0, 0, 0, 0, '}'});
     }},
    {"a ping in fragments", LieTime::as_player, 1002,
     [](ClientLink& link, const Limits&) {
         raw(link, {0x09, 0x80, 0, 0, 0, 0});
     }},
    {"a ping of 126 bytes", LieTime::as_player, 1002,
     [](ClientLink& link, const Limits&) {
         raw(link, {0x89, 0xfe, 0, 126, 0, 0, 0, 0});
         raw(link, std::string(126, 'p'));
     }},
    {"a length that is not minimal", LieTime::as_player, 1002,
     [](ClientLink& link, const Limits&) {
         raw(link, {0x82, 0xfe, 0, 1, 0, 0, 0, 0, 4});
     }},
    {"a close code that may not be sent", LieTime::as_player, 1002,
     [](ClientLink& link, const Limits&) {
         raw(link, {0x88, 0x82, 0, 0, 0, 0, 0x03, 0xed});
     }},
    {"a close payload of one byte", LieTime::as_player, 1002,
     [](ClientLink& link, const Limits&) {
         raw(link, {0x88, 0x81, 0, 0, 0, 0, 3});
     }},
    {"text that is not UTF-8", LieTime::as_player, 1007,
     [](ClientLink& link, const Limits&) {
         raw(link, {0x01, 0x82, 0, 0, 0, 0, '{', 0xff});
     }},
    {"text that is not JSON", LieTime::as_player, 1007,
     [](ClientLink& link, const Limits&) { text(link, "{\"op\":"); }},
    {"an empty binary message", LieTime::as_player, 1002,
     [](ClientLink& link, const Limits&) { binary(link, {}); }},
    {"an unknown type", LieTime::as_player, 1002,
     [](ClientLink& link, const Limits&) {
         binary(link, {0x05, 0});
     }},
    {"an unknown kind", LieTime::as_player, 1002,
     [](ClientLink& link, const Limits&) {
         binary(link, {2, 0x20, 0, 0});
     }},
    {"purpose 3", LieTime::as_player, 1002,
     [](ClientLink& link, const Limits&) {
         binary(link, {2, 0x18, 0, 0, 1, 1});
     }},
    {"a reserved byte", LieTime::as_player, 1002,
     [](ClientLink& link, const Limits&) {
         binary(link, {1, 1, 0, 0, 0, 0});
     }},
    {"a short PING", LieTime::as_player, 1002,
     [](ClientLink& link, const Limits&) {
         binary(link, {3, 0, 0, 0});
     }},
    {"a long RESYNC", LieTime::as_player, 1002,
     [](ClientLink& link, const Limits&) {
         binary(link, {4, 0});
     }},
    {"a player where none is meant", LieTime::as_player, 1002,
     [](ClientLink& link, const Limits&) {
         binary(link, {2, 0, 1, 0});
     }},
    {"an event whose text is not UTF-8", LieTime::as_player, 1007,
     [](ClientLink& link, const Limits&) {
         binary(link, {2, 4, 0, 0, 0xff});
     }},
    {"a state over the limit", LieTime::as_player, 1009,
     [](ClientLink& link, const Limits& limits) { blob(link, 1, limits.state_bytes + 1); }},
    {"an event over the limit", LieTime::as_player, 1009,
     [](ClientLink& link, const Limits& limits) { blob(link, 2, limits.event_bytes + 1); }},
    {"a frame of 2 GB", LieTime::as_player, 1009,
     [](ClientLink& link, const Limits&) {
         raw(link, {0x82, 0xff, 0, 0, 0, 0, 0x80, 0, 0, 0, 0, 0, 0, 0});
     }},
    {"too many messages", LieTime::as_player, 4100,
     [](ClientLink& link, const Limits& limits) {
         for (std::uint32_t count = 0; count < 3 * limits.messages_per_second; ++count) {
             raw(link, {0x8a, 0x80, 0, 0, 0, 0});
         }
     }},
    {"too many requests", LieTime::as_player, 4100,
     [](ClientLink& link, const Limits& limits) {
         for (std::uint32_t count = 0; count < 2 * limits.json_per_second + 4; ++count) {
             text(link, R"({"op":"dance"})");
         }
     }},
    {"a state from a spectator", LieTime::as_spectator, 1002,
     [](ClientLink& link, const Limits&) {
         binary(link, {1, 0, 0, 0, 0, 0});
     }},
    {"an event from a spectator", LieTime::as_spectator, 1002,
     [](ClientLink& link, const Limits&) {
         binary(link, {2, 0, 0, 0});
     }},
}};

LinkTarget target_of(Stage& stage, Random& random, const std::string& match) {
    return stage.make_target(random, "/v1/match/" + match, "tickwire.v1");
}

const TicketOffice::Forgery* draw_forgery(const Stage& stage, Random& random) {
    const auto& forgeries = TicketOffice::forgeries();
    return stage.tickets != nullptr && random.chance(300) ? &forgeries[random.below(forgeries.size())]
                                                          : nullptr;
}

}  // namespace

Liar::Liar(Stage& stage, Random random, const std::string& match)
    : stage_(stage),
      random_(random),
      lie_(random_.below(lies.size())),
      forgery_(draw_forgery(stage, random_)),
      match_(match),
      name_(stage.oracles.add_slot(stage.new_name("liar"), false).name),
      link_(stage.world, random_.fork(), *this, target_of(stage, random_, match)) {}

void Liar::on_open() {
    if (forgery_ != nullptr || lies[lie_].time == LieTime::at_join) {
        lie_at_ = stage_.world.now() + random_.duration({}, milliseconds(300));
        return;
    }
    const bool is_player = lies[lie_].time == LieTime::as_player;
    const std::string who = is_player ? R"("name":")" + name_ + '"' : R"("role":"spectator")";
    const std::string ticket =
        stage_.make_ticket(random_, match_, is_player ? wire::Role::player : wire::Role::spectator, name_);
    text(link_, R"({"op":"join",)" + who + (ticket.empty() ? "" : R"(,"ticket":")" + ticket + '"') + "}");
}

void Liar::on_message(const websocket::Message& message, const Arrival& /*arrival*/) {
    if (!lie_at_ && message.opcode == Opcode::text) {
        lie_at_ = stage_.world.now() + random_.duration({}, seconds(2));
    }
}

std::string Liar::said() const {
    return forgery_ != nullptr ? forgery_->what : lies[lie_].name;
}

void Liar::lie() {
    has_lied_ = true;
    lied_at_ = stage_.world.now();
    if (forgery_ != nullptr) {
        const std::string ticket = forgery_->make(*stage_.tickets, match_, random_);
        text(link_, R"({"op":"join","ticket":")" + ticket + R"("})");
    } else {
        lies[lie_].tell(link_, stage_.match.limits);
    }
}

void Liar::step() {
    if (is_done_) {
        return;
    }
    if (lie_at_ && !has_lied_ && stage_.world.now() >= *lie_at_ && !link_.is_close_sent()) {
        lie();
    }
    link_.pump();
    if (link_.state() == LinkState::ended) {
        judge_end();
        is_done_ = true;
    } else if (!link_.is_heard()) {
        lied_at_ = stage_.world.now();  // a byte now and then, each of which waits for a newcomer's turn
    } else if (has_lied_ && stage_.world.now() - std::max(lied_at_, stage_.last_pause) > seconds(15)) {
        stage_.world.fail(name_ + " told a lie that nobody minded: " + said());
    }
}

void Liar::judge_end() {
    const bool is_slow_path = stage_.world.now() - stage_.last_pause <= stage_.session.idle_timeout;
    if (!has_lied_ || link_.is_faulted() || stage_.is_stopping || link_.http_status() == 503) {
        return;
    }
    const std::uint16_t code = link_.close_code();
    const std::uint16_t expected = forgery_ != nullptr ? 4000 : lies[lie_].code;
    if (code == expected || code == 4002 ||
        (stage_.was_going_away(link_.ended_at()) && (code == 0 || code == 1001))) {
        return;
    }
    // The close frame may come too late for it to be sent, and over a stalled path the rate is not too
    // high.
    if (is_slow_path && (code == 0 || code == 4102 || code == 4104)) {
        return;
    }
    stage_.world.fail(name_ + ": " + said() + " was answered with " + std::to_string(code));
}

}  // namespace tickwire::simulation
