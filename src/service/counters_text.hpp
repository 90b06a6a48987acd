// A shard's counters as one line of JSON, for the log and for tests.
#pragma once

#include <string>

#include "shard/counters.hpp"

namespace tickwire::service {

std::string counters_as_json(std::uint32_t shard, const shard::ShardCounters& counters);

}  // namespace tickwire::service
