// Which tickets of single use were used: their ids, each for as long as its ticket lives. Pure bookkeeping,
// which the directory keeps behind its mutex.
#pragma once

#include <cstddef>
#include <cstdint>
#include <set>
#include <string>
#include <string_view>
#include <unordered_map>
#include <utility>
#include <vector>

namespace tickwire::shard {

/// A ticket of single use that was used; its end in Unix seconds.
struct UsedTicket {
    std::string id;
    std::int64_t until;
};

/// Bounded: where it is full of tickets that live on, no other of single use is taken. It fails closed, and
/// the remedy is tickets that live minutes and not days.
///
/// Invariant: used_ and endings_ hold the same tickets. What was given back leaves nothing behind: whoever
/// tries one ticket at a full match again and again would fill the ledger for everybody.
class TicketLedger {
  public:
    enum class Verdict : std::uint8_t { taken, used, full };

    explicit TicketLedger(std::size_t count_max) noexcept : count_max_(count_max) {}

    void set_count_max(std::size_t count_max) noexcept { count_max_ = count_max; }

    /// Marks an id as used until its ticket has ended, and a second longer: shards read the clock before
    /// they come here, so that one may be about to take what another's clock has ended. Unix seconds.
    Verdict take(std::string_view id, std::int64_t until, std::int64_t now);
    /// The ticket opened nothing after all: it may be used again.
    void give_back(std::string_view id);

    /// For the next process: those that live on.
    std::vector<UsedTicket> list(std::int64_t now) const;
    /// One of the process before. The bound does not hold for it: if it has become lower meanwhile, what
    /// was used could be used again.
    void restore(const UsedTicket& used);

    std::size_t count() const noexcept { return used_.size(); }

  private:
    struct Hash {
        using is_transparent = void;
        std::size_t operator()(std::string_view id) const noexcept {
            return std::hash<std::string_view>{}(id);
        }
    };
    using Used = std::unordered_map<std::string, std::int64_t, Hash, std::equal_to<>>;

    void remember(std::string_view id, std::int64_t until);
    void forget(Used::iterator ticket);

    std::size_t count_max_;
    Used used_;                                                    ///< id and end
    std::set<std::pair<std::int64_t, std::string_view>> endings_;  ///< by their end; views of used_'s keys
};

}  // namespace tickwire::shard
