// FIPS 180-4 sections 5.1.1, 5.3.1 and 6.1.2, word for word: upgrades are rare, so nothing is tuned.
#include "wire/sha1.hpp"

#include <algorithm>
#include <bit>
#include <cstddef>
#include <span>

namespace tickwire::wire {
namespace {

constexpr std::size_t block_size = 64;

using State = std::array<std::uint32_t, 5>;
using Block = std::span<const std::uint8_t, block_size>;

std::uint32_t load_be32(const std::uint8_t* from) noexcept {
    return __builtin_bswap32(base::load_le<std::uint32_t>(from));
}

/// The function f and the constant K of section 4.1.1 and 4.2.1, added.
std::uint32_t round_term(std::size_t round, std::uint32_t b, std::uint32_t c, std::uint32_t d) noexcept {
    if (round < 20) return ((b & c) ^ (~b & d)) + 0x5a827999U;
    if (round < 40) return (b ^ c ^ d) + 0x6ed9eba1U;
    if (round < 60) return ((b & c) ^ (b & d) ^ (c & d)) + 0x8f1bbcdcU;
    return (b ^ c ^ d) + 0xca62c1d6U;
}

void take_block(State& state, Block block) noexcept {
    std::array<std::uint32_t, 80> schedule;
    for (std::size_t i = 0; i < 16; ++i) {
        schedule[i] = load_be32(block.data() + 4 * i);
    }
    for (std::size_t i = 16; i < 80; ++i) {
        schedule[i] = std::rotl(schedule[i - 3] ^ schedule[i - 8] ^ schedule[i - 14] ^ schedule[i - 16], 1);
    }
    auto [a, b, c, d, e] = state;
    for (std::size_t round = 0; round < 80; ++round) {
        const std::uint32_t next = std::rotl(a, 5) + round_term(round, b, c, d) + e + schedule[round];
        e = d;
        d = c;
        c = std::rotl(b, 30);
        b = a;
        a = next;
    }
    state = {state[0] + a, state[1] + b, state[2] + c, state[3] + d, state[4] + e};
}

}  // namespace

Sha1Digest sha1(base::Bytes bytes) noexcept {
    State state{0x67452301U, 0xefcdab89U, 0x98badcfeU, 0x10325476U, 0xc3d2e1f0U};
    const std::size_t whole_size = bytes.size() / block_size * block_size;
    for (std::size_t at = 0; at < whole_size; at += block_size) {
        take_block(state, bytes.subspan(at).first<block_size>());
    }

    // The rest, a one bit, zeros, and the length in bits as 64 big-endian bits: one block, or two where
    // fewer than 9 bytes are left.
    const base::Bytes rest = bytes.subspan(whole_size);
    std::array<std::uint8_t, 2 * block_size> padded{};
    std::copy(rest.begin(), rest.end(), padded.begin());
    padded[rest.size()] = 0x80;
    const std::size_t padded_size = rest.size() + 9 <= block_size ? block_size : 2 * block_size;
    base::store_le(padded.data() + padded_size - 8, __builtin_bswap64(std::uint64_t{bytes.size()} * 8));
    for (std::size_t at = 0; at < padded_size; at += block_size) {
        take_block(state, base::Bytes{padded}.subspan(at).first<block_size>());
    }

    Sha1Digest digest;
    for (std::size_t i = 0; i < state.size(); ++i) {
        base::store_le(digest.data() + 4 * i, __builtin_bswap32(state[i]));
    }
    return digest;
}

}  // namespace tickwire::wire
