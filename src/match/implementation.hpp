// A match from the inside: the rooms it is made of, and the functions that lead from one to the other.
// Its functions are in match.cpp (what members send), lifecycle.cpp (they come and go), hosting.cpp (who is
// host, and time that runs out), requests.cpp (control JSON), administration.cpp (what the operator asks),
// delivery.cpp (the log's way to members), fan_out.cpp (the tick) and restoring.cpp (the next process).
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "match/event_log.hpp"
#include "match/host_election.hpp"
#include "match/match.hpp"
#include "match/members.hpp"
#include "match/properties.hpp"
#include "match/rate_class.hpp"
#include "match/roster.hpp"
#include "match/shared_frames.hpp"
#include "match/snapshot.hpp"
#include "match/states.hpp"
#include "match/tick_clock.hpp"
#include "match/tick_encoder.hpp"

namespace tickwire::match {

struct Match::Implementation {
    Implementation(std::string match_name, const MatchOptions& match_options, base::Time opened,
                   base::BufferPool& buffer_pool, Outlet& match_outlet, TokenSource& token_source,
                   MatchCounters& match_counters);

    // --- lifecycle.cpp

    tl::expected<Member, Refusal> join(Connection connection, const wire::Join& join, base::Time now,
                                       const Claims& claims);
    tl::expected<Member, Refusal> join_plain(Connection connection, base::Time now, const Claims& claims,
                                             std::string player_name);
    tl::expected<Member, Refusal> join_as_spectator(Connection connection, const Claims& claims);
    /// A slot, a member that holds it, and `joined` for the others.
    tl::expected<Member, Refusal> add_player(Slot slot, Connection connection);
    Member resume(PlayerNumber player, Connection connection, std::optional<std::uint32_t> seen_event,
                  base::Time now);
    Member add_member(MemberKind kind, PlayerNumber player, Connection connection);
    /// Bounded so that a state of every player fits a TICK.
    void set_limits(const wire::Limits& limits, const wire::Limits& spectator_limits) noexcept;
    const wire::Limits& limits_of(const MemberRecord& record) const noexcept;
    void forget_member(Member member) noexcept;
    void disconnect(Member member, Ending ending, base::Time now);
    void end_slot(PlayerNumber player, wire::LeftReason reason);
    PlayerSlot describe(PlayerNumber player) const noexcept;

    struct Replay {
        bool is_recovered = false;
        Audience audience;
    };
    /// Whether all events after `seen_event` that were for the player are still here.
    Replay plan_replay(PlayerNumber player, std::optional<std::uint32_t> seen_event) const noexcept;
    std::size_t measure_replay(const Replay& replay) const noexcept;
    /// Writes `welcome` for a member into `json`.
    void write_welcome(const MemberRecord& record, bool is_recovered);
    /// Queues `json`, the member's welcome. What the log gets from here on is for it, too.
    void welcome(MemberRecord& record) noexcept;

    // --- hosting.cpp

    void name_host(std::optional<PlayerNumber> player);
    /// To be called whenever a player came, went, hid or showed itself, and at the grace's end.
    void reconsider_host(base::Time now);
    bool is_eligible(PlayerNumber player) const noexcept;
    std::optional<PlayerNumber> best_candidate() const noexcept;
    void set_timer(base::Time due) noexcept;
    void run_timers(base::Time now);

    // --- match.cpp

    bool take_event(Member member, const protocol::Event& event, base::Time now);
    /// `addressee`: nobody for everyone. The body fits the log.
    void log_event(PlayerNumber from, PlayerNumber addressee, protocol::Kind kind,
                   base::Bytes body) noexcept;
    void on_report(MemberRecord& record, std::uint16_t seen, base::Time now) noexcept;
    void refuse_event(MemberRecord& record, wire::ControlErrorCode code, std::string_view message);

    // --- administration.cpp

    MatchReport report(base::Time now);
    bool kick(PlayerNumber player, std::string_view reason);
    void close_everyone(std::uint16_t code, std::string_view reason);
    void send_away(Parting& parting, base::Time now);

    // --- requests.cpp

    struct RequestHandler;
    void take_request(Member member, const wire::ControlRequest& request, base::Time now);
    void refuse_request(Member member, const wire::RequestError& error);
    void answer_ok(MemberRecord& record, std::optional<std::uint64_t> id);
    void answer_error(MemberRecord& record, wire::ControlErrorCode code, std::string_view message,
                      std::optional<std::uint64_t> id);
    /// Puts a member into the class of its divisor in force, and tells it where that is another.
    enum class Cause : std::uint8_t { member, link };
    void apply_divisor(Member member, wire::RateReason reason, Cause cause);

    // --- delivery.cpp

    /// Logs `json` for every member of the game lane.
    void announce();
    /// Queues `json` for one member, behind what it is yet to get from the log.
    void tell(MemberRecord& record);
    /// Serves those who read what the log is to drop for a message of this size.
    void make_room(std::size_t message_size) noexcept;
    /// Queues for a member what lies behind its cursor.
    void materialise(MemberRecord& record) noexcept;
    void queue_log(Connection connection, LogPosition from, const Audience& audience) noexcept;
    void send_plain(PlayerNumber addressee, protocol::Kind kind, base::Bytes body) noexcept;

    // --- fan_out.cpp

    void run_tick(base::Time now) noexcept;
    /// Moves some more spectators to the rate that the shard bears.
    void shed() noexcept;
    void serve_everyone(const TickEncoder& tick) noexcept;
    void serve_waiting(const TickEncoder& tick) noexcept;
    void serve(Member member, const TickEncoder& tick) noexcept;
    /// The TICK that a member is to get now, if it can take it.
    TickContent content_for(const MemberRecord& record, base::Time now) const noexcept;
    /// Whether it must be withheld since the member lags; a member that keeps lagging gets fewer ticks.
    bool is_withheld_for_lag(Member member, base::Time now) noexcept;
    void on_tick_sent(MemberRecord& record, TickContent content, const TickEncoder& tick) noexcept;
    /// Withholds a tick: the baselines of the class move on, the member's do not.
    void skip(MemberRecord& record) noexcept;
    bool is_waiting(const MemberRecord& record) const noexcept;
    void put_on_waiting_list(Member member) noexcept;
    void answer_pings(base::Time now) noexcept;

    // --- restoring.cpp

    MatchSnapshot snapshot(base::Time now) const;
    SlotSnapshot snapshot_of(PlayerNumber player, base::Time now) const;
    /// Of a match that has just been made. False where the pool has no room for its log.
    bool restore(const MatchSnapshot& snapshot, base::Time now, base::Time go_on);

    const std::string name;
    MatchOptions options;  ///< constant but for what set_limits() changes
    base::BufferPool& pool;
    Outlet& outlet;
    TokenSource& tokens;
    MatchCounters& counters;

    const TickClock clock;
    Roster roster;
    MemberTable members;
    StateTable states;
    RateClasses classes;
    EventLog log;
    Properties properties;
    HostElection election;
    SharedFrames frames;

    TickNumber last_tick = 0;
    std::uint8_t shed_divisor = 1;  ///< of spectators
    Member shed_next = 0;           ///< the first that has perhaps another
    bool is_locked = false;
    base::Time timer_due =
        base::Time::max();         ///< the earliest end of a resume window or of the host's grace
    LogPosition served_head = 0;   ///< the log's head when everybody was served last
    LogPosition cursor_floor = 0;  ///< no member reads from before this
    std::vector<Member> waiting;   ///< members to be served though nothing new happened
    std::vector<Member> pongs;     ///< members with a PING to answer
    std::vector<Member> plain;     ///< the plain lane's
    std::string json;              ///< the message being written
};

}  // namespace tickwire::match
