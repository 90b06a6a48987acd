// What one process of the relay leaves to the next: the matches, and what belongs to all of them. Its form
// in bytes: a header with a version and a checksum, and a body. It does not depend on the number of shards.
#pragma once

#include <cstdint>
#include <string>
#include <tl/expected.hpp>
#include <vector>

#include "base/bytes.hpp"
#include "base/time.hpp"
#include "match/snapshot.hpp"
#include "shard/ticket_ledger.hpp"
#include "tls/ticket_keys.hpp"

namespace tickwire::service {

/// One that is not ours is not read: a process of another version starts empty.
inline constexpr std::uint32_t upgrade_state_version = 1;

/// Of both sides; `matches` of the one that leaves are encoded already.
struct CommonState {
    tls::TicketKeys::Set session_ticket_keys{};
    base::Duration session_ticket_key_age{};  ///< since the current one was made
    std::vector<shard::UsedTicket> used_tickets;
};

std::vector<std::uint8_t> encode_upgrade_state(const CommonState& common,
                                               const std::vector<std::vector<std::uint8_t>>& matches);

/// Takes at least `excess` bytes out of what is to be encoded: the largest logs of events first, whose
/// players come back to a `welcome` that is not recovered, then the largest matches. What was taken.
struct Dropped {
    std::size_t log_count = 0;
    std::vector<std::string> matches;  ///< their names
};
Dropped drop_for_room(std::vector<std::vector<std::uint8_t>>& matches, std::size_t excess, base::Time now);

struct UpgradeState {
    CommonState common;
    std::vector<match::MatchSnapshot> matches;  ///< views into the bytes that were decoded
    std::uint64_t player_count = 0;
};
/// All of it or nothing: the error is one line that says what is wrong.
tl::expected<UpgradeState, std::string> decode_upgrade_state(base::Bytes bytes, base::Time now);

}  // namespace tickwire::service
