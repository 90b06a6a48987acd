// The one object that shards share: which shard a match lives on, and how many connections there are.
// Behind a mutex, and touched only at accept, at an upgrade, and when a match opens or ends.
#pragma once

#include <atomic>
#include <cstdint>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

namespace tickwire::shard {

/// Lives in the service, outlives every shard. All methods may be called from any thread.
///
/// Invariant: a match's entry exists while a connection bound for it or the match itself holds a reference,
/// and its shard never changes while it exists.
class Directory {
  public:
    Directory(std::uint32_t shard_count, std::uint32_t connection_count_max, std::uint32_t match_count_max);

    /// Takes a reference to a match and says where it lives; a new one goes to the shard with the least
    /// measured load. `shard_count` where there is no room for another match.
    std::uint32_t place(std::string_view match);
    /// Another reference to a match that has one: for the match object itself.
    void retain(std::string_view match);
    void release(std::string_view match);

    /// The shard of a match that is held.
    std::uint32_t shard_of(std::string_view match) const;

    /// False at the limit, where the connection may still be answered with 503. It counts either way, until
    /// release_connection().
    bool admit_connection() noexcept;
    void release_connection() noexcept;

    /// The share of its time that a shard was busy of late, in 1/1000; written by that shard.
    void report_load(std::uint32_t shard, std::uint32_t load_permille) noexcept;

    /// From now on no new match has a place.
    void start_draining() noexcept { is_draining_.store(true, std::memory_order_relaxed); }
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
        std::uint32_t match_count = 0;
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
    std::uint32_t match_count_max_;
    std::uint32_t connection_count_max_;
    std::atomic<std::uint32_t> connection_count_{0};
    std::atomic<bool> is_draining_{false};
};

}  // namespace tickwire::shard
