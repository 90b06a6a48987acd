// A fixed set of slots with generation-checked handles: what may outlive its owner across an asynchronous
// gap is named by a handle, never by a pointer.
#pragma once

#include <cstdint>
#include <memory>
#include <new>
#include <utility>
#include <vector>

#include "base/check.hpp"
#include "base/prefetch.hpp"

namespace tickwire::base {

/// Names a slot and the use of it that was meant. A handle whose slot was reused since finds nothing.
struct Handle {
    std::uint32_t index = 0xffffffff;
    std::uint32_t generation = 0;

    static constexpr Handle none() noexcept { return {}; }
    bool exists() const noexcept { return index != 0xffffffff; }
    friend bool operator==(const Handle&, const Handle&) = default;
};

/// Owns up to `capacity` objects of T at stable addresses. One thread. Memory is mapped for the limit and
/// touched on use, so an empty pool costs address space alone; freed slots are reused last-in first-out.
///
/// Invariant: live_count() + free slots == slots ever used <= capacity; a slot's generation is odd while it
/// is live and even while it is free.
template <typename T>
class SlotPool {
  public:
    explicit SlotPool(std::uint32_t capacity)
        : slots_(new (std::nothrow) Slot[capacity]), capacity_(capacity) {
        check(slots_ != nullptr, "SlotPool: address space");
    }

    SlotPool(const SlotPool&) = delete;
    SlotPool& operator=(const SlotPool&) = delete;

    ~SlotPool() {
        for (std::uint32_t index = 0; index < used_; ++index) {
            if (is_live(index)) {
                slots_[index].object()->~T();
            }
        }
    }

    /// A new object, or the empty handle where the pool is full.
    template <typename... Arguments>
    Handle emplace(Arguments&&... arguments) {
        std::uint32_t index = first_free_;
        if (index != none_free) {
            first_free_ = slots_[index].next_free;
        } else if (used_ < capacity_) {
            index = used_++;
            slots_[index].generation = 0;
        } else {
            return Handle::none();
        }
        Slot& slot = slots_[index];
        new (slot.storage) T(std::forward<Arguments>(arguments)...);
        ++slot.generation;
        ++live_count_;
        return {index, slot.generation};
    }

    /// The object, or null where the handle's use of the slot is over.
    T* find(Handle handle) noexcept {
        if (handle.index >= used_ || slots_[handle.index].generation != handle.generation) {
            return nullptr;
        }
        return slots_[handle.index].object();
    }

    /// The live object in a slot, whichever use of it this is; null where it is free.
    T* at(std::uint32_t index) noexcept {
        return index < used_ && is_live(index) ? slots_[index].object() : nullptr;
    }
    /// Fetches a slot into the cache, whatever is in it.
    void prefetch(std::uint32_t index) const noexcept {
        if (index < used_) {
            base::prefetch(&slots_[index], sizeof(Slot));
        }
    }
    Handle handle_at(std::uint32_t index) const noexcept { return {index, slots_[index].generation}; }

    void erase(Handle handle) noexcept {
        T* const object = find(handle);
        check(object != nullptr, "SlotPool: erase of a live handle");
        // The analyzer loses that check() ends all. NOLINTNEXTLINE(clang-analyzer-core.CallAndMessage)
        object->~T();
        Slot& slot = slots_[handle.index];
        ++slot.generation;
        slot.next_free = first_free_;
        first_free_ = handle.index;
        --live_count_;
    }

    std::uint32_t live_count() const noexcept { return live_count_; }
    std::uint32_t capacity() const noexcept { return capacity_; }
    /// One above the highest index ever used: the bound for a sweep with at().
    std::uint32_t index_end() const noexcept { return used_; }

  private:
    static constexpr std::uint32_t none_free = 0xffffffff;

    // No default member initializers: an array of trivial slots is not touched when it is allocated.
    struct Slot {
        alignas(T) unsigned char storage[sizeof(T)];
        std::uint32_t generation;
        std::uint32_t next_free;
        T* object() noexcept { return std::launder(reinterpret_cast<T*>(storage)); }
    };

    bool is_live(std::uint32_t index) const noexcept { return (slots_[index].generation & 1U) != 0; }

    std::unique_ptr<Slot[]> slots_;
    std::uint32_t capacity_;
    std::uint32_t used_ = 0;
    std::uint32_t first_free_ = none_free;
    std::uint32_t live_count_ = 0;
};

}  // namespace tickwire::base
