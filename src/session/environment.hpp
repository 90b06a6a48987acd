// What all sessions of a shard share: memory, parser, options, counters, and the host that they talk to.
#pragma once

#include <array>
#include <cstdint>
#include <memory>
#include <string_view>
#include <vector>

#include "base/buffer_pool.hpp"
#include "base/histogram.hpp"
#include "base/shared_buffer.hpp"
#include "base/slot_pool.hpp"
#include "base/time.hpp"
#include "session/origins.hpp"
#include "tickwire/protocol.hpp"
#include "tickwire/websocket.hpp"
#include "tls/tls_engine.hpp"
#include "wire/control.hpp"
#include "wire/http.hpp"
#include "wire/proxy_header.hpp"

namespace tickwire::session {

class Session;

/// What an operator may set about one connection.
struct SessionOptions {
    wire::Limits limits{1024, 16384, 16384, 240, 262144, 10};
    wire::Limits spectator_limits{1024, 1024, 1024, 240, 262144, 10};
    std::uint32_t head_size_max = wire::request_head_size_max;  ///< bytes of a request's head; over it 431
    std::uint32_t outbox_size_max = 256 * 1024;             ///< bytes queued behind a send; over it 4101
    std::uint32_t fragment_count_max = 1024;                ///< of one message
    base::Duration tls_timeout = std::chrono::seconds(10);  ///< for the handshake, a PROXY header included
    base::Duration upgrade_timeout = std::chrono::seconds(10);  ///< for a request
    base::Duration join_timeout = std::chrono::seconds(5);
    base::Duration idle_timeout = std::chrono::seconds(30);  ///< pinged after a third of it
    /// For the rest of a message or TLS record of which a part has come: what is unfinished is held, up to
    /// 17 KB of a record and a whole message, and a byte now and then would keep it for ever.
    base::Duration message_timeout = std::chrono::seconds(10);
    base::Duration close_timeout = std::chrono::seconds(2);  ///< for the peer's answer to our close
    bool is_echo_on = false;
    std::uint32_t echo_size_max = 16 * 1024 * 1024;
    Origins origins;
    wire::ControlBounds json;

    const wire::Limits& limits_of(wire::Role role) const noexcept {
        return role == wire::Role::spectator ? spectator_limits : limits;
    }
};

/// Why a connection was closed by us or by the peer; the index of a counter.
inline constexpr std::array<std::uint16_t, 21> counted_close_codes = {
    1000, 1001, 1002, 1003, 1005, 1006, 1007, 1008, 1009, 1011, 1012,
    1013, 4000, 4001, 4002, 4003, 4100, 4101, 4102, 4103, 4104};

/// With which an HTTP request was refused; the index of a counter.
inline constexpr std::array<std::uint16_t, 8> counted_refusals = {400, 403, 404, 405, 426, 431, 503, 505};

/// Counted by the shard's thread.
struct SessionCounters {
    std::uint64_t bytes_received = 0;  ///< as plaintext
    std::uint64_t bytes_sent = 0;      ///< as handed to the kernel
    std::uint64_t messages_received = 0;
    std::uint64_t messages_queued = 0;  ///< for this connection alone; what is shared a match counts
    std::uint64_t sends = 0;
    std::uint64_t proxy_headers = 0;                                    ///< taken
    std::array<std::uint64_t, wire::proxy_error_count> proxy_errors{};  ///< by wire::ProxyError: closed
    std::uint64_t handshakes = 0;                                       ///< TLS, finished
    std::uint64_t handshakes_failed = 0;
    std::uint64_t handshakes_resumed = 0;
    base::LatencyHistogram handshake_time;  ///< from accepting to the end of the TLS handshake
    std::uint64_t upgrades = 0;
    std::uint64_t requests_refused = 0;
    std::uint64_t protocol_errors = 0;
    std::uint64_t origins_refused = 0;  ///< 403
    std::uint64_t timeouts_proxy = 0;   ///< dropped, as the next two
    std::uint64_t timeouts_tls = 0;
    std::uint64_t timeouts_upgrade = 0;
    std::uint64_t timeouts_join = 0;      ///< 4104
    std::uint64_t timeouts_idle = 0;      ///< 4102, as the next
    std::uint64_t timeouts_message = 0;   ///< a message or a TLS record that was not finished
    std::uint64_t timeouts_close = 0;     ///< the peer did not answer our close
    std::uint64_t over_message_rate = 0;  ///< 4100, as the next two
    std::uint64_t over_byte_rate = 0;     ///< or dropped, for the bytes behind a close frame
    std::uint64_t over_json_rate = 0;
    std::uint64_t over_outbox = 0;  ///< 4101; before the upgrade dropped
    std::uint64_t over_size = 0;    ///< 1009: a state, an event, a message or its fragments
    std::array<std::uint64_t, counted_close_codes.size() + 1> closes{};  ///< last: any other code
    std::array<std::uint64_t, counted_refusals.size() + 1> refusals{};   ///< last: any other status

    void count_close(std::uint16_t code) noexcept {
        std::size_t index = 0;
        while (index < counted_close_codes.size() && counted_close_codes[index] != code) {
            ++index;
        }
        ++closes[index];
    }
    void count_refusal(std::uint16_t status) noexcept {
        std::size_t index = 0;
        while (index < counted_refusals.size() && counted_refusals[index] != status) {
            ++index;
        }
        ++refusals[index];
        ++requests_refused;
    }
};

/// How a session's relation to its match ended; as match::Ending, which a session does not know.
enum class SessionEnd : std::uint8_t { closed, lost };

/// What a peer did wrong, and what it is told for it. The view is good for the length of the call.
struct Fault {
    enum class Kind : std::uint8_t { proxy_header, tls, request, origin, message };
    Kind kind;
    std::uint16_t code = 0;     ///< HTTP status or close code; 0: the connection ends without one
    std::string_view detail{};  ///< may hold the peer's bytes
};

/// What a session asks and tells. Implemented by the shard.
class Host {
  public:
    /// What the proxy said, before TLS. False: whom it speaks for is over a limit, and the session ends.
    [[nodiscard]] virtual bool on_proxy_header(Session& session, const wire::ProxyHeader& header) = 0;
    /// A request for a match or the echo, judged worthy of 101. Answer with accept_upgrade(),
    /// refuse_request() or start_move().
    virtual void on_upgrade(Session& session, const wire::HttpRequest& request,
                            const wire::RoutedPath& route) = 0;
    /// Any other GET or HEAD. Answer with respond() or refuse_request().
    virtual void on_page_request(Session& session, const wire::HttpRequest& request) = 0;
    virtual void on_join(Session& session, const wire::Join& join) = 0;
    virtual void on_plain_join(Session& session) = 0;
    /// A new TLS engine for a connection whose first bytes have come; null where memory is out, or there
    /// are no certificates.
    virtual std::unique_ptr<tls::TlsEngine> make_engine() = 0;
    /// False: not for this member to send; the session closes with 1002.
    [[nodiscard]] virtual bool on_state(Session& session, const protocol::State& state) = 0;
    [[nodiscard]] virtual bool on_event(Session& session, const protocol::Event& event) = 0;
    virtual void on_ping(Session& session, const protocol::Ping& ping) = 0;
    virtual void on_resync(Session& session) = 0;
    virtual void on_plain_message(Session& session, base::Bytes body, bool is_text) = 0;
    virtual void on_request(Session& session, const wire::ControlRequest& request) = 0;
    virtual void on_bad_request(Session& session, const wire::RequestError& error) = 0;
    /// It is about to close the connection or to refuse a request for this; told before on_end().
    virtual void on_fault(Session& session, const Fault& fault) = 0;
    /// A session that had joined will hand over nothing more. Told once, before it closes.
    virtual void on_end(Session& session, SessionEnd end) = 0;
    /// The session has something to send, or something to be done about it at the end of the slot.
    virtual void on_attention(Session& session) = 0;

  protected:
    ~Host() = default;
};

/// Lives as long as its shard, and outlives its sessions.
struct Environment {
    base::BufferPool& pool;
    websocket::BufferSource& heap;  ///< for the echo
    wire::ControlParser& parser;
    base::MutableBytes plaintext;   ///< scratch that TLS decrypts into, 16 KiB and more
    base::SharedBuffer ping_frame;  ///< one for all: thousands may fall silent at the same time
    const SessionOptions& options;
    SessionCounters& counters;
    Host& host;
};

/// An empty WebSocket ping in a buffer of the pool.
inline base::SharedBuffer make_ping_frame(base::BufferPool& pool) {
    auto frame = base::SharedBuffer::create(pool, websocket::server_header_size(0));
    base::check(static_cast<bool>(frame), "the pool has room for a ping");
    frame.set_size(websocket::encode_server_header(websocket::Opcode::ping, 0, frame.room().data()));
    return frame;
}

}  // namespace tickwire::session
