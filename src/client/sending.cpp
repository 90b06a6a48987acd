// From what the caller says to bytes: frames are masked straight into the output.
#include "base/bytes.hpp"
#include "client/implementation.hpp"
#include "wire/json_writer.hpp"

namespace tickwire::client {

using websocket::Opcode;

std::string Client::Implementation::make_join(const Join& join) const {
    std::string text;
    {
        wire::JsonObject object(text, "join");
        if (!join.name.empty()) {
            object.text("name", join.name);
        }
        object.text("role", join.role == Role::player ? "player" : "spectator");
        if (!join.ticket.empty()) {
            object.text("ticket", join.ticket);
        }
        if (!resume.empty()) {
            object.text("resume", resume);
            if (has_welcome) {
                object.number("seen_event", seen_event);
            }
        }
    }
    return text;
}

void Client::Implementation::send_frame(Opcode opcode, Bytes payload) {
    const std::size_t used = output.size();
    output.resize(used + websocket::client_header_size_max + payload.size());
    const std::size_t size =
        websocket::encode_client_frame(opcode, payload, parts.random.next_mask(), output.data() + used);
    output.resize(used + size);
}

void Client::Implementation::send_text(std::string_view text) {
    send_frame(Opcode::text, base::as_bytes(text));
}

std::uint8_t* Client::Implementation::scratch(std::size_t size) {
    if (parts.scratch.size() < size) {
        parts.scratch.resize(size);
    }
    return parts.scratch.data();
}

void Client::Implementation::report_seen() noexcept {
    reported_tick = tick;
    last_report = now;
}

void Client::Implementation::send_ping() {
    std::array<std::uint8_t, protocol::ping_size> message{};
    protocol::encode_ping(
        {static_cast<std::uint16_t>(tick), static_cast<std::uint32_t>(MatchClock::to_us(now))},
        message.data());
    send_frame(Opcode::binary, message);
    report_seen();
}

void Client::Implementation::send_unacknowledged() {
    for (const std::vector<std::uint8_t>& message : backlog->messages()) {
        send_frame(Opcode::binary, message);
    }
}

void Client::Implementation::send_close(std::uint16_t code, std::string_view reason) {
    std::array<std::uint8_t, websocket::control_size_max> payload{};
    const std::size_t size = websocket::encode_close_payload(code, reason, payload.data());
    send_frame(Opcode::close, Bytes(payload).first(size));
}

}  // namespace tickwire::client
