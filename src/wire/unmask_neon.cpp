// The kernel of 64-bit Arm, where NEON belongs to every CPU.
#if defined(__aarch64__)

#include <arm_neon.h>

#include "wire/unmask_kernels.hpp"
#include "wire/unmask_short.hpp"

namespace tickwire::wire {
namespace {

uint8x16_t repeat16(std::uint32_t key) noexcept {
    return vreinterpretq_u8_u32(vdupq_n_u32(key));
}

}  // namespace

void unmask_neon(std::uint8_t* data, std::size_t size, MaskKey key) noexcept {
    const std::uint32_t bits = key_bits(key);
    if (size < 16) {
        unmask_short(data, size, bits);
        return;
    }
    const uint8x16_t wide_key = repeat16(bits);
    const std::size_t last = size - 16;
    const uint8x16_t tail = vld1q_u8(data + last);
    for (std::size_t at = 0; at < last; at += 16) {
        vst1q_u8(data + at, veorq_u8(vld1q_u8(data + at), wide_key));
    }
    vst1q_u8(data + last, veorq_u8(tail, repeat16(rotate_key(bits, last))));
}

}  // namespace tickwire::wire

#endif
