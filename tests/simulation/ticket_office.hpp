// The game's own server, as far as the relay knows it: it makes the tickets of a run's clients, good ones
// and bad.
#pragma once

#include <array>
#include <cstdint>
#include <memory>
#include <set>
#include <string>
#include <vector>

#include "random.hpp"
#include "ticket/key_set.hpp"
#include "ticket/mint.hpp"
#include "wire/control.hpp"
#include "world.hpp"

namespace tickwire::simulation {

class TicketOffice {
  public:
    TicketOffice();

    std::shared_ptr<const ticket::KeySet> keys() const noexcept { return keys_; }
    /// The world's clock as Unix time: what shards judge tickets by.
    static std::int64_t unix_time() noexcept;

    /// A ticket that is good for one join at least. Some are of single use, some are for a prefix of the
    /// match's name, some name the player themselves.
    std::string make(Random& random, const std::string& match, wire::Role role, const std::string& name);

    /// Somebody was let in with this ticket: one of single use is good for nothing from here on.
    void note_spent(const std::string& ticket);

    struct Forgery {
        const char* what;
        std::string (*make)(TicketOffice& office, const std::string& match, Random& random);
    };
    /// None of these is good for anything: 4000.
    static const std::array<Forgery, 7>& forgeries() noexcept;

  private:
    static ticket::TicketText text_for(const std::string& match);
    std::string sign(const ticket::TicketText& text) const;

    ticket::Key key_;
    std::shared_ptr<const ticket::KeySet> keys_;
    std::uint64_t count_ = 0;
    std::set<std::string> single_use_;  ///< not spent
    std::vector<std::string> spent_;
};

}  // namespace tickwire::simulation
