// The unmask kernels by name, for the table alone. Each instruction set is compiled by function attribute,
// never by a per-file flag: the linker might keep a shared inline function from the wrong file.
#pragma once

#include <cstddef>
#include <cstdint>

#include "wire/unmask.hpp"

namespace tickwire::wire {

void unmask_scalar(std::uint8_t* data, std::size_t size, MaskKey key) noexcept;

#if defined(__x86_64__)
void unmask_sse2(std::uint8_t* data, std::size_t size, MaskKey key) noexcept;
void unmask_avx2(std::uint8_t* data, std::size_t size, MaskKey key) noexcept;
#elif defined(__aarch64__)
void unmask_neon(std::uint8_t* data, std::size_t size, MaskKey key) noexcept;
#endif

}  // namespace tickwire::wire
