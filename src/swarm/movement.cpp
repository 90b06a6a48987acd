#include "swarm/movement.hpp"

#include <algorithm>
#include <array>
#include <cmath>
#include <cstring>

namespace tickwire::swarm {
namespace {

/// The finisher of splitmix64.
std::uint64_t finish(std::uint64_t value) noexcept {
    value = (value ^ (value >> 30)) * 0xbf58476d1ce4e5b9;
    value = (value ^ (value >> 27)) * 0x94d049bb133111eb;
    return value ^ (value >> 31);
}

void fill(std::uint64_t seed, base::MutableBytes to) noexcept {
    for (std::size_t at = 0; at < to.size(); at += sizeof seed) {
        seed += 0x9e3779b97f4a7c15;
        const std::uint64_t word = finish(seed);
        std::memcpy(to.data() + at, &word, std::min(sizeof word, to.size() - at));
    }
}

/// A share of a full turn.
double angle(std::uint64_t bits, unsigned shift) noexcept {
    constexpr double full_turn = 6.283185307179586;
    return full_turn * static_cast<double>((bits >> shift) & 0xffff) / 65536;
}

struct Vitals {
    std::array<float, 3> position;
    std::array<float, 3> velocity;
    std::uint32_t time_ms;
};
static_assert(sizeof(Vitals) == 28);

}  // namespace

std::uint64_t mix(std::uint64_t seed, std::uint64_t a, std::uint64_t b) noexcept {
    return finish(finish(finish(seed + 0x9e3779b97f4a7c15) ^ (a + 0x632be59bd9b4e019)) ^ b);
}

void make_state(const MovementSetting& setting, std::uint32_t member, std::uint32_t seq,
                base::MutableBytes state) noexcept {
    if (setting.content == Content::random) {
        fill(mix(setting.seed, member, seq), state);
        return;
    }
    // Each axis swings with a frequency of its own, a turn in some ten seconds.
    constexpr std::array<double, 3> turns_per_second{0.093, 0.117, 0.051};
    constexpr double reach = 100;
    const std::uint64_t character = mix(setting.seed, member, 0xffffffffff);
    const double time = static_cast<double>(seq) / setting.hz;
    Vitals vitals{};
    for (unsigned axis = 0; axis < 3; ++axis) {
        const double speed = 6.283185307179586 * turns_per_second[axis];
        const double at = speed * time + angle(character, axis * 16);
        vitals.position[axis] = static_cast<float>(reach * std::sin(at));
        vitals.velocity[axis] = static_cast<float>(reach * speed * std::cos(at));
    }
    vitals.time_ms = static_cast<std::uint32_t>(std::uint64_t{seq} * 1000 / setting.hz);
    const std::size_t head = std::min(sizeof vitals, state.size());
    std::memcpy(state.data(), &vitals, head);
    fill(mix(setting.seed, member, 0x100000000 + seq / setting.hz), state.subspan(head));
}

}  // namespace tickwire::swarm
