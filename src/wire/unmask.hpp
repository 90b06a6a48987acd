// XOR with a four-byte key: WebSocket masking (RFC 6455 section 5.3), by the widest SIMD that the CPU has.
// One kernel for each instruction set behind one table, chosen once at start.
#pragma once

#include <array>
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string_view>

namespace tickwire::wire {

using MaskKey = std::array<std::uint8_t, 4>;

/// In place, any size, any alignment. `key` is already rotated to the first byte. Never writes outside
/// [data, data + size), nor reads outside it.
using UnmaskFunction = void (*)(std::uint8_t* data, std::size_t size, MaskKey key) noexcept;

struct UnmaskKernel {
    std::string_view name;  ///< "avx2", "sse2", "neon", "scalar"
    UnmaskFunction function;
    bool (*is_supported)() noexcept;
};

/// Best first; "scalar" is last and always supported.
std::span<const UnmaskKernel> unmask_kernels() noexcept;

/// The kernel in use: the best that the CPU supports, or the one that TICKWIRE_UNMASK names (an unknown or
/// unsupported name falls back to the best). Chosen at the first call.
const UnmaskKernel& unmask_kernel() noexcept;

namespace detail {
/// The kernel in use; before the first call, a function that chooses it.
extern std::atomic<UnmaskFunction> unmask_function;
}  // namespace detail

inline void unmask(std::uint8_t* data, std::size_t size, MaskKey key) noexcept {
    detail::unmask_function.load(std::memory_order_relaxed)(data, size, key);
}

}  // namespace tickwire::wire
