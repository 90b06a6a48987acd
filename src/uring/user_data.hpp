// What travels through the kernel with an operation and comes back with its completion.
#pragma once

#include <cstdint>

namespace tickwire::uring {

enum class OperationKind : std::uint8_t {
    accept = 1,
    cancel_accept,
    wake,
    // Those of a channel:
    receive,
    send,
    connect,
    cancel_receive,
    cancel_send,
    cancel_connect,
    close,
};

/// Names the operation and the use of its channel that is meant.
///
/// A completion can arrive after its channel was closed. The channel is not reused before the last one is
/// in, so the generation never decides in a correct program; it is there so that an incorrect one returns
/// the buffer instead of crediting it to a stranger.
struct Operation {
    OperationKind kind;
    std::uint32_t
        generation;       ///< 24 bits; at 1,000 reuses of a channel per second it wraps after 4.6 hours
    std::uint32_t index;  ///< of the channel, or of the acceptor

    friend bool operator==(const Operation&, const Operation&) = default;
};

inline constexpr std::uint32_t generation_mask = 0xffffff;
/// The index of an operation that belongs to no channel.
inline constexpr std::uint32_t no_channel = 0xffffffff;

/// Layout: kind 8 | generation 24 | index 32.
constexpr std::uint64_t encode_user_data(Operation operation) noexcept {
    return std::uint64_t{static_cast<std::uint8_t>(operation.kind)} << 56 |
           std::uint64_t{operation.generation & generation_mask} << 32 | operation.index;
}

constexpr Operation decode_user_data(std::uint64_t bits) noexcept {
    return {static_cast<OperationKind>(bits >> 56),
            static_cast<std::uint32_t>(bits >> 32) & generation_mask, static_cast<std::uint32_t>(bits)};
}

}  // namespace tickwire::uring
