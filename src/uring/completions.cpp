// What each kind of completion means: one handler per kind, each with all the answers that the kernel may
// give to it.
#include <cerrno>

#include "base/check.hpp"
#include "uring/implementation.hpp"
#include "uring/kernel_failure.hpp"

namespace tickwire::uring {
namespace {

bool is_last(const io_uring_cqe& completion) noexcept {
    return (completion.flags & IORING_CQE_F_MORE) == 0;
}
bool has_buffer(const io_uring_cqe& completion) noexcept {
    return (completion.flags & IORING_CQE_F_BUFFER) != 0;
}

/// The kernel gave up on the peer. Where it heard meanwhile that there is no way to it, it says that
/// instead.
bool is_user_timeout(int result) noexcept {
    return result == -ETIMEDOUT || result == -EHOSTUNREACH || result == -ENETUNREACH;
}

}  // namespace

void Backend::Implementation::on_completion(const io_uring_cqe& completion) noexcept {
    const Operation operation = decode_user_data(completion.user_data);
    switch (operation.kind) {
        case OperationKind::accept:
            acceptors.on_completion(operation.index, completion, events);
            return;
        case OperationKind::cancel_accept:
            return;
        case OperationKind::wake:
            is_woken.exchange(false);  // before the shard looks at what it was woken for
            arm_wake();
            return;
        case OperationKind::receive:
        case OperationKind::send:
        case OperationKind::connect:
        case OperationKind::cancel_receive:
        case OperationKind::cancel_send:
        case OperationKind::cancel_connect:
        case OperationKind::close:
            on_channel_completion(operation, completion);
            return;
    }
    base::check(false, "Backend: a completion of ours");
}

void Backend::Implementation::on_channel_completion(const Operation& operation,
                                                    const io_uring_cqe& completion) noexcept {
    const Channel channel = operation.index;
    ChannelState& state = channels[channel];
    if (state.generation != operation.generation) [[unlikely]] {
        if (has_buffer(completion)) {
            buffers->take(completion);
            buffers->put_back(completion);
        }
        return;
    }
    if (is_last(completion)) {
        --state.in_flight;
    }
    // A handler of the shard may close the channel; then the close is in flight. Only a channel that was
    // closing before may be finished now.
    const bool was_closing = state.phase == Phase::closing;
    switch (operation.kind) {
        case OperationKind::receive:
            on_receive_completion(channel, completion);
            break;
        case OperationKind::send:
            on_send_completion(channel, completion.res);
            break;
        case OperationKind::connect:
            on_connect_completion(channel, completion.res);
            break;
        case OperationKind::cancel_receive:
            on_cancel_completion(channel, OperationKind::receive, completion.res);
            break;
        case OperationKind::cancel_send:
            on_cancel_completion(channel, OperationKind::send, completion.res);
            break;
        case OperationKind::cancel_connect:
            on_cancel_completion(channel, OperationKind::connect, completion.res);
            break;
        case OperationKind::close:  // whatever it answers, the descriptor is gone
        case OperationKind::accept:
        case OperationKind::cancel_accept:
        case OperationKind::wake:
            break;
    }
    if (was_closing && state.in_flight == 0) {
        finish_close(channel);
    }
}

void Backend::Implementation::on_receive_completion(Channel channel,
                                                    const io_uring_cqe& completion) noexcept {
    ChannelState& state = channels[channel];
    const Receiving asked_for = state.receiving;
    const std::uint32_t generation = state.generation;
    if (is_last(completion)) {
        state.is_receive_armed = false;
    }
    if (asked_for == Receiving::once && completion.res > 0) {
        state.receiving = Receiving::nothing;  // before the handler, which may ask for the next
    }
    if (has_buffer(completion)) {
        const base::MutableBytes bytes = buffers->take(completion);
        if (state.phase == Phase::open && !bytes.empty()) {
            ++counters.receives;
            events.on_received(channel, bytes);
        }
        buffers->put_back(completion);
    }
    // The handler may have closed the channel, or released it.
    const bool is_same = state.phase == Phase::open && state.generation == generation;
    if (!is_last(completion) || !is_same) {
        return;
    }
    if (completion.res <= 0) {
        on_receive_over(channel, completion.res);
    } else if (asked_for == Receiving::many) {
        arm_receive(channel);  // it ended for reasons of the kernel's: the completion queue was full
    }
}

void Backend::Implementation::on_receive_over(Channel channel, int result) noexcept {
    switch (-result) {
        case 0:
            channels[channel].receiving = Receiving::nothing;
            events.on_receive_ended(channel, ReceiveEnd::finished);
            return;
        case ENOBUFS:  // not a failure: what has arrived waits in the socket
            ++counters.buffer_shortages;
            parked.push(channel);
            return;
        case EINTR:
        case EAGAIN:
            arm_receive(channel);
            return;
        case EINVAL:
        case EFAULT:
        case EBADF:
        case ENOTSOCK:
        case EOPNOTSUPP:
            fail_operation("receive", result);
        default:  // ECONNRESET, ETIMEDOUT, EHOSTUNREACH and whatever else a network can do
            counters.user_timeouts += is_user_timeout(result) ? 1U : 0U;
            channels[channel].receiving = Receiving::nothing;
            events.on_receive_ended(channel, ReceiveEnd::reset);
            return;
    }
}

void Backend::Implementation::on_send_completion(Channel channel, int result) noexcept {
    ChannelState& state = channels[channel];
    state.is_sending = false;
    switch (-result) {
        case EINVAL:
        case EFAULT:
        case EBADF:
        case ENOTSOCK:
            fail_operation("send", result);
        default:
            // A socket tells its error once: to a receive or to a send.
            counters.user_timeouts += is_user_timeout(result) ? 1U : 0U;
            break;
    }
    // Short, although the kernel was to send all of it: an error or the closing came between.
    const bool is_complete = result >= 0 && static_cast<std::uint32_t>(result) == state.send_size;
    events.on_sent(channel, is_complete ? SendResult::complete : SendResult::failed);
}

void Backend::Implementation::on_connect_completion(Channel channel, int result) noexcept {
    channels[channel].is_connecting = false;
    if (channels[channel].phase == Phase::open) {
        events.on_connected(channel, result == 0 ? SendResult::complete : SendResult::failed);
    }
}

void Backend::Implementation::on_cancel_completion(Channel channel, OperationKind target,
                                                   int result) noexcept {
    const ChannelState& state = channels[channel];
    const bool is_in_flight = target == OperationKind::receive ? state.is_receive_armed
                              : target == OperationKind::send  ? state.is_sending
                                                               : state.is_connecting;
    // Found, or about to complete by itself (EALREADY), or completed before (ENOENT). ENOENT for one that
    // is still in flight was seen on 6.11 for multishot receives (liburing #1375): the next try finds it.
    if (result == -ENOENT && is_in_flight) {
        cancel(channel, target);
    }
}

void Backend::Implementation::finish_close(Channel channel) noexcept {
    ChannelState& state = channels[channel];
    state.phase = Phase::unused;
    state.generation = (state.generation + 1) & generation_mask;
    events.on_closed(channel);
}

}  // namespace tickwire::uring
