#include "base/heap_trap.hpp"

#ifdef TICKWIRE_HEAP_TRAP

#include <execinfo.h>
#include <unistd.h>

#include <array>
#include <cstddef>
#include <cstdio>
#include <cstdlib>
#include <new>
#include <utility>

namespace tickwire::base {
namespace {

thread_local int trap_depth = 0;

void refuse_if_trapped() noexcept {
    if (trap_depth > 0) [[unlikely]] {
        trap_depth = 0;
        std::fputs("tickwire: heap allocation on the data path, from (addr2line -Cfie reads them):\n",
                   stderr);
        std::array<void*, 24> frames;
        const int count = ::backtrace(frames.data(), static_cast<int>(frames.size()));
        ::backtrace_symbols_fd(frames.data(), count, STDERR_FILENO);
        std::abort();
    }
}

}  // namespace

void arm_heap_trap() noexcept {
    ++trap_depth;
}
void disarm_heap_trap() noexcept {
    --trap_depth;
}
HeapAllowed::HeapAllowed() noexcept : depth_held_(std::exchange(trap_depth, 0)) {}
HeapAllowed::~HeapAllowed() {
    trap_depth = depth_held_;
}

}  // namespace tickwire::base

// glibc's own entry points, so that C libraries (OpenSSL, liburing) are trapped too.
extern "C" {
void* __libc_malloc(std::size_t);
void* __libc_calloc(std::size_t, std::size_t);
void* __libc_realloc(void*, std::size_t);

void* malloc(std::size_t size) {
    tickwire::base::refuse_if_trapped();
    return __libc_malloc(size);
}
void* calloc(std::size_t count, std::size_t size) {
    tickwire::base::refuse_if_trapped();
    return __libc_calloc(count, size);
}
void* realloc(void* held, std::size_t size) {
    tickwire::base::refuse_if_trapped();
    return __libc_realloc(held, size);
}
}

#else

namespace tickwire::base {

void arm_heap_trap() noexcept {}
void disarm_heap_trap() noexcept {}
HeapAllowed::HeapAllowed() noexcept : depth_held_(0) {}
HeapAllowed::~HeapAllowed() {
    static_cast<void>(depth_held_);
}

}  // namespace tickwire::base

#endif
