// The inside of the simulator's uring::Backend: what io_uring may do to a shard, done on purpose and by
// seed.
//
// Received bytes come in pieces of any size, with canaries around them, and are scribbled over afterwards.
// Sends read the shard's memory piece by piece, when they make progress and not before. Completions are
// late and out of order between channels; closing is later still. A shard that breaks the contract of
// src/uring/backend.hpp stops the run.
#pragma once

#include <cstdint>
#include <vector>

#include "random.hpp"
#include "uring/backend.hpp"
#include "world.hpp"

namespace tickwire::uring {

struct Backend::Implementation final : simulation::Kernel {
    enum class Phase : std::uint8_t { unused, open, closing };
    enum class Receiving : std::uint8_t { nothing, once, many };

    /// The one send in flight. `bytes` are read as it goes on; it is told at `due` after it is over.
    struct Sending {
        base::Bytes bytes;
        std::size_t done = 0;
        base::Time started{};
        std::uint64_t consumed_before = 0;
        base::Time stalled_until{};
        base::Time due{};
        bool is_over = false;
        bool is_restarted = false;
        SendResult result = SendResult::complete;
    };
    struct ChannelState {
        Phase phase = Phase::unused;
        Receiving receiving = Receiving::nothing;
        bool is_sending = false;
        std::uint32_t use = 0;  ///< counts adoptions: tells a channel from the one before
        simulation::Socket* socket = nullptr;
        Sending sending;
        base::Time cancelled_at{};  ///< in closing: what is in flight ends here
        base::Time closed_at{};     ///< in closing: on_closed() not before
        bool tells_sent = true;     ///< in closing: whether the send's end is told at all
    };

    Implementation(const Options& given_options, Events& given_events);
    ~Implementation();

    void progress() override;
    void wait();

    ChannelState& open_channel(Channel channel, const char* operation);
    void receive(Channel channel, Receiving receiving);
    void accept_waiting();
    void announce_upcoming(std::size_t place) noexcept;
    void progress_send(ChannelState& state);
    void end_send(ChannelState& state, SendResult result);
    /// Each tells at most what is ready now.
    void tell(Channel channel);
    void tell_sent(Channel channel);
    void tell_received(Channel channel);
    void tell_closed(Channel channel);
    /// False where the channel is not in that use any more.
    bool deliver(Channel channel, std::size_t size);
    std::size_t draw_receive_size(simulation::Chunks chunks, std::size_t readable);

    simulation::World& world;
    simulation::Random random;
    Events& events;
    const Options options;
    Counters counters;
    std::vector<ChannelState> channels;
    std::vector<Channel> active;  ///< channels in use, in any order
    std::vector<Channel> told;    ///< the order of this wait()
    std::vector<std::uint8_t> scratch;
    struct Listening {
        std::uint32_t tag;
        int descriptor;
    };
    std::vector<Listening> listeners;
    base::Time shortage_until{};
    base::Duration cpu_used{};
    base::Duration newcomer_cost{};  ///< of the CPU, for each: what the shard asks the time after
};

}  // namespace tickwire::uring
