#include "base/buffer_pool.hpp"

#include <sys/mman.h>
#include <unistd.h>

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
    FreeList& list = free_[index];
    std::uint8_t* buffer = nullptr;
    if (list.first != nullptr) {
        buffer = reinterpret_cast<std::uint8_t*>(list.first);
        list.first = list.first->next;
        __builtin_prefetch(list.first);  // the next one's link is read by the next take()
        --list.count;
        list.idle_count = std::min(list.idle_count, list.count);
    } else if (list.first_trimmed != nullptr) {
        buffer = reinterpret_cast<std::uint8_t*>(list.first_trimmed);
        list.first_trimmed = list.first_trimmed->next;
        trimmed_ -= capacity;
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
    FreeList& list = free_[class_of(buffer.size())];
    auto* const freed = reinterpret_cast<FreeBuffer*>(buffer.data());
    freed->next = list.first;
    list.first = freed;
    ++list.count;
    bytes_in_use_ -= buffer.size();
}

void BufferPool::trim() noexcept {
    std::size_t left = trim_bytes_max;
    for (std::size_t index = class_of(trim_size_min); index < class_count; ++index) {
        const std::size_t size = size_min << index;
        FreeList& list = free_[index];
        for (; list.idle_count != 0 && left >= size; --list.idle_count, left -= size) {
            FreeBuffer* const idle = list.first;
            list.first = idle->next;
            --list.count;
            give_pages_back({reinterpret_cast<std::uint8_t*>(idle), size});
            idle->next = list.first_trimmed;
            list.first_trimmed = idle;
            trimmed_ += size;
        }
        list.idle_count = list.count;
    }
}

/// All pages that are its alone but the first, which has the link of the free list.
void BufferPool::give_pages_back(MutableBytes buffer) noexcept {
    static const auto page_size = static_cast<std::uintptr_t>(sysconf(_SC_PAGESIZE));
    const auto begin = reinterpret_cast<std::uintptr_t>(buffer.data());
    const std::uintptr_t first = (begin + sizeof(FreeBuffer) + page_size - 1) / page_size * page_size;
    const std::uintptr_t end = (begin + buffer.size()) / page_size * page_size;
    if (first < end) {
        madvise(reinterpret_cast<void*>(first), end - first, MADV_DONTNEED);
    }
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
