// The life of a session: construction, dispatch by phase, timeouts, sending and ending. Its HTTP is in
// session_http.cpp, its messages are in session_messages.cpp.
#include "session/session.hpp"

#include <array>
#include <cstring>
#include <utility>

#include "base/heap_trap.hpp"

namespace tickwire::session {

using websocket::Opcode;

namespace {

/// Bytes that are read behind a close frame, ours or the peer's, to find the other: as many as a member may
/// send by default, so that what was under way fits.
constexpr std::uint32_t closing_bytes_per_second = 256 * 1024;

}  // namespace

Session::Session(Environment& environment, Transport transport, base::Time now, Preamble preamble)
    : environment_(&environment),
      phase_(preamble == Preamble::proxy_header ? Phase::proxy_header
             : transport == Transport::tls      ? Phase::tls_handshake
                                                : Phase::http),
      transport_(transport),
      outgoing_(environment.pool),
      deadline_(now + (phase_ == Phase::http ? environment.options.upgrade_timeout
                                             : environment.options.tls_timeout)),
      last_heard_(now),
      began_(now) {}

Session::Session(Environment& environment, MovedSession& moved, base::Time now)
    : environment_(&environment),
      phase_(Phase::http),
      engine_(std::move(moved.engine)),
      outgoing_(environment.pool),
      deadline_(now + environment.options.upgrade_timeout),
      last_heard_(now),
      began_(now) {}

Session::~Session() {
    head_.release(environment_->pool);
    held_.release(environment_->pool);
}

// --- bytes in

void Session::receive(base::MutableBytes bytes, base::Time now) {
    bytes_received_ += bytes.size();
    if (phase_ == Phase::draining || (phase_ == Phase::closing && is_stream_broken_)) {
        return;  // nor is it decrypted: TLS might want to answer, and FIN is sent or will be
    }
    last_heard_ = now;
    is_pinged_ = false;
    completed_message_ = false;
    uncharged_size_ = static_cast<std::uint32_t>(bytes.size());
    if (!admit_bytes(now)) [[unlikely]] {
        return;
    }
    if (phase_ == Phase::proxy_header) [[unlikely]] {
        receive_proxy_header(bytes, now);
    } else {
        receive_behind_preamble(bytes, now);
    }
    // A busy sender's reads may all end inside a message, each inside another one.
    if (engine_ == nullptr && (!reader_ || reader_->buffered_size() == 0)) [[likely]] {
        is_unfinished_ = false;
    } else if (!holds_unfinished()) {
        is_unfinished_ = false;
    } else if (!is_unfinished_ || completed_message_) {
        is_unfinished_ = true;
        deadline_ = now + environment_->options.message_timeout;
    }
}

/// Charges what came from the network, TLS included, to a member before it is decrypted, to who joins by it
/// before what follows the join is read. Over the rate it is read on, for the peer's close frame; over what
/// is read for that, the rest is thrown away: closing at once would reset our own close frame away. False:
/// to be read no more.
bool Session::admit_bytes(base::Time now) {
    if (is_joined()) {
        if (rates_.bytes.take(uncharged_size_, limits().bytes_per_second, now)) [[likely]] {
            uncharged_size_ = 0;
            return true;
        }
        ++environment_->counters.over_byte_rate;
        fail(4100, "too many bytes", now);
    }
    if (phase_ == Phase::closing &&
        !rates_.bytes.take(std::exchange(uncharged_size_, 0), closing_bytes_per_second, now)) {
        ++environment_->counters.over_byte_rate;
        break_stream(now);
        return false;
    }
    return phase_ != Phase::over;
}

void Session::break_stream(base::Time now) {
    is_stream_broken_ = true;
    if (outgoing_.is_empty() && !outgoing_.is_in_flight()) {
        end_when_said(now);
    }
}

/// The header is gathered even where it is whole in `bytes`, as a request's head is. One deadline holds for
/// it and a TLS handshake behind it.
void Session::receive_proxy_header(base::Bytes bytes, base::Time now) {
    const base::HeapAllowed newcomers_allocate;
    if (!head_.append(bytes, environment_->pool)) {
        drop_connection();
        return;
    }
    const auto parsed = wire::parse_proxy_header(head_.bytes());
    if (!parsed) {
        ++environment_->counters.proxy_errors[static_cast<std::size_t>(parsed.error())];
        environment_->host.on_fault(
            *this, {.kind = Fault::Kind::proxy_header, .detail = wire::describe(parsed.error())});
        drop_connection();
        return;
    }
    if (!*parsed) {
        return;
    }
    ++environment_->counters.proxy_headers;
    if (!environment_->host.on_proxy_header(*this, **parsed)) {
        drop_connection();
        return;
    }
    phase_ = transport_ == Transport::tls ? Phase::tls_handshake : Phase::http;
    if (phase_ == Phase::http) {
        deadline_ = now + environment_->options.upgrade_timeout;
    }
    ByteQueue rest = std::exchange(head_, {});
    rest.drop_first((*parsed)->size);
    if (!rest.empty()) {
        receive_behind_preamble(rest.mutable_bytes(), now);
    }
    rest.release(environment_->pool);
}

void Session::receive_behind_preamble(base::MutableBytes bytes, base::Time now) {
    if (engine_ != nullptr || phase_ == Phase::tls_handshake) {
        receive_tls(bytes, now);
    } else {
        receive_plaintext(bytes, now);
    }
}

void Session::hold(base::Bytes bytes, base::Time now) {
    last_heard_ = now;
    if (!held_.append(bytes, environment_->pool)) {
        drop_connection();
    }
}

void Session::receive_held(base::Time now) {
    ByteQueue held = std::exchange(held_, {});
    deadline_ += now - last_heard_;  // the wait was ours
    receive(held.mutable_bytes(), now);
    held.release(environment_->pool);
}

/// Of a newcomer the deadlines of its phase judge that.
bool Session::holds_unfinished() const noexcept {
    if (!is_joined() && phase_ != Phase::echo) {
        return false;
    }
    return reader_->buffered_size() != 0 || (engine_ != nullptr && engine_->has_unfinished_record());
}

void Session::receive_tls(base::Bytes ciphertext, base::Time now) {
    Outgoing::Sealed sink(outgoing_);
    if (phase_ == Phase::tls_handshake) {
        const base::HeapAllowed handshakes_allocate;
        if (engine_ == nullptr) {
            engine_ = environment_->host.make_engine();
        }
        if (engine_ == nullptr) {
            fail_handshake("no certificate, or no memory");
            return;
        }
        const tls::TlsStatus status = engine_->handshake(ciphertext, sink);
        if (!outgoing_.is_empty()) {
            environment_->host.on_attention(*this);
        }
        if (status == tls::TlsStatus::starved) {
            return;
        }
        if (status != tls::TlsStatus::ok) {
            fail_handshake(engine_->failure());
            return;
        }
        ++environment_->counters.handshakes;
        environment_->counters.handshakes_resumed += engine_->was_resumed() ? 1U : 0U;
        environment_->counters.handshake_time.record(now - began_);
        phase_ = Phase::http;
        deadline_ = now + environment_->options.upgrade_timeout;
    }
    // Until starved, even in `closing`: the peer's close_notify and its answer to our close come this way.
    while (phase_ != Phase::over) {
        std::size_t size = 0;
        const tls::TlsStatus status = engine_->read(ciphertext, environment_->plaintext, size, sink);
        if (!outgoing_.is_empty()) {
            environment_->host.on_attention(*this);
        }
        if (size != 0) {
            receive_plaintext(environment_->plaintext.first(size), now);
        }
        if (status == tls::TlsStatus::starved) {
            return;
        }
        if (status == tls::TlsStatus::closed) {
            on_receive_ended(now);
            return;
        }
        if (status == tls::TlsStatus::failed) {
            ++environment_->counters.protocol_errors;
            environment_->host.on_fault(*this, {.kind = Fault::Kind::tls, .detail = engine_->failure()});
            end(SessionEnd::lost);
            drop_connection();
            return;
        }
    }
}

void Session::fail_handshake(std::string_view detail) {
    ++environment_->counters.handshakes_failed;
    environment_->host.on_fault(*this, {.kind = Fault::Kind::tls, .detail = detail});
    drop_connection();
}

void Session::receive_plaintext(base::MutableBytes bytes, base::Time now) {
    environment_->counters.bytes_received += bytes.size();
    switch (phase_) {
        case Phase::http:
            receive_http(bytes, now);
            return;
        case Phase::moving:
            // Bounded by what was received before the request was understood: nothing is armed now.
            if (!head_.append(bytes, environment_->pool)) {
                drop_connection();
            }
            return;
        case Phase::joining:
        case Phase::game:
        case Phase::plain:
        case Phase::echo:
        case Phase::closing:
            receive_frames(bytes, now);
            return;
        case Phase::proxy_header:
        case Phase::tls_handshake:
        case Phase::draining:
        case Phase::over:
            return;
    }
}

void Session::on_receive_ended(base::Time /*now*/) {
    end(SessionEnd::lost);
    drop_connection();
}

void Session::drop_for_timeout(std::uint64_t& counter) {
    ++counter;
    drop_connection();
}

void Session::on_time(base::Time now) {
    const SessionOptions& options = environment_->options;
    SessionCounters& counters = environment_->counters;
    if (!held_.empty()) {
        return;  // it waits for us
    }
    switch (phase_) {
        case Phase::proxy_header:
            if (now >= deadline_) {
                drop_for_timeout(counters.timeouts_proxy);
            }
            return;
        case Phase::tls_handshake:
            if (now >= deadline_) {
                drop_for_timeout(counters.timeouts_tls);
            }
            return;
        case Phase::http:
        case Phase::moving:
            if (now >= deadline_) {
                drop_for_timeout(counters.timeouts_upgrade);
            }
            return;
        case Phase::closing:
            if (has_queued() && !is_busy()) {
                deadline_ = now + options.close_timeout;  // its goodbye waits for us
            }
            [[fallthrough]];
        case Phase::draining:
            if (now >= deadline_) {
                drop_for_timeout(counters.timeouts_close);
            }
            return;
        case Phase::joining:
            if (now >= deadline_) {
                ++counters.timeouts_join;
                fail(4104, "no join", now);
            }
            return;
        case Phase::game:
        case Phase::plain:
        case Phase::echo:
            if (now - last_heard_ >= options.idle_timeout) {
                ++counters.timeouts_idle;
                fail(4102, "idle", now);
            } else if (is_unfinished_ && now >= deadline_) {
                ++counters.timeouts_message;
                fail(4102, "a message was not finished", now);
            } else if (!is_pinged_ && now - last_heard_ >= options.idle_timeout / 3) {
                is_pinged_ = true;
                send_shared(environment_->ping_frame);
            }
            return;
        case Phase::over:
            return;
    }
}

// --- bytes out

/// Who has taken all that was sent is not slow, whatever one slot brings: it may be as much again as may
/// wait behind a send. So a connection holds at most three times the limit, in flight and queued.
std::size_t Session::outbox_limit() const noexcept {
    const SessionOptions& options = environment_->options;
    if (lane_ == Lane::echo) {
        return std::size_t{2} * options.echo_size_max;
    }
    return std::size_t{options.outbox_size_max} * (outgoing_.is_in_flight() ? 1 : 2);
}

void Session::queue_frame(Opcode opcode, base::Bytes payload) noexcept {
    if (phase_ == Phase::over || is_close_sent_ || is_overflowed_) {
        return;
    }
    std::array<std::uint8_t, websocket::server_header_size_max> header;
    const std::size_t header_size = websocket::encode_server_header(opcode, payload.size(), header.data());
    if (outgoing_.queued_size() + header_size + payload.size() > outbox_limit() ||
        !outgoing_.append({header.data(), header_size}, payload)) {
        is_overflowed_ = true;
    } else if (opcode == Opcode::text || opcode == Opcode::binary) {
        ++environment_->counters.messages_queued;
    }
    environment_->host.on_attention(*this);
}

void Session::send_shared(const base::SharedBuffer& frames) noexcept {
    if (phase_ == Phase::over || is_close_sent_ || is_overflowed_) {
        return;
    }
    if (!outgoing_.append_shared(frames)) {
        is_overflowed_ = true;
    }
    environment_->host.on_attention(*this);
}

base::Bytes Session::begin_send(base::Time now) {
    if (is_overflowed_) {
        is_overflowed_ = false;
        outgoing_.drop_queued();
        ++environment_->counters.over_outbox;
        fail(4101, "too slow", now);
    }
    const bool had_queued = !outgoing_.is_empty();
    base::Bytes bytes = outgoing_.begin_send(engine_.get());
    if (phase_ == Phase::over || phase_ == Phase::draining) {
        if (bytes.empty() && engine_ != nullptr && !is_tls_closed_ && engine_->is_handshake_done()) {
            is_tls_closed_ = true;
            Outgoing::Sealed sink(outgoing_);
            engine_->close(sink);
            bytes = outgoing_.begin_send(engine_.get());
        }
    } else if (had_queued && bytes.empty()) {
        end(SessionEnd::lost);
        drop_connection();
    }
    environment_->counters.bytes_sent += bytes.size();
    bytes_sent_ += bytes.size();
    environment_->counters.sends += bytes.empty() ? 0U : 1U;
    return bytes;
}

void Session::end_send(bool is_complete, base::Time now) {
    outgoing_.end_send();
    if (!is_complete) {
        end(SessionEnd::lost);
        drop_connection();
        return;
    }
    const bool has_more = !outgoing_.is_empty() || is_overflowed_;
    if (!has_more) {
        end_when_said(now);
    }
    // A member in play needs nothing after its send; everybody else may: to move, to close, to be heard
    // again.
    if (has_more || !is_joined()) {
        environment_->host.on_attention(*this);
    }
}

// --- the end

void Session::close(std::uint16_t code, std::string_view reason, base::Time now) {
    if (phase_ == Phase::closing || phase_ == Phase::draining || phase_ == Phase::over) {
        return;
    }
    environment_->counters.count_close(code);
    std::array<std::uint8_t, 125> payload;
    const std::size_t size = websocket::encode_close_payload(code, reason, payload.data());
    if (is_overflowed_) {
        is_overflowed_ = false;
        outgoing_.drop_queued();
    }
    std::array<std::uint8_t, websocket::server_header_size_max> header;
    const std::size_t header_size = websocket::encode_server_header(Opcode::close, size, header.data());
    const bool is_queued = outgoing_.append({header.data(), header_size}, {payload.data(), size});
    is_close_sent_ = true;
    rates_.bytes = {};  // of what is read until the end; who keeps the member's has asked for them before
    phase_ = is_queued ? Phase::closing : Phase::over;
    deadline_ = now + environment_->options.close_timeout;
    environment_->host.on_attention(*this);
}

void Session::fail(std::uint16_t code, std::string_view reason, base::Time now) {
    // What the peer sent was wrong, and would be again: its place is not kept for it.
    const bool is_final = code == 1002 || (code >= 1007 && code <= 1009);
    environment_->host.on_fault(*this, {.kind = Fault::Kind::message, .code = code, .detail = reason});
    end(is_final ? SessionEnd::closed : SessionEnd::lost);
    close(code, reason, now);
}

void Session::end(SessionEnd end) {
    if (is_joined()) {
        const base::HeapAllowed leaving_allocates;
        environment_->host.on_end(*this, end);
    }
}

void Session::drop_connection() {
    phase_ = Phase::over;
    environment_->host.on_attention(*this);
}

/// Nothing is queued or in flight.
void Session::end_when_said(base::Time now) {
    switch (phase_) {
        case Phase::http:
            if (ends_after_answer_) {
                drain(now);
            }
            return;
        case Phase::closing:
            if (ends_after_answer_) {
                drop_connection();  // both have said it
            } else if (is_stream_broken_) {
                drain(now);
            }
            return;
        case Phase::proxy_header:
        case Phase::tls_handshake:
        case Phase::moving:
        case Phase::joining:
        case Phase::game:
        case Phase::plain:
        case Phase::echo:
        case Phase::draining:
        case Phase::over:
            return;
    }
}

/// RFC 6455 section 7.1.1: the server ends the TCP connection, and cleanly by way of FIN.
void Session::drain(base::Time now) {
    phase_ = Phase::draining;
    deadline_ = now + environment_->options.close_timeout;
    environment_->host.on_attention(*this);
}

void Session::shut_down(base::Time now) {
    switch (phase_) {
        case Phase::joining:
        case Phase::game:
        case Phase::plain:
        case Phase::echo:
            fail(1001, "the relay stops", now);
            return;
        case Phase::proxy_header:
        case Phase::tls_handshake:
        case Phase::http:
        case Phase::moving:
            drop_connection();
            return;
        case Phase::closing:
        case Phase::draining:
        case Phase::over:
            return;
    }
}

bool Session::wants_input() const noexcept {
    switch (phase_) {
        case Phase::proxy_header:
        case Phase::tls_handshake:
        case Phase::joining:
        case Phase::closing:  // of who was a newcomer: what comes now belongs behind what is held
            return held_.empty();
        case Phase::game:
        case Phase::plain:
        case Phase::draining:
            return true;
        case Phase::http:
            return !ends_after_answer_ && held_.empty();
        case Phase::echo:
            return outgoing_.is_empty() && !outgoing_.is_in_flight();
        case Phase::moving:
        case Phase::over:
            break;
    }
    return false;
}

}  // namespace tickwire::session
