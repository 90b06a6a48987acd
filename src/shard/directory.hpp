// The one object that shards share: which shard a match lives on, how many connections there are and whose,
// which tickets were used, how much memory is held, who shakes hands. Touched only at accept, when a
// handshake ends, at an upgrade, at a join that opens a match or has a ticket of single use, and when a
// match or a connection ends; what is more than a counter is behind a mutex.
#pragma once

#include <atomic>
#include <cstdint>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "base/peer_address.hpp"
#include "base/time.hpp"
#include "shard/address_ledger.hpp"
#include "shard/ticket_ledger.hpp"

namespace tickwire::shard {

/// What the relay as a whole bears. 0: no such bound.
struct DirectoryLimits {
    std::uint32_t connection_count_max = 20000;
    std::uint32_t match_count_max = 10000;
    AddressLedger::Limits address;
    std::uint32_t matches_per_address_max = 256;
    std::size_t used_ticket_count_max = 100'000;
    std::uint64_t memory_max = 0;  ///< bytes, of all shards
};

enum class Admission : std::uint8_t {
    admitted,
    over_connections,
    over_memory,
    over_address_count,
    over_address_rate,
};

/// Lives in the service, outlives every shard. All methods may be called from any thread.
///
/// Invariant: a match's entry exists while a connection bound for it or the match itself holds a reference,
/// and its shard never changes while it exists.
class Directory {
  public:
    Directory(std::uint32_t shard_count, const DirectoryLimits& limits);

    /// From now on: those of addresses, used tickets and memory. The places for connections and matches are
    /// given at the start.
    void change_limits(const DirectoryLimits& limits);

    /// Takes a reference to a match and says where it lives; a new one goes to the shard that has
    /// least to do for those who play. `shard_count` where there is no room for another match.
    std::uint32_t place(std::string_view match);
    /// Another reference to a match that has one: for the match object itself.
    void retain(std::string_view match);
    void release(std::string_view match);

    /// The shard of a match that is held.
    std::uint32_t shard_of(std::string_view match) const;

    /// Whether there is room for a connection that is charged to this address (0: to nobody). It counts
    /// among all connections either way, for it may still be answered with 503, until release_connection();
    /// for its address it counts where it was admitted.
    Admission admit_connection(base::AddressKey address, base::Time now);
    /// `address`: as it was admitted, or 0.
    void release_connection(base::AddressKey address, base::Time now);
    /// Charges a connection that is open, and that came for somebody else: behind a proxy.
    Admission charge_address(base::AddressKey address, base::Time now);
    /// Takes that back; the connection stays.
    void release_address(base::AddressKey address, base::Time now);

    /// Whether this address (0: nobody) may open another match. It counts until release_match().
    bool charge_match(base::AddressKey opener, base::Time now);
    void release_match(base::AddressKey opener, base::Time now);

    TicketLedger::Verdict use_ticket(std::string_view id, std::int64_t until, std::int64_t now);
    void give_ticket_back(std::string_view id);
    /// Those that live on, for the next process.
    std::vector<UsedTicket> used_tickets(std::int64_t now) const;
    void restore_used_ticket(const UsedTicket& used);
    /// Those that are remembered.
    std::size_t used_ticket_count() const;

    /// What a shard holds: bytes, written by that shard. With TLS it may be less than nothing, where
    /// connections were handed over with what others allocated: only the sum means something.
    void report_memory(std::uint32_t shard, std::int64_t bytes) noexcept;
    std::uint64_t memory_in_use() const noexcept;

    /// The shares of its time that a shard was busy of late, and busy for those who play: a crowd that
    /// comes or goes says nothing of the minutes to come, so matches are placed by the second. In 1/1000;
    /// written by that shard.
    struct Load {
        std::uint32_t permille = 0;
        std::uint32_t play_permille = 0;
    };
    void report_load(std::uint32_t shard, Load load) noexcept;

    /// Which shard shakes hands over TLS with a connection that came to `shard`: another one where that has
    /// far fewer handshakes in flight, or, where `is_full`, fewer. Of shards that accept from one socket
    /// (systemd's) the kernel wakes the same one nearly always. It counts for the chosen one until
    /// end_handshake(), on its way there too.
    std::uint32_t choose_for_handshake(std::uint32_t shard, bool is_full) noexcept;
    /// Of that shard: done, failed, or refused before it began.
    void end_handshake(std::uint32_t shard) noexcept;

    /// From now on no new match has a place.
    void start_draining() noexcept { is_draining_.store(true, std::memory_order_relaxed); }
    std::uint64_t memory_max() const noexcept { return memory_max_.load(std::memory_order_relaxed); }
    bool is_draining() const noexcept { return is_draining_.load(std::memory_order_relaxed); }
    /// The shard of a match that is open; empty where there is none of that name.
    std::optional<std::uint32_t> find(std::string_view match) const;
    /// Of that shard, in 1/1000, as it was reported last.
    std::uint32_t load_permille(std::uint32_t shard) const noexcept {
        return shards_[shard].load_permille.load(std::memory_order_relaxed);
    }

    std::uint32_t match_count() const;
    std::uint32_t shard_count() const noexcept { return static_cast<std::uint32_t>(shards_.size()); }
    std::uint32_t connection_count() const noexcept {
        return connection_count_.load(std::memory_order_relaxed);
    }

  private:
    struct Entry {
        std::uint32_t shard;
        std::uint32_t reference_count;
    };
    struct ShardLoad {
        std::atomic<std::uint32_t> load_permille{0};
        std::atomic<std::uint32_t> play_permille{0};
        std::atomic<std::uint32_t> handshake_count{0};
        std::uint32_t match_count = 0;
        alignas(64) std::atomic<std::int64_t> memory_bytes{0};  ///< written at every slot
    };
    struct NameHash {
        using is_transparent = void;
        std::size_t operator()(std::string_view name) const noexcept {
            return std::hash<std::string_view>{}(name);
        }
    };

    std::uint32_t least_loaded_shard() const noexcept;

    mutable std::mutex mutex_;
    std::unordered_map<std::string, Entry, NameHash, std::equal_to<>> entries_;
    std::vector<ShardLoad> shards_;
    AddressLedger addresses_;
    AddressLedger openers_;  ///< of matches
    TicketLedger tickets_;
    const std::uint32_t connection_count_max_;
    const std::uint32_t match_count_max_;
    std::atomic<std::uint64_t> memory_max_;
    std::atomic<std::uint32_t> connection_count_{0};
    std::atomic<bool> is_draining_{false};
};

}  // namespace tickwire::shard
