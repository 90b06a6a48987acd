// What the running kernel offers, found by trying it on a small ring that is thrown away.
#include "uring/backend.hpp"
#include "uring/kernel_constants.hpp"
#include "uring/kernel_release.hpp"
#include "uring/receive_buffers.hpp"
#include "uring/ring.hpp"
#include "uring/setup_error.hpp"

namespace tickwire::uring {
namespace {

bool try_buffers(Ring& ring, bool is_incremental) {
    ReceiveBuffers buffers({1, 4096, is_incremental});
    if (buffers.register_with(ring.native()) != 0) {
        return false;
    }
    io_uring_unregister_buf_ring(&ring.native(), ReceiveBuffers::group);
    return true;
}

std::string summarize(const Features& features) {
    std::string text = "io_uring of Linux " + kernel_release_text() + ": deferred work";
    text += features.has_incremental_buffers ? ", incremental buffers" : ", classic buffers";
    text += features.has_absolute_wait ? ", absolute waits"
            : features.has_lazy_wake   ? ", relative waits"
                                       : ", sleeps";
    text += features.has_no_iowait ? ", no iowait" : "";
    return text;
}

}  // namespace

tl::expected<Features, SetupError> probe_features() {
    Counters counters;
    Ring ring(counters);
    if (const int error = ring.open(8, 16); error != 0) {
        return tl::unexpected(explain_setup_error(error));
    }
    Features features;
    features.has_ring = true;
    features.has_defer_taskrun = true;
    features.has_incremental_buffers = try_buffers(ring, true);
    features.has_absolute_wait = ring.sleep_mode() == SleepMode::absolute;
    features.has_lazy_wake = ring.sleep_mode() != SleepMode::nanosleep;
    features.has_no_iowait = (ring.features() & kernel::feature_no_iowait) != 0;
    features.summary = summarize(features);
    return features;
}

}  // namespace tickwire::uring
