// The match's log: events and the relay's JSON for everyone, in the order in which they happened, in one
// ring of bytes. Members read it behind a cursor of their own; who resumes has its events replayed from it.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string_view>

#include "base/buffer_pool.hpp"
#include "base/bytes.hpp"
#include "tickwire/protocol.hpp"
#include "tickwire/websocket.hpp"

namespace tickwire::match {

using protocol::PlayerNumber;
using EventNumber = std::uint32_t;

/// At the first tick behind this one a match ends, with 1012: a resume compares numbers, which may not
/// begin anew. The 16 million that are left are more than a shard can take between two ticks. At 240 events
/// a second of each of 64 players it is reached after three days.
inline constexpr EventNumber event_number_max = 0xffffffff - (1U << 24U);

/// A place in the log, in bytes since the match opened: it only grows, and is never reused.
using LogPosition = std::uint64_t;

/// What a reader of the log wants of it.
struct Audience {
    PlayerNumber player = protocol::nobody;  ///< beside what is for everyone, what is for this player alone
    EventNumber after = 0;                   ///< events with a higher number only
    bool wants_control = true;               ///< JSON too
};

/// Consecutive entries that make one message.
struct LogRun {
    websocket::Opcode opcode;
    LogPosition begin;
    std::uint32_t entry_count;
    std::size_t payload_size;
};

/// Lives in its match; the ring is one pool buffer, touched as it fills.
///
/// Entries lie whole (never around the ring's end: padding fills what is left there) between tail and head:
///
///     tail <= head <= tail + capacity, and both are multiples of the alignment
///
/// An event is kept as the EVENTS message that it makes on its own: a run of one is sent from the ring.
class EventLog {
  public:
    /// A run of several entries ends before its payload passes this.
    static constexpr std::size_t run_size_max = 32 * 1024;

    struct Sizes {
        std::size_t ring_size;         ///< raised to what holds two of the longest messages
        std::size_t message_size_max;  ///< of a body or a text
    };
    EventLog(base::BufferPool& pool, Sizes sizes) noexcept;
    ~EventLog();
    EventLog(const EventLog&) = delete;
    EventLog& operator=(const EventLog&) = delete;

    /// Takes the ring, once. False where the pool has no room: nothing may be appended.
    bool reserve() noexcept;

    LogPosition head() const noexcept { return head_; }
    EventNumber newest_event() const noexcept { return newest_event_; }
    /// The newest event that is no longer here, 0 where none was dropped.
    EventNumber newest_dropped_event() const noexcept { return newest_dropped_event_; }
    std::size_t capacity() const noexcept { return ring_.size(); }

    /// Whether a body or a text of this size can be appended at all.
    bool fits(std::size_t message_size) const noexcept;
    /// Where the log will begin after a body or text of this size is appended: who reads from before that
    /// must be served first.
    LogPosition tail_after(std::size_t message_size) const noexcept;

    /// `addressee`: nobody for everyone. Numbers the event and returns the number.
    EventNumber append_event(PlayerNumber from, PlayerNumber addressee, std::uint8_t kind,
                             base::Bytes body) noexcept;
    void append_control(std::string_view json) noexcept;

    /// What another process's log held, oldest first, before anything else is appended. One that is too
    /// long for this log counts as dropped.
    void restore_event(const protocol::EventEntry& event, PlayerNumber addressee) noexcept;
    struct Numbers {
        EventNumber newest;
        EventNumber newest_dropped;
    };
    /// Behind the last restore_event().
    void restore_numbers(Numbers numbers) noexcept;
    /// `visit(PlayerNumber addressee, const protocol::EventEntry&)` for what is here, oldest first.
    template <typename Visit>
    void visit_events(Visit visit) const {
        for (LogPosition position = tail_; position < head_;) {
            const Entry entry = entry_at(position);
            if (entry.kind == EntryKind::event) {
                visit(entry.addressee, event_of(position, entry));
            }
            position += entry.size;
        }
    }

    /// The next message for `audience` at or after `position`, which is moved behind it; empty at the head.
    /// A run never has more than one entry where `payload_max` is 0; at most it is run_size_max.
    std::optional<LogRun> next_run(LogPosition& position, const Audience& audience,
                                   std::size_t payload_max = run_size_max) const noexcept;
    /// The payload of a run of one entry, in the ring: good until the next append.
    base::Bytes payload_of_one(const LogRun& run) const noexcept;
    /// Writes the run's payload_size bytes.
    void write_run(const LogRun& run, const Audience& audience, std::uint8_t* to) const noexcept;

  private:
    enum class EntryKind : std::uint8_t { padding, event, control };
    struct Entry {
        std::uint32_t size;  ///< with this header, aligned
        std::uint32_t message_size;
        EventNumber number;
        PlayerNumber addressee;
        EntryKind kind;
        std::uint8_t reserved;
    };
    static constexpr std::size_t alignment = 16;
    static_assert(sizeof(Entry) == alignment, "the rest of the ring always holds a padding entry");

    static std::size_t entry_size(std::size_t message_size) noexcept;
    static bool is_for(const Entry& entry, const Audience& audience) noexcept;
    std::uint8_t* at(LogPosition position) const noexcept {
        return ring_.data() + (position & (ring_.size() - 1));
    }
    Entry entry_at(LogPosition position) const noexcept;
    protocol::EventEntry event_of(LogPosition position, const Entry& entry) const noexcept;
    /// Where an entry of this size will begin: at the head, or past padding at the ring's start.
    LogPosition place_for(std::size_t size) const noexcept;
    /// Drops what is in the way and writes the entry's header; returns where its message goes.
    std::uint8_t* append(Entry entry) noexcept;

    base::BufferPool& pool_;
    std::size_t ring_size_;
    base::MutableBytes ring_;
    LogPosition tail_ = 0;
    LogPosition head_ = 0;
    EventNumber newest_event_ = 0;
    EventNumber newest_dropped_event_ = 0;
};

}  // namespace tickwire::match
