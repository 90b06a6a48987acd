// A uring::Backend that plays a script: what arrives is handed to the shard when its slot comes, what the
// shard sends is over by the next wait, and time is what the script says. It costs next to nothing and does
// the same each time, so that what is counted above it is the shard's own work.
#pragma once

#include <cstdint>
#include <vector>

#include "uring/backend.hpp"

namespace tickwire::guard {

/// Bytes that arrive on a connection in the next wait().
struct Arrival {
    std::uint32_t connection;  ///< in the order of accepting
    std::vector<std::uint8_t> bytes;
    bool is_state = false;  ///< a STATE in the clear (mask 0): `seen` is filled in as it is delivered
};

/// Between the script and the backend of the one shard. One thread, one run.
struct Stage {
    base::Time now{std::chrono::seconds(1000)};
    std::uint32_t connections_to_accept = 0;
    std::vector<Arrival> arrivals;  ///< of the next wait()

    // What the shard did.
    std::uint64_t sends = 0;
    std::uint64_t bytes_sent = 0;
    std::vector<std::uint16_t> seen;  ///< by connection: the newest tick that it was sent
};

Stage& stage();

}  // namespace tickwire::guard
