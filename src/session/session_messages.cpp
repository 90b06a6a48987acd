// A session's messages: frames in, the peer's rate judged, each message taken apart and told to the host.
#include <optional>

#include "base/heap_trap.hpp"
#include "session/session.hpp"
#include "wire/utf8.hpp"

namespace tickwire::session {

using websocket::Opcode;

void Session::receive_frames(base::MutableBytes bytes, base::Time now) {
    // The echo keeps its messages on the heap, and is off the data path.
    std::optional<base::HeapAllowed> echo_allocates;
    if (lane_ == Lane::echo) {
        echo_allocates.emplace();
    }
    std::span<std::uint8_t> input = bytes;
    while (true) {
        if (uncharged_size_ != 0 && is_joined() && !input.empty() && !admit_bytes(now)) [[unlikely]] {
            return;
        }
        auto next = reader_->next(input);
        if (!admit_frames(now)) [[unlikely]] {
            return;
        }
        if (!next) [[unlikely]] {
            if (phase_ == Phase::closing) {
                break_stream(now);
                return;
            }
            is_stream_broken_ = true;
            environment_->counters.over_size += websocket::close_code(next.error()) == 1009 ? 1U : 0U;
            fail_peer(websocket::close_code(next.error()), websocket::describe(next.error()), now);
            return;
        }
        if (!next->has_value()) {
            return;
        }
        ++environment_->counters.messages_received;
        handle_message(**next, now);
        if (phase_ == Phase::over) {
            return;
        }
    }
}

/// Charges the frames that the reader has seen since it was last asked. Over the rate it is read on, as for
/// bytes, if there is memory to say so.
bool Session::admit_frames(base::Time now) {
    const std::uint32_t seen = reader_->frame_count();
    const std::uint32_t count = seen - frames_admitted_;
    frames_admitted_ = seen;
    if (count == 0 || !is_joined() || rates_.messages.take(count, limits().messages_per_second, now)) {
        return true;
    }
    ++environment_->counters.over_message_rate;
    fail(4100, "too many messages", now);
    return phase_ != Phase::over;
}

void Session::handle_message(const websocket::Message& message, base::Time now) {
    switch (message.opcode) {
        case Opcode::ping:
            if (phase_ != Phase::closing) {
                queue_frame(Opcode::pong, message.payload);
            }
            return;
        case Opcode::pong:
            return;
        case Opcode::close:
            handle_peer_close(message, now);
            return;
        case Opcode::text:
        case Opcode::binary:
            completed_message_ = true;
            break;
        case Opcode::continuation:
            base::check(false, "Reader: a message is never a continuation");
    }
    switch (phase_) {
        case Phase::joining:
            handle_first_message(message, now);
            return;
        case Phase::game:
            if (message.opcode == Opcode::binary) {
                handle_binary(message.payload, now);
            } else {
                handle_text(base::as_text(message.payload), now);
            }
            return;
        case Phase::plain:
            handle_plain(message, now);
            return;
        case Phase::echo: {
            const base::HeapAllowed off_the_data_path;
            queue_frame(message.opcode, message.payload);
            return;
        }
        case Phase::proxy_header:
        case Phase::tls_handshake:
        case Phase::http:
        case Phase::moving:
        case Phase::closing:
        case Phase::draining:
        case Phase::over:
            return;
    }
}

void Session::fail_peer(std::uint16_t code, std::string_view reason, base::Time now) {
    ++environment_->counters.protocol_errors;
    fail(code, reason, now);
}

void Session::handle_first_message(const websocket::Message& message, base::Time now) {
    const base::HeapAllowed joins_allocate;
    if (message.opcode != Opcode::text) {
        fail_peer(1002, "the first message is not a join", now);
        return;
    }
    const auto join = environment_->parser.parse_join(base::as_text(message.payload));
    if (join) {
        environment_->host.on_join(*this, *join);
        return;
    }
    switch (join.error()) {
        case wire::JoinFault::not_json:
            fail_peer(1007, "not JSON", now);
            return;
        case wire::JoinFault::not_join:
            fail_peer(1002, "the first message is not a join", now);
            return;
        case wire::JoinFault::bad_value:
            fail_peer(1008, "a wrong value in join", now);
            return;
    }
}

void Session::handle_text(std::string_view text, base::Time now) {
    const base::HeapAllowed control_json_allocates;
    if (!rates_.json.take(1, limits().json_per_second, now)) {
        ++environment_->counters.over_json_rate;
        fail(4100, "too many control messages", now);
        return;
    }
    const auto request = environment_->parser.parse_request(text);
    if (request) {
        environment_->host.on_request(*this, *request);
    } else if (request.error().fault == wire::RequestFault::not_json) {
        fail_peer(1007, "not JSON", now);
    } else {
        environment_->host.on_bad_request(*this, request.error());
    }
}

void Session::handle_binary(base::Bytes message, base::Time now) {
    const auto decoded = protocol::decode_client_message(message);
    if (!decoded) {
        fail_peer(1002, protocol::describe(decoded.error()), now);
        return;
    }
    const wire::Limits& own = limits();
    bool is_allowed = true;
    switch (decoded->type) {
        case protocol::ClientType::state:
            if (message.size() > own.state_bytes) {
                ++environment_->counters.over_size;
                fail_peer(1009, "state too long", now);
                return;
            }
            is_allowed = environment_->host.on_state(*this, decoded->state);
            break;
        case protocol::ClientType::event: {
            const protocol::Event& event = decoded->event;
            if (message.size() > own.event_bytes) {
                ++environment_->counters.over_size;
                fail_peer(1009, "event too long", now);
                return;
            }
            // Text goes out as text frames on the plain lane, where bad UTF-8 would cost the receiver its
            // connection.
            const std::size_t id_size = event.kind.purpose == protocol::Purpose::event ? 0 : 2;
            if (event.kind.is_text && !wire::is_valid_utf8(event.body.subspan(id_size))) {
                fail_peer(1007, "event text is not UTF-8", now);
                return;
            }
            is_allowed = environment_->host.on_event(*this, event);
            break;
        }
        case protocol::ClientType::ping:
            environment_->host.on_ping(*this, decoded->ping);
            break;
        case protocol::ClientType::resync:
            environment_->host.on_resync(*this);
            break;
    }
    if (!is_allowed) {
        fail_peer(1002, "not for a spectator", now);
    }
}

void Session::handle_plain(const websocket::Message& message, base::Time /*now*/) {
    environment_->host.on_plain_message(*this, message.payload, message.opcode == Opcode::text);
}

void Session::handle_peer_close(const websocket::Message& message, base::Time now) {
    const websocket::Close peer = websocket::parse_close(message.payload);
    if (!is_close_sent_) {
        end(peer.code == 1001 ? SessionEnd::lost : SessionEnd::closed);
        close(peer.code == 1005 ? 1000 : peer.code, {}, now);
    }
    // Both have said it. The server ends the TCP connection (RFC 6455 section 7.1.1), once its own frame is
    // out.
    ends_after_answer_ = true;
    if (outgoing_.is_empty() && !outgoing_.is_in_flight()) {
        phase_ = Phase::over;
    }
    environment_->host.on_attention(*this);
}

}  // namespace tickwire::session
