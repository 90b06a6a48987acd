// The demo's pages by path, as shards ask for them.
#pragma once

#include "shard/shard.hpp"

namespace tickwire::service {

/// "/" is index.html. Null where the build embedded no such file.
const shard::Page* find_demo_page(std::string_view path);

}  // namespace tickwire::service
