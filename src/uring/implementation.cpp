#include "uring/implementation.hpp"

#include <sys/eventfd.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>

#include "base/check.hpp"
#include "uring/clock.hpp"
#include "uring/kernel_constants.hpp"

namespace tickwire::uring {
namespace {

// Rounds of one wait() that hand freed buffers to parked receives. Each moves a ring full of buffers; what
// floods beyond that is told at the next wait().
constexpr int shortage_round_max = 8;

constexpr OperationKind cancel_of(OperationKind target) noexcept {
    switch (target) {
        case OperationKind::receive:
            return OperationKind::cancel_receive;
        case OperationKind::send:
            return OperationKind::cancel_send;
        default:
            return OperationKind::cancel_connect;
    }
}

}  // namespace

Backend::Implementation::Implementation(const Options& options_in, Events& events_in) noexcept
    : events(events_in), options(options_in), channels(options_in.channel_count_max) {}

int Backend::Implementation::open() noexcept {
    if (const int error = ring.open(options.submission_count, options.completion_count); error != 0) {
        return error;
    }
    if (options.force_relative_wait) {
        ring.force_nanosleep();
    }
    int error = EINVAL;
    if (!options.force_classic_buffers) {
        buffers = std::make_unique<ReceiveBuffers>(
            ReceiveBuffers::Shape{options.receive_buffer_count, options.receive_buffer_size, true});
        error = buffers->register_with(ring.native());
    }
    if (error == EINVAL) {
        buffers = std::make_unique<ReceiveBuffers>(
            ReceiveBuffers::Shape{options.classic_buffer_count, options.classic_buffer_size, false});
        error = buffers->register_with(ring.native());
    }
    if (error != 0) {
        return error;
    }
    wake_descriptor = eventfd(0, EFD_CLOEXEC);
    if (wake_descriptor < 0) {
        return errno;
    }
    arm_wake();
    return 0;
}

Backend::Implementation::~Implementation() {
    if (wake_descriptor < 0) {
        return;
    }
    io_uring_sqe* const cancel = ring.take_submission();
    io_uring_prep_cancel(cancel, nullptr, IORING_ASYNC_CANCEL_ANY | IORING_ASYNC_CANCEL_ALL);
    cancel->user_data = encode_user_data({OperationKind::cancel_accept, 0, no_channel});
    ring.run_deferred_work();
    io_uring_cqe completion;
    while (ring.take_completion(completion)) {
        if (decode_user_data(completion.user_data).kind == OperationKind::accept && completion.res >= 0) {
            ::close(completion.res);
        }
    }
    for (Channel channel = 0; channel < channel_end; ++channel) {
        if (channels[channel].phase == Phase::open && channels[channel].descriptor >= 0) {
            ::close(channels[channel].descriptor);
        }
    }
    ::close(wake_descriptor);
}

ChannelState& Backend::Implementation::open_channel(Channel channel) noexcept {
    ChannelState& state = channels[channel];
    base::check(state.phase == Phase::open, "Backend: the channel is open");
    return state;
}

ChannelState& Backend::Implementation::take_channel(Channel channel, int descriptor) noexcept {
    ChannelState& state = channels[channel];
    base::check(state.phase == Phase::unused, "Backend: the channel is not in use");
    channel_end = std::max(channel_end, channel + 1);
    state.descriptor = descriptor;
    state.phase = Phase::open;
    return state;
}

void Backend::Implementation::launch(io_uring_sqe* submission, OperationKind kind,
                                     Channel channel) noexcept {
    ChannelState& state = channels[channel];
    submission->user_data = encode_user_data({kind, state.generation, channel});
    ++state.in_flight;
}

void Backend::Implementation::arm_receive(Channel channel) noexcept {
    ChannelState& state = open_channel(channel);
    base::check(state.receiving != Receiving::nothing && !state.is_receive_armed,
                "Backend: one receive is asked for");
    io_uring_sqe* const submission = ring.take_submission();
    if (state.receiving == Receiving::many) {
        io_uring_prep_recv_multishot(submission, state.descriptor, nullptr, 0, 0);
    } else {
        io_uring_prep_recv(submission, state.descriptor, nullptr, 0, 0);
    }
    submission->flags |= IOSQE_BUFFER_SELECT;
    submission->buf_group = ReceiveBuffers::group;
    launch(submission, OperationKind::receive, channel);
    state.is_receive_armed = true;
}

// By user_data, which is a look-up in a hash table. By descriptor the kernel walks through all that is
// armed on the ring: 470 us per close with 9,000 receives armed, and 10 to 14 this way (Linux 6.18).
void Backend::Implementation::cancel(Channel channel, OperationKind target) noexcept {
    const std::uint64_t victim = encode_user_data({target, channels[channel].generation, channel});
    io_uring_sqe* const submission = ring.take_submission();
    io_uring_prep_cancel64(submission, victim, 0);
    launch(submission, cancel_of(target), channel);
}

void Backend::Implementation::arm_wake() noexcept {
    io_uring_sqe* const submission = ring.take_submission();
    io_uring_prep_read(submission, wake_descriptor, &wake_count, sizeof wake_count, 0);
    submission->user_data = encode_user_data({OperationKind::wake, 0, no_channel});
}

// In the steady state one enter and one drain.
base::Time Backend::Implementation::wait(base::Time deadline, WaitFor wait_for) noexcept {
    if (const auto retry = acceptors.next_retry()) [[unlikely]] {
        deadline = wait_for == WaitFor::completion ? std::min(deadline, *retry) : deadline;
        acceptors.retry(monotonic_now());
    }
    rearm_parked();
    sleep(deadline, wait_for);
    const base::Time woke = monotonic_now();
    const std::uint32_t count = drain();
    if (wait_for == WaitFor::completion && count >= kernel::deferred_items_min) {
        ring.run_deferred_work();  // that many, so there may be more
        drain();
    }
    for (int round = 0; round < shortage_round_max && (!parked.is_empty() || ring.has_overflow());
         ++round) {
        counters.completion_overflows += ring.has_overflow() ? 1U : 0U;
        rearm_parked();
        ring.run_deferred_work();
        drain();
    }
    return woke;
}

void Backend::Implementation::sleep(base::Time deadline, WaitFor wait_for) noexcept {
    if (ring.has_completions()) [[unlikely]] {
        ring.run_deferred_work();
        return;
    }
    switch (wait_for) {
        case WaitFor::deadline:
            ring.wait_until(deadline);
            return;
        case WaitFor::completion:
            ring.wait_for_completion(deadline);
            return;
    }
}

/// A completion of some 100 ns hides what a fetch from memory takes, if it is begun two or three before.
void Backend::Implementation::announce_upcoming() noexcept {
    constexpr unsigned stride = 2;
    for (unsigned step = 0; step < Events::upcoming_step_count; ++step) {
        const unsigned ahead = stride * (Events::upcoming_step_count - step) - 1;
        const io_uring_cqe* const upcoming = ring.peek_completion(ahead);
        if (upcoming == nullptr) {
            continue;
        }
        const Operation operation = decode_user_data(upcoming->user_data);
        if (operation.kind == OperationKind::receive ||
            (operation.kind == OperationKind::send && step == 0)) {
            if (step == 0) {
                __builtin_prefetch(&channels[operation.index]);
            }
            events.on_upcoming(operation.index, step);
        }
    }
}

// Bounded, for a handler may submit what completes at once.
std::uint32_t Backend::Implementation::drain() noexcept {
    std::uint32_t count = 0;
    io_uring_cqe completion;
    while (count < options.completion_count && ring.take_completion(completion)) {
        ++count;
        announce_upcoming();
        on_completion(completion);
    }
    counters.completions += count;
    return count;
}

// A receive that meets an empty buffer ring ends, and so does one that is armed then: so this follows a
// drain, after which the buffers are back, and arms as many as they can serve.
void Backend::Implementation::rearm_parked() noexcept {
    for (std::uint32_t count = buffers->receive_count_max(); count != 0 && !parked.is_empty(); --count) {
        arm_receive(parked.pop());
    }
}

}  // namespace tickwire::uring
