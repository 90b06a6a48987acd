// The events that members send one another. Who receives one knows which was due, and makes it anew to
// compare.
#pragma once

#include <array>
#include <cstdint>

#include "swarm/movement.hpp"
#include "tickwire/protocol.hpp"

namespace tickwire::swarm {

/// An event's body: who, the how-manieth, and bytes that only the two can make.
struct EventBody {
    std::uint32_t member;
    std::uint32_t number;
    std::uint64_t proof;
};

inline EventBody make_event(std::uint64_t seed, std::uint32_t member, std::uint32_t number) noexcept {
    return {member, number, mix(seed, member, 0x200000000 + number)};
}

/// A third of the players speaks to everyone, a third to the others, a third to one.
inline protocol::Target target_of(std::uint32_t member) noexcept {
    constexpr std::array targets{protocol::Target::everyone, protocol::Target::others,
                                 protocol::Target::player};
    return targets[member % targets.size()];
}

}  // namespace tickwire::swarm
