#include "swarm/neutral_talk.hpp"

#include <array>
#include <cstring>

#include "base/bytes.hpp"
#include "base/check.hpp"
#include "swarm/crowd.hpp"
#include "wire/http.hpp"

namespace tickwire::swarm {
namespace {

using client::Fault;
using client::Phase;
using websocket::Opcode;

/// A tick of the largest match that a run may have: 20,000 states of a kilobyte would be beyond reason.
constexpr websocket::Limits limits{1 << 16, 1 << 24, 1024};

// Socket.IO 5 over Engine.IO 4, both as their protocol documents say: packet types are digits, and a binary
// event is announced by a text with a placeholder.
constexpr std::string_view engine_open = "0";
constexpr std::string_view engine_ping = "2";
constexpr std::string_view engine_pong = "3";
constexpr std::string_view socket_connect = "40";
constexpr std::string_view socket_state_follows = R"(451-["s",{"_placeholder":true,"num":0}])";

// Colyseus 0.18 (@colyseus/shared-types, Protocol): bytes of a room travel behind their kind and a type,
// which is a number of ours here.
constexpr std::uint8_t colyseus_join = 10;
constexpr std::uint8_t colyseus_bytes = 17;
constexpr std::uint8_t colyseus_state_type = 1;

}  // namespace

std::size_t encode_neutral_state(client::PlayerNumber player, std::uint32_t number, client::Bytes state,
                                 std::uint8_t* to) noexcept {
    base::store_le<std::uint16_t>(to, player);
    base::store_le<std::uint32_t>(to + 2, number);
    if (!state.empty()) {
        std::memcpy(to + neutral_header_size, state.data(), state.size());
    }
    return neutral_header_size + state.size();
}

NeutralTalk::NeutralTalk(Crowd& crowd, client::Handler& handler, const Speaker& speaker)
    : crowd_(crowd), handler_(handler), speaker_(speaker) {}

std::uint32_t NeutralTalk::tick_hz() const noexcept {
    return crowd_.options.movement.hz;
}

// --- sending

std::string NeutralTalk::request_target() const {
    const bool is_socket_io = crowd_.options.protocol == Protocol::socket_io;
    return (is_socket_io ? "/socket.io/?EIO=4&transport=websocket&match=" : "/v1/match/") +
           std::string(speaker_.match);
}

void NeutralTalk::begin(client::Time /*now*/) {
    // RFC 6455 section 4.1: base64 of 16 random bytes, of which the last two characters are padding.
    constexpr std::string_view alphabet =
        "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    for (int at = 0; at < 21; ++at) {
        key_ += alphabet[crowd_.random.next() % alphabet.size()];
    }
    key_ += "A==";
    output_.resize(wire::request_head_size_max);
    const std::size_t size = wire::encode_upgrade_request(crowd_.options.target.host, request_target(),
                                                          key_, {}, output_.data());
    base::check(size != 0, "an upgrade request fits");
    output_.resize(size);
    phase_ = Phase::upgrading;
}

void NeutralTalk::send_frame(Opcode opcode, client::Bytes payload) {
    const std::size_t used = output_.size();
    output_.resize(used + websocket::client_header_size_max + payload.size());
    const std::size_t size =
        websocket::encode_client_frame(opcode, payload, crowd_.random.next_mask(), output_.data() + used);
    output_.resize(used + size);
}

void NeutralTalk::send_text(std::string_view text) {
    send_frame(Opcode::text, base::as_bytes(text));
}

std::uint16_t NeutralTalk::send_state(client::Bytes state, client::Time /*now*/) {
    constexpr std::size_t envelope_size = 2;
    std::vector<std::uint8_t>& message = crowd_.message;
    message.resize(envelope_size + neutral_header_size + state.size());
    message[0] = colyseus_bytes;
    message[1] = colyseus_state_type;
    encode_neutral_state(speaker_.player, ++number_, state, message.data() + envelope_size);
    if (crowd_.options.protocol == Protocol::socket_io) {
        send_text(socket_state_follows);
    }
    const bool has_envelope = crowd_.options.protocol == Protocol::colyseus;
    send_frame(Opcode::binary, client::Bytes(message).subspan(has_envelope ? 0 : envelope_size));
    return static_cast<std::uint16_t>(number_);
}

/// A WebSocket ping, which every server answers below the application.
void NeutralTalk::send_ping(client::Time now) {
    std::array<std::uint8_t, sizeof now> payload{};
    std::memcpy(payload.data(), &now, sizeof now);
    send_frame(Opcode::ping, payload);
}

void NeutralTalk::close(std::uint16_t code, std::string_view reason) {
    if (phase_ != Phase::joined && phase_ != Phase::joining) {
        phase_ = Phase::over;
        return;
    }
    std::array<std::uint8_t, websocket::control_size_max> payload{};
    const std::size_t size = websocket::encode_close_payload(code, reason, payload.data());
    send_frame(Opcode::close, client::Bytes(payload).first(size));
    phase_ = Phase::closing;
}

// --- receiving

void NeutralTalk::receive(base::MutableBytes bytes, client::Time now) {
    if (phase_ == Phase::upgrading) {
        bytes = take_upgrade_answer(bytes);
    }
    while (phase_ == Phase::joining || phase_ == Phase::joined || phase_ == Phase::closing) {
        const auto next = reader_->next(bytes);
        if (!next) {
            end(Fault::bad_frame, websocket::close_code(next.error()), websocket::describe(next.error()));
            return;
        }
        if (!next->has_value()) {
            return;
        }
        take_message(**next, now);
    }
}

/// Returns what follows the answer.
base::MutableBytes NeutralTalk::take_upgrade_answer(base::MutableBytes bytes) {
    const std::size_t held_before = held_.size();
    held_.insert(held_.end(), bytes.begin(), bytes.end());
    const auto answer = wire::parse_upgrade_answer(held_, key_);
    if (!answer) {
        end(Fault::bad_http, 0, "the answer to the upgrade is no HTTP");
        return {};
    }
    if (!answer->has_value()) {
        return {};
    }
    if (!(*answer)->is_accepted) {
        end(Fault::upgrade_refused, (*answer)->status, "the upgrade was refused");
        return {};
    }
    const base::MutableBytes rest = bytes.subspan((*answer)->size - held_before);
    held_ = {};
    key_ = {};
    reader_.emplace(websocket::Role::client, limits, crowd_.heap);
    phase_ = Phase::joining;
    if (crowd_.options.protocol == Protocol::neutral) {
        join();
    }
    return rest;
}

void NeutralTalk::join() {
    phase_ = Phase::joined;
    client::Welcome welcome{};
    welcome.player = speaker_.player;
    welcome.role = speaker_.player == protocol::nobody ? client::Role::spectator : client::Role::player;
    welcome.tick_hz = tick_hz();
    handler_.on_welcome(welcome);
}

void NeutralTalk::take_message(const websocket::Message& message, client::Time now) {
    switch (message.opcode) {
        case Opcode::ping:
            if (phase_ != Phase::closing) {
                send_frame(Opcode::pong, message.payload);
            }
            return;
        case Opcode::pong:
            take_pong(message.payload, now);
            return;
        case Opcode::close: {
            const websocket::Close close = websocket::parse_close(message.payload);
            end(Fault::none, close.code, close.reason);
            return;
        }
        case Opcode::text:
            take_text(base::as_text(message.payload));
            return;
        case Opcode::binary:
            take_binary(message.payload);
            return;
        case Opcode::continuation:
            return;
    }
}

void NeutralTalk::take_pong(client::Bytes payload, client::Time now) {
    client::Time sent{};
    if (payload.size() == sizeof sent) {
        std::memcpy(&sent, payload.data(), sizeof sent);
        handler_.on_pong({now - sent, 0});
    }
}

/// Socket.IO's: its handshake, its pings, and the texts that announce a binary message.
void NeutralTalk::take_text(std::string_view text) {
    if (crowd_.options.protocol != Protocol::socket_io) {
        end(Fault::bad_message, 1003, "text on a binary protocol");
    } else if (text == engine_ping) {
        send_text(engine_pong);
    } else if (text.starts_with(engine_open)) {
        send_text(socket_connect);
    } else if (text.starts_with(socket_connect)) {
        join();
    } else if (text != socket_state_follows) {
        end(Fault::bad_message, 1003, "a packet that no such server sends");
    }
}

void NeutralTalk::take_binary(client::Bytes message) {
    if (crowd_.options.protocol == Protocol::colyseus) {
        if (!message.empty() && message[0] == colyseus_join) {
            send_frame(Opcode::binary, std::array{colyseus_join});
            join();
            return;
        }
        if (message.size() < 2 || message[0] != colyseus_bytes || message[1] != colyseus_state_type) {
            return;  // of the room's own: its schema, its state
        }
        message = message.subspan(2);
    }
    take_states(message);
}

void NeutralTalk::take_states(client::Bytes states) {
    const std::size_t size = neutral_header_size + crowd_.options.state_size;
    if (states.empty() || states.size() % size != 0) {
        end(Fault::bad_message, 1007, "not a whole number of states");
        return;
    }
    const auto count = static_cast<std::uint16_t>(states.size() / size);
    for (; !states.empty(); states = states.subspan(size)) {
        const auto number = static_cast<std::uint16_t>(base::load_le<std::uint32_t>(states.data() + 2));
        handler_.on_state({base::load_le<std::uint16_t>(states.data()), number, 255,
                           states.subspan(neutral_header_size, crowd_.options.state_size)});
    }
    handler_.on_tick({++tick_count_, false, count});
}

void NeutralTalk::lose_connection() {
    end(Fault::none, 1006, "");
}

void NeutralTalk::end(Fault fault, std::uint16_t code, std::string_view reason) {
    if (phase_ != Phase::over) {
        phase_ = Phase::over;
        handler_.on_ended({fault, code, reason, false});
    }
}

}  // namespace tickwire::swarm
