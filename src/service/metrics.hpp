// The relay's counters as Prometheus reads them. The counting is the shards' own (shard/counters.hpp,
// single writers, no locks); the text is prometheus-cpp's.
#pragma once

#include <string>

#include "service/http_server.hpp"
#include "service/shards.hpp"
#include "service/webhooks.hpp"

namespace tickwire::service {

/// The whole of `GET /metrics`. Any thread. `webhooks` may be null.
std::string metrics_text(const Shards& shards, std::uint32_t connection_count_max, const Webhooks* webhooks,
                         const HttpServer::Counters& admin);

}  // namespace tickwire::service
