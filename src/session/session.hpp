// One connection as a state machine over bytes: a proxy's header, TLS, HTTP, WebSocket, join, relay, close.
// Bytes come in by receive() and leave by begin_send(); what they mean goes to the Host. No system calls,
// no clock.
//
//   proxy_header -> tls_handshake | http
//   tls_handshake -> http -> moving -> (another shard) -> joining | plain | echo
//                      |  \-> joining -> game
//                      |-> plain, echo
//   any -> closing -> over
//   closing, http -> draining -> over
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "base/bytes.hpp"
#include "base/shared_buffer.hpp"
#include "base/slot_pool.hpp"
#include "base/time.hpp"
#include "base/token_bucket.hpp"
#include "session/environment.hpp"
#include "session/outgoing.hpp"
#include "tickwire/websocket.hpp"
#include "tls/tls_engine.hpp"

namespace tickwire::session {

enum class Phase : std::uint8_t {
    proxy_header,  ///< awaiting what the proxy says of its client; see wire/proxy_header.hpp
    tls_handshake,
    http,     ///< awaiting a request, or the answer's end
    moving,   ///< bound for another shard once nothing is in flight
    joining,  ///< game lane, awaiting `join`
    game,     ///< joined, game lane
    plain,    ///< joined, plain lane
    echo,
    closing,   ///< what is queued goes out, then the connection ends; input is ignored but a close frame
    draining,  ///< all is said, and the peer's answer cannot be understood: FIN, then whatever comes is
               ///< thrown away until the peer's FIN. Closing at once would reset our last words away.
    over,      ///< to be closed at once
};

/// The subprotocol chosen, or the echo.
enum class Lane : std::uint8_t { game, plain, echo };

/// How a connection's bytes come.
enum class Transport : std::uint8_t { clear, tls };
/// What stands before them, and before TLS.
enum class Preamble : std::uint8_t { none, proxy_header };

/// Everything about an accepted upgrade that travels to the match's shard.
struct Upgrade {
    Lane lane = Lane::game;
    std::string match;     ///< empty for the echo
    std::string ticket;    ///< from the request's query; empty: none
    std::string response;  ///< the 101, written by the new owner
};

/// A session on its way between shards: no reader, nothing in flight, nothing armed.
struct MovedSession {
    std::unique_ptr<tls::TlsEngine> engine;
    Upgrade upgrade;
    std::string leftover;  ///< plaintext that came behind the request
};

/// Owned by its shard's connection table; lives on that shard's thread from accept or hand-over to the
/// last completion.
class Session {
  public:
    /// Its TLS engine is made when its first bytes are read: who says nothing costs none.
    Session(Environment& environment, Transport transport, base::Time now,
            Preamble preamble = Preamble::none);
    /// Continues on its new shard; call resume_moved() next.
    Session(Environment& environment, MovedSession& moved, base::Time now);
    ~Session();
    Session(const Session&) = delete;
    Session& operator=(const Session&) = delete;

    // --- bytes in

    /// What arrived, to be changed in place. Everything that it means is told to the host before return.
    void receive(base::MutableBytes bytes, base::Time now);
    /// Handshakes, requests and joins cost up to a thousand times what a state does. So while the session
    /// is a newcomer its shard may keep what arrives for later: it wants no more input until then.
    bool is_newcomer() const noexcept {
        return phase_ == Phase::proxy_header || phase_ == Phase::tls_handshake || phase_ == Phase::http ||
               phase_ == Phase::joining;
    }
    void hold(base::Bytes bytes, base::Time now);
    bool holds_input() const noexcept { return !held_.empty(); }
    void receive_held(base::Time now);
    /// The peer will send no more.
    void on_receive_ended(base::Time now);
    /// Timeouts and keep-alive; call a few times a second.
    void on_time(base::Time now);

    // --- answers to the host's questions

    void accept_upgrade(const Upgrade& upgrade, base::Time now);
    /// Keeps what follows the request until take_moved().
    void start_move(Upgrade upgrade);
    bool is_ready_to_move() const noexcept;
    MovedSession take_moved();
    void resume_moved(const MovedSession& moved, base::Time now);
    void refuse_request(std::uint16_t status, std::string_view detail, const wire::HttpRequest& request);
    void respond(std::string_view content_type, base::Bytes content, const wire::HttpRequest& request);
    /// The match took it in, with these limits and what is left of its rates: `joining` becomes `game`.
    void on_joined(const wire::Limits& limits, wire::Role role, const base::RateBuckets& rates);
    /// What is left of the member's rates: they outlive the connection where its place does.
    const base::RateBuckets& rates() const noexcept { return rates_; }
    /// The ticket that came with the request; empty: none.
    std::string_view ticket() const noexcept {
        return ticket_ ? std::string_view(*ticket_) : std::string_view();
    }

    // --- bytes out

    bool is_busy() const noexcept { return outgoing_.is_in_flight(); }
    bool has_queued() const noexcept { return !outgoing_.is_empty(); }
    /// One frame, copied. Over the outbox's limit: 4101 at the end of the slot.
    void queue_frame(websocket::Opcode opcode, base::Bytes payload) noexcept;
    void send_shared(const base::SharedBuffer& frames) noexcept;
    /// Sends a close frame behind what is queued, and ends. The host has been or will not be told.
    void close(std::uint16_t code, std::string_view reason, base::Time now);
    /// Says that the relay ends: 1001 to those who speak WebSocket, the plain end to the others.
    void shut_down(base::Time now);

    /// Deals with an overflow of the outbox; then bytes to send, or none. Not while busy. In `over` these
    /// are the last ones (close_notify among them): close when they are sent.
    base::Bytes begin_send(base::Time now);
    void end_send(bool is_complete, base::Time now);

    // --- for the shard

    Phase phase() const noexcept { return phase_; }
    bool is_over() const noexcept { return phase_ == Phase::over; }
    /// What it still sends, if anything, is its goodbye.
    bool is_leaving() const noexcept { return phase_ >= Phase::closing; }
    /// Nothing more will be sent once begin_send() has nothing more: FIN is due.
    bool is_draining() const noexcept { return phase_ == Phase::draining; }
    bool is_joined() const noexcept { return phase_ == Phase::game || phase_ == Phase::plain; }
    /// Whether one more receive is wanted now: true in steady state; the echo waits for its answers to go.
    bool wants_input() const noexcept;
    /// Asks the cache for what a record in or out will touch: first, well before it, the engine's own
    /// memory.
    void prefetch_engine() const noexcept { __builtin_prefetch(engine_.get()); }
    void prefetch_tls(tls::TlsEngine::Direction direction) const noexcept {
        if (engine_ != nullptr) {
            engine_->prefetch(direction);
        }
    }
    bool is_tls() const noexcept { return engine_ != nullptr; }
    std::uint64_t bytes_received() const noexcept { return bytes_received_; }
    std::uint64_t bytes_sent() const noexcept { return bytes_sent_; }
    std::size_t queued_size() const noexcept { return outgoing_.queued_size(); }
    std::size_t held_size() const noexcept { return outgoing_.held_size(); }
    base::Handle self() const noexcept { return self_; }
    /// The shard knows the handle only after it has made the session; it tells before anything else.
    void set_self(base::Handle self) noexcept { self_ = self; }

  private:
    void receive_proxy_header(base::Bytes bytes, base::Time now);
    void receive_behind_preamble(base::MutableBytes bytes, base::Time now);
    void receive_tls(base::Bytes ciphertext, base::Time now);
    void fail_handshake(std::string_view detail);
    void receive_plaintext(base::MutableBytes bytes, base::Time now);
    void receive_http(base::MutableBytes bytes, base::Time now);
    void handle_http_request(const wire::ParsedRequest& parsed, base::Time now);
    void refuse_unreadable(std::uint16_t status, std::string_view detail);
    void receive_frames(base::MutableBytes bytes, base::Time now);
    void handle_message(const websocket::Message& message, base::Time now);
    void handle_first_message(const websocket::Message& message, base::Time now);
    void handle_text(std::string_view text, base::Time now);
    void handle_binary(base::Bytes message, base::Time now);
    void handle_plain(const websocket::Message& message, base::Time now);
    void handle_peer_close(const websocket::Message& message, base::Time now);
    bool admit_bytes(base::Time now);
    /// In `closing`: the peer's frames are read no more.
    void break_stream(base::Time now);
    bool admit_frames(base::Time now);
    std::size_t outbox_limit() const noexcept;
    const wire::Limits& limits() const noexcept {
        return own_limits_ != nullptr ? *own_limits_ : environment_->options.limits_of(role_);
    }
    /// Whether a part of a message or of a TLS record is held for its rest.
    bool holds_unfinished() const noexcept;
    void drop_for_timeout(std::uint64_t& counter);

    /// Closes for the peer's fault or ours, and tells the host how the member ended.
    void fail(std::uint16_t code, std::string_view reason, base::Time now);
    /// The same for what the peer sent, which is counted.
    void fail_peer(std::uint16_t code, std::string_view reason, base::Time now);
    void end(SessionEnd end);
    void drop_connection();
    void end_when_said(base::Time now);
    void drain(base::Time now);
    void start_reader(Lane lane);
    websocket::Limits reader_limits() const noexcept;
    void answer_http(base::Bytes head, base::Bytes body, bool keep_alive);

    Environment* environment_;
    base::Handle self_;
    Phase phase_;
    Transport transport_ = Transport::clear;
    Lane lane_ = Lane::game;
    wire::Role role_ = wire::Role::player;  ///< until it joins as another
    bool is_overflowed_ = false;
    bool is_pinged_ = false;
    bool is_close_sent_ = false;
    bool is_stream_broken_ = false;  ///< the reader has lost the peer's frames for good
    bool ends_after_answer_ = false;
    bool is_tls_closed_ = false;
    bool is_unfinished_ = false;      ///< something is held for its rest, to be there by deadline_
    bool completed_message_ = false;  ///< in the read at hand; control frames do not count
    std::uint32_t frames_admitted_ = 0;
    std::uint32_t uncharged_size_ = 0;  ///< of the read at hand
    std::unique_ptr<tls::TlsEngine> engine_;
    Outgoing outgoing_;
    std::optional<websocket::Reader> reader_;
    wire::RequestReader requests_;
    ByteQueue head_;  ///< an unfinished PROXY header or request, or what follows one while moving
    std::unique_ptr<Upgrade> move_;
    ByteQueue held_;                            ///< what arrived and is yet to be read, of a newcomer
    std::unique_ptr<std::string> ticket_;       ///< null: none, as for all who play
    std::unique_ptr<wire::Limits> own_limits_;  ///< null: those of its role
    /// Of the phase; of a member, of what it has begun and not finished.
    base::Time deadline_;
    base::Time last_heard_;
    base::Time began_;                  ///< on this shard
    std::uint64_t bytes_received_ = 0;  ///< on this shard, as they came from the network
    std::uint64_t bytes_sent_ = 0;
    base::RateBuckets rates_;
};

}  // namespace tickwire::session
