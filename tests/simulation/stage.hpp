// What all virtual clients of a run share: the world, the truth, and what the relay was told to be.
#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "match/match.hpp"
#include "oracles.hpp"
#include "random.hpp"
#include "session/environment.hpp"
#include "world.hpp"

namespace tickwire::simulation {

struct Stage {
    World& world;
    Oracles& oracles;
    match::MatchOptions match;
    session::SessionOptions session;
    std::vector<int> listeners;
    std::vector<std::string> match_names;
    bool is_settling = false;       ///< everybody behaves from here on
    bool is_stopping = false;       ///< the relay was told to stop
    bool is_restarting = false;     ///< it stops, and another goes on
    std::optional<Time> restarted;  ///< when the other one went on
    Time last_pause{};              ///< the end of the last long pause of a shard, or jump of the clock
    std::uint64_t name_count = 0;   ///< for names that are unique in the run

    std::string new_name(const char* prefix) { return prefix + std::to_string(++name_count); }
    /// A connection may end with 1001 now, or in the middle: the relay went away, and did not wait long.
    bool may_go_away() const {
        constexpr Duration stalled_max = std::chrono::seconds(6);
        return is_restarting || (restarted && world.now() - *restarted <= stalled_max);
    }
    int draw_listener(Random& random) const { return listeners[random.below(listeners.size())]; }
};

/// A client of any kind.
class Actor {
  public:
    virtual ~Actor() = default;
    virtual void step() = 0;
    virtual bool is_done() const = 0;
    /// Leaves by some way, once the run ends.
    virtual void retire() = 0;
};

}  // namespace tickwire::simulation
