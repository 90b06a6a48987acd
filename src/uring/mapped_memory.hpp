// Zeroed address space that costs memory only where it is touched.
#pragma once

#include <sys/mman.h>

#include <cstddef>
#include <cstdint>

#include "base/check.hpp"

namespace tickwire::uring {

/// Page-aligned. Stops the process where not even address space is left.
class MappedMemory {
  public:
    explicit MappedMemory(std::size_t size)
        : start_(mmap(nullptr, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE,
                      -1, 0)),
          size_(size) {
        base::check(start_ != MAP_FAILED, "MappedMemory: address space");
    }
    ~MappedMemory() { munmap(start_, size_); }
    MappedMemory(const MappedMemory&) = delete;
    MappedMemory& operator=(const MappedMemory&) = delete;

    void* start() const noexcept { return start_; }
    std::size_t size() const noexcept { return size_; }

  private:
    void* start_;
    std::size_t size_;
};

}  // namespace tickwire::uring
