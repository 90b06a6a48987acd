// The players of a match: numbered slots, whoever holds them at the moment.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <optional>
#include <queue>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "base/time.hpp"
#include "base/token_bucket.hpp"
#include "match/event_log.hpp"
#include "match/match.hpp"
#include "wire/control.hpp"

namespace tickwire::match {

enum class Presence : std::uint8_t {
    free,     ///< nobody's
    present,  ///< a connection holds it
    away,     ///< between two connections, until its window ends
};

struct Slot {
    Presence presence = Presence::free;
    bool is_plain = false;
    bool is_host_by_ticket = false;
    Member member = 0;        ///< while present
    base::Time away_until{};  ///< while away
    std::uint32_t events_taken = 0;
    EventNumber joined_at_event = 0;  ///< earlier ones were for whoever had the number before
    ResumeToken token{};              ///< not of a plain player
    wire::Limits limits{};
    base::RateBuckets rates;  ///< as its last connection left them; those in force are its session's
    std::string name;
    std::string subject;  ///< of the ticket
};

/// Lives in its match.
///
/// Invariant: every number below number_end() is either in use or in freed_, so the lowest free number is
/// freed_'s least, or number_end().
class Roster {
  public:
    explicit Roster(std::uint32_t count_max) noexcept : count_max_(count_max) {}

    /// A present player on the lowest free number; `slot` is moved in. Empty where the match is full.
    std::optional<PlayerNumber> add(Slot slot);
    void remove(PlayerNumber player);
    /// A player that is away, on a number above all that there are: from another process, which may have
    /// had room for more of them.
    void restore(PlayerNumber player, Slot slot);

    bool has(PlayerNumber player) const noexcept {
        return player < slots_.size() && slots_[player].presence != Presence::free;
    }
    /// The caller knows that there is such a player.
    Slot& operator[](PlayerNumber player) noexcept { return slots_[player]; }
    const Slot& operator[](PlayerNumber player) const noexcept { return slots_[player]; }

    /// Whose token this is. What it compares of the secret takes the same time wherever it differs.
    std::optional<PlayerNumber> find(std::string_view token) const noexcept;

    std::uint32_t count() const noexcept { return count_; }
    bool is_full() const noexcept { return count_ >= count_max_; }
    /// One above the highest number ever used: the bound for a sweep with has().
    std::uint32_t number_end() const noexcept { return static_cast<std::uint32_t>(slots_.size()); }

  private:
    std::uint32_t count_max_;
    std::uint32_t count_ = 0;
    std::vector<Slot> slots_;
    std::priority_queue<PlayerNumber, std::vector<PlayerNumber>, std::greater<>> freed_;
    /// By the token's first 8 characters (48 bits); the other 80 bits are compared in constant time.
    std::unordered_multimap<std::uint64_t, PlayerNumber> by_token_;
};

}  // namespace tickwire::match
