#include "uring/acceptors.hpp"

#include <fcntl.h>
#include <unistd.h>

#include <cerrno>

#include "base/check.hpp"
#include "uring/clock.hpp"
#include "uring/user_data.hpp"

namespace tickwire::uring {

void Acceptors::add(std::uint32_t listener, int descriptor) noexcept {
    // A service manager may hand over non-blocking listeners. Linux 6.18 waits on those like on any other
    // (seen); not to depend on that, they are made to block.
    const int flags = fcntl(descriptor, F_GETFL);
    if (flags >= 0 && (flags & O_NONBLOCK) != 0) {
        fcntl(descriptor, F_SETFL, flags & ~O_NONBLOCK);
    }
    for (std::uint32_t index = 0; index < count_max; ++index) {
        Acceptor& acceptor = acceptors_[index];
        if (acceptor.state == State::unused) {
            acceptor = {State::unused, listener, descriptor, {}};
            arm(index);
            return;
        }
    }
    base::check(false, "Acceptors: at most 16 listeners");
}

void Acceptors::arm(std::uint32_t index) noexcept {
    Acceptor& acceptor = acceptors_[index];
    io_uring_sqe* const submission = ring_.take_submission();
    io_uring_prep_multishot_accept(submission, acceptor.descriptor, nullptr, nullptr, SOCK_CLOEXEC);
    submission->user_data = encode_user_data({OperationKind::accept, 0, index});
    acceptor.state = State::armed;
}

void Acceptors::stop() noexcept {
    for (Acceptor& acceptor : acceptors_) {
        if (acceptor.state == State::paused) {
            acceptor.state = State::unused;
        } else if (acceptor.state == State::armed) {
            acceptor.state = State::stopping;
            io_uring_sqe* const submission = ring_.take_submission();
            io_uring_prep_cancel_fd(submission, acceptor.descriptor, IORING_ASYNC_CANCEL_ALL);
            submission->user_data = encode_user_data({OperationKind::cancel_accept, 0, no_channel});
        }
    }
    paused_count_ = 0;
    ring_.submit();  // now, for the caller may close the descriptors next
}

void Acceptors::on_completion(std::uint32_t index, const io_uring_cqe& completion,
                              Events& events) noexcept {
    Acceptor& acceptor = acceptors_[index];
    const std::uint32_t listener = acceptor.listener;
    if ((completion.flags & IORING_CQE_F_MORE) == 0) {
        const bool is_transient =
            completion.res >= 0 || completion.res == -ECONNABORTED || completion.res == -EINTR;
        if (acceptor.state == State::stopping) {
            acceptor.state = State::unused;
        } else if (is_transient) {
            arm(index);
        } else {
            acceptor.state = State::paused;
            acceptor.retry_at = monotonic_now() + pause;
            ++paused_count_;
            ++counters_.accepts_failed;
        }
    }
    if (completion.res >= 0) {
        events.on_accepted(listener, completion.res);
    }
}

std::optional<base::Time> Acceptors::next_retry() const noexcept {
    std::optional<base::Time> first;
    if (paused_count_ != 0) {
        for (const Acceptor& acceptor : acceptors_) {
            if (acceptor.state == State::paused && (!first || acceptor.retry_at < *first)) {
                first = acceptor.retry_at;
            }
        }
    }
    return first;
}

void Acceptors::retry(base::Time now) noexcept {
    for (std::uint32_t index = 0; index < count_max; ++index) {
        if (acceptors_[index].state == State::paused && acceptors_[index].retry_at <= now) {
            --paused_count_;
            arm(index);
        }
    }
}

}  // namespace tickwire::uring
