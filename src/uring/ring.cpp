#include "uring/ring.hpp"

#include <sys/prctl.h>
#include <time.h>

#include <cerrno>

#include "base/check.hpp"
#include "uring/clock.hpp"
#include "uring/kernel_constants.hpp"
#include "uring/kernel_failure.hpp"
#include "uring/kernel_release.hpp"

namespace tickwire::uring {
namespace {

constexpr unsigned long timer_slack_ns = 1000;  // the default of 50 us is 2.5 % of a slot

unsigned load_acquire(const unsigned* from) noexcept {
    return __atomic_load_n(from, __ATOMIC_ACQUIRE);
}

SleepMode sleep_mode_for(std::uint32_t features) noexcept {
    if ((features & kernel::feature_minimum_timeout) != 0) {
        return SleepMode::absolute;
    }
    // A matter of speed alone, so the release may decide. 6.4: "io_uring: reduce scheduling due to tw".
    return kernel_release() >= KernelRelease{6, 4} ? SleepMode::relative : SleepMode::nanosleep;
}

}  // namespace

int Ring::open(unsigned submission_count, unsigned completion_count) noexcept {
    io_uring_params parameters{};
    parameters.flags = IORING_SETUP_SINGLE_ISSUER | IORING_SETUP_DEFER_TASKRUN | IORING_SETUP_SUBMIT_ALL |
                       IORING_SETUP_CQSIZE | IORING_SETUP_CLAMP;
    parameters.cq_entries = completion_count;
    const int result = io_uring_queue_init_params(submission_count, &ring_, &parameters);
    if (result < 0) {
        return -result;
    }
    is_open_ = true;
    // Spares a look-up in the table of files per enter; without it (5.18) entering works as well.
    if (io_uring_register_ring_fd(&ring_) == 1) {
        registered_flag_ = IORING_ENTER_REGISTERED_RING;
    }
    if ((parameters.features & kernel::feature_no_iowait) != 0) {
        iowait_flag_ = kernel::enter_no_iowait;
    }
    sleep_mode_ = sleep_mode_for(parameters.features);
    if (sleep_mode_ == SleepMode::nanosleep) {
        force_nanosleep();
    }
    return 0;
}

Ring::~Ring() {
    if (is_open_) {
        io_uring_queue_exit(&ring_);
    }
}

void Ring::force_nanosleep() noexcept {
    sleep_mode_ = SleepMode::nanosleep;
    prctl(PR_SET_TIMERSLACK, timer_slack_ns, 0, 0, 0);
}

io_uring_sqe* Ring::take_submission() noexcept {
    io_uring_sqe* submission = io_uring_get_sqe(&ring_);
    // The kernel takes a full queue in one enter, unless memory for a request is short: then some of it.
    for (int attempt = 0; submission == nullptr && attempt < 1000; ++attempt) {
        submit();
        submission = io_uring_get_sqe(&ring_);
    }
    base::check(submission != nullptr, "Ring: the kernel takes submissions");
    return submission;
}

void Ring::reserve_submissions(unsigned count) noexcept {
    if (io_uring_sq_space_left(&ring_) < count) {
        submit();
    }
}

unsigned Ring::publish_submissions() noexcept {
    io_uring_sq& queue = ring_.sq;
    queue.sqe_head = queue.sqe_tail;
    __atomic_store_n(queue.ktail, queue.sqe_tail, __ATOMIC_RELEASE);
    return queue.sqe_tail - load_acquire(queue.khead);
}

void Ring::enter(unsigned min_complete, unsigned flags, io_uring_getevents_arg* argument) noexcept {
    for (;;) {
        const unsigned submission_count = publish_submissions();
        ++counters_.enters;
        const int result =
            io_uring_enter2(static_cast<unsigned>(ring_.enter_ring_fd), submission_count, min_complete,
                            flags | registered_flag_, reinterpret_cast<sigset_t*>(argument),
                            argument != nullptr ? sizeof *argument : _NSIG / 8);
        if (result >= 0) {
            return;
        }
        switch (result) {
            case -EINTR:
                break;  // a signal for somebody: sleep on
            case -ETIME:
            case -EAGAIN:  // no memory for a request: the rest stays queued
            case -EBUSY:   // overflown completions have to be taken first
                return;
            case -EBADR:
                ++counters_.completion_overflows;
                return;
            default:
                fail_operation("enter", result);
        }
    }
}

void Ring::submit() noexcept {
    if (io_uring_sq_ready(&ring_) != 0) {
        enter(0, has_overflow() ? IORING_ENTER_GETEVENTS : 0, nullptr);
    }
}

void Ring::enter_until(unsigned min_complete, base::Time deadline) noexcept {
    unsigned flags = IORING_ENTER_GETEVENTS | IORING_ENTER_EXT_ARG | iowait_flag_;
    base::Duration timeout = deadline.time_since_epoch();
    if (sleep_mode_ == SleepMode::absolute) {
        flags |= kernel::enter_absolute_timer;
    } else {
        timeout = deadline == base::Time{} ? base::Duration{} : deadline - monotonic_now();
    }
    auto time = to_timespec<__kernel_timespec>(timeout);
    io_uring_getevents_arg argument{};
    argument.sigmask_sz = _NSIG / 8;
    argument.ts = reinterpret_cast<std::uint64_t>(&time);
    enter(min_complete, flags, &argument);
}

void Ring::wait_until(base::Time deadline) noexcept {
    if (sleep_mode_ != SleepMode::nanosleep) {
        enter_until(ring_.cq.ring_entries, deadline);
        return;
    }
    submit();
    const auto time = to_timespec<timespec>(deadline.time_since_epoch());
    while (clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &time, nullptr) == EINTR) {
    }
    run_deferred_work();
}

void Ring::wait_for_completion(base::Time deadline) noexcept {
    enter_until(1, deadline);
}

// Waiting for more than can come, until a moment that is over: the only call that runs all of it (6.13).
void Ring::run_deferred_work() noexcept {
    enter_until(ring_.cq.ring_entries, base::Time{});
}

bool Ring::take_completion(io_uring_cqe& completion) noexcept {
    io_uring_cq& queue = ring_.cq;
    const unsigned head = *queue.khead;
    if (head == load_acquire(queue.ktail)) {
        return false;
    }
    const io_uring_cqe& next = queue.cqes[head & *queue.kring_mask];
    completion.user_data = next.user_data;
    completion.res = next.res;
    completion.flags = next.flags;
    __atomic_store_n(queue.khead, head + 1, __ATOMIC_RELEASE);
    return true;
}

const io_uring_cqe* Ring::peek_completion(unsigned ahead) const noexcept {
    const io_uring_cq& queue = ring_.cq;
    const unsigned head = *queue.khead;
    const unsigned ready = load_acquire(queue.ktail) - head;
    return ahead < ready ? &queue.cqes[(head + ahead) & *queue.kring_mask] : nullptr;
}

bool Ring::has_completions() const noexcept {
    return *ring_.cq.khead != load_acquire(ring_.cq.ktail);
}

bool Ring::has_overflow() const noexcept {
    return (load_acquire(ring_.sq.kflags) & IORING_SQ_CQ_OVERFLOW) != 0;
}

}  // namespace tickwire::uring
