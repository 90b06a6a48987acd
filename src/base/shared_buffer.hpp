// Bytes that are encoded once and sent to many: a pool buffer with a count of those who still need it.
#pragma once

#include <cstddef>
#include <cstdint>
#include <new>
#include <utility>

#include "base/buffer_pool.hpp"
#include "base/bytes.hpp"

namespace tickwire::base {

/// A reference to a buffer of one shard's pool. Copying shares, the last one to go gives it back. One
/// thread: the count is a plain integer.
class SharedBuffer {
  public:
    SharedBuffer() noexcept = default;

    /// Empty where the pool has no room for `capacity` bytes.
    static SharedBuffer create(BufferPool& pool, std::size_t capacity) noexcept {
        SharedBuffer buffer;
        const MutableBytes room = pool.take(capacity + sizeof(Header));
        if (!room.empty()) {
            buffer.header_ = new (room.data()) Header{&pool, room.size(), 0, 1};
        }
        return buffer;
    }

    SharedBuffer(const SharedBuffer& other) noexcept : header_(other.header_) {
        if (header_ != nullptr) {
            ++header_->reference_count;
        }
    }
    SharedBuffer(SharedBuffer&& other) noexcept : header_(std::exchange(other.header_, nullptr)) {}
    SharedBuffer& operator=(SharedBuffer other) noexcept {
        std::swap(header_, other.header_);
        return *this;
    }
    ~SharedBuffer() {
        if (header_ != nullptr && --header_->reference_count == 0) {
            header_->pool->release({reinterpret_cast<std::uint8_t*>(header_), header_->buffer_size});
        }
    }

    explicit operator bool() const noexcept { return header_ != nullptr; }
    /// What was written: set by set_size().
    Bytes bytes() const noexcept { return header_ == nullptr ? Bytes{} : Bytes{data(), header_->used}; }
    /// All the room there is; for the one who fills it, before it is shared.
    MutableBytes room() const noexcept { return {data(), header_->buffer_size - sizeof(Header)}; }
    void set_size(std::size_t size) noexcept { header_->used = size; }

  private:
    struct Header {
        BufferPool* pool;
        std::size_t buffer_size;
        std::size_t used;
        std::uint64_t reference_count;
    };
    std::uint8_t* data() const noexcept { return reinterpret_cast<std::uint8_t*>(header_ + 1); }

    Header* header_ = nullptr;
};

}  // namespace tickwire::base
