#include "base/buffer_pool.hpp"

#include <sys/mman.h>

#include <algorithm>
#include <bit>
#include <cstring>

namespace tickwire::base {

BufferPool::BufferPool(std::size_t limit) : limit_(limit) {
    void* const region =
        mmap(nullptr, limit, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    check(region != MAP_FAILED, "BufferPool: address space for the limit");
    region_ = static_cast<std::uint8_t*>(region);
}

BufferPool::~BufferPool() {
    check(bytes_in_use_ == 0, "BufferPool: every buffer is back");
    munmap(region_, limit_);
}

std::size_t BufferPool::class_of(std::size_t size) noexcept {
    const std::size_t rounded = std::bit_ceil(std::max(size, size_min));
    return static_cast<std::size_t>(std::countr_zero(rounded) - std::countr_zero(size_min));
}

MutableBytes BufferPool::take(std::size_t size) noexcept {
    if (size > size_max) {
        return {};
    }
    const std::size_t index = class_of(size);
    const std::size_t capacity = size_min << index;
    std::uint8_t* buffer = nullptr;
    if (free_[index] != nullptr) {
        buffer = reinterpret_cast<std::uint8_t*>(free_[index]);
        free_[index] = free_[index]->next;
        __builtin_prefetch(free_[index]);  // the next one's link is read by the next take()
    } else if (limit_ - cut_ >= capacity) {
        buffer = region_ + cut_;
        cut_ += capacity;
    } else {
        return {};
    }
    bytes_in_use_ += capacity;
    return {buffer, capacity};
}

void BufferPool::release(MutableBytes buffer) noexcept {
    if (buffer.empty()) {
        return;
    }
    check(std::has_single_bit(buffer.size()) && buffer.data() >= region_ && buffer.data() < region_ + cut_,
          "BufferPool: a buffer comes back whole");
    const std::size_t index = class_of(buffer.size());
    auto* const freed = reinterpret_cast<FreeBuffer*>(buffer.data());
    freed->next = free_[index];
    free_[index] = freed;
    bytes_in_use_ -= buffer.size();
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
