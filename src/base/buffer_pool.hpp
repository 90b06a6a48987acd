// Byte buffers for one shard, out of address space that is reserved once and touched on use: what the data
// path takes instead of the heap. Also the interface by which a WebSocket reader asks for room.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>

#include "base/bytes.hpp"
#include "tickwire/websocket.hpp"

namespace tickwire::base {

/// Buffers of 128 bytes to 4 MiB, in powers of two. One thread. Every buffer it gave must come back
/// before it is destroyed.
///
/// Invariant: bytes_in_use() + the bytes on the free lists == bytes ever cut from the region <= limit.
/// A freed buffer stays in its size class: a shard's traffic settles into a mix and stays there. What large
/// ones hold goes back to the kernel by trim(): a storm opens matches, and their logs would stay resident.
class BufferPool final : public websocket::BufferSource {
  public:
    static constexpr std::size_t size_min = 128;
    static constexpr std::size_t size_max = std::size_t{4} * 1024 * 1024;
    /// From this size on a free buffer is worth the system call and the page faults of its next use.
    static constexpr std::size_t trim_size_min = std::size_t{64} * 1024;
    /// What one trim() gives back at most: some 10 us for each MiB.
    static constexpr std::size_t trim_bytes_max = std::size_t{16} * 1024 * 1024;

    /// `limit` in bytes is a bound, not a cost. Stops the process where not even address space is left.
    explicit BufferPool(std::size_t limit);
    ~BufferPool() override;
    BufferPool(const BufferPool&) = delete;
    BufferPool& operator=(const BufferPool&) = delete;

    /// At least `size` bytes, or an empty span: the pool's limit or `size_max` would be passed.
    MutableBytes take(std::size_t size) noexcept;
    /// Gives back what take() or resize() gave, whole.
    void release(MutableBytes buffer) noexcept override;
    /// Room for `size` bytes that begins with the first `used` bytes of `held`, which is given back; or an
    /// empty span, and `held` is untouched.
    MutableBytes resize(MutableBytes held, std::size_t used, std::size_t size) noexcept override;

    /// Gives back to the kernel the memory of large buffers that have been free since the last call. Call
    /// it about once a second, off the path of a tick.
    void trim() noexcept;

    std::size_t bytes_in_use() const noexcept { return bytes_in_use_; }
    /// In use, or free and not trimmed: at most so much is resident.
    std::size_t bytes_touched() const noexcept { return cut_ - trimmed_; }
    std::size_t limit() const noexcept { return limit_; }

  private:
    static constexpr std::size_t class_count = 16;  // 2^7 .. 2^22
    static_assert((size_min << (class_count - 1)) == size_max);

    struct FreeBuffer {
        FreeBuffer* next;
    };

    struct FreeList {
        FreeBuffer* first = nullptr;
        FreeBuffer* first_trimmed = nullptr;
        std::size_t count = 0;       ///< not trimmed
        std::size_t idle_count = 0;  ///< the least `count` since the last trim()
    };

    static std::size_t class_of(std::size_t size) noexcept;
    static void give_pages_back(MutableBytes buffer) noexcept;

    std::uint8_t* region_;
    std::size_t limit_;
    std::size_t cut_ = 0;
    std::size_t bytes_in_use_ = 0;
    std::size_t trimmed_ = 0;  ///< bytes of trimmed buffers
    std::array<FreeList, class_count> free_{};
};

}  // namespace tickwire::base
