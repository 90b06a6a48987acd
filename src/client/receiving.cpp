// From bytes to what a handler is told: the answer to the upgrade, then frames, then messages.
#include <algorithm>

#include "base/bytes.hpp"
#include "client/implementation.hpp"
#include "wire/http.hpp"

namespace tickwire::client {
namespace {

using websocket::Opcode;

/// EVENT's kind bits that version 1 knows: the others are ignored.
constexpr std::uint8_t known_kind_mask = 0x1f;

auto find_player(std::vector<Player>& players, PlayerNumber number) {
    return std::lower_bound(
        players.begin(), players.end(), number,
        [](const Player& player, PlayerNumber wanted) { return player.number < wanted; });
}

template <typename Change>
void with_player(std::vector<Player>& players, PlayerNumber number, Change change) {
    const auto found = find_player(players, number);
    if (found != players.end() && found->number == number) {
        change(found);
    }
}

template <typename... Cases>
struct Overloaded : Cases... {
    using Cases::operator()...;
};
template <typename... Cases>
Overloaded(Cases...) -> Overloaded<Cases...>;

}  // namespace

/// Returns what follows the answer; empty where it is not whole yet, or was a refusal.
std::span<std::uint8_t> Client::Implementation::take_upgrade_answer(std::span<std::uint8_t> bytes) {
    std::vector<std::uint8_t>& held = opening->held;
    const std::size_t held_before = held.size();
    Bytes whole = bytes;
    if (held_before != 0) {
        held.insert(held.end(), bytes.begin(), bytes.end());
        whole = held;
    }
    const auto answer = wire::parse_upgrade_answer(whole, opening->key);
    if (!answer) {
        fail(Fault::bad_http, 0, "the answer to the upgrade is no HTTP");
        return {};
    }
    if (!answer->has_value()) {
        if (held_before == 0) {
            held.assign(bytes.begin(), bytes.end());
        }
        return {};
    }
    const wire::UpgradeAnswer& found = **answer;
    if (found.status != 101) {
        end({Fault::upgrade_refused, found.status, "the upgrade was refused", found.status >= 500});
        return {};
    }
    if (!found.is_accepted || found.subprotocol != protocol::subprotocol) {
        fail(Fault::bad_http, 0, "the answer is not to this request");
        return {};
    }
    const auto rest = bytes.subspan(found.size - held_before);
    phase = Phase::joining;
    const std::string join = std::move(opening->join);
    opening.reset();
    send_text(join);
    return rest;
}

void Client::Implementation::receive_frames(std::span<std::uint8_t> bytes) {
    while (phase == Phase::joining || phase == Phase::joined || phase == Phase::closing) {
        const auto next = reader->next(bytes);
        if (!next) {
            fail(Fault::bad_frame, websocket::close_code(next.error()), websocket::describe(next.error()));
            return;
        }
        if (!next->has_value()) {
            return;
        }
        take_message(**next);
    }
}

void Client::Implementation::take_message(const websocket::Message& message) {
    switch (message.opcode) {
        case Opcode::ping:
            if (phase != Phase::closing) {
                send_frame(Opcode::pong, message.payload);
            }
            return;
        case Opcode::close:
            take_close(message);
            return;
        case Opcode::text:
            if (phase != Phase::closing) {
                take_text(base::as_text(message.payload));
            }
            return;
        case Opcode::binary:
            if (phase != Phase::closing) {
                take_binary(message.payload);
            }
            return;
        case Opcode::pong:
        case Opcode::continuation:
            return;
    }
}

void Client::Implementation::take_text(std::string_view text) {
    const std::optional<ControlMessage> message = parts.reader.read(text);
    if (!message) {
        fail(Fault::bad_json, 1007, "not a control message");
        return;
    }
    const bool is_welcome = std::holds_alternative<WelcomeMessage>(*message);
    if (is_welcome != (phase == Phase::joining)) {
        // A second `welcome`, or something before the first. An unknown op before it breaks the order too.
        fail(Fault::bad_message, 1002, "welcome comes first, and once");
        return;
    }
    std::visit(Overloaded{
                   [](const UnknownMessage&) {},
                   [this](const WelcomeMessage& found) { take_welcome(found); },
                   [this](const Notice& found) { take_notice(found); },
               },
               *message);
}

void Client::Implementation::take_welcome(const WelcomeMessage& message) {
    Welcome welcome = message.welcome;
    // The token stays the same for the life of the slot.
    welcome.is_same_slot = !resume.empty() && resume == message.resume;
    resume = message.resume;
    players = message.players;
    states.clear();
    limits = welcome.limits;
    tick_hz = welcome.tick_hz;
    tick = reported_tick = welcome.tick;
    last_report = now;
    if (!welcome.is_recovered) {
        seen_event = welcome.event;  // what is replayed counts up to it again
    }
    player = welcome.player;
    host = welcome.host;
    clock.reset();
    has_welcome = true;
    phase = Phase::joined;
    if (backlog) {
        if (welcome.is_same_slot) {
            backlog->acknowledge(welcome.events_taken);
        } else {
            backlog->reset(welcome.events_taken);
        }
    }
    handler.on_welcome(welcome);
    if (backlog && phase == Phase::joined && welcome.is_same_slot) {
        send_unacknowledged();
    }
}

void Client::Implementation::take_notice(const Notice& notice) {
    std::visit(Overloaded{
                   [this](const Joined& joined) {
                       const auto place = find_player(players, joined.player);
                       Player fresh{joined.player, false, joined.is_plain, std::string(joined.name)};
                       if (place != players.end() && place->number == joined.player) {
                           *place = std::move(fresh);
                       } else {
                           players.insert(place, std::move(fresh));
                       }
                       states.forget(joined.player);
                   },
                   [this](const Left& left) {
                       with_player(players, left.player, [this](auto found) { players.erase(found); });
                       states.forget(left.player);
                   },
                   [this](const Away& away) {
                       with_player(players, away.player, [](auto found) { found->is_away = true; });
                   },
                   [this](const Back& back) {
                       with_player(players, back.player, [](auto found) { found->is_away = false; });
                   },
                   [this](const HostChanged& changed) { host = changed.player; },
                   [](const auto&) {},
               },
               notice);
    handler.on_notice(notice);
}

void Client::Implementation::take_binary(Bytes message) {
    if (phase != Phase::joined || message.empty()) {
        fail(Fault::bad_message, 1002, "a binary message before welcome, or an empty one");
        return;
    }
    switch (static_cast<protocol::ServerType>(message[0])) {
        case protocol::ServerType::tick:
            take_tick(message);
            return;
        case protocol::ServerType::events:
            take_events(message);
            return;
        case protocol::ServerType::pong:
            take_pong(message);
            return;
    }
    // A type of a later version.
}

void Client::Implementation::take_tick(Bytes message) {
    auto entries = protocol::TickReader::open(message);
    if (!entries) {
        fail(Fault::bad_message, 1002, "malformed TICK");
        return;
    }
    const protocol::TickHeader header = entries->header();
    if (header.is_keyframe) {
        states.clear();
    }
    tick = header.tick;
    while (const auto entry = entries->next()) {
        if (!take_entry(*entry, header.is_keyframe)) {
            fail(Fault::bad_delta, 1002, "a delta without its baseline");
            return;
        }
        handler.on_state(*states.find(entry->player));
        if (phase != Phase::joined) {
            return;
        }
    }
    if (!entries->is_valid()) {
        fail(Fault::bad_message, 1002, "malformed TICK");
        return;
    }
    handler.on_tick({header.tick, header.is_keyframe, header.state_count});
    if (phase == Phase::joined && has_unreported() && now - last_report >= report_after) {
        send_ping();
    }
}

bool Client::Implementation::take_entry(const protocol::StateEntry& entry, bool is_keyframe) {
    if (entry.player == protocol::nobody) {
        return false;
    }
    if (entry.is_delta) {
        return !is_keyframe && states.apply_delta(entry);
    }
    states.put(entry);
    return true;
}

void Client::Implementation::take_events(Bytes message) {
    auto entries = protocol::EventsReader::open(message);
    if (!entries) {
        fail(Fault::bad_message, 1002, "malformed EVENTS");
        return;
    }
    while (const auto entry = entries->next()) {
        if (entry->number <= seen_event) {
            fail(Fault::bad_message, 1002, "event numbers rise");
            return;
        }
        seen_event = entry->number;
        const auto kind = protocol::decode_kind(entry->kind & known_kind_mask);
        const bool is_own_echo = kind && kind->target == protocol::Target::others &&
                                 entry->from == player && player != protocol::nobody;
        if (kind && !is_own_echo) {
            handler.on_event({entry->number, entry->from, *kind, entry->body});
            if (phase != Phase::joined) {
                return;
            }
        }
    }
    if (!entries->is_valid()) {
        fail(Fault::bad_message, 1002, "malformed EVENTS");
    }
}

void Client::Implementation::take_pong(Bytes message) {
    const auto found = protocol::decode_pong(message);
    if (!found) {
        fail(Fault::bad_message, 1002, "malformed PONG");
        return;
    }
    // Both are 32 bits of microseconds: the difference holds for 71 minutes.
    const auto sent_ago = static_cast<std::uint32_t>(MatchClock::to_us(now)) - found->client_time;
    const Pong pong{std::chrono::microseconds(sent_ago), found->match_time_us};
    clock.learn(now, pong);
    if (backlog) {
        backlog->acknowledge_low(found->events_taken);
    }
    handler.on_pong(pong);
}

void Client::Implementation::take_close(const websocket::Message& message) {
    const websocket::Close close = websocket::parse_close(message.payload);
    if (phase != Phase::closing) {
        send_close(close.code == 1005 ? std::uint16_t{1000} : close.code, {});
    }
    end({Fault::none, close.code, close.reason, !is_final_close_code(close.code)});
}

void Client::Implementation::fail(Fault fault, std::uint16_t code, std::string_view reason) {
    if (code != 0 && phase != Phase::closing) {
        send_close(code, reason);
    }
    end({fault, code, reason, false});
}

void Client::Implementation::end(const Ended& ended) {
    phase = Phase::over;
    opening.reset();
    handler.on_ended(ended);
}

}  // namespace tickwire::client
