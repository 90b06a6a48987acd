// How many connections each address has, and how fast it opens them; or, in a ledger of its own, how many
// matches. Pure bookkeeping, which the directory keeps behind its mutex.
#pragma once

#include <cstddef>
#include <cstdint>
#include <deque>
#include <unordered_map>

#include "base/peer_address.hpp"
#include "base/time.hpp"

namespace tickwire::shard {

enum class AddressVerdict : std::uint8_t { admitted, too_many, too_fast };

/// Invariant: an address is listed while it has connections or its bucket is not full again; what lingers
/// for its bucket alone is in lingering_, and goes within a second or two of traffic.
class AddressLedger {
  public:
    struct Limits {
        std::uint32_t count_max = 0;        ///< connections at a time; 0: any
        std::uint32_t rate_per_second = 0;  ///< new ones, a second's worth at once; 0: any
    };
    explicit AddressLedger(Limits limits) noexcept : limits_(limits) {}

    /// From now on: who is over them already may stay.
    void set_limits(Limits limits) noexcept { limits_ = limits; }

    /// Counts a connection, whether there are limits now or not; a refused one counts for the rate alone.
    /// Key 0 is never refused nor counted.
    AddressVerdict take(base::AddressKey address, base::Time now);
    /// One that was admitted has ended.
    void release(base::AddressKey address, base::Time now);

    std::size_t address_count() const noexcept { return entries_.size(); }

  private:
    struct Entry {
        std::uint32_t count = 0;
        bool is_lingering = false;
        base::Time full_at{};  ///< when the bucket is full again, as in base::TokenBucket
    };
    struct Lingering {
        base::AddressKey address;
        base::Time until;
    };

    bool take_token(Entry& entry, base::Time now) const noexcept;
    void settle(base::AddressKey address, Entry& entry, base::Time now);
    void forget_settled(base::Time now);

    Limits limits_;
    std::unordered_map<base::AddressKey, Entry> entries_;
    std::deque<Lingering> lingering_;
};

}  // namespace tickwire::shard
