// The inside of Backend: its parts, and one handler per kind of completion.
#pragma once

#include <atomic>
#include <cstdint>
#include <memory>

#include "uring/acceptors.hpp"
#include "uring/backend.hpp"
#include "uring/channel_table.hpp"
#include "uring/receive_buffers.hpp"
#include "uring/ring.hpp"
#include "uring/user_data.hpp"

namespace tickwire::uring {

/// Life of a channel:
///
///     unused --adopt, connect--> open --close--> closing --last completion--> unused (on_closed)
///                                  \--release, nothing in flight--> unused
struct Backend::Implementation {
    Implementation(const Options& options, Events& events) noexcept;
    ~Implementation();

    /// 0, or the errno.
    [[nodiscard]] int open() noexcept;

    ChannelState& open_channel(Channel channel) noexcept;
    ChannelState& take_channel(Channel channel, int descriptor) noexcept;
    void arm_receive(Channel channel) noexcept;
    void arm_wake() noexcept;
    /// Cancels the channel's receive, send or connect.
    void cancel(Channel channel, OperationKind target) noexcept;
    /// Names the operation and counts it as in flight. After io_uring_prep_*, which may clear user_data.
    void launch(io_uring_sqe* submission, OperationKind kind, Channel channel) noexcept;

    base::Time wait(base::Time deadline, WaitFor wait_for) noexcept;
    void sleep(base::Time deadline, WaitFor wait_for) noexcept;
    std::uint32_t drain() noexcept;
    void announce_upcoming() noexcept;
    void rearm_parked() noexcept;

    void on_completion(const io_uring_cqe& completion) noexcept;
    void on_channel_completion(const Operation& operation, const io_uring_cqe& completion) noexcept;
    void on_receive_completion(Channel channel, const io_uring_cqe& completion) noexcept;
    void on_receive_over(Channel channel, int result) noexcept;
    void on_send_completion(Channel channel, int result) noexcept;
    void on_connect_completion(Channel channel, int result) noexcept;
    void on_cancel_completion(Channel channel, OperationKind target, int result) noexcept;
    void finish_close(Channel channel) noexcept;

    Events& events;
    const Options options;
    Counters counters;
    ChannelTable channels;
    ParkedQueue parked{channels};
    Channel channel_end = 0;  // one above the highest index ever used
    std::unique_ptr<ReceiveBuffers> buffers;
    int wake_descriptor = -1;
    std::uint64_t wake_count = 0;  // what the armed read of wake_descriptor fills
    std::atomic<bool> is_woken = false;
    // Last, so that the ring is gone before the memory that it may write to.
    Ring ring{counters};
    Acceptors acceptors{ring, counters};
};

}  // namespace tickwire::uring
