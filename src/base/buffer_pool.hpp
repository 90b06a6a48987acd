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
/// A freed buffer stays in its size class: a shard's traffic settles into a mix and stays there.
class BufferPool final : public websocket::BufferSource {
  public:
    static constexpr std::size_t size_min = 128;
    static constexpr std::size_t size_max = std::size_t{4} * 1024 * 1024;

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

    std::size_t bytes_in_use() const noexcept { return bytes_in_use_; }
    /// Ever cut from the region: it stays resident, on the free lists if nowhere else.
    std::size_t bytes_cut() const noexcept { return cut_; }
    std::size_t limit() const noexcept { return limit_; }

  private:
    static constexpr std::size_t class_count = 16;  // 2^7 .. 2^22
    static_assert((size_min << (class_count - 1)) == size_max);

    struct FreeBuffer {
        FreeBuffer* next;
    };

    static std::size_t class_of(std::size_t size) noexcept;

    std::uint8_t* region_;
    std::size_t limit_;
    std::size_t cut_ = 0;
    std::size_t bytes_in_use_ = 0;
    std::array<FreeBuffer*, class_count> free_{};
};

}  // namespace tickwire::base
