// What happens to matches and players, told to the service as it happens, which makes webhooks of it.
#pragma once

#include <cstdint>

#include "base/peer_address.hpp"
#include "base/time.hpp"
#include "shard/record_ring.hpp"
#include "tickwire/protocol.hpp"
#include "wire/control.hpp"

namespace tickwire::shard {

/// Half a kilobyte. No limit lets longer texts through.
struct Notice {
    enum class Kind : std::uint8_t { match_opened, player_joined, player_left, match_closed };
    Kind kind = Kind::match_opened;
    base::Time at{};
    std::uint64_t opening = 0;  ///< tells a match from others of its name: they count on this shard
    FixedText<64> match;
    // Of a player.
    protocol::PlayerNumber player = protocol::nobody;
    bool is_plain = false;
    wire::LeftReason reason = wire::LeftReason::left;
    base::PeerAddress peer;  ///< of one that joined
    FixedText<64> name;
    FixedText<256> subject;  ///< as the ticket had it
};

/// Read twenty times a second, it holds 20,000 notices a second: more than a shard makes of joins.
using NoticeRing = RecordRing<Notice, 1024>;

}  // namespace tickwire::shard
