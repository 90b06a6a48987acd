// What an operator must know of what peers do and of how a shard fares: records in a ring, of which the
// service makes lines of the log. No peer can fill a disk by them: each cause has so many in an interval,
// and the rest is only counted.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>

#include "base/peer_address.hpp"
#include "base/time.hpp"
#include "shard/record_ring.hpp"
#include "tickwire/protocol.hpp"

namespace tickwire::shard {

/// What incidents are told apart, limited and counted by.
enum class Cause : std::uint8_t {
    // A limit of the relay's was met.
    connections_full,
    memory_full,
    handshakes_full,
    matches_full,
    accept_failed,       ///< by the kernel: open files have run out, say
    match_not_restored,  ///< of the process before
    // The shard is late, or no more; and who was refused for that.
    shard_late,
    shard_recovered,
    match_refused_late,
    // A peer met a limit, or did what it may not.
    address_connections,
    address_rate,
    address_matches,
    proxy_untrusted,
    proxy_header,
    tls_failed,
    bad_request,
    origin_refused,
    ticket_refused,
    rules_broken,  ///< closed with 1002, 1003 or 1007 to 1009
    over_rate,     ///< 4100
    too_slow,      ///< 4101
    timed_out,     ///< 4102, 4104
};
inline constexpr std::size_t cause_count = 22;

/// The cause that a close code speaks of; empty: nobody did anything wrong.
constexpr std::optional<Cause> cause_of_close(std::uint16_t code) noexcept {
    switch (code) {
        case 1002:
        case 1003:
        case 1007:
        case 1008:
        case 1009:
            return Cause::rules_broken;
        case 4100:
            return Cause::over_rate;
        case 4101:
            return Cause::too_slow;
        case 4102:
        case 4104:
            return Cause::timed_out;
        default:
            return std::nullopt;
    }
}

struct Incident {
    Cause cause{};
    std::uint16_t code = 0;  ///< of the close, or the HTTP status; 0: the peer was sent none
    protocol::PlayerNumber player = protocol::nobody;
    base::PeerAddress peer{};
    FixedText<64> match{};    ///< empty: none yet
    FixedText<128> detail{};  ///< may be the peer's bytes
};

/// Read twice a second; a flood of one cause leaves room for the others.
using IncidentRing = RecordRing<Incident, 512>;

/// How many incidents of each cause a shard tells in an interval.
class IncidentLimit {
  public:
    static constexpr base::Duration interval = std::chrono::seconds(10);

    bool admit(Cause cause, std::uint32_t count_max, base::Time now) noexcept {
        if (now >= ends_) {
            ends_ = now + interval;
            counts_.fill(0);
        }
        std::uint32_t& count = counts_[static_cast<std::size_t>(cause)];
        if (count >= count_max) {
            return false;
        }
        ++count;
        return true;
    }

  private:
    std::array<std::uint32_t, cause_count> counts_{};
    base::Time ends_ = base::Time::min();
};

}  // namespace tickwire::shard
