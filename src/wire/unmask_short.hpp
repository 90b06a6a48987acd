// What every unmask kernel does with fewer bytes than its vector holds, and the trick that all share.
//
// A size that is no multiple of the vector's ends with a vector that overlaps the one before. Masking twice
// would undo itself, so the last vector is loaded before anything is stored, and stored last: where the two
// overlap they store the same bytes. No byte outside the payload is touched, and there is no loop over
// single bytes.
#pragma once

#include <bit>
#include <cstddef>
#include <cstdint>

#include "base/bytes.hpp"
#include "wire/unmask.hpp"

namespace tickwire::wire {

inline std::uint32_t key_bits(MaskKey key) noexcept {
    return std::bit_cast<std::uint32_t>(key);
}

/// The key as it lies over the payload from byte `offset` on.
inline std::uint32_t rotate_key(std::uint32_t key, std::size_t offset) noexcept {
    return std::rotr(key, static_cast<int>(offset % 4) * 8);
}

inline std::uint64_t repeat_key(std::uint32_t key) noexcept {
    return std::uint64_t{key} << 32 | key;
}

/// Up to 16 bytes, as two overlapping words.
inline void unmask_short(std::uint8_t* data, std::size_t size, std::uint32_t key) noexcept {
    if (size >= 8) {
        const std::size_t last = size - 8;
        const auto head = base::load_le<std::uint64_t>(data);
        const auto tail = base::load_le<std::uint64_t>(data + last);
        base::store_le(data, head ^ repeat_key(key));
        base::store_le(data + last, tail ^ repeat_key(rotate_key(key, last)));
    } else if (size >= 4) {
        const std::size_t last = size - 4;
        const auto head = base::load_le<std::uint32_t>(data);
        const auto tail = base::load_le<std::uint32_t>(data + last);
        base::store_le(data, head ^ key);
        base::store_le(data + last, tail ^ rotate_key(key, last));
    } else {
        for (std::size_t i = 0; i < size; ++i) {
            data[i] = static_cast<std::uint8_t>(data[i] ^ key >> 8 * i);
        }
    }
}

}  // namespace tickwire::wire
