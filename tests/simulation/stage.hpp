// What all virtual clients of a run share: the world, the truth, and what the relay was told to be.
#pragma once

#include <algorithm>
#include <chrono>
#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "client_link.hpp"
#include "match/match.hpp"
#include "oracles.hpp"
#include "random.hpp"
#include "session/environment.hpp"
#include "ticket_office.hpp"
#include "world.hpp"

namespace tickwire::simulation {

/// From the relay's being told to go away to the other's taking over.
struct Restart {
    Time begin;
    Time end = Time::max();
};

struct Stage {
    World& world;
    Oracles& oracles;
    match::MatchOptions match;
    session::SessionOptions session;
    std::vector<int> listeners;
    std::vector<int> tls_listeners;  ///< none in most runs
    std::vector<std::string> match_names;
    std::vector<Restart> restarts;
    std::map<std::pair<std::string, PlayerNumber>, Time> kicks;  ///< the last one asked for
    std::unique_ptr<TicketOffice> tickets;                       ///< null where everybody may play
    bool is_settling = false;                                    ///< everybody behaves from here on
    bool is_stopping = false;                                    ///< the relay was told to stop
    Time last_pause{};             ///< the end of the last long pause of a shard, or jump of the clock
    std::uint64_t name_count = 0;  ///< for names that are unique in the run

    /// Empty where no ticket is wanted.
    std::string make_ticket(Random& random, const std::string& match_name, wire::Role role,
                            const std::string& name) const {
        return tickets == nullptr ? std::string() : tickets->make(random, match_name, role, name);
    }
    /// The host of a match is asking for it, or thinks so.
    void note_kick(const std::string& match_name, PlayerNumber player) {
        kicks[{match_name, player}] = world.now();
    }
    /// A slot may have ended so, and its owner not know.
    bool may_be_kicked(const std::string& match_name, PlayerNumber player) const {
        const auto kick = kicks.find({match_name, player});
        return kick != kicks.end() && world.now() - kick->second <= std::chrono::seconds(20);
    }
    std::string new_name(const char* prefix) { return prefix + std::to_string(++name_count); }
    /// Whether what the relay did then, it did because it went away for another to go on.
    bool was_going_away(Time then) const {
        return std::ranges::any_of(restarts, [then](const Restart& restart) {
            return then >= restart.begin && then <= restart.end;
        });
    }
    LinkTarget make_target(Random& random, std::string path, std::string subprotocol) const {
        const bool is_tls = !tls_listeners.empty() && random.chance(500);
        const std::vector<int>& open = is_tls ? tls_listeners : listeners;
        return {open[random.below(open.size())], std::move(path), std::move(subprotocol), is_tls};
    }
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
