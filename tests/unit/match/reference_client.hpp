// A client as proto/protocol.md describes it: rebuilds states from ticks, and fails the test wherever the
// relay breaks the contract.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "match/match.hpp"
#include "recording_outlet.hpp"

namespace tickwire::match {

/// `log` has one line for each message, in order: JSON as it came, and
///
///     event 3 from 1: body           each entry of an EVENTS
///     tick 7: 0=aa 1~bb              a TICK's states after it; ~ where it came as a delta
///     keyframe 7: 0=aa
///     pong 2 4711 33333              taken, client_time, match_time_us
///     text: hi, binary: hi           the plain lane's
class ReferenceClient {
  public:
    struct Peer {
        std::string name;
        bool is_away = false;
        bool is_plain = false;
        bool is_fresh = true;  ///< no entry since its `joined`
    };
    struct TakenEvent {
        std::uint32_t number;
        PlayerNumber from;
        std::uint8_t kind;
        std::string body;
    };

    Connection connection;
    Member member = 0;
    bool is_plain = false;

    std::optional<PlayerNumber> player;
    std::string token;
    bool is_recovered = false;
    std::uint32_t events_taken = 0;
    std::map<PlayerNumber, Peer> peers;
    std::map<PlayerNumber, std::string> states;
    std::optional<PlayerNumber> host;
    std::uint32_t epoch = 0;
    std::uint32_t newest_tick = 0;
    std::uint32_t newest_event = 0;
    std::vector<TakenEvent> events;
    std::vector<std::uint8_t> waits;  ///< of the last tick's entries
    std::size_t tick_count = 0;
    std::size_t keyframe_count = 0;
    std::size_t events_message_count = 0;
    std::uint32_t divisor = 1;
    bool needs_keyframe = true;  ///< after `welcome` and `rate`
    bool is_welcomed = false;
    std::vector<std::string> log;

    // The fixture's: when it reported last, and whether it goes on by itself.
    static constexpr std::uint32_t quiet_ping = 0xffffffff;  ///< not logged
    bool reports_by_itself = true;
    bool has_reported = false;
    base::Time reported{};
    std::uint32_t reported_tick = 0;

    void take(const Message& message);
    std::uint16_t seen() const { return static_cast<std::uint16_t>(newest_tick); }
    /// The log so far, which is then empty.
    std::vector<std::string> take_log() { return std::exchange(log, {}); }

  private:
    void take_text(std::string_view text);
    void take_tick(base::Bytes payload);
    void take_events(base::Bytes payload);
};

}  // namespace tickwire::match
