// The binary messages of the tickwire protocol, version 1 (proto/protocol.md sections 3 and 4), without
// I/O, for both sides. Every function is pure: bytes in, values out, and the other way.
//
// Decoders check foreign bytes and say what is wrong; encoders write into room that the caller measured
// and treat too little of it as the caller's bug. All integers on the wire are little-endian.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string_view>
#include <tl/expected.hpp>

namespace tickwire::protocol {

inline constexpr std::uint8_t version = 1;
inline constexpr std::string_view subprotocol = "tickwire.v1";

/// A slot in a match: 0 to 65,534.
using PlayerNumber = std::uint16_t;
/// `from` of what the relay itself sends, and the number that spectators share.
inline constexpr PlayerNumber nobody = 65535;

inline constexpr std::size_t state_size_max = 32767;  ///< of a whole STATE message
inline constexpr std::size_t event_size_max = 65535;  ///< of a whole EVENT message
inline constexpr std::size_t name_size_max = 64;
inline constexpr std::size_t kick_reason_size_max = 120;

enum class ClientType : std::uint8_t { state = 0x01, event = 0x02, ping = 0x03, resync = 0x04 };
enum class ServerType : std::uint8_t { tick = 0x81, events = 0x82, pong = 0x83 };

/// All of these close with 1002.
enum class Error : std::uint8_t { empty, unknown_type, unknown_kind, reserved_not_zero, wrong_length };
std::string_view describe(Error error) noexcept;

using Bytes = std::span<const std::uint8_t>;
using MutableBytes = std::span<std::uint8_t>;

// --- client to server (section 3)

struct State {
    std::uint16_t seq;
    std::uint16_t seen;  ///< low 16 bits of the newest tick received
    Bytes bytes;
};
inline constexpr std::size_t state_header_size = 6;

/// EVENT's `kind` bits 0-1.
enum class Target : std::uint8_t { others = 0, everyone = 1, host = 2, player = 3 };
/// EVENT's `kind` bits 3-4.
enum class Purpose : std::uint8_t { event = 0, request = 1, reply = 2 };

/// EVENT's `kind`, taken apart. `is_text`: bit 2, the body is UTF-8 (for a request or reply: what follows
/// the id).
struct Kind {
    Target target = Target::others;
    bool is_text = false;
    Purpose purpose = Purpose::event;
    friend bool operator==(const Kind&, const Kind&) = default;
};
std::uint8_t encode_kind(Kind kind) noexcept;
/// Empty for a bit or a purpose that version 1 does not know.
std::optional<Kind> decode_kind(std::uint8_t kind) noexcept;

struct Event {
    Kind kind;
    PlayerNumber player;  ///< 0 unless the target is a player
    Bytes body;           ///< begins with a u16 id where it is a request or a reply
};
inline constexpr std::size_t event_header_size = 4;

struct Ping {
    std::uint16_t seen;
    std::uint32_t client_time;
};
inline constexpr std::size_t ping_size = 8;

/// What a client's binary message says. The members not named by `type` are unset.
struct ClientMessage {
    ClientType type;
    State state{};
    Event event{};
    Ping ping{};
};

/// Checks form alone: sizes over a limit, spectators and unknown players are the match's to judge. Text
/// bodies (`is_text`) are not checked for UTF-8 here.
tl::expected<ClientMessage, Error> decode_client_message(Bytes message) noexcept;

/// Each writes a message at `to`, which has room for header and body, and returns its size.
std::size_t encode_state(const State& state, std::uint8_t* to) noexcept;
std::size_t encode_event(const Event& event, std::uint8_t* to) noexcept;
std::size_t encode_ping(const Ping& ping, std::uint8_t* to) noexcept;
std::size_t encode_resync(std::uint8_t* to) noexcept;

// --- server to client (section 4)

inline constexpr std::uint8_t tick_flag_keyframe = 1;

struct TickHeader {
    bool is_keyframe;
    std::uint16_t state_count;
    std::uint32_t tick;
};
inline constexpr std::size_t tick_header_size = 8;

struct StateEntry {
    PlayerNumber player;
    std::uint16_t seq;
    std::uint8_t wait;  ///< 1/256 of the tick interval; 255: that or longer
    bool is_delta;
    Bytes body;
};
inline constexpr std::size_t state_entry_header_size = 7;

struct EventEntry {
    std::uint32_t number;
    PlayerNumber from;
    std::uint8_t kind;  ///< as on the wire: a client ignores bits that it does not know
    Bytes body;
};
inline constexpr std::size_t event_entry_header_size = 9;
inline constexpr std::size_t events_header_size = 4;

struct Pong {
    std::uint16_t events_taken;  ///< low 16 bits
    std::uint32_t client_time;
    std::uint64_t match_time_us;
};
inline constexpr std::size_t pong_size = 16;

void encode_tick_header(const TickHeader& header, std::uint8_t* to) noexcept;
/// Writes the entry's header alone; its body follows at to + state_entry_header_size.
void encode_state_entry_header(PlayerNumber player, std::uint16_t seq, std::uint8_t wait, bool is_delta,
                               std::size_t body_size, std::uint8_t* to) noexcept;
void encode_events_header(std::uint16_t event_count, std::uint8_t* to) noexcept;
/// Header and body; returns the entry's size.
std::size_t encode_event_entry(const EventEntry& entry, std::uint8_t* to) noexcept;
void encode_pong(const Pong& pong, std::uint8_t* to) noexcept;

/// Walks the entries of a TICK or EVENTS message on the client's side. next() is empty at the end and
/// where the message is cut short or has bytes left over; is_valid() tells which, after the end.
class TickReader {
  public:
    static tl::expected<TickReader, Error> open(Bytes message) noexcept;
    const TickHeader& header() const noexcept { return header_; }
    std::optional<StateEntry> next() noexcept;
    bool is_valid() const noexcept { return is_valid_; }

  private:
    TickHeader header_{};
    std::uint16_t left_ = 0;
    bool is_valid_ = true;
    Bytes rest_;
};

class EventsReader {
  public:
    static tl::expected<EventsReader, Error> open(Bytes message) noexcept;
    std::optional<EventEntry> next() noexcept;
    bool is_valid() const noexcept { return is_valid_; }

  private:
    std::uint16_t left_ = 0;
    bool is_valid_ = true;
    Bytes rest_;
};

tl::expected<Pong, Error> decode_pong(Bytes message) noexcept;

// --- state delta (section 4): a bitmap of changed bytes, then those bytes in order

/// The most room that encode_delta() may write for states of `size` bytes, beyond what it returns: it may
/// scribble up to this before it knows that a delta does not pay.
constexpr std::size_t delta_room(std::size_t size) noexcept {
    return size + (size + 7) / 8 + 64;
}

/// Writes at `to` (delta_room() bytes) the delta from `baseline` to `state`. Returns its size, 0 where
/// they are equal, or nothing where the sizes differ or the delta would not be shorter than the state:
/// then send it full. Two empty states have no delta (it would not be shorter).
std::optional<std::size_t> encode_delta(Bytes baseline, Bytes state, std::uint8_t* to) noexcept;

/// Turns the baseline in `state` into the new state, in place. False where the delta is malformed (wrong
/// length, or a bit beyond the last byte): `state` is then as it was.
bool apply_delta(MutableBytes state, Bytes delta) noexcept;

}  // namespace tickwire::protocol
