// What the service may ask of a shard, on the shard's own thread: requests go through its door and are
// answered at the end of a slot, so nothing here needs a lock.
#pragma once

#include <array>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/bytes.hpp"
#include "base/peer_address.hpp"
#include "base/time.hpp"
#include "match/match.hpp"
#include "session/environment.hpp"
#include "shard/pressure.hpp"
#include "ticket/key_set.hpp"
#include "tls/tls_engine.hpp"

namespace tickwire::shard {

/// A page that is served beside the relay: the demo.
struct Page {
    std::string_view content_type;
    base::Bytes content;
};
/// The page at a path, or null. The same function for all shards; called from their threads.
using PageFinder = const Page* (*)(std::string_view path);

/// Whom a shard lets in, and how much of its time that may take.
struct AdmissionOptions {
    base::AddressRules addresses;
    std::uint32_t handshake_count_max = 10000;    ///< TLS handshakes in flight, of this shard
    std::uint32_t newcomer_share_permille = 400;  ///< of a slot, for newcomers and leavers
    PressureLimits pressure;
};

/// What may change while the relay runs: an immutable snapshot, shared by all shards, each of which takes
/// it up at the end of a slot.
struct LiveSettings {
    session::SessionOptions session;
    match::MatchOptions match;  ///< for matches that open from now on; its limits for all; not its tick_hz
    AdmissionOptions admission;
    std::shared_ptr<tls::TlsContext> tls_context;       ///< for connections from now on
    std::shared_ptr<const ticket::KeySet> ticket_keys;  ///< of a shard that began with some, as it is now
    PageFinder find_page = nullptr;
    std::uint32_t log_lines = 10;  ///< of one cause, of a shard, in IncidentLimit::interval
};

struct MatchSummary {
    std::string name;
    std::uint32_t players = 0;  ///< present and away
    std::uint32_t spectators = 0;
    std::uint32_t tick = 0;
    bool is_held = false;  ///< opened by the game's backend, and nobody has come yet
};

struct MemberTraffic {
    std::uint64_t bytes_received = 0;
    std::uint64_t bytes_sent = 0;
    std::uint64_t bytes_queued = 0;
    std::uint64_t bytes_held = 0;  ///< queued, and what a send that is not over pins
    bool is_tls = false;
    base::PeerAddress peer;  ///< whom the connection comes from
};
struct MatchDetails {
    match::MatchReport report;
    std::vector<MemberTraffic> traffic;  ///< of report.members, by index
};

/// What one slot did.
struct SlotRecord {
    base::Time woke{};
    std::uint32_t busy_us = 0;
    std::uint32_t receives = 0;
    std::uint32_t sends = 0;
    std::uint32_t ticks = 0;
    std::uint32_t lateness_max_us = 0;  ///< of its ticks
};
/// The last ones, oldest first when read from `next` on.
struct SlotLog {
    std::array<SlotRecord, 1000> slots{};
    std::size_t next = 0;
};

/// How members are sent away when the relay stops.
struct Farewell {
    base::Duration window{};  ///< members come back spread over so long
    std::string url;          ///< where to; empty: here
    /// How long the answers to our close are awaited.
    base::Duration linger = std::chrono::milliseconds(1500);
};

/// Implemented by the shard. To be used inside a Request alone. Nothing outlives the request.
class Control {
  public:
    virtual void apply(const std::shared_ptr<const LiveSettings>& settings) = 0;
    virtual std::vector<MatchSummary> list_matches() = 0;
    virtual std::optional<MatchDetails> describe_match(std::string_view name) = 0;
    /// Opens a match that stays for `hold` though nobody is in it. The caller holds a reference to the name
    /// in the directory. Empty where there is no room; false: it was open already.
    virtual std::optional<bool> open_match(std::string_view name, base::Duration hold) = 0;
    /// Null where there is no such match. What is done to it goes out in this slot.
    virtual match::Match* find_match(std::string_view name) = 0;
    /// Ends what find_match() found, held or not.
    virtual bool close_match(std::string_view name, std::uint16_t code, std::string_view reason) = 0;
    /// Sets properties from a JSON object as text; the match's answer, or empty where it is no such object.
    virtual std::optional<match::Match::Done> set_properties(match::Match& match,
                                                             std::string_view json) = 0;
    /// What members are told when the shard stops.
    virtual void set_farewell(Farewell farewell) = 0;
    /// Stops, as Door::ask_to_stop() does, and returns what the next process needs to go on: a snapshot of
    /// each match, encoded. Nothing that members say is taken from here on, so nothing is lost between.
    virtual std::vector<std::vector<std::uint8_t>> leave(Farewell farewell) = 0;
    virtual const SlotLog& slot_log() = 0;

  protected:
    ~Control() = default;
};

}  // namespace tickwire::shard
