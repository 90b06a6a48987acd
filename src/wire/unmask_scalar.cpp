// The kernel that runs anywhere: eight bytes at a time.
#include "wire/unmask_kernels.hpp"
#include "wire/unmask_short.hpp"

namespace tickwire::wire {

void unmask_scalar(std::uint8_t* data, std::size_t size, MaskKey key) noexcept {
    if (size < 16) {
        unmask_short(data, size, key_bits(key));
        return;
    }
    const std::uint64_t wide_key = repeat_key(key_bits(key));
    const std::size_t last = size - 8;
    const auto tail = base::load_le<std::uint64_t>(data + last);
    for (std::size_t at = 0; at < last; at += 8) {
        base::store_le(data + at, base::load_le<std::uint64_t>(data + at) ^ wide_key);
    }
    base::store_le(data + last, tail ^ repeat_key(rotate_key(key_bits(key), last)));
}

}  // namespace tickwire::wire
