// What players send: states that are a function of (seed, member, seq), so that whoever receives one can
// make it again and compare.
#pragma once

#include <cstdint>

#include "base/bytes.hpp"

namespace tickwire::swarm {

enum class Content : std::uint8_t {
    movement,  ///< a thing that flies about: see make_state()
    random,    ///< bytes that no delta can shrink
};

struct MovementSetting {
    Content content = Content::movement;
    std::uint64_t seed = 1;
    std::uint32_t hz = 30;
};

/// Fills `state`. Movement: six f32 of position and velocity that change with each seq, a u32 of
/// milliseconds, and for the rest bytes that change once a second; cut to the size asked for.
void make_state(const MovementSetting& setting, std::uint32_t member, std::uint32_t seq,
                base::MutableBytes state) noexcept;

/// A well-mixed function of two numbers and the seed.
std::uint64_t mix(std::uint64_t seed, std::uint64_t a, std::uint64_t b) noexcept;

}  // namespace tickwire::swarm
