#include "uring/receive_buffers.hpp"

#include <algorithm>
#include <bit>

#include "base/check.hpp"
#include "uring/kernel_constants.hpp"

namespace tickwire::uring {
namespace {

// Unmasking reads ahead of a payload, never writes: the last buffer needs something behind it.
constexpr std::size_t slack_size = 64;
// A frame of a game and its framing, with room to spare: the size that a classic buffer is made for.
constexpr std::uint32_t small_receive_size = 512;

std::uint32_t index_of(const io_uring_cqe& completion) noexcept {
    return completion.flags >> IORING_CQE_BUFFER_SHIFT;
}

}  // namespace

ReceiveBuffers::ReceiveBuffers(const Shape& shape)
    : shape_(shape),
      entries_(shape.count * sizeof(io_uring_buf)),
      buffers_(std::size_t{shape.count} * shape.size + slack_size),
      offsets_(shape.count * sizeof(std::uint32_t)),
      ring_(static_cast<io_uring_buf_ring*>(entries_.start())) {
    base::check(std::has_single_bit(shape.count) && shape.count <= 32768,
                "ReceiveBuffers: count is a power of two");
    io_uring_buf_ring_init(ring_);
}

int ReceiveBuffers::register_with(io_uring& ring) noexcept {
    io_uring_buf_reg registration{};
    registration.ring_addr = reinterpret_cast<std::uint64_t>(ring_);
    registration.ring_entries = shape_.count;
    registration.bgid = group;
    registration.pad = shape_.is_incremental ? kernel::buffer_ring_incremental : std::uint16_t{0};
    const int result = io_uring_register_buf_ring(&ring, &registration, 0);
    if (result < 0) {
        return -result;
    }
    for (std::uint32_t index = 0; index < shape_.count; ++index) {
        add(index);
    }
    return 0;
}

std::uint8_t* ReceiveBuffers::buffer(std::uint32_t index) const noexcept {
    return static_cast<std::uint8_t*>(buffers_.start()) + std::size_t{index} * shape_.size;
}

void ReceiveBuffers::add(std::uint32_t index) noexcept {
    io_uring_buf_ring_add(ring_, buffer(index), shape_.size, static_cast<unsigned short>(index),
                          io_uring_buf_ring_mask(shape_.count), 0);
    io_uring_buf_ring_advance(ring_, 1);
}

base::MutableBytes ReceiveBuffers::take(const io_uring_cqe& completion) noexcept {
    const std::uint32_t index = index_of(completion);
    const auto size = static_cast<std::uint32_t>(std::max(completion.res, 0));
    auto& offset = static_cast<std::uint32_t*>(offsets_.start())[index];
    base::check(index < shape_.count && size <= shape_.size - offset,
                "ReceiveBuffers: a completion inside its buffer");
    const base::MutableBytes bytes{buffer(index) + offset, size};
    if (shape_.is_incremental) {
        offset += size;
    }
    return bytes;
}

void ReceiveBuffers::put_back(const io_uring_cqe& completion) noexcept {
    if ((completion.flags & IORING_CQE_F_BUFFER) == 0 ||
        (completion.flags & kernel::completion_buffer_more) != 0) {
        return;
    }
    const std::uint32_t index = index_of(completion);
    static_cast<std::uint32_t*>(offsets_.start())[index] = 0;
    add(index);
}

std::uint32_t ReceiveBuffers::receive_count_max() const noexcept {
    const std::uint32_t per_buffer = shape_.is_incremental ? shape_.size / small_receive_size : 1;
    return shape_.count * std::max(per_buffer, 1U);
}

}  // namespace tickwire::uring
