// The ring itself: made once, fed with submissions, entered, drained. It knows no channels.
//
// Entering is our own, over io_uring_enter2: liburing 2.3's submit-and-wait skips the deferred work when
// completions are already visible, and knows no absolute deadline.
#pragma once

#include <liburing.h>

#include <cstdint>

#include "base/time.hpp"
#include "uring/backend.hpp"

namespace tickwire::uring {

/// How a wait for a deadline sleeps.
enum class SleepMode : std::uint8_t {
    absolute,   ///< the enter has the deadline itself (6.12)
    relative,   ///< the enter has the time left (6.4: it sleeps through single completions)
    nanosleep,  ///< clock_nanosleep, then an enter: before 6.4 each deferred item wakes a waiting enter
};

/// Submission and completion queue of one thread.
///
/// Invariant: completions are posted only inside our own enters (DEFER_TASKRUN), so what take_completion()
/// leaves stays there.
class Ring {
  public:
    explicit Ring(Counters& counters) noexcept : counters_(counters) {}
    ~Ring();
    Ring(const Ring&) = delete;
    Ring& operator=(const Ring&) = delete;

    /// 0, or the errno of set-up.
    [[nodiscard]] int open(unsigned submission_count, unsigned completion_count) noexcept;
    void force_nanosleep() noexcept;

    /// The next submission, to be filled by io_uring_prep_*; a full queue is submitted first.
    io_uring_sqe* take_submission() noexcept;
    /// Makes sure that the next `count` submissions go to the kernel in one enter.
    void reserve_submissions(unsigned count) noexcept;
    void submit() noexcept;

    /// Submits and sleeps until the deadline, however much completes; all deferred work is done then.
    void wait_until(base::Time deadline) noexcept;
    /// Submits and sleeps until one completion or the deadline.
    void wait_for_completion(base::Time deadline) noexcept;
    /// Submits and does all deferred work, without sleeping.
    void run_deferred_work() noexcept;

    bool take_completion(io_uring_cqe& completion) noexcept;
    bool has_completions() const noexcept;
    /// The completion that is `ahead` behind the next one, or null where it is not there yet.
    const io_uring_cqe* peek_completion(unsigned ahead) const noexcept;
    /// Completions that did not fit wait in the kernel: the next enter brings them.
    bool has_overflow() const noexcept;

    io_uring& native() noexcept { return ring_; }
    std::uint32_t features() const noexcept { return ring_.features; }
    SleepMode sleep_mode() const noexcept { return sleep_mode_; }

  private:
    unsigned publish_submissions() noexcept;
    void enter(unsigned min_complete, unsigned flags, io_uring_getevents_arg* argument) noexcept;
    void enter_until(unsigned min_complete, base::Time deadline) noexcept;

    Counters& counters_;
    io_uring ring_{};
    bool is_open_ = false;
    SleepMode sleep_mode_ = SleepMode::relative;
    unsigned registered_flag_ = 0;
    unsigned iowait_flag_ = 0;
};

}  // namespace tickwire::uring
