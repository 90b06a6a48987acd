// One match: its players and spectators, what they said since the last tick, and what each of them is to
// get. Deterministic: time and random bits are passed in, bytes go out through an Outlet.
//
// It does not know sockets, frames of the client's or JSON text: sessions hand it decoded messages.
#pragma once

#include <array>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <tl/expected.hpp>
#include <vector>

#include "base/buffer_pool.hpp"
#include "base/bytes.hpp"
#include "base/histogram.hpp"
#include "base/time.hpp"
#include "base/token_bucket.hpp"
#include "match/outlet.hpp"
#include "tickwire/protocol.hpp"
#include "wire/control.hpp"

namespace tickwire::match {

using protocol::PlayerNumber;

/// 128 random bits as 22 characters of base64url: names a slot to whoever resumes it.
using ResumeToken = std::array<char, 22>;

/// Random bits for tokens. Cryptographic in the relay, seeded in tests.
class TokenSource {
  public:
    virtual ResumeToken next_token() noexcept = 0;

  protected:
    ~TokenSource() = default;
};

/// What an operator may set. The defaults are the documented ones.
struct MatchOptions {
    std::uint32_t tick_hz = 30;           ///< 1 to 128
    std::uint32_t player_count_max = 64;  ///< 1 to 65,535
    std::uint32_t spectator_count_max = 1'000'000;
    base::Duration resume_window = std::chrono::seconds(20);
    base::Duration host_grace = std::chrono::seconds(1);  ///< away or hidden before another is named
    base::Duration keyframe_interval_min = std::chrono::seconds(1);  ///< between keyframes asked for
    std::size_t event_log_size = 256 * 1024;      ///< bytes kept for resuming, a power of two
    std::size_t properties_size_max = 64 * 1024;  ///< all together, as they are written in `welcome`
    std::uint32_t properties_count_max = 256;
    std::uint32_t outbox_size_max = 256 * 1024;  ///< what a replay must fit
    /// Told in `welcome`; sessions enforce them. `state_bytes` is at most state_bytes_max().
    wire::Limits limits{1024, 16384, 16384, 240, 262144, 10};
    wire::Limits spectator_limits{1024, 1024, 1024, 240, 262144, 10};
    std::string server_name = "tickwire/0.1.0";
};

/// The largest TICK of a match, one state of every player, must fit one buffer of the pool, 4 MiB.
inline constexpr std::uint64_t tick_size_max = base::BufferPool::size_max - 4096;

/// What a state may have at most so that one of every player fits a TICK. With 65,535 players that is 47.
constexpr std::uint32_t state_bytes_max(const MatchOptions& options) noexcept {
    const std::uint64_t share = tick_size_max / options.player_count_max - 16;
    return static_cast<std::uint32_t>(share < 32767 ? share : 32767);
}

/// The longest `welcome` with a roster that is full of names of `name_size_max` control characters, each of
/// which takes six bytes: what is there always has 649 bytes with a match's longest name, and a player 53.
constexpr std::uint64_t welcome_size_max(const MatchOptions& options, std::size_t name_size_max) noexcept {
    return 1024 + options.player_count_max * (53 + 6 * std::uint64_t{name_size_max}) +
           options.properties_size_max;
}
/// What of the outbox a `welcome` and what is replayed behind it may take: an eighth stays free. One that
/// fills it would be followed by 4101, and that by the same one, for ever.
constexpr std::size_t welcome_room(std::size_t outbox_size_max) noexcept {
    return outbox_size_max - outbox_size_max / 8;
}

/// A member of the match: index into its members, valid until the match forgets it.
using Member = std::uint32_t;

/// Why a join was refused: a close code and its reason.
struct Refusal {
    std::uint16_t code;
    std::string_view reason;
};

/// What a ticket grants beside what it puts into the join's fields (section 2).
struct Claims {
    bool is_host = false;                ///< the player takes over as host when it joins or comes back
    std::string subject;                 ///< whom the ticket names; for the life of the slot
    std::optional<wire::Limits> limits;  ///< in place of those of its role, for the life of the slot
};

/// How a connection ended, as it bears on the slot (section 7).
enum class Ending : std::uint8_t {
    left,    ///< `leave`: the slot ends
    closed,  ///< a close frame but 1001 from the client, or a final close by the relay: the slot ends
    lost,    ///< anything else: the player is away for the resume window
};

/// Counted by the match's shard.
struct MatchCounters {
    std::uint64_t ticks = 0;
    std::uint64_t ticks_left_out = 0;     ///< numbers that a late relay skipped
    std::uint64_t shared_messages = 0;    ///< handed to members in shared buffers: TICKs, EVENTS, JSON
    std::uint64_t tick_messages = 0;      ///< TICKs handed to members
    std::uint64_t keyframe_messages = 0;  ///< of these
    std::uint64_t entries_full = 0;       ///< state entries encoded
    std::uint64_t entries_delta = 0;
    std::uint64_t skipped_busy = 0;     ///< a member's send had not completed
    std::uint64_t skipped_lagging = 0;  ///< its `seen` lagged
    std::uint64_t skipped_no_memory = 0;
    std::uint64_t states_taken = 0;
    std::uint64_t events_taken = 0;
    std::uint64_t events_refused = 0;  ///< no such player or host
    std::array<std::uint64_t, wire::control_error_count>
        errors{};  ///< `error` messages, by wire::ControlErrorCode
    std::uint64_t resumes = 0;
    std::uint64_t resumes_recovered = 0;
    std::uint64_t away_timeouts = 0;
    std::uint64_t host_changes = 0;
    /// From a tick's sending to the report that it was received: how old states are when they are seen, and
    /// a report's way back.
    base::LatencyHistogram state_age;
};

/// A member as an operator sees it.
struct MemberReport {
    PlayerNumber player = protocol::nobody;
    std::string name;
    bool is_spectator = false;
    bool is_plain = false;
    bool is_away = false;  ///< then what follows is empty
    Connection connection;
    std::uint32_t divisor = 1;
    std::optional<base::Duration> round_trip;
    base::Duration age{};  ///< since the oldest tick that it has not reported was sent
    bool is_slow = false;  ///< lags now, or its link needs a divisor
    bool is_visible = true;
};
struct MatchReport {
    std::optional<PlayerNumber> host;
    bool is_locked = false;
    std::uint32_t tick = 0;
    std::uint32_t event = 0;
    std::uint64_t properties_version = 0;
    std::vector<MemberReport> members;  ///< players by number, then spectators
};

/// When and where members that are sent away are to come back: spread evenly over a window.
struct Parting {
    base::Duration window{};
    std::string_view url;     ///< empty: here
    std::uint32_t count = 1;  ///< of all who are sent away, at least
    std::uint32_t place = 0;  ///< of the next one
};

struct MatchSnapshot;  // match/snapshot.hpp

/// When a match that another process left goes on.
struct Restoring {
    base::Time now;
    base::Duration pause;  ///< from now on: so long resume windows and the host's grace stand still
};

/// Lives on one shard from its first member to the end of its last resume window. Everything that grows
/// with what members do has a bound in MatchOptions; states, baselines and shared frames live in `pool`.
class Match {
  public:
    /// `opened` sets the phase: tick k is due at opened + k / tick_hz. `pool`, `outlet`, `tokens` and
    /// `counters` must outlive the match.
    Match(std::string name, const MatchOptions& options, base::Time opened, base::BufferPool& pool,
          Outlet& outlet, TokenSource& tokens, MatchCounters& counters);
    /// Goes on with what another process left, everybody away: same numbers, tokens, events and clock.
    /// `options` as for the constructor, but that rate and size are the snapshot's. Null where the pool has
    /// no room.
    static std::unique_ptr<Match> restore(const MatchSnapshot& snapshot, const MatchOptions& options,
                                          const Restoring& restoring, base::BufferPool& pool,
                                          Outlet& outlet, TokenSource& tokens, MatchCounters& counters);
    ~Match();
    Match(const Match&) = delete;
    Match& operator=(const Match&) = delete;

    // --- members come and go

    /// Queues `welcome` (and the replay). May take a live connection over, which is closed with 4003.
    /// `claims` do not count for a resume: the slot keeps those that it was opened with.
    tl::expected<Member, Refusal> join(Connection connection, const wire::Join& join, base::Time now,
                                       const Claims& claims = {});
    /// The plain lane: a player with an empty name, no state and no resume.
    /// `name`: as the ticket has it.
    tl::expected<Member, Refusal> join_plain(Connection connection, base::Time now,
                                             const Claims& claims = {}, std::string name = {});
    /// Whether the token is that of a slot: a join with it is a resume, and needs no ticket.
    bool can_resume(std::string_view token) const noexcept;
    /// The connection of a member has ended, or is about to for a reason of its session's.
    void disconnect(Member member, Ending ending, base::Time now) noexcept;

    // --- what members say. Nothing here may be called for a member that the match has forgotten.

    /// False where a spectator or plain member sent it: close with 1002.
    [[nodiscard]] bool take_state(Member member, const protocol::State& state, base::Time now) noexcept;
    /// False where a spectator sent it: close with 1002.
    [[nodiscard]] bool take_event(Member member, const protocol::Event& event, base::Time now) noexcept;
    void take_ping(Member member, const protocol::Ping& ping, base::Time now) noexcept;
    void take_resync(Member member, base::Time now) noexcept;
    /// The plain lane's message: an event for everyone.
    void take_plain(Member member, base::Bytes body, bool is_text, base::Time now) noexcept;
    /// May close the sender (`leave`) or another (`kick`): Outlet::close() says whom the match has
    /// forgotten.
    void take_request(Member member, const wire::ControlRequest& request, base::Time now);
    /// Answers a text that was no request with `error`, in order with what is queued.
    void refuse_request(Member member, const wire::RequestError& error, base::Time now);

    /// Fetches into the cache what the member's next message will touch: with step 0 the match itself, with
    /// step 1 the member's record, with step 2 what that points to. A hint: the member may be gone.
    void prefetch(Member member, unsigned step) const noexcept;

    // --- what the operator or the game's backend asks

    MatchReport report(base::Time now) const;
    /// False where nobody has that number.
    bool kick(PlayerNumber player, std::string_view reason);
    /// The relay stops: closes every connection with 1001, those of the game lane after `drain`, which
    /// tells each its own time to come back. Players are away then, and nobody is told, for nobody is left.
    void send_away(Parting& parting, base::Time now);
    /// Every slot ends, every connection is closed: the match is over.
    void close_everyone(std::uint16_t code, std::string_view reason);
    /// As the server, 65,535.
    enum class Done : std::uint8_t { done, no_such_player, too_large, version_differs, no_memory };
    struct ServerEvent {
        PlayerNumber to = protocol::nobody;  ///< nobody: everyone
        bool is_text = false;
    };
    Done send_event(const ServerEvent& event, base::Bytes body);
    Done set_properties(const wire::SetProperties& request);
    /// For those who join from now on; bounded as MatchOptions' are.
    void set_limits(const wire::Limits& limits, const wire::Limits& spectator_limits) noexcept;

    // --- time passes

    /// When run_tick() is due next.
    base::Time next_tick_due() const noexcept;
    /// Does what is due at `now`: takes the states, sends events and TICKs, lets resume windows and the
    /// host's grace end.
    void run_tick(base::Time now) noexcept;
    /// The end of a slot: PONGs, and the plain lane's messages, which do not wait for the tick.
    void finish_slot(base::Time now) noexcept;
    /// No member and no open resume window: the shard destroys it.
    bool is_over() const noexcept;

    /// From now on spectators get every `divisor`th tick at most (1, 2, 4 or 8): the shard is late. Each is
    /// told at one of the next ticks, a few hundred at a time.
    void shed_spectators(std::uint8_t divisor) noexcept;

    // --- what others may know

    /// What another process needs to go on. Its views are good until the match does anything.
    MatchSnapshot snapshot(base::Time now) const;

    std::string_view name() const noexcept;
    std::uint32_t player_count() const noexcept;  ///< slots, present and away
    std::uint32_t spectator_count() const noexcept;
    std::uint32_t tick_number() const noexcept;
    std::uint32_t tick_hz() const noexcept;
    /// Those of a member without a ticket.
    const wire::Limits& limits_of(wire::Role role) const noexcept;
    std::uint32_t state_bytes_max() const noexcept;
    /// As the ticket had it; empty: no ticket, or a spectator.
    std::string_view subject(PlayerNumber player) const noexcept;
    /// What it holds outside of the pool, about.
    std::size_t heap_size() const noexcept;
    /// nobody: a spectator.
    PlayerNumber player_of(Member member) const noexcept;
    /// What `welcome` told this member; its session enforces them.
    const wire::Limits& limits(Member member) const noexcept;
    /// What is left of the rates of a member that has just joined: all of them but for a resume's. A
    /// spectator has no slot, so that its rates are its connection's.
    base::RateBuckets rates(Member member) const noexcept;

  private:
    struct Implementation;
    std::unique_ptr<Implementation> implementation_;
};

}  // namespace tickwire::match
