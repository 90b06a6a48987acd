// Deliberate bugs, for one purpose: the simulator must find each of them. Compiled in with -Dbugs=true;
// otherwise bug() is constant and the compiler drops what hangs on it.
#pragma once

#include <cstdint>

namespace tickwire::base {

enum class Bug : std::uint8_t {
    none,
    stale_baseline,                   ///< after a skipped tick a member goes on with deltas
    replay_off_by_one,                ///< a resume's replay leaves out its first event
    seen_wrap,                        ///< `seen` is compared as if 16 bits never wrapped
    keyframe_lost_on_divisor_change,  ///< a member changes its rate class and keeps its baselines
    event_twice,                      ///< a member keeps its place in the log although it was served
    host_epoch_not_raised,            ///< another host, the same epoch
    slot_reused_early,                ///< a connection's index is free at close, before its last completion
    partial_send_restarted,           ///< what a send got through in part goes out from its start again
    buffer_returned_twice,            ///< a send's buffer is given back at its end, and once more
    pipelined_bytes_lost,             ///< what came behind the upgrade request stays behind at hand-over
    upgrade_forgets_events_taken,     ///< the next process counts anew, so clients send events again
    lag_forgiven,                     ///< a member lags only when it is twice as late as it may be
    replay_refused,                   ///< who resumes starts afresh, whatever the log has
    slot_ended_early,                 ///< an away slot ends before its window does
};

#ifdef TICKWIRE_BUGS
/// The one that is on. Set before the first match opens.
inline Bug active_bug = Bug::none;
inline bool bug(Bug which) noexcept {
    return active_bug == which;
}
#else
constexpr bool bug(Bug) noexcept {
    return false;
}
#endif

}  // namespace tickwire::base
