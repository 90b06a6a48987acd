// The memory that receives of all channels share, given to the kernel as a ring of provided buffers.
#pragma once

#include <liburing.h>

#include <cstdint>

#include "base/bytes.hpp"
#include "uring/mapped_memory.hpp"

namespace tickwire::uring {

/// Owned by the backend. Classic: a receive fills one buffer from its start. Incremental (6.12): receives
/// of different sockets are packed one behind the other into the same buffer, and the kernel says with the
/// last of them that the buffer is used up.
///
/// Invariant: each buffer is with the kernel, or between take() and put_back() of the completion that
/// finished it. Bytes are used up inside the handler, so after draining all buffers are with the kernel.
class ReceiveBuffers {
  public:
    static constexpr std::uint16_t group = 0;

    struct Shape {
        std::uint32_t count;  ///< a power of two, at most 32768
        std::uint32_t size;
        bool is_incremental;
    };

    explicit ReceiveBuffers(const Shape& shape);
    ReceiveBuffers(const ReceiveBuffers&) = delete;
    ReceiveBuffers& operator=(const ReceiveBuffers&) = delete;

    /// 0, or the errno: EINVAL for an incremental ring where the kernel has none.
    [[nodiscard]] int register_with(io_uring& ring) noexcept;

    /// The bytes of a completion that has IORING_CQE_F_BUFFER.
    base::MutableBytes take(const io_uring_cqe& completion) noexcept;
    /// After its bytes are used: gives the buffer back where the completion finished it.
    void put_back(const io_uring_cqe& completion) noexcept;

    /// How many small receives find room when all buffers are with the kernel.
    std::uint32_t receive_count_max() const noexcept;
    bool is_incremental() const noexcept { return shape_.is_incremental; }

  private:
    std::uint8_t* buffer(std::uint32_t index) const noexcept;
    void add(std::uint32_t index) noexcept;

    Shape shape_;
    MappedMemory entries_;  // the ring that the kernel reads
    MappedMemory buffers_;
    MappedMemory offsets_;  // bytes used of each buffer, one std::uint32_t each
    io_uring_buf_ring* ring_;
};

}  // namespace tickwire::uring
