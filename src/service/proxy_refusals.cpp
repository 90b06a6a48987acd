#include "service/proxy_refusals.hpp"

#include <spdlog/spdlog.h>

#include <bit>

#include "base/peer_address.hpp"

namespace tickwire::service {
namespace {

constexpr std::chrono::seconds interval{10};

void add(std::string& text, std::uint64_t count, const char* what) {
    if (count != 0) {
        text += (text.empty() ? "" : ", ") + std::to_string(count) + " " + what;
    }
}

}  // namespace

void ProxyRefusals::report(const Shards& shards, Clock::time_point now) {
    if (now < next_) {
        return;
    }
    Counts counts;
    base::PeerAddress last;
    for (std::uint32_t index = 0; index < shards.count(); ++index) {
        const shard::ShardCounters counters = shards.counters(index);
        const auto errors = [&counters](wire::ProxyError error) {
            return counters.sessions.proxy_errors[static_cast<std::size_t>(error)];
        };
        counts.untrusted += counters.refused_untrusted;
        counts.missing += errors(wire::ProxyError::missing);
        counts.unreadable += errors(wire::ProxyError::malformed) + errors(wire::ProxyError::too_long) +
                             errors(wire::ProxyError::checksum);
        counts.late += counters.sessions.timeouts_proxy;
        const base::PeerAddress peer{
            std::bit_cast<std::array<std::uint8_t, 16>>(counters.proxy_peer_refused)};
        last = peer.exists() ? peer : last;
    }
    if (counts == told_) {
        return;
    }
    std::string why;
    add(why, counts.untrusted - told_.untrusted, "from addresses that are not in trusted-proxies");
    add(why, counts.missing - told_.missing, "without a PROXY header");
    add(why, counts.unreadable - told_.unreadable, "with one that cannot be read");
    add(why, counts.late - told_.late, "whose header did not come in time");
    spdlog::warn("connections to listeners for proxies were closed: {}{}{}", why,
                 last.exists() ? "; one of the last was from " : "", last.text());
    told_ = counts;
    next_ = now + interval;
}

}  // namespace tickwire::service
