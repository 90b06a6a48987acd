#include "base/buffer_pool.hpp"

#include <sys/mman.h>

#include <algorithm>
#include <bit>
#include <cstring>

namespace tickwire::base {

std::size_t BufferPool::block_count(std::size_t limit) noexcept {
    return (limit + block_size - 1) / block_size;
}

std::size_t BufferPool::mapped_size(std::size_t limit) noexcept {
    return block_count(limit) * (block_size + sizeof(Block));
}

BufferPool::BufferPool(std::size_t limit) : limit_(limit) {
    void* const region = mmap(nullptr, mapped_size(limit), PROT_READ | PROT_WRITE,
                              MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    check(region != MAP_FAILED, "BufferPool: address space for the limit");
    region_ = static_cast<std::uint8_t*>(region);
    blocks_ = reinterpret_cast<Block*>(region_ + block_count(limit) * block_size);
    given_back_.fill(no_block);
}

BufferPool::~BufferPool() {
    check(bytes_in_use_ == 0, "BufferPool: every buffer is back");
    munmap(region_, mapped_size(limit_));
}

/// Of a size that is a buffer's.
std::size_t BufferPool::class_of_whole(std::size_t size) noexcept {
    return static_cast<std::size_t>(std::countr_zero(size) - std::countr_zero(size_min));
}

std::size_t BufferPool::class_of(std::size_t size) noexcept {
    return class_of_whole(std::bit_ceil(std::max(size, size_min)));
}

/// Past the region's end for what is none of ours.
std::size_t BufferPool::offset_of(const std::uint8_t* buffer) const noexcept {
    return reinterpret_cast<std::uintptr_t>(buffer) - reinterpret_cast<std::uintptr_t>(region_);
}

/// What is left of the limit behind the blocks that were ever used.
std::size_t BufferPool::fresh_size() const noexcept {
    const std::size_t used = fresh_ * block_size;
    return limit_ - std::min(limit_, used);
}

MutableBytes BufferPool::take(std::size_t size) noexcept {
    if (size > size_max) {
        return {};
    }
    const std::size_t index = class_of(size);
    const std::size_t capacity = size_min << index;
    std::uint8_t* buffer = nullptr;
    if (FreeBuffer* const first = free_[index]; first != nullptr) {
        buffer = reinterpret_cast<std::uint8_t*>(first);
        free_[index] = first->next;
        __builtin_prefetch(first->next);  // the next one's link is read by the next take()
    } else {
        buffer = capacity < block_size ? cut(capacity) : take_run(index);
        if (buffer == nullptr) {
            return {};
        }
        bytes_touched_ += capacity;
    }
    Block& block = blocks_[offset_of(buffer) / block_size];
    ++block.in_use;
    block.is_wanted = true;
    bytes_in_use_ += capacity;
    return {buffer, capacity};
}

void BufferPool::release(MutableBytes buffer) noexcept {
    if (buffer.empty()) {
        return;
    }
    const std::size_t size = buffer.size();
    const std::size_t offset = offset_of(buffer.data());
    // Not has_single_bit(), which calls a function where the CPU may have no instruction for it.
    check((size & (size - 1)) == 0 && offset < fresh_ * block_size,
          "BufferPool: a buffer comes back whole");
    Block& block = blocks_[offset / block_size];
    check(block.in_use != 0, "BufferPool: a buffer comes back once");
    --block.in_use;
    bytes_in_use_ -= size;
    list(buffer.data(), size);
}

void BufferPool::list(std::uint8_t* buffer, std::size_t size) noexcept {
    FreeBuffer*& first = free_[class_of_whole(size)];
    auto* const freed = reinterpret_cast<FreeBuffer*>(buffer);
    freed->next = first;
    freed->size = size;
    if (first != nullptr) {
        first->previous = freed;
    }
    first = freed;
}

void BufferPool::unlist(FreeBuffer* buffer) noexcept {
    FreeBuffer*& first = free_[class_of_whole(buffer->size)];
    if (buffer == first) {
        first = buffer->next;
    } else {
        buffer->previous->next = buffer->next;
    }
    if (buffer->next != nullptr) {
        buffer->next->previous = buffer->previous;
    }
}

/// Blocks for one buffer of block_size or more; null where the limit would be passed.
std::uint8_t* BufferPool::take_run(std::size_t run_class) noexcept {
    const std::size_t size = size_min << run_class;
    std::uint32_t block = given_back_[run_class];
    if (block != no_block) {
        given_back_[run_class] = blocks_[block].next;
    } else if (fresh_size() >= size) {
        block = fresh_;
        fresh_ += static_cast<std::uint32_t>(size / block_size);
    } else {
        return nullptr;
    }
    blocks_[block] = Block{.run_class = static_cast<std::uint8_t>(run_class)};
    return begin_of(block);
}

/// A small buffer from the block that is being cut, or from another one; null as take_run().
std::uint8_t* BufferPool::cut(std::size_t size) noexcept {
    if (uncut_.size() < size) {
        const std::size_t run_class = class_of(block_size);
        MutableBytes block;
        if (std::uint8_t* const whole = take_run(run_class); whole != nullptr) {
            block = {whole, block_size};
        } else if (fresh_size() >= size) {  // the end of the region may be less than a block
            block = {begin_of(fresh_), fresh_size()};
            blocks_[fresh_++] = Block{.run_class = static_cast<std::uint8_t>(run_class)};
        } else {
            return nullptr;
        }
        list_uncut();
        uncut_ = block;
    }
    std::uint8_t* const buffer = uncut_.data();
    uncut_ = uncut_.subspan(size);
    return buffer;
}

void BufferPool::list_uncut() noexcept {
    while (uncut_.size() >= size_min) {
        const std::size_t size = std::bit_floor(uncut_.size());
        list(uncut_.data(), size);
        uncut_ = uncut_.subspan(size);
        bytes_touched_ += size;
    }
}

void BufferPool::trim() noexcept {
    std::size_t bytes_left = trim_bytes_max;
    std::size_t buffers_left = trim_buffers_max;
    std::size_t size = 0;
    for (std::uint32_t index = 0; index < fresh_; index += static_cast<std::uint32_t>(size / block_size)) {
        Block& block = blocks_[index];
        size = size_min << block.run_class;
        const bool is_whole = index * block_size + size <= limit_;
        if (!block.is_given_back && !block.is_wanted && block.in_use == 0 && is_whole &&
            size <= bytes_left && buffers_left != 0) {
            bytes_left -= size;
            buffers_left -= std::min(buffers_left, give_back(index));
        }
        block.is_wanted = block.in_use != 0;
    }
}

/// Says how many buffers it had.
std::size_t BufferPool::give_back(std::uint32_t index) noexcept {
    Block& block = blocks_[index];
    const std::size_t size = size_min << block.run_class;
    std::uint8_t* const begin = begin_of(index);
    std::uint8_t* end = begin + size;
    if (!uncut_.empty() && offset_of(uncut_.data()) / block_size == index) {
        end = uncut_.data();
        uncut_ = {};
    }
    std::size_t count = 0;
    for (std::uint8_t* buffer = begin; buffer != end; ++count) {
        auto* const freed = reinterpret_cast<FreeBuffer*>(buffer);
        buffer += freed->size;
        unlist(freed);
    }
    madvise(begin, size, MADV_DONTNEED);
    bytes_touched_ -= static_cast<std::size_t>(end - begin);
    block.is_given_back = true;
    block.next = given_back_[block.run_class];
    given_back_[block.run_class] = index;
    return count;
}

MutableBytes BufferPool::resize(MutableBytes held, std::size_t used, std::size_t size) noexcept {
    if (size <= held.size()) {
        return held;
    }
    const MutableBytes grown = take(size);
    if (grown.empty()) {
        return {};
    }
    if (used != 0) {
        std::memcpy(grown.data(), held.data(), used);
    }
    release(held);
    return grown;
}

}  // namespace tickwire::base
