// What the operator's settings mean to the layers below: their options, from the settings' table. Its
// checks were made before (config.hpp), so nothing fails here.
#pragma once

#include <cstdint>
#include <memory>

#include "service/config.hpp"
#include "shard/directory.hpp"
#include "shard/shard.hpp"
#include "ticket/key_set.hpp"
#include "tls/tls_engine.hpp"

namespace tickwire::service {

shard::DirectoryLimits directory_limits(const ServeConfig& config, std::uint32_t connection_count_max);

/// What may change while the relay runs. `tls_context` is null where the settings name no certificate,
/// `ticket_keys` where they name no key.
shard::LiveSettings live_settings(const ServeConfig& config, std::shared_ptr<tls::TlsContext> tls_context,
                                  std::shared_ptr<const ticket::KeySet> ticket_keys);

/// What a shard starts with, `live` included.
shard::ShardOptions shard_options(const ServeConfig& config, const shard::LiveSettings& live,
                                  std::uint32_t connection_count_max);

}  // namespace tickwire::service
