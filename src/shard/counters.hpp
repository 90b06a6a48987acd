// What a shard counts, and how others read it while it runs: the shard copies its counters out now and
// then, word by word with relaxed stores, so that no reader ever makes it wait.
#pragma once

#include <array>
#include <atomic>
#include <bit>
#include <cstdint>

#include "base/histogram.hpp"
#include "base/time.hpp"
#include "match/match.hpp"
#include "session/environment.hpp"
#include "shard/incidents.hpp"
#include "uring/backend.hpp"

namespace tickwire::shard {

/// All words are 64 bits wide.
struct ShardCounters {
    session::SessionCounters sessions;
    match::MatchCounters matches;
    uring::Counters backend;
    std::uint64_t connections_accepted = 0;
    std::uint64_t connections_refused = 0;  ///< all of the next seven: 503, or closed at once
    std::uint64_t refused_connections = 0;  ///< over the number of connections
    std::uint64_t refused_memory = 0;
    std::uint64_t refused_address_count = 0;
    std::uint64_t refused_address_rate = 0;
    std::uint64_t refused_address_matches = 0;  ///< a match: 1013, and no connection
    std::uint64_t refused_handshakes = 0;       ///< too many in flight: closed
    std::uint64_t refused_untrusted = 0;        ///< on a listener for proxies, and none: closed
    std::uint64_t refused_matches = 0;          ///< no room for another match: 503 or 1013
    std::uint64_t refused_late = 0;             ///< a match that the shard was too late for: 1013
    std::uint64_t tickets_accepted = 0;
    std::uint64_t tickets_refused = 0;  ///< 4000
    std::uint64_t ticket_key_changes = 0;
    std::uint64_t newcomers_deferred = 0;  ///< reads of newcomers left for a later slot
    std::uint64_t leavers_deferred = 0;    ///< goodbyes and closes likewise
    std::uint64_t newcomer_ns = 0;         ///< time spent on handshakes, requests, joins and goodbyes
    std::uint64_t handshakes_in_flight = 0;
    std::uint64_t pressure_level = 0;         ///< see shard/pressure.hpp
    std::uint64_t connections_passed_on = 0;  ///< accepted, and given to a shard with fewer handshakes
    std::uint64_t connections_moved_out = 0;
    std::uint64_t connections_moved_in = 0;
    std::uint64_t connections_open = 0;
    std::uint64_t matches_open = 0;
    std::uint64_t matches_opened = 0;
    std::uint64_t matches_restored = 0;  ///< of the process before
    std::uint64_t players_restored = 0;
    std::uint64_t matches_not_restored = 0;  ///< no room for them
    std::uint64_t members = 0;
    std::uint64_t slots = 0;
    std::uint64_t busy_ns = 0;               ///< CPU time of the shard's thread
    std::uint64_t cpu_wait_ns = 0;           ///< that the thread was ready and others had its CPU
    std::uint64_t ticks_late = 0;            ///< by more than a slot
    std::uint64_t ticks_late_by_others = 0;  ///< of those: late only because others had the CPU
    std::uint64_t pool_bytes = 0;
    std::uint64_t tls_mallocs = 0;         ///< by OpenSSL; see tls/record_allocator.hpp
    std::uint64_t pool_bytes_touched = 0;  ///< in use, or free and still resident
    std::uint64_t openssl_bytes = 0;       ///< modulo 2^64: the sum over shards is what is held
    std::uint64_t memory_bytes = 0;        ///< what counts for the bound, in the same way
    std::uint64_t connection_bytes = 0;    ///< of it, beside buffers and OpenSSL: the table's entries
    std::uint64_t match_heap_bytes = 0;    ///< what matches hold outside of buffers
    std::uint64_t echo_bytes = 0;          ///< and the messages of `/v1/echo`
    std::uint64_t requests_answered = 0;   ///< of the service
    std::uint64_t notices_lost = 0;        ///< for which the ring had no room
    std::array<std::uint64_t, cause_count> incidents_untold{};  ///< over what may be logged, by Cause
    std::uint64_t outbox_bytes = 0;      ///< queued for connections now, and not in flight
    std::uint64_t outbox_bytes_max = 0;  ///< for the one that has most
    base::LatencyHistogram tick_lateness;
    base::LatencyHistogram slot_time;  ///< from waking to sleeping
};
static_assert(sizeof(ShardCounters) % sizeof(std::uint64_t) == 0);

/// The last copy. One writer, any readers; a reader may see some words newer than others.
class PublishedCounters {
  public:
    void publish(const ShardCounters& counters) noexcept {
        const auto words = std::bit_cast<std::array<std::uint64_t, word_count>>(counters);
        for (std::size_t index = 0; index < word_count; ++index) {
            words_[index].store(words[index], std::memory_order_relaxed);
        }
    }
    ShardCounters read() const noexcept {
        std::array<std::uint64_t, word_count> words;
        for (std::size_t index = 0; index < word_count; ++index) {
            words[index] = words_[index].load(std::memory_order_relaxed);
        }
        return std::bit_cast<ShardCounters>(words);
    }

  private:
    static constexpr std::size_t word_count = sizeof(ShardCounters) / sizeof(std::uint64_t);
    std::array<std::atomic<std::uint64_t>, word_count> words_{};
};

}  // namespace tickwire::shard
