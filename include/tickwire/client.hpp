// A native client of the game lane (proto/protocol.md) without I/O: for bots, headless hosts and load
// generators. Bytes that arrived go in, what happened comes out through a Handler, and bytes to send are
// taken out. It opens no socket, speaks no TLS, reads no clock and starts no thread: all that is the
// caller's.
//
//     client::Environment environment(seed);
//     MyBot bot;                                    // a client::Handler
//     client::Client client(environment, bot);
//     client.connect({"example.org", "arena-7"}, {.name = "Bo"}, now);
//     … in the caller's loop:
//     client.take_output(buffer);                   // send these bytes
//     client.receive(bytes, now);                   // these have arrived
//     if (now >= client.next_deadline()) client.pass_time(now);
//
// The relay's bytes are checked: what breaks the protocol ends the client with a Fault, and never the
// process. What the caller must not do is said at each call, and stops the process.
//
// Cost: a spectator that only watches an empty match takes under 500 bytes; each player of the match adds
// its name, its latest state and some 12 bytes. Nothing is allocated per tick once the match has settled.
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "tickwire/protocol.hpp"

namespace tickwire::client {

using protocol::Bytes;
using protocol::PlayerNumber;

/// Nanoseconds on a monotonic clock of the caller's: the same clock in every call of one client.
using Time = std::chrono::nanoseconds;

enum class Role : std::uint8_t { player, spectator };

/// Where to. The views are used during connect() alone.
struct Target {
    std::string_view host;   ///< the Host header: `example.org` or `127.0.0.1:8080`
    std::string_view match;  ///< 1 to 64 characters of `A-Z a-z 0-9 . _ ~ -`
};

/// As whom. The views are used during connect() alone.
struct Join {
    std::string_view name = {};  ///< UTF-8, at most 64 bytes
    Role role = Role::player;
    std::string_view ticket = {};  ///< empty: none
};

/// What the relay holds a member to. Sizes are of whole messages, in bytes.
struct Limits {
    std::uint32_t state_bytes = 0;
    std::uint32_t event_bytes = 0;
    std::uint32_t json_bytes = 0;
    std::uint32_t messages_per_second = 0;
    std::uint32_t bytes_per_second = 0;
    std::uint32_t json_per_second = 0;
};

/// One slot of the match. The client keeps them; see Client::players().
struct Player {
    PlayerNumber number;
    bool is_away = false;   ///< between two connections
    bool is_plain = false;  ///< of the plain lane: has no state
    std::string name;
};

/// The relay's `welcome`: replaces all that was known. The views hold during the call alone.
struct Welcome {
    std::string_view server;
    std::string_view match;
    PlayerNumber player;  ///< protocol::nobody for a spectator
    Role role;
    std::optional<PlayerNumber> host;
    std::uint32_t epoch;
    bool is_locked;
    std::uint32_t tick;  ///< the newest, 0: none yet
    std::uint32_t tick_hz;
    std::uint32_t event;         ///< the newest, 0: none yet
    std::uint32_t events_taken;  ///< from this slot
    std::uint32_t resume_ms;
    bool is_same_slot;  ///< of the connection before: same number, name and state
    bool is_recovered;  ///< and the events missed in between follow
    std::uint32_t spectator_count;
    Limits limits;
    std::string_view properties;  ///< a JSON object, as the relay wrote it
    std::uint64_t properties_version;
};

/// What happened in the match, in order with events and ticks. Views hold during the call alone. The
/// client has taken it in before it tells: after Joined the player is in players().
struct Joined {
    PlayerNumber player;
    std::string_view name;
    bool is_plain;
};
struct Left {
    PlayerNumber player;
    std::string_view
        reason;  ///< `left`, `closed`, `timeout`, `kicked`, or one that is newer than this client
};
struct Away {
    PlayerNumber player;
};
struct Back {
    PlayerNumber player;
};
struct HostChanged {
    std::optional<PlayerNumber> player;
    std::uint32_t epoch;
};
struct Locked {
    bool is_locked;
};
struct PropertiesSet {
    std::uint64_t version;
    std::string_view set;  ///< a JSON object: keys and their new values, null where deleted
    std::optional<PlayerNumber> by;
};
struct RateChanged {
    std::uint32_t divisor;    ///< every how many ticks this member gets one
    std::string_view reason;  ///< `asked`, `slow`, `hidden`, `recovered`
};
struct Drain {
    std::uint32_t reconnect_ms;  ///< after the close: wait so long, then connect there
    std::string_view url;
};
struct Granted {
    std::uint64_t id;  ///< of the request
};
struct Refused {
    std::string_view code;
    std::string_view message;
    std::optional<std::uint64_t> id;
    std::optional<std::uint64_t> properties_version;
};
using Notice = std::variant<Joined, Left, Away, Back, HostChanged, Locked, PropertiesSet, RateChanged,
                            Drain, Granted, Refused>;

/// The latest state of a player, as this connection received it. `bytes` hold until the next receive().
struct StateView {
    PlayerNumber player;
    std::uint16_t seq;  ///< the sender's counter: good for equality
    std::uint8_t
        wait;  ///< how long it waited for its tick, in 1/256 of the tick interval; 255: that or longer
    Bytes bytes;
};

struct Tick {
    std::uint32_t number;
    bool is_keyframe;  ///< every baseline before it is void: ticks may have been left out
    std::uint16_t state_count;
};

struct Event {
    std::uint32_t number;  ///< rises by one with each event of the match, whoever it is for
    PlayerNumber from;     ///< protocol::nobody: the server
    protocol::Kind kind;
    Bytes body;  ///< holds during the call alone; begins with a u16 id where it is a request or a reply
};

/// Answer to a PING: the round trip, and what the clock of the match makes of it.
struct Pong {
    Time round_trip;
    std::uint64_t match_time_us;  ///< the relay's, when it answered
};

/// What was wrong with what the relay sent.
enum class Fault : std::uint8_t {
    none,             ///< a close frame, or the connection's end
    upgrade_refused,  ///< an HTTP status other than 101: `code` holds it
    bad_http,         ///< the answer to the upgrade was no HTTP, or not the answer to this request
    bad_frame,        ///< against RFC 6455
    bad_message,      ///< a message cut short, or before `welcome`
    bad_json,         ///< a control message that is no JSON, or lacks what it must have
    bad_delta,        ///< a delta without its baseline, or malformed
};
std::string_view describe(Fault fault) noexcept;

/// How a connection ended. After it the client is Phase::over until connect().
struct Ended {
    Fault fault;
    std::uint16_t code;  ///< the close code; 1006 without a close frame; an HTTP status (upgrade_refused)
    std::string_view reason;  ///< holds during the call alone
    bool may_retry;           ///< worth another try, with backoff (protocol.md section 7)
};

/// RFC 6455's 1000, 1002, 1003, 1007 to 1010, and 40xx: do not reconnect with the same request.
bool is_final_close_code(std::uint16_t code) noexcept;

/// What a client tells. A handler may call the client's send and close functions and its observers; it
/// must not call receive(), connect() or pass_time(), and must not destroy the client.
class Handler {
  public:
    virtual void on_welcome(const Welcome& /*welcome*/) {}
    virtual void on_notice(const Notice& /*notice*/) {}
    /// For each entry of a tick, in its order: the state is in the client already.
    virtual void on_state(const StateView& /*state*/) {}
    /// After the tick's last on_state().
    virtual void on_tick(const Tick& /*tick*/) {}
    /// Events for this member, but not its own for "others".
    virtual void on_event(const Event& /*event*/) {}
    virtual void on_pong(const Pong& /*pong*/) {}
    /// Told once for each connect(). Bytes may be left to send (an answer to a close): then close the
    /// socket.
    virtual void on_ended(const Ended& /*ended*/) {}

  protected:
    ~Handler() = default;
};

/// What the clients of one thread share: scratch memory, the JSON parser, random bits. Outlives them.
class Environment {
  public:
    /// `seed` feeds the masking keys of frames and the handshake's key: take it from the system's random
    /// source wherever strangers choose what is sent (RFC 6455 section 10.3).
    explicit Environment(std::uint64_t seed);
    ~Environment();
    Environment(const Environment&) = delete;
    Environment& operator=(const Environment&) = delete;

    struct Parts;
    Parts& parts() noexcept { return *parts_; }

  private:
    std::unique_ptr<Parts> parts_;
};

enum class Phase : std::uint8_t {
    idle,       ///< before connect()
    upgrading,  ///< the HTTP request is out
    joining,    ///< `join` is out
    joined,     ///< `welcome` is in
    closing,    ///< our close frame is out
    over,
};

/// One member of one match, over as many connections as it takes. One thread.
///
/// It reports the ticks that it received (`seen`) by itself: with each state, and by a PING where nothing
/// was sent for 200 ms, so that a caller whose timer is late by 50 ms still keeps the protocol's 250.
class Client {
  public:
    /// `environment` and `handler` must outlive the client.
    Client(Environment& environment, Handler& handler);
    ~Client();
    Client(const Client&) = delete;
    Client& operator=(const Client&) = delete;

    // --- the connection

    /// Begins on a new connection (bytes of the one before must not be given any more): queues the upgrade
    /// request; the join follows by itself. With the token of a slot from before it resumes that slot, and
    /// events that the relay did not take are sent again after `welcome`. False, and nothing has changed,
    /// where host and match do not make a valid request.
    [[nodiscard]] bool connect(const Target& target, const Join& join, Time now);
    /// Bytes that arrived, in any portions. They are written to.
    void receive(std::span<std::uint8_t> bytes, Time now);
    /// The connection is gone without a close frame.
    void lose_connection();
    /// Forgets the slot: the next connect() joins anew.
    void forget_slot();

    bool has_output() const noexcept;
    /// Swaps `into`, which must be empty, with what is to be sent. Handing the same vectors back and forth
    /// allocates nothing.
    void take_output(std::vector<std::uint8_t>& into) noexcept;

    /// When pass_time() has something to do; Time::max() for nothing. Changes with every other call.
    Time next_deadline() const noexcept;
    void pass_time(Time now);

    // --- saying something: in Phase::joined only, or it is ignored; nothing is sent twice

    /// Returns the `seq` that the state went out under. `state`, with protocol::state_header_size, fits
    /// limits().state_bytes; a player's only. The protocol asks to send only while the socket has nothing
    /// waiting: that is the caller's to see to.
    std::uint16_t send_state(Bytes state, Time now);
    /// False, and nothing is sent, where 256 KiB of events wait for the relay's receipt (they are kept for
    /// resuming). `event.body` fits limits().event_bytes with its header; a player's only.
    [[nodiscard]] bool send_event(const protocol::Event& event, Time now);
    void send_ping(Time now);
    void send_resync();
    void send_rate(std::uint32_t divisor);
    void send_visible(bool is_visible);
    void send_leave();
    /// A request in JSON of the caller's making (protocol.md section 5).
    void send_request(std::string_view json);
    /// Begins the closing handshake. 1001 keeps the slot for its resume window, any other code ends it.
    void close(std::uint16_t code, std::string_view reason = {});

    // --- what is known

    Phase phase() const noexcept;
    PlayerNumber player() const noexcept;  ///< protocol::nobody before `welcome`, and for a spectator
    const Limits& limits() const noexcept;
    std::uint32_t tick_hz() const noexcept;
    std::uint32_t tick() const noexcept;        ///< the newest received, `welcome`'s before the first
    std::uint32_t seen_event() const noexcept;  ///< likewise, of events
    std::optional<PlayerNumber> host() const noexcept;
    std::string_view resume_token() const noexcept;  ///< empty: no slot
    /// In rising order of number; holds until the next receive().
    std::span<const Player> players() const noexcept;
    /// Empty where the player has none; `bytes` hold until the next receive().
    std::optional<StateView> state_of(PlayerNumber player) const noexcept;
    /// Events sent that no PONG or `welcome` has acknowledged.
    std::size_t unacknowledged_event_count() const noexcept;
    /// Microseconds since the match opened, by the PONG with the shortest round trip of late; empty before
    /// the first. Tick k is due at k * 1,000,000 / tick_hz().
    std::optional<std::uint64_t> match_time_us(Time now) const noexcept;
    /// When bytes last arrived.
    Time last_heard() const noexcept;

  private:
    struct Implementation;
    std::unique_ptr<Implementation> implementation_;
};

}  // namespace tickwire::client
