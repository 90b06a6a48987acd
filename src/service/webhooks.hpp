// Webhooks: what happens to matches and players, posted to the game's backend. Notices come from the shards
// through a ring each (shard/notices.hpp); a thread here gathers them, and each receiver has a queue and a
// thread of its own, so that one that is slow or dead delays nobody but itself. What shards do never waits
// for any of this.
//
// A delivery is one POST of up to a hundred events in their order. It is repeated, with longer and longer
// pauses, until the receiver answers 2xx, says that it never will (most of 4xx), or the tries are used up;
// only then does the next one go. So a receiver gets each event at least once, and those of a match in
// order.
#pragma once

#include <chrono>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <thread>
#include <tl/expected.hpp>
#include <vector>

#include "service/webhook_url.hpp"
#include "shard/notices.hpp"

namespace tickwire::service {

struct WebhookSettings {
    std::vector<WebhookUrl> urls;
    std::string secret;
    std::string ca_file;  ///< PEM: whom receivers' certificates are signed by; empty: the system's list
    std::chrono::milliseconds timeout{5000};  ///< for one attempt
    std::uint32_t retry_count = 8;            ///< after the first attempt
    std::uint32_t queue_max = 10'000;         ///< events that wait for one receiver
};

/// `X-Tickwire-Signature` of a body sent at that Unix time: `v1=` and the HMAC-SHA256, in hex, of the time
/// in decimal, a dot, and the body.
std::string sign_webhook(std::string_view secret, std::int64_t unix_time, std::string_view body);

/// Made before the shards, ended after them.
class Webhooks {
  public:
    Webhooks(const WebhookSettings& settings, std::uint32_t shard_count);
    /// Sends what waits, as far as a moment allows.
    ~Webhooks();
    Webhooks(const Webhooks&) = delete;
    Webhooks& operator=(const Webhooks&) = delete;

    shard::NoticeRing& ring(std::uint32_t shard) { return rings_[shard]; }

    /// Of one receiver; any thread may ask.
    struct Report {
        std::uint64_t sent = 0;             ///< events that were answered with 2xx
        std::uint64_t failed = 0;           ///< events that were given up
        std::uint64_t dropped = 0;          ///< events for which the queue had no room
        std::uint64_t attempts_failed = 0;  ///< POSTs
        std::uint64_t waiting = 0;          ///< events in the queue now
    };
    std::vector<Report> reports() const;

  private:
    struct Receiver;
    void gather();
    void gather_once();

    std::vector<shard::NoticeRing> rings_;
    std::string run_;                         ///< of this process: ids of two runs never meet
    std::vector<std::uint64_t> event_count_;  ///< by shard
    /// One whose thread waits for a name server that does not answer is left to it, at the end.
    std::vector<std::unique_ptr<Receiver>> receivers_;
    struct Stop;
    std::unique_ptr<Stop> stop_;
    std::thread gatherer_;
};

}  // namespace tickwire::service
