// The delta of one state against its baseline (proto/protocol.md section 4): a bitmap of the bytes that
// changed, then those bytes. Encoded once for each player, tick and rate class, so it is the relay's
// hottest arithmetic; applied by native clients.
//
// Encoding takes two passes. The first compares, writes the bitmap and counts; where the count says that
// a delta would not pay, that was all. The second gathers the changed bytes, led by the bitmap.
#include <array>
#include <bit>
#include <cstring>

#include "base/bytes.hpp"
#include "tickwire/protocol.hpp"

#if defined(__x86_64__)
#include <immintrin.h>
#endif

namespace tickwire::protocol {
namespace {

using base::load_le;
using base::store_le;

constexpr std::size_t bitmap_size_of(std::size_t size) noexcept {
    return (size + 7) / 8;
}

/// Bit i set: byte i of the word is not zero.
std::uint8_t nonzero_bytes(std::uint64_t word) noexcept {
    constexpr std::uint64_t low_seven = 0x7f7f7f7f7f7f7f7f;
    // Bit 7 of each byte: set by a carry out of its low seven bits, or there already.
    const std::uint64_t flags = (((word & low_seven) + low_seven) | word) & ~low_seven;
    // The product moves the eight flags, which lie 8 bits apart, side by side into the top byte.
    return static_cast<std::uint8_t>(((flags >> 7) * 0x0102040810204080) >> 56);
}

/// Up to eight bytes as a word, the missing ones zero.
std::uint64_t load_partial(const std::uint8_t* from, std::size_t size) noexcept {
    std::uint64_t word = 0;
    std::memcpy(&word, from, size);
    return word;
}

/// Writes the bitmap of the bytes in which `a` and `b`, both `size` long, differ; returns how many do.
std::size_t compare(const std::uint8_t* a, const std::uint8_t* b, std::size_t size,
                    std::uint8_t* bitmap) noexcept {
    std::size_t index = 0;
    std::size_t changed_count = 0;
#if defined(__x86_64__)
    // Every equal byte compares to 0xff, which is -1: the sum of absolute values counts them.
    __m128i equal_counts = _mm_setzero_si128();
    for (; index + 16 <= size; index += 16) {
        const __m128i equal = _mm_cmpeq_epi8(_mm_loadu_si128(reinterpret_cast<const __m128i*>(a + index)),
                                             _mm_loadu_si128(reinterpret_cast<const __m128i*>(b + index)));
        store_le(bitmap + index / 8, static_cast<std::uint16_t>(~_mm_movemask_epi8(equal)));
        const __m128i ones = _mm_sub_epi8(_mm_setzero_si128(), equal);
        equal_counts = _mm_add_epi64(equal_counts, _mm_sad_epu8(ones, _mm_setzero_si128()));
    }
    equal_counts = _mm_add_epi64(equal_counts, _mm_srli_si128(equal_counts, 8));
    changed_count = index - static_cast<std::size_t>(_mm_cvtsi128_si64(equal_counts));
#endif
    for (; index < size; index += 8) {
        const std::size_t count = size - index < 8 ? size - index : 8;
        const auto changed = nonzero_bytes(load_partial(a + index, count) ^ load_partial(b + index, count));
        bitmap[index / 8] = changed;
        changed_count += static_cast<std::size_t>(std::popcount(changed));
    }
    return changed_count;
}

/// Calls visit(word, first) for each 64 bits of a bitmap, the last ones filled up with zeros; bit i of the
/// word is bit first + i of the bitmap.
template <typename Visit>
void for_each_word(Bytes bitmap, Visit visit) noexcept {
    for (std::size_t at = 0; at < bitmap.size(); at += 8) {
        const std::size_t left = bitmap.size() - at;
        visit(
            left >= 8 ? load_le<std::uint64_t>(bitmap.data() + at) : load_partial(bitmap.data() + at, left),
            at * 8);
    }
}

/// Calls visit(i) for each bit i that is set, in rising order.
template <typename Visit>
void for_each_bit(Bytes bitmap, Visit visit) noexcept {
    for_each_word(bitmap, [&](std::uint64_t word, std::size_t first) {
        for (; word != 0; word &= word - 1) {
            visit(first + static_cast<std::size_t>(std::countr_zero(word)));
        }
    });
}

std::size_t count_bits(Bytes bitmap) noexcept {
    int count = 0;
    for_each_word(bitmap, [&](std::uint64_t word, std::size_t) { count += std::popcount(word); });
    return static_cast<std::size_t>(count);
}

}  // namespace

std::optional<std::size_t> encode_delta(Bytes baseline, Bytes state, std::uint8_t* to) noexcept {
    const std::size_t size = state.size();
    if (baseline.size() != size || size == 0) {
        return std::nullopt;
    }
    const std::size_t bitmap_size = bitmap_size_of(size);
    const std::size_t changed_count = compare(baseline.data(), state.data(), size, to);
    if (changed_count == 0) {
        return 0;
    }
    const std::size_t delta_size = bitmap_size + changed_count;
    if (delta_size >= size) {
        return std::nullopt;
    }
    std::uint8_t* next = to + bitmap_size;
    for_each_bit({to, bitmap_size}, [&](std::size_t index) { *next++ = state[index]; });
    return delta_size;
}

bool apply_delta(MutableBytes state, Bytes delta) noexcept {
    if (delta.empty()) {
        return true;
    }
    const std::size_t bitmap_size = bitmap_size_of(state.size());
    if (delta.size() < bitmap_size) {
        return false;
    }
    const Bytes bitmap = delta.first(bitmap_size);
    const std::size_t last_bits = state.size() % 8;
    const bool has_stray_bits = last_bits != 0 && (bitmap.back() >> last_bits) != 0;
    if (delta.size() - bitmap_size != count_bits(bitmap) || has_stray_bits) {
        return false;
    }
    const std::uint8_t* from = delta.data() + bitmap_size;
    for_each_bit(bitmap, [&](std::size_t index) { state[index] = *from++; });
    return true;
}

}  // namespace tickwire::protocol
