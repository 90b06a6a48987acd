// The client's state. Receiving is in receiving.cpp, sending in sending.cpp, the public face in client.cpp.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "client/control_reader.hpp"
#include "client/event_backlog.hpp"
#include "client/match_clock.hpp"
#include "client/random.hpp"
#include "client/state_table.hpp"
#include "tickwire/client.hpp"
#include "tickwire/websocket.hpp"

namespace tickwire::client {

struct Environment::Parts {
    explicit Parts(std::uint64_t seed) : random(seed) {}

    Random random;
    ControlReader reader;
    websocket::HeapBufferSource heap;
    std::vector<std::uint8_t> scratch;  ///< one message before it is masked
};

/// Between connect() and the 101. Thrown away then.
struct Opening {
    std::string key;
    std::string join;                ///< JSON
    std::vector<std::uint8_t> held;  ///< an answer that is not whole yet
};

struct Client::Implementation {
    Implementation(Environment::Parts& parts_in, Handler& handler_in)
        : parts(parts_in), handler(handler_in) {}

    // receiving.cpp
    std::span<std::uint8_t> take_upgrade_answer(std::span<std::uint8_t> bytes);
    void receive_frames(std::span<std::uint8_t> bytes);
    void take_message(const websocket::Message& message);
    void take_text(std::string_view text);
    void take_welcome(const WelcomeMessage& message);
    void take_notice(const Notice& notice);
    void take_binary(Bytes message);
    void take_tick(Bytes message);
    bool take_entry(const protocol::StateEntry& entry, bool is_keyframe);
    void take_events(Bytes message);
    void take_pong(Bytes message);
    void take_close(const websocket::Message& message);
    void fail(Fault fault, std::uint16_t code, std::string_view reason);
    void end(const Ended& ended);

    // sending.cpp
    std::string make_join(const Join& join) const;
    void send_frame(websocket::Opcode opcode, Bytes payload);
    void send_text(std::string_view text);
    void send_ping();
    void send_unacknowledged();
    void send_close(std::uint16_t code, std::string_view reason);
    std::uint8_t* scratch(std::size_t size);
    void report_seen() noexcept;
    bool has_unreported() const noexcept { return reported_tick != tick; }

    Environment::Parts& parts;
    Handler& handler;
    std::optional<websocket::Reader> reader;
    std::unique_ptr<Opening> opening;
    std::unique_ptr<EventBacklog> backlog;  // players that have sent an event
    std::vector<std::uint8_t> output;
    std::vector<Player> players;
    StateTable states;
    std::string resume;
    Limits limits;
    MatchClock clock;
    Time now{};
    Time last_heard{};
    Time last_report{};  // the last STATE or PING
    std::uint32_t tick_hz = 0;
    std::uint32_t tick = 0;
    std::uint32_t reported_tick = 0;
    std::uint32_t seen_event = 0;
    std::uint16_t seq = 0;
    PlayerNumber player = protocol::nobody;
    std::optional<PlayerNumber> host;
    Phase phase = Phase::idle;
    bool has_welcome = false;  // of any connection: seen_event counts
};

/// See Client: well inside the protocol's 250 ms.
inline constexpr Time report_after = std::chrono::milliseconds(200);
/// A PONG acknowledges events; without other PINGs one is sent for it.
inline constexpr Time receipt_after = std::chrono::seconds(1);

}  // namespace tickwire::client
