// One thread of the relay: its ring, its connections, its matches. A slot is: wait, take all that arrived,
// run the matches that are due, send, sleep.
//
// Shares nothing that is written with other shards but the directory and the doors.
#pragma once

#include <cstdint>
#include <deque>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <tl/expected.hpp>
#include <unordered_map>
#include <utility>
#include <vector>

#include "base/buffer_pool.hpp"
#include "base/slot_pool.hpp"
#include "base/time.hpp"
#include "match/match.hpp"
#include "match/snapshot.hpp"
#include "session/session.hpp"
#include "shard/control.hpp"
#include "shard/counters.hpp"
#include "shard/directory.hpp"
#include "shard/door.hpp"
#include "shard/incidents.hpp"
#include "shard/newcomer_queue.hpp"
#include "shard/notices.hpp"
#include "shard/pressure.hpp"
#include "shard/slot_grid.hpp"
#include "shard/turn_queue.hpp"
#include "ticket/verifier.hpp"
#include "tls/tls_engine.hpp"
#include "uring/backend.hpp"

namespace tickwire::shard {

/// Connections over a limit that each shard may tell so with a 503 at the same time.
inline constexpr std::uint32_t refusal_places = 64;

enum class ListenerKind : std::uint8_t { plain, tls };

/// A listening descriptor of this shard's own, or one shared by all; not closed by the shard.
struct Listener {
    int descriptor = -1;
    ListenerKind kind = ListenerKind::plain;
    session::Preamble preamble = session::Preamble::none;  ///< a header, from trusted proxies alone
};

struct ShardOptions {
    match::MatchOptions match;
    session::SessionOptions session;
    uring::Options backend;
    std::uint32_t connection_count_max = 20000;  ///< of this shard: places in its table
    std::uint32_t match_count_max = 10000;
    std::size_t pool_size_max = std::size_t{1} << 32U;          ///< address space for buffers
    base::Duration slot_max = std::chrono::microseconds(2000);  ///< zero: wake at each arrival
    AdmissionOptions admission;
    Farewell farewell{std::chrono::milliseconds(500), {}};
    PageFinder find_page = nullptr;
    std::uint32_t log_lines = 10;  ///< of one cause in IncidentLimit::interval
};

/// What the process before left, as far as it is for one shard: see match/snapshot.hpp.
struct Legacy {
    std::vector<const match::MatchSnapshot*> matches;
    /// How long time stands still for those who are away: most are on their way.
    base::Duration pause = std::chrono::seconds(2);
};

/// What a shard is given by the service.
struct ShardSetting {
    std::uint32_t index = 0;
    std::vector<Listener> listeners;
    std::shared_ptr<tls::TlsContext> tls_context;  ///< null where no listener speaks TLS
    Directory* directory = nullptr;
    std::span<Door* const> doors;  ///< of all shards, by index
    match::TokenSource* tokens = nullptr;
    PublishedCounters* published = nullptr;             ///< may be null
    NoticeRing* notices = nullptr;                      ///< null: nobody wants to know
    IncidentRing* incidents = nullptr;                  ///< as `notices`
    std::shared_ptr<const ticket::KeySet> ticket_keys;  ///< null: who wants to play may
    ticket::Policy ticket_policy;
    std::int64_t (*unix_time)() noexcept = nullptr;  ///< needed with ticket_keys
    /// Opened before anybody is accepted. The directory holds a reference to each, which becomes the
    /// match's. The snapshots need to live as long as create() runs.
    Legacy legacy;
};

/// Made, run and destroyed on one thread.
class Shard final : private uring::Events, private session::Host, private match::Outlet, private Control {
  public:
    static tl::expected<std::unique_ptr<Shard>, uring::SetupError> create(const ShardOptions& options,
                                                                          ShardSetting setting);
    ~Shard();
    Shard(const Shard&) = delete;
    Shard& operator=(const Shard&) = delete;

    /// One slot. Sleeps in the backend's wait().
    void step();
    /// Steps until it was asked to stop at its door and every connection has ended.
    void run();
    /// Asked to stop, and empty.
    bool is_done() const noexcept;

    const ShardCounters& counters() noexcept;

  private:
    struct MatchRoom {
        explicit MatchRoom(std::unique_ptr<match::Match> opened_match, std::uint32_t phase_slot)
            : match(std::move(opened_match)), phase(phase_slot) {}
        std::unique_ptr<match::Match> match;
        std::uint32_t phase;  ///< off_grid for a match of another rate
        /// From when a tick is due to its slot. Less than a slot, and zero but for a match of another
        /// process, which had a grid of its own.
        base::Duration slot_delay{};
        std::uint64_t opening = 0;  ///< tells it from others of its name: they count on this shard
        bool is_touched = false;    ///< something was said in this slot: finish_slot() is due
        base::Time held_until{};    ///< stays open until then though nobody is in it
        /// Whose match it is by `max-matches-per-address`; 0: nobody's, as the service's and those of the
        /// process before.
        base::AddressKey opener = 0;
    };

    enum class Receiving : std::uint8_t { nothing, once, many };

    /// Invariant: `room` exists exactly while the match knows the member. `match_name`, of who is about to
    /// join, is named in the directory by one reference while it is there.
    struct Connection {
        Connection(session::Environment& environment, session::Transport transport,
                   session::Preamble preamble, base::Time now)
            : session(environment, transport, now, preamble),
              is_handshaking(transport == session::Transport::tls) {}
        Connection(session::Environment& environment, session::MovedSession& moved, base::Time now)
            : session(environment, moved, now) {}
        session::Session session;
        base::Handle room;
        match::Member member = 0;
        std::unique_ptr<std::string> match_name;
        std::unique_ptr<session::MovedSession> arriving;  ///< handed over, and not looked at yet
        base::PeerAddress peer;        ///< whom it comes from, as far as is known and may be believed
        base::AddressKey address = 0;  ///< what it is charged to; 0: nobody
        Receiving receiving = Receiving::nothing;
        bool is_listed = false;     ///< in attention_
        bool is_last_send = false;  ///< closes when the send in flight is over
        bool is_finished = false;   ///< FIN is sent
        bool is_ended = false;      ///< the peer will send no more; the session may not know yet
        bool is_closing = false;    ///< the backend knows, or will: it is a leaver
        bool is_closed = false;     ///< nothing is in flight any more
        bool is_refused = false;    ///< over a limit: answers 503
        bool is_by_proxy = false;   ///< of a trusted proxy: it says whom it speaks for
        bool is_handshaking = false;
        bool is_under_way = false;  ///< has had a turn as a newcomer
    };

    Shard(const ShardOptions& options, ShardSetting setting);

    // uring::Events
    void on_accepted(std::uint32_t listener, int descriptor) override;
    void on_received(uring::Channel channel, base::MutableBytes bytes) override;
    void on_receive_ended(uring::Channel channel, uring::ReceiveEnd end) override;
    void on_sent(uring::Channel channel, uring::SendResult result) override;
    void on_closed(uring::Channel channel) override;
    void on_connected(uring::Channel channel, uring::SendResult result) override;
    void on_upcoming(uring::Channel channel, unsigned step) noexcept override;

    // session::Host
    bool on_proxy_header(session::Session& session, const wire::ProxyHeader& header) override;
    void on_upgrade(session::Session& session, const wire::HttpRequest& request,
                    const wire::RoutedPath& route) override;
    void on_page_request(session::Session& session, const wire::HttpRequest& request) override;
    void on_join(session::Session& session, const wire::Join& join) override;
    void on_plain_join(session::Session& session) override;
    std::unique_ptr<tls::TlsEngine> make_engine() override;
    bool on_state(session::Session& session, const protocol::State& state) override;
    bool on_event(session::Session& session, const protocol::Event& event) override;
    void on_ping(session::Session& session, const protocol::Ping& ping) override;
    void on_resync(session::Session& session) override;
    void on_plain_message(session::Session& session, base::Bytes body, bool is_text) override;
    void on_request(session::Session& session, const wire::ControlRequest& request) override;
    void on_bad_request(session::Session& session, const wire::RequestError& error) override;
    void on_fault(session::Session& session, const session::Fault& fault) override;
    void on_end(session::Session& session, session::SessionEnd end) override;
    void on_attention(session::Session& session) override;

    // match::Outlet
    void on_upcoming(match::Connection connection) noexcept override;
    match::LinkState link_state(match::Connection connection) noexcept override;
    base::RateBuckets rates(match::Connection connection) noexcept override;
    void queue_frame(match::Connection connection, websocket::Opcode opcode,
                     base::Bytes payload) noexcept override;
    void send_shared(match::Connection connection, const base::SharedBuffer& frames) noexcept override;
    void close(match::Connection connection, std::uint16_t code, std::string_view reason) noexcept override;
    void on_player_joined(const match::PlayerSlot& slot, match::Connection connection) noexcept override;
    void on_player_left(const match::PlayerSlot& slot, wire::LeftReason reason) noexcept override;

    // Control
    void apply(const std::shared_ptr<const LiveSettings>& settings) override;
    std::vector<MatchSummary> list_matches() override;
    std::optional<MatchDetails> describe_match(std::string_view name) override;
    std::optional<bool> open_match(std::string_view name, base::Duration hold) override;
    match::Match* find_match(std::string_view name) override;
    bool close_match(std::string_view name, std::uint16_t code, std::string_view reason) override;
    std::optional<match::Match::Done> set_properties(match::Match& match, std::string_view json) override;
    void set_farewell(Farewell farewell) override { options_.farewell = std::move(farewell); }
    std::vector<std::vector<std::uint8_t>> leave(Farewell farewell) override;
    const SlotLog& slot_log() override { return slot_log_; }

    Connection& connection_of(const session::Session& session) noexcept;
    /// The room of a joined session; null where its match has just forgotten it.
    MatchRoom* touch_room(Connection& connection) noexcept;
    base::Handle find_room(std::string_view match) noexcept;
    /// A new one; `grant` is the ticket of who opens it.
    base::Handle open_room(std::string_view match, const ticket::Grant* grant);
    /// Where a match that opens now ticks, and from when.
    struct Berth {
        base::Time opened;
        std::uint32_t phase;
    };
    Berth choose_berth(std::uint32_t tick_hz) noexcept;
    /// Gives a match its room; none where there is no room.
    base::Handle add_room(std::unique_ptr<match::Match> match, std::uint32_t phase);
    void restore_matches();
    bool restore_match(const match::MatchSnapshot& snapshot);
    match::MatchOptions options_of_match(std::uint32_t tick_hz,
                                         std::uint32_t player_count_max) const noexcept;

    // Admission: shard_admission.cpp.
    /// The room that a session may enter, opened where need be; closes the session otherwise.
    struct Entry {
        MatchRoom* room = nullptr;
        base::Handle handle;
        match::Claims claims;
        std::string used_ticket;  ///< of single use: given back where the match takes nobody
    };
    Entry admit(session::Session& session, std::string_view ticket, wire::Join& join, session::Lane lane);
    /// Empty: refused, and closed. A grant without anything where no ticket is needed.
    std::optional<ticket::Grant> judge_ticket(session::Session& session, std::string_view token,
                                              std::string_view match);
    void give_back(const Entry& entry);
    void become_member(session::Session& session, Connection& connection, const Entry& entry,
                       match::Member member);
    void note_refusal(Admission admission, const base::PeerAddress& peer) noexcept;
    /// Of a connection of a proxy: it comes from this client, and is charged to it. False: over a limit.
    bool charge_client(Connection& connection, const base::PeerAddress& client);
    void serve_comers_and_goers();
    base::Duration turn_length() const noexcept;
    /// Both until the thread has used so much CPU since `begin`.
    void serve_leavers(base::Duration begin, base::Duration turn);
    void serve_leaver(uring::Channel channel);
    void serve_newcomers(base::Duration begin, base::Duration turn);
    void serve_newcomer(uring::Channel channel, Connection& connection);
    void note_handshake(Connection& connection) noexcept;
    void end_handshake(Connection& connection) noexcept;
    void report_memory() noexcept;
    void judge_pressure() noexcept;

    // For the log: shard_incidents.cpp.
    void report(const Incident& incident) noexcept;
    void report(const Connection& connection, Incident incident) noexcept;

    void run_match(base::Handle handle);
    void count_late_tick(base::Duration lateness);
    void run_off_grid();
    void turn_away(const AcceptedConnection& accepted) noexcept;
    void welcome(const AcceptedConnection& accepted);
    void open_connection(base::Handle handle, int descriptor);
    void take_mail();
    void answer_requests();
    void log_slot(base::Time woke);
    void move_out(base::Handle handle, Connection& connection);
    void arm_receive(uring::Channel channel, Connection& connection);
    void prefetch_attended(std::size_t index) noexcept;
    void attend(uring::Channel channel, Connection& connection);
    void begin_close(uring::Channel channel, Connection& connection) noexcept;
    void flush();
    void run_matches();
    void finish_touched();
    void end_match(base::Handle room);
    void notify(Notice::Kind kind, const MatchRoom& room) noexcept;
    void notify(Notice& notice, const match::PlayerSlot& slot) noexcept;
    void put_notice(Notice& notice) noexcept;
    void sweep();
    void begin_stop();
    void send_everyone_away();
    void release_name(Connection& connection);
    void erase(base::Handle handle);
    base::Time next_wake() const noexcept;

    ShardOptions options_;
    ShardSetting setting_;
    ShardCounters counters_;
    base::BufferPool pool_;
    websocket::HeapBufferSource heap_;  ///< of `/v1/echo`
    wire::ControlParser parser_;
    std::vector<std::uint8_t> plaintext_;
    session::Environment environment_;
    std::unique_ptr<uring::Backend> backend_;
    base::SlotPool<Connection> connections_;
    base::SlotPool<MatchRoom> rooms_;
    std::unordered_map<std::string, base::Handle> rooms_by_name_;
    static constexpr base::Duration judgement_interval = std::chrono::seconds(1);
    static constexpr std::uint32_t off_grid = 0xffffffff;
    struct DueRoom {
        base::Time due;
        base::Handle room;
    };
    std::vector<std::vector<base::Handle>> phases_;  ///< rooms by the slot of their tick
    std::vector<DueRoom> off_grid_;                  ///< a heap: rooms of other rates, the next one first
    NewcomerQueue newcomers_;
    TurnQueue leavers_;     ///< whose stream has ended, who say goodbye, are to be closed, or are closed
    base::Time last_turn_;  ///< of either
    base::Time rush_until_ = base::Time::min();  ///< of those who played when the process before ended
    std::optional<ticket::Verifier> tickets_;
    Pressure pressure_;
    std::uint32_t handshaking_count_ = 0;
    std::uint32_t refused_count_ = 0;
    std::uint64_t openings_ = 0;
    base::Time next_judgement_;
    std::uint64_t busy_ns_at_judgement_ = 0;
    std::vector<base::Handle> touched_;
    std::vector<base::Handle> attention_;
    std::vector<base::Handle> attending_;
    SlotGrid grid_;
    base::Time now_;
    std::int64_t slot_ = 0;  ///< the last one that was run
    base::Time next_sweep_;
    base::Time stop_deadline_;
    base::Time load_measured_at_;
    std::uint64_t busy_ns_at_load_ = 0;
    std::uint64_t newcomer_ns_at_load_ = 0;
    base::Duration cpu_wait_seen_{};  ///< at the last sweep, or when the last late slots were over
    bool is_late_ = false;            ///< the last slot with ticks was
    SlotLog slot_log_;
    IncidentLimit incident_limit_;
    std::uint64_t accepts_failed_seen_ = 0;
    std::uint32_t ticks_in_slot_ = 0;
    base::Duration lateness_in_slot_{};
    std::uint64_t receives_logged_ = 0;
    std::uint64_t sends_logged_ = 0;
    bool is_stopping_ = false;
};

}  // namespace tickwire::shard
