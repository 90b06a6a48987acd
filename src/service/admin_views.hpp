// What the admin interface shows, as JSON. To be called on a thread of its own: shards are asked, and
// waited for.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "shard/control.hpp"

namespace tickwire::service {

class Operations;
class Shards;

/// `complete` is false where a shard did not answer.
std::string matches_as_json(Shards& shards);
std::string match_as_json(std::string_view name, std::uint32_t shard, const shard::MatchDetails& details);
/// The last slots, oldest first.
std::string slots_as_json(std::uint32_t shard, const shard::SlotLog& log);
/// What the page at `/` draws: one request a second.
std::string status_as_json(Operations& operations);

}  // namespace tickwire::service
