// The loop of a shard: slots, ticks, sends, sweeps, and its end. Connections are in
// shard_connections.cpp, what sessions and matches ask of it is in shard_host.cpp.
#include "shard/shard.hpp"

#include <algorithm>
#include <utility>

#include "base/heap_trap.hpp"
#include "tls/record_allocator.hpp"

namespace tickwire::shard {
namespace {

constexpr std::size_t plaintext_size = std::size_t{17} * 1024;  // a TLS record's 16 KiB and then some
constexpr base::Duration sweep_interval = std::chrono::milliseconds(250);

uring::Options backend_options(const ShardOptions& options) {
    uring::Options backend = options.backend;
    backend.channel_count_max = options.connection_count_max + refusal_places;
    return backend;
}

}  // namespace

Shard::Shard(const ShardOptions& options, ShardSetting setting)
    : options_(options),
      setting_(std::move(setting)),
      counters_{},
      pool_(options.pool_size_max),
      parser_(options.session.json),
      plaintext_(plaintext_size),
      environment_{pool_,
                   heap_,
                   parser_,
                   plaintext_,
                   session::make_ping_frame(pool_),
                   options_.session,
                   counters_.sessions,
                   *this},
      connections_(options.connection_count_max + refusal_places),
      rooms_(options.match_count_max),
      newcomers_(options.connection_count_max + refusal_places),
      leavers_(options.connection_count_max + refusal_places),
      pressure_(options.admission.pressure),
      grid_({}, options.match.tick_hz, options.slot_max) {
    if (setting_.ticket_keys != nullptr) {
        base::check(setting_.unix_time != nullptr, "Shard: tickets need a clock");
        tickets_.emplace(setting_.ticket_policy, setting_.ticket_keys);
    }
}

tl::expected<std::unique_ptr<Shard>, uring::SetupError> Shard::create(const ShardOptions& options,
                                                                      ShardSetting setting) {
    std::unique_ptr<Shard> shard(new Shard(options, std::move(setting)));
    auto backend = uring::Backend::create(backend_options(options), *shard);
    if (!backend) {
        return tl::unexpected(std::move(backend.error()));
    }
    shard->backend_ = std::move(*backend);
    shard->now_ = shard->backend_->now();
    shard->grid_ = SlotGrid(shard->now_, options.match.tick_hz, options.slot_max);
    shard->phases_.resize(shard->grid_.slots_per_tick());
    shard->next_sweep_ = shard->now_ + sweep_interval;
    shard->load_measured_at_ = shard->now_;
    shard->next_judgement_ = shard->now_ + judgement_interval;
    shard->last_turn_ = shard->now_;
    shard->cpu_wait_seen_ = shard->backend_->cpu_wait();  // the first time allocates
    shard->off_grid_.reserve(options.match_count_max);
    shard->attention_.reserve(shard->connections_.capacity());
    shard->attending_.reserve(shard->connections_.capacity());
    shard->touched_.reserve(options.match_count_max);
    shard->restore_matches();
    for (std::uint32_t index = 0; index < shard->setting_.listeners.size(); ++index) {
        shard->backend_->listen(index, shard->setting_.listeners[index].descriptor);
    }
    shard->setting_.doors[shard->setting_.index]->set_backend(shard->backend_.get());
    return shard;
}

Shard::~Shard() {
    setting_.doors[setting_.index]->set_backend(nullptr);
    for (const MovedConnection& moved : setting_.doors[setting_.index]->mailbox().take_all()) {
        uring::Backend::discard(moved.descriptor);
    }
    for (const AcceptedConnection& accepted : setting_.doors[setting_.index]->accepted().take_all()) {
        turn_away(accepted);
    }
    setting_.doors[setting_.index]->requests().take_all();
    touched_.clear();
}

base::Time Shard::next_wake() const noexcept {
    base::Time wake = next_sweep_;
    if (rooms_.live_count() != 0) {
        wake = std::min(wake, grid_.time_of(slot_ + 1));
    } else if (!newcomers_.is_empty() || !leavers_.is_empty()) {
        return now_;  // all the time is theirs
    }
    if (!off_grid_.empty()) {
        wake = std::min(wake, off_grid_.front().due);
    }
    if (is_stopping_) {
        wake = std::min(wake, stop_deadline_);
    }
    return wake;
}

void Shard::step() {
    const bool is_ticking = rooms_.live_count() != 0 && options_.slot_max.count() > 0;
    {
        const base::HeapTrap data_path_does_not_allocate;
        const base::Time woke =
            backend_->wait(next_wake(), is_ticking ? uring::WaitFor::deadline : uring::WaitFor::completion);
        now_ = backend_->now();
        ++counters_.slots;
        Door& door = *setting_.doors[setting_.index];
        if (!door.accepted().is_empty()) {
            const base::HeapAllowed accepting_allocates;
            for (const AcceptedConnection& accepted : door.accepted().take_all()) {
                welcome(accepted);
            }
        }
        if (!door.mailbox().is_empty()) {
            const base::HeapAllowed hand_over_allocates;
            take_mail();
        }
        if (!door.requests().is_empty()) {
            const base::HeapAllowed requests_allocate;
            answer_requests();
        }
        finish_touched();
        run_matches();
        flush();
        serve_comers_and_goers();
        if (now_ >= next_sweep_ || (is_stopping_ && now_ >= stop_deadline_)) {
            const base::HeapAllowed endings_allocate;
            sweep();
        }
        log_slot(woke);
    }
    if (!is_stopping_ && setting_.doors[setting_.index]->is_stop_asked()) {
        begin_stop();
    }
}

void Shard::run() {
    while (!is_done()) {
        step();
    }
}

bool Shard::is_done() const noexcept {
    return is_stopping_ && connections_.live_count() == 0;
}

/// Runs every match whose tick fell on a slot that has passed since the last call. After a pause longer
/// than a tick each runs once; the numbers in between are left out.
void Shard::run_matches() {
    const std::int64_t current = grid_.slot_at(now_);
    if (rooms_.live_count() != 0 && current > slot_) {
        pressure_.on_slot(current > slot_ + 1);
    }
    const auto per_tick = static_cast<std::int64_t>(grid_.slots_per_tick());
    for (std::int64_t slot = std::max(slot_ + 1, current - per_tick + 1); slot <= current; ++slot) {
        auto& rooms = phases_[static_cast<std::size_t>(slot % per_tick)];
        for (std::size_t index = 0; index < rooms.size();) {
            const base::Handle handle = rooms[index];
            run_match(handle);
            if (const MatchRoom& room = *rooms_.find(handle);
                room.match->is_over() && now_ >= room.held_until) {
                const base::HeapAllowed ending_allocates;
                end_match(handle);
            } else {
                ++index;
            }
        }
    }
    slot_ = std::max(slot_, current);
    run_off_grid();
}

void Shard::run_match(base::Handle handle) {
    const MatchRoom& room = *rooms_.find(handle);
    match::Match& match = *room.match;
    if (match.next_tick_due() > now_) {
        return;
    }
    const base::Duration lateness =
        std::max(now_ - match.next_tick_due() - room.slot_delay, base::Duration(0));
    counters_.tick_lateness.record(lateness);
    ++ticks_in_slot_;
    lateness_in_slot_ = std::max(lateness_in_slot_, lateness);
    if (lateness > grid_.slot_length()) {
        count_late_tick(lateness);
    }
    match.run_tick(now_);
}

/// Was this thread slow itself, or did others have its CPU for so long? What it waited explains also the
/// late slots in which it catches up, until one is on time.
void Shard::count_late_tick(base::Duration lateness) {
    ++counters_.ticks_late;
    const base::Duration waited = backend_->cpu_wait() - cpu_wait_seen_;
    counters_.ticks_late_by_others += lateness - waited <= grid_.slot_length() ? 1U : 0U;
}

/// Matches whose rate is not the grid's, each at its own time. A match whose ticks come due while this goes
/// on waits for the next slot.
void Shard::run_off_grid() {
    const auto is_later = [](const DueRoom& left, const DueRoom& right) { return left.due > right.due; };
    while (!off_grid_.empty() && off_grid_.front().due <= now_) {
        std::pop_heap(off_grid_.begin(), off_grid_.end(), is_later);
        const base::Handle handle = off_grid_.back().room;
        off_grid_.pop_back();
        run_match(handle);
        const MatchRoom& room = *rooms_.find(handle);
        if (room.match->is_over() && now_ >= room.held_until) {
            const base::HeapAllowed ending_allocates;
            end_match(handle);
        } else {
            off_grid_.push_back({room.match->next_tick_due(), handle});
            std::push_heap(off_grid_.begin(), off_grid_.end(), is_later);
        }
    }
}

void Shard::finish_touched() {
    for (const base::Handle handle : touched_) {
        if (MatchRoom* const room = rooms_.find(handle); room != nullptr) {
            room->is_touched = false;
            room->match->finish_slot(now_);
        }
    }
    touched_.clear();
}

/// Sealing takes a microsecond: what the next one needs for it is asked for meanwhile.
void Shard::prefetch_attended(std::size_t index) noexcept {
    if (index + 2 < attending_.size()) {
        if (const Connection* const soon = connections_.at(attending_[index + 2].index); soon != nullptr) {
            soon->session.prefetch_engine();
        }
    }
    if (index + 1 < attending_.size()) {
        if (const Connection* const next = connections_.at(attending_[index + 1].index); next != nullptr) {
            next->session.prefetch_tls(tls::TlsEngine::Direction::writes);
        }
    }
}

/// Sends what was queued; who says goodbye waits for its turn. Attending to one session may bring up
/// another (an overflow makes its player away, and others are told), so it goes on until none is left; the
/// bound is that a session is attended once for each thing that happened to it.
void Shard::flush() {
    while (!attention_.empty()) {
        attending_.swap(attention_);
        for (std::size_t index = 0; index < attending_.size(); ++index) {
            prefetch_attended(index);
            Connection* const connection = connections_.find(attending_[index]);
            if (connection == nullptr) {
                continue;
            }
            connection->is_listed = false;
            if (connection->is_closing) {
                continue;
            }
            // Who is sent away with all others says it at once: the process waits for their answers, and
            // nobody plays any more.
            if (connection->session.is_leaving() && !is_stopping_) {
                leavers_.push(attending_[index].index);
            } else {
                attend(attending_[index].index, *connection);
            }
        }
        attending_.clear();
        finish_touched();
    }
}

base::Handle Shard::find_room(std::string_view name) noexcept {
    const auto found = rooms_by_name_.find(std::string(name));
    return found == rooms_by_name_.end() ? base::Handle::none() : found->second;
}

/// On the grid the phase with the fewest matches, at its latest slot that has begun.
Shard::Berth Shard::choose_berth(std::uint32_t tick_hz) noexcept {
    if (tick_hz != options_.match.tick_hz) {
        return {now_, off_grid};
    }
    const auto fewest =
        std::min_element(phases_.begin(), phases_.end(),
                         [](const auto& left, const auto& right) { return left.size() < right.size(); });
    const auto phase = fewest - phases_.begin();
    const auto per_tick = static_cast<std::int64_t>(grid_.slots_per_tick());
    const std::int64_t current = grid_.slot_at(now_);
    const std::int64_t slot = current - ((current - phase) % per_tick + per_tick) % per_tick;
    return {grid_.opening_of(slot), static_cast<std::uint32_t>(phase)};
}

base::Handle Shard::open_room(std::string_view name, const ticket::Grant* grant) {
    const std::uint32_t tick_hz = options_.match.tick_hz;
    const std::uint32_t player_count_max = options_.match.player_count_max;
    const match::MatchOptions options =
        grant == nullptr ? options_.match
                         : options_of_match(grant->tick_hz.value_or(tick_hz),
                                            grant->match_size.value_or(player_count_max));
    const Berth berth = choose_berth(options.tick_hz);
    match::Outlet& outlet = *this;
    auto match = std::make_unique<match::Match>(std::string(name), options, berth.opened, pool_, outlet,
                                                *setting_.tokens, counters_.matches);
    match->shed_spectators(pressure_.spectator_divisor());
    const base::Handle room = add_room(std::move(match), berth.phase);
    if (room.exists()) {
        ++counters_.matches_opened;
        notify(Notice::Kind::match_opened, *rooms_.find(room));
    }
    return room;
}

match::MatchOptions Shard::options_of_match(std::uint32_t tick_hz,
                                            std::uint32_t player_count_max) const noexcept {
    match::MatchOptions options = options_.match;
    options.tick_hz = tick_hz;
    options.player_count_max = player_count_max;
    return options;
}

base::Handle Shard::add_room(std::unique_ptr<match::Match> match, std::uint32_t phase) {
    const std::string key(match->name());
    const base::Time due = match->next_tick_due();
    const base::Handle room = rooms_.emplace(std::move(match), phase);
    if (!room.exists()) {
        return room;
    }
    if (rooms_.live_count() == 1) {
        slot_ = grid_.slot_at(now_);
    }
    if (phase == off_grid) {
        off_grid_.push_back({due, room});
        std::push_heap(off_grid_.begin(), off_grid_.end(),
                       [](const DueRoom& left, const DueRoom& right) { return left.due > right.due; });
    } else {
        phases_[phase].push_back(room);
    }
    rooms_by_name_.emplace(key, room);
    setting_.directory->retain(key);
    rooms_.find(room)->opening = ++openings_;
    return room;
}

void Shard::end_match(base::Handle handle) {
    MatchRoom& room = *rooms_.find(handle);
    const std::string name(room.match->name());
    notify(Notice::Kind::match_closed, room);
    if (room.phase != off_grid) {
        std::erase(phases_[room.phase], handle);
    }
    setting_.directory->release_match(room.opener, now_);
    rooms_by_name_.erase(name);
    rooms_.erase(handle);
    setting_.directory->release(name);
}

/// A few times a second: timeouts, keep-alive, the load that the directory places by, counters to read.
void Shard::sweep() {
    next_sweep_ = now_ + sweep_interval;
    counters_.outbox_bytes = counters_.outbox_bytes_max = 0;
    for (std::uint32_t index = 0; index < connections_.index_end(); ++index) {
        Connection* const connection = connections_.at(index);
        if (connection == nullptr || connection->is_closing) {
            continue;
        }
        if (connection->session.is_over()) {
            if (connection->session.is_busy()) {
                begin_close(index, *connection);  // its last bytes did not go out in time
            } else {
                leavers_.push(index);  // if it does not wait for its turn already
            }
            continue;
        }
        connection->session.on_time(now_);
        const std::uint64_t queued = connection->session.queued_size();
        counters_.outbox_bytes += queued;
        counters_.outbox_bytes_max = std::max(counters_.outbox_bytes_max, queued);
    }
    finish_touched();
    flush();
    if (const std::uint64_t failed = backend_->counters().accepts_failed; failed != accepts_failed_seen_) {
        accepts_failed_seen_ = failed;
        report({.cause = Cause::accept_failed});
    }
    if (is_stopping_ && now_ >= stop_deadline_) {
        stop_deadline_ = base::Time::max();
        for (std::uint32_t index = 0; index < connections_.index_end(); ++index) {
            if (Connection* const connection = connections_.at(index);
                connection != nullptr && !connection->is_closing) {
                begin_close(index, *connection);
            }
        }
    }
    counters_.busy_ns = static_cast<std::uint64_t>(backend_->cpu_time().count());
    cpu_wait_seen_ = backend_->cpu_wait();
    counters_.cpu_wait_ns = static_cast<std::uint64_t>(cpu_wait_seen_.count());
    const auto elapsed = static_cast<std::uint64_t>((now_ - load_measured_at_).count());
    if (elapsed != 0) {
        const auto permille = [elapsed](std::uint64_t spent_ns) {
            return static_cast<std::uint32_t>(spent_ns * 1000 / elapsed);
        };
        const std::uint64_t busy_ns = counters_.busy_ns - busy_ns_at_load_;
        const std::uint64_t newcomer_ns = counters_.newcomer_ns - newcomer_ns_at_load_;
        setting_.directory->report_load(
            setting_.index, {permille(busy_ns), permille(busy_ns - std::min(busy_ns, newcomer_ns))});
    }
    load_measured_at_ = now_;
    busy_ns_at_load_ = counters_.busy_ns;
    newcomer_ns_at_load_ = counters_.newcomer_ns;
    counters_.match_heap_bytes = 0;
    for (std::uint32_t index = 0; index < rooms_.index_end(); ++index) {
        if (const MatchRoom* const room = rooms_.at(index); room != nullptr) {
            counters_.match_heap_bytes += room->match->heap_size();
        }
    }
    report_memory();
    if (now_ >= next_judgement_) {
        judge_pressure();
        pool_.trim();
    }
    if (setting_.published != nullptr) {
        setting_.published->publish(counters());
    }
}

const ShardCounters& Shard::counters() noexcept {
    counters_.backend = backend_->counters();
    counters_.connections_open = connections_.live_count();
    counters_.matches_open = rooms_.live_count();
    counters_.pool_bytes = pool_.bytes_in_use();
    counters_.tls_mallocs = tls::malloc_count();
    counters_.pool_bytes_touched = pool_.bytes_touched();
    counters_.openssl_bytes = static_cast<std::uint64_t>(tls::held_by_openssl());
    counters_.handshakes_in_flight = handshaking_count_;
    counters_.pressure_level = pressure_.level();
    return counters_;
}

void Shard::begin_stop() {
    is_stopping_ = true;
    stop_deadline_ = now_ + options_.farewell.linger;
    backend_->stop_listening();
    send_everyone_away();
    finish_touched();
    flush();
}

}  // namespace tickwire::shard
