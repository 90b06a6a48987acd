// What one member of the game lane knows of its match from what it received, and every promise of
// proto/protocol.md that can be checked from there.
#pragma once

#include <simdjson.h>

#include <cstdint>
#include <deque>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "client_link.hpp"
#include "match/match.hpp"
#include "oracles.hpp"
#include "tickwire/protocol.hpp"
#include "world.hpp"

namespace tickwire::simulation {

/// What the client asked for with its join.
struct JoinAttempt {
    Slot* slot = nullptr;          ///< a new one, named in the join; null for a spectator
    Slot* resumed_slot = nullptr;  ///< whose token was given
    std::string token;
    std::optional<std::uint32_t> seen_event;
    /// Where welcome is sent before this, the slot must be there still. Empty: it may be over.
    std::optional<Time> window_end;
};

class MemberView {
  public:
    MemberView(World& world, Oracles& oracles, std::string who, const match::MatchOptions& options)
        : world_(world), oracles_(oracles), who_(std::move(who)), options_(options) {}

    /// A new connection: nothing is known until its welcome.
    void begin(const JoinAttempt& attempt);
    void on_text(std::string_view json, const Arrival& arrival);
    void on_binary(base::Bytes message, const Arrival& arrival);
    /// The message that ends at this offset of what the socket sends reported this tick as seen.
    void note_report(const Socket& socket, std::uint64_t end, std::uint32_t tick) {
        reports_.push_back({&socket, end, tick});
    }
    std::uint64_t note_request() {
        open_requests_.insert(++newest_request_);
        return newest_request_;
    }
    /// Nothing more will be received in this tenure.
    void finish();

    /// At rest: all that was sent is here.
    void check_settled();
    /// What all members of a match agree on.
    std::string digest() const;

    bool is_welcome() const noexcept { return is_welcome_; }
    Slot* slot() const noexcept { return slot_; }
    PlayerNumber player() const noexcept { return player_; }
    bool is_host() const noexcept { return slot_ != nullptr && host_ == player_; }
    bool is_locked() const noexcept { return is_locked_; }
    std::uint32_t tick() const noexcept { return tick_; }
    std::uint32_t seen_event() const noexcept { return tenure_ ? seen_event_ : 0; }
    std::uint32_t events_taken() const noexcept { return events_taken_; }
    std::uint64_t properties_version() const noexcept { return properties_version_; }
    const std::string& token() const noexcept { return token_; }
    std::size_t history() const noexcept { return history_; }
    /// A player of the roster, or nobody.
    PlayerNumber draw_player(Random& random) const;

  private:
    struct Known {
        std::string name;
        Slot* slot = nullptr;  ///< null: plain, its name is empty
        bool is_away = false;
        bool is_plain = false;
    };
    struct Shown {
        std::vector<std::uint8_t> bytes;
        std::size_t index = 0;
        bool is_baseline = false;  ///< of this connection, and no keyframe since without it
    };
    struct NewestEvent {
        std::size_t index;
        std::optional<std::uint32_t> epoch;  ///< the host's when it was taken; empty: it was replayed
    };
    struct Report {
        const Socket* socket;
        std::uint64_t end;
        std::uint32_t tick;
    };
    struct SentTick {
        std::uint32_t tick;
        Time sent;
    };
    struct ReportDelay {
        Time reported;
        Duration delay;
    };

    [[noreturn]] void fail(const std::string& what) const;
    void on_welcome(simdjson::dom::object message, const Arrival& arrival);
    void take_roster(simdjson::dom::object message);
    void check_identity(simdjson::dom::object message);
    struct Resumption {
        bool is_recovered;
        std::uint32_t event;  ///< the newest, as welcome tells it
    };
    void start_tenure(const Resumption& resumption, const Arrival& arrival);
    void check_not_recovered(std::uint32_t event, const Arrival& arrival);
    void know_player(PlayerNumber number, Known known);
    void on_roster_change(std::string_view op, simdjson::dom::object message);
    void on_match_change(std::string_view op, simdjson::dom::object message);
    void on_answer(simdjson::dom::object message);
    void on_tick(base::Bytes message, const Arrival& arrival);
    void check_tick_header(const protocol::TickHeader& header) const;
    void on_state_entry(const protocol::StateEntry& entry, bool is_keyframe, const Arrival& arrival);
    void check_wait(const SentState& sent, std::uint8_t wait, const Arrival& arrival) const;
    void check_keyframe(const std::set<PlayerNumber>& entries, const Arrival& arrival) const;
    void check_fresh(std::uint32_t tick, const Arrival& arrival);
    void take_report(const Report& report);
    Duration report_delay_max() const;
    void on_events(base::Bytes message);
    void on_event(const protocol::EventEntry& entry);
    void check_event_origin(const protocol::EventEntry& entry);
    /// Whether an event was for this member, taken between two that it received.
    bool was_for_us(const SentEvent& event, const NewestEvent& before, const NewestEvent& behind) const;

    World& world_;
    Oracles& oracles_;
    std::string who_;
    const match::MatchOptions& options_;
    simdjson::dom::parser parser_;
    JoinAttempt attempt_;

    // Of the slot: they outlive a connection.
    Slot* slot_ = nullptr;
    std::string token_;
    std::optional<Tenure> tenure_;
    std::uint32_t seen_event_ = 0;
    std::size_t own_events_from_ = 0;  ///< its events from here on must come back to it
    std::unordered_map<const Slot*, NewestEvent> newest_events_;  ///< from each sender

    // Of the connection.
    bool is_welcome_ = false;
    PlayerNumber player_ = protocol::nobody;
    std::size_t history_ = 0;
    std::map<PlayerNumber, Known> roster_;
    std::optional<PlayerNumber> host_;
    std::uint32_t epoch_ = 0;
    bool is_locked_ = false;
    std::map<std::string, std::string> properties_;
    std::uint64_t properties_version_ = 0;
    std::uint32_t tick_ = 0;
    std::optional<std::uint32_t> ticked_;  ///< the newest received with the divisor in force
    std::uint32_t divisor_ = 1;
    bool needs_keyframe_ = true;
    std::uint32_t replay_until_ = 0;
    std::uint32_t events_taken_ = 0;
    std::unordered_map<PlayerNumber, Shown> shown_;
    std::set<std::uint64_t> open_requests_;
    std::uint64_t newest_request_ = 0;
    std::deque<Report> reports_;
    std::deque<SentTick> unreported_;
    std::deque<ReportDelay> report_delays_;  ///< of the last 10 s that had any
    bool is_blurred_ = false;                ///< more were unreported than the relay tells apart
    bool has_reported_ = false;
};

}  // namespace tickwire::simulation
