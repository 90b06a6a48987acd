// What the kernel understands and the headers of liburing 2.3 do not name yet. Values from the kernel's
// include/uapi/linux/io_uring.h; our own names, so that newer headers do not clash with them.
#pragma once

#include <liburing.h>

#include <cstdint>

namespace tickwire::uring::kernel {

inline constexpr unsigned enter_absolute_timer = 1U << 5;      // IORING_ENTER_ABS_TIMER, 6.12
inline constexpr unsigned enter_no_iowait = 1U << 7;           // IORING_ENTER_NO_IOWAIT, 6.15
inline constexpr unsigned feature_minimum_timeout = 1U << 15;  // IORING_FEAT_MIN_TIMEOUT, 6.12
inline constexpr unsigned feature_no_iowait = 1U << 17;        // IORING_FEAT_NO_IOWAIT, 6.15
inline constexpr unsigned completion_buffer_more = 1U << 4;    // IORING_CQE_F_BUF_MORE, 6.12
inline constexpr std::uint16_t buffer_ring_incremental = 2;    // IOU_PBUF_RING_INC, 6.12

// `io_uring_buf_reg.flags` is called `pad` in liburing 2.3: same place, same size.
static_assert(sizeof(io_uring_buf_reg) == 40);
static_assert(sizeof(io_uring_getevents_arg) == 24);

/// How many deferred items one enter runs at least: the kernel's IO_LOCAL_TW_DEFAULT_MAX (6.13). An enter
/// that waits for one completion may leave what is beyond; one that waits for more runs as many as that.
inline constexpr unsigned deferred_items_min = 20;

}  // namespace tickwire::uring::kernel
