// What really happened, against which what clients receive is held: who sent what, and which events a match
// has numbered. Nothing here is known to the relay.
#pragma once

#include <cstdint>
#include <deque>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "base/bytes.hpp"
#include "tickwire/protocol.hpp"
#include "world.hpp"

namespace tickwire::simulation {

using protocol::PlayerNumber;

struct SentState {
    std::vector<std::uint8_t> bytes;
    int descriptor;     ///< the connection it went over
    std::uint64_t end;  ///< where its message ends in that connection's bytes
    bool is_timed;      ///< sent after welcome: when it reached the relay is when its bytes did
};
struct SentEvent {
    std::vector<std::uint8_t> body;
    std::uint8_t kind;
    PlayerNumber player;
    bool came_back = false;  ///< its sender received it, as it does what is for everyone
};

/// A player's slot, or a plain-lane client: all that it ever sent. Its name is unique in the run, so that
/// the roster says who is behind a number.
struct Slot {
    std::string name;
    bool is_plain = false;
    std::uint16_t first_seq = 0;
    std::vector<SentState> states;
    std::deque<SentEvent> events;
    bool is_silenced = false;            ///< its connection is half open: what it sent last never left
    std::optional<Time> first_shown;     ///< the earliest tick that was seen with a state of this slot
    std::optional<std::size_t> history;  ///< of its match, once known

    /// Which of its states has this seq; empty where none has.
    std::optional<std::size_t> state_of(std::uint16_t seq) const noexcept {
        const auto index = static_cast<std::uint16_t>(seq - first_seq);
        return index < states.size() ? std::optional<std::size_t>(index) : std::nullopt;
    }
};

/// For events as bodies: who sent it, and the how-many-eth it is. Text, so that any kind may carry it.
std::string make_event_body(const std::string& name, std::size_t index, bool has_id, Random& random,
                            std::size_t padding);
struct EventOrigin {
    std::string_view name;
    std::size_t index;
};
std::optional<EventOrigin> parse_event_body(base::Bytes body, std::uint8_t kind);
bool is_public(std::uint8_t kind) noexcept;

/// A member's stay, from a welcome that began afresh to the end of what it received.
struct Tenure {
    std::string who;
    std::size_t history;
    PlayerNumber player;
    std::uint32_t begins_after;           ///< the event number that welcome told
    std::vector<std::uint32_t> received;  ///< rising
};

/// Lives as long as its run.
class Oracles {
  public:
    explicit Oracles(World& world) : world_(world) {}

    Slot& add_slot(const std::string& name, bool is_plain);
    Slot* find_slot(std::string_view name);

    /// One history for each life of a match; which ones are the same turns out as members meet.
    std::size_t new_history();
    std::size_t find_history(std::size_t history) noexcept;
    std::size_t join_histories(std::size_t left, std::size_t right);

    struct EventFact {
        PlayerNumber from = 0;
        std::uint8_t kind = 0;
        std::uint64_t body_hash = 0;
        std::size_t body_size = 0;
        friend bool operator==(const EventFact&, const EventFact&) = default;
    };
    /// Fails where the number was another event to somebody else.
    void check_event(std::size_t history, std::uint32_t number, const EventFact& fact);
    /// How much a replay of the events behind one up to another may be. Of those that nobody has received
    /// yet each has the largest body there is.
    struct Events {
        std::uint32_t after;
        std::uint32_t last;
    };
    std::size_t replay_size_max(std::size_t history, Events events, std::size_t body_size_max);
    /// Up-to-date members of one divisor get the same bytes.
    void check_tick(std::size_t history, std::uint32_t tick, std::uint32_t divisor,
                    std::uint64_t bytes_hash);

    void archive(Tenure tenure) { tenures_.push_back(std::move(tenure)); }
    /// At the end: no tenure has a hole.
    void check_tenures();
    /// Fails where a tenure that goes on has not received the newest event that is for everyone.
    void check_caught_up(const Tenure& tenure);

    static std::uint64_t hash(base::Bytes bytes) noexcept;

  private:
    struct History {
        std::size_t parent;
        std::map<std::uint32_t, EventFact> events;
        std::map<std::pair<std::uint32_t, std::uint32_t>, std::uint64_t> ticks;  ///< by tick and divisor
    };
    void check_no_hole(const Tenure& tenure, std::uint32_t last);

    World& world_;
    std::unordered_map<std::string, std::unique_ptr<Slot>> slots_;
    std::vector<History> histories_;
    std::vector<Tenure> tenures_;
};

}  // namespace tickwire::simulation
