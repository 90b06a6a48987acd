// What the backend remembers of each channel, and the queue of those whose receive met no buffer.
#pragma once

#include <cstdint>

#include "base/check.hpp"
#include "uring/backend.hpp"
#include "uring/mapped_memory.hpp"

namespace tickwire::uring {

enum class Phase : std::uint8_t { unused, open, closing };

/// What the shard asked for. It stays while the receive is parked.
enum class Receiving : std::uint8_t { nothing, once, many };

/// Zeroed memory is an unused channel: nothing is touched before a channel's first use.
///
/// Invariant: in_flight is the number of operations whose last completion is still to come.
struct ChannelState {
    int descriptor;
    std::uint32_t generation : 24;
    std::uint32_t in_flight : 8;  // at most 7: receive, send, connect, a cancel of each, close
    std::uint32_t send_size;
    Channel parked_previous;
    Channel parked_next;
    Phase phase;
    Receiving receiving;
    bool is_parked : 1;
    // What is with the kernel:
    bool is_receive_armed : 1;
    bool is_sending : 1;
    bool is_connecting : 1;
};
static_assert(sizeof(ChannelState) == 24, "20,000 channels cost 480 KB");

class ChannelTable {
  public:
    explicit ChannelTable(std::uint32_t count) : memory_(count * sizeof(ChannelState)), count_(count) {}

    ChannelState& operator[](Channel channel) noexcept {
        base::check(channel < count_, "ChannelTable: an index below channel_count_max");
        return static_cast<ChannelState*>(memory_.start())[channel];
    }
    std::uint32_t count() const noexcept { return count_; }

  private:
    MappedMemory memory_;
    std::uint32_t count_;
};

/// First in, first out, threaded through the channels' own memory.
///
/// Invariant: a channel is in it exactly if its is_parked is set.
class ParkedQueue {
  public:
    explicit ParkedQueue(ChannelTable& channels) noexcept : channels_(channels) {}

    bool is_empty() const noexcept { return first_ == none; }
    void push(Channel channel) noexcept {
        ChannelState& state = channels_[channel];
        state.is_parked = true;
        state.parked_previous = last_;
        state.parked_next = none;
        (last_ == none ? first_ : channels_[last_].parked_next) = channel;
        last_ = channel;
    }
    Channel pop() noexcept {
        const Channel channel = first_;
        remove(channel);
        return channel;
    }
    void remove(Channel channel) noexcept {
        ChannelState& state = channels_[channel];
        state.is_parked = false;
        (state.parked_previous == none ? first_ : channels_[state.parked_previous].parked_next) =
            state.parked_next;
        (state.parked_next == none ? last_ : channels_[state.parked_next].parked_previous) =
            state.parked_previous;
    }

  private:
    static constexpr Channel none = 0xffffffff;

    ChannelTable& channels_;
    Channel first_ = none;
    Channel last_ = none;
};

}  // namespace tickwire::uring
