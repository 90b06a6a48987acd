// What one tick sends: buffers of whole WebSocket frames, the log's and the TICK's, that members share.
// Each is encoded when the first member needs it.
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

#include "base/shared_buffer.hpp"
#include "match/event_log.hpp"
#include "match/rate_class.hpp"
#include "match/tick_encoder.hpp"

namespace tickwire::match {

enum class TickContent : std::uint8_t { none, delta, keyframe };

/// Lives in its match; holds buffers during run_tick() only.
///
/// Members that read the log from the same place, are in the same class and are up to date or not share
/// one buffer. Nearly all do: only who got something alone since the last tick reads from elsewhere.
class SharedFrames {
  public:
    explicit SharedFrames(base::BufferPool& pool);

    struct Key {
        LogPosition cursor;
        TickContent content;
        std::uint8_t class_index;  ///< of a delta; keyframes are the same for all
        friend bool operator==(const Key&, const Key&) = default;
    };
    /// Whole WebSocket frames, and how many.
    struct Frames {
        base::SharedBuffer buffer;
        std::uint32_t count = 0;
    };
    /// The frames for one member. Without a buffer where the pool has no room.
    Frames find_or_encode(Key key, const EventLog& log, const RateClass& rate_class,
                          const TickEncoder& tick) noexcept;
    void clear() noexcept;

  private:
    /// Places in the log that are remembered; a few more only cost encodings.
    static constexpr std::size_t entry_count_max = 16;
    struct Entry {
        Key key;
        Frames frames;
    };

    const base::SharedBuffer& payload_for(const Key& key, const RateClass& rate_class,
                                          const TickEncoder& tick) noexcept;
    Frames encode(LogPosition cursor, const EventLog& log, base::Bytes tick_payload) noexcept;

    base::BufferPool& pool_;
    std::vector<Entry> entries_;
    std::size_t next_to_replace_ = 0;
    std::array<base::SharedBuffer, RateClasses::count_max> deltas_;
    base::SharedBuffer keyframe_;
};

}  // namespace tickwire::match
