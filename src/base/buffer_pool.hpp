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
/// The region is cut in blocks of 64 KiB: a large buffer is a run of blocks, small ones are cut from a
/// block one after the other. A freed buffer stays in its size class, for a shard's traffic settles into a
/// mix and stays there, until all of its block is free and nobody wants it: then trim() gives the block's
/// memory back to the kernel, and it may be cut anew. So a storm's memory does not stay resident.
///
/// Invariant: bytes_in_use() + the bytes on the free lists == what is cut, and is not given back, <= limit.
class BufferPool final : public websocket::BufferSource {
  public:
    static constexpr std::size_t size_min = 128;
    static constexpr std::size_t size_max = std::size_t{4} * 1024 * 1024;
    static constexpr std::size_t block_size = std::size_t{64} * 1024;
    /// What one trim() gives back at most: some 10 us for each MiB, and 0.1 us for each buffer in it.
    static constexpr std::size_t trim_bytes_max = std::size_t{16} * 1024 * 1024;
    static constexpr std::size_t trim_buffers_max = 4096;

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

    /// Gives back to the kernel the memory of blocks in which no buffer was in use since the last call.
    /// Call it about once a second, off the path of a tick.
    void trim() noexcept;

    std::size_t bytes_in_use() const noexcept { return bytes_in_use_; }
    /// In use, or free and not given back: at most so much is resident.
    std::size_t bytes_touched() const noexcept { return bytes_touched_; }
    std::size_t limit() const noexcept { return limit_; }

  private:
    static constexpr std::size_t class_count = 16;  // 2^7 .. 2^22
    static_assert((size_min << (class_count - 1)) == size_max);
    static constexpr std::uint32_t no_block = 0xffffffff;

    /// Lies in the buffer that is free.
    struct FreeBuffer {
        FreeBuffer* next;
        FreeBuffer* previous;  ///< of the first one it means nothing
        std::size_t size;
    };

    /// What is known of a block; of a run of them in its first one's.
    struct Block {
        std::uint32_t next = no_block;  ///< of the runs of its class that were given back
        std::uint16_t in_use = 0;       ///< buffers
        std::uint8_t run_class = 0;     ///< of a buffer that fills the run
        bool is_wanted : 1 = false;     ///< a buffer of it was in use since the last trim()
        bool is_given_back : 1 = false;
    };

    static std::size_t class_of(std::size_t size) noexcept;
    static std::size_t class_of_whole(std::size_t size) noexcept;
    static std::size_t block_count(std::size_t limit) noexcept;
    static std::size_t mapped_size(std::size_t limit) noexcept;
    std::size_t offset_of(const std::uint8_t* buffer) const noexcept;
    std::uint8_t* begin_of(std::uint32_t block) const noexcept { return region_ + block * block_size; }
    std::size_t fresh_size() const noexcept;
    std::uint8_t* take_run(std::size_t run_class) noexcept;
    std::uint8_t* cut(std::size_t size) noexcept;
    void list_uncut() noexcept;
    void list(std::uint8_t* buffer, std::size_t size) noexcept;
    void unlist(FreeBuffer* buffer) noexcept;
    std::size_t give_back(std::uint32_t index) noexcept;

    std::uint8_t* region_;
    std::size_t limit_;
    Block* blocks_;  ///< behind the region
    std::size_t bytes_in_use_ = 0;
    std::size_t bytes_touched_ = 0;
    std::uint32_t fresh_ = 0;  ///< the first block that was never used
    MutableBytes uncut_;       ///< of the block that small buffers are cut from
    std::array<FreeBuffer*, class_count> free_{};
    std::array<std::uint32_t, class_count> given_back_;  ///< the first run, by its class
};

}  // namespace tickwire::base
