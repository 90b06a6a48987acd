// Random bits for masking keys: xoshiro256** (Blackman, Vigna), seeded through splitmix64 as its authors
// ask.
#pragma once

#include <array>
#include <bit>
#include <cstdint>

namespace tickwire::client {

class Random {
  public:
    explicit Random(std::uint64_t seed) noexcept {
        for (std::uint64_t& word : words_) {
            seed += 0x9e3779b97f4a7c15;
            std::uint64_t mixed = (seed ^ (seed >> 30)) * 0xbf58476d1ce4e5b9;
            mixed = (mixed ^ (mixed >> 27)) * 0x94d049bb133111eb;
            word = mixed ^ (mixed >> 31);
        }
    }

    std::uint64_t next() noexcept {
        const std::uint64_t result = std::rotl(words_[1] * 5, 7) * 9;
        const std::uint64_t shifted = words_[1] << 17;
        words_[2] ^= words_[0];
        words_[3] ^= words_[1];
        words_[1] ^= words_[2];
        words_[0] ^= words_[3];
        words_[2] ^= shifted;
        words_[3] = std::rotl(words_[3], 45);
        return result;
    }

    std::array<std::uint8_t, 4> next_mask() noexcept {
        return std::bit_cast<std::array<std::uint8_t, 4>>(static_cast<std::uint32_t>(next() >> 32));
    }

  private:
    std::array<std::uint64_t, 4> words_{};
};

}  // namespace tickwire::client
