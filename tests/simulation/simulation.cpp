#include "simulation.hpp"

#include <algorithm>
#include <chrono>
#include <deque>
#include <map>
#include <string>
#include <utility>

#include "liar.hpp"
#include "link_tls.hpp"

namespace tickwire::simulation {

using std::chrono::microseconds;
using std::chrono::milliseconds;
using std::chrono::seconds;

match::ResumeToken SeededTokens::next_token() noexcept {
    match::ResumeToken token;
    for (char& character : token) {
        character = static_cast<char>('a' + random_.below(26));
    }
    return token;
}

namespace {

constexpr std::uint32_t match_count_max = 16;
constexpr std::uint32_t connection_count_max = 1000;
/// Of one seed in twenty-five: a crowd, in matches of up to 60 players.
constexpr std::uint64_t crowd_permille = 40;
/// How the shards' loops are stepped: about as often as slots come.
constexpr Duration step_max = milliseconds(2);

Stage make_stage(World& world, Oracles& oracles, Random& random, bool is_crowded) {
    constexpr std::array<std::uint32_t, 6> rates{10, 15, 20, 30, 30, 60};
    Stage stage{world, oracles, {}, {}, {}, {}, {}, {}, {}, {}, false, false, {}, 0};
    if (random.chance(250)) {
        stage.tickets = std::make_unique<TicketOffice>();
    }
    stage.match.tick_hz = rates[random.below(rates.size())];
    stage.match.player_count_max =
        static_cast<std::uint32_t>(is_crowded ? random.between(20, 60) : random.between(6, 20));
    stage.match.resume_window = random.duration(seconds(1), seconds(4));
    stage.match.event_log_size = std::size_t{1} << random.between(14, 17);
    stage.match.limits = {
        random.chance(500) ? 1024U : 300U, random.chance(500) ? 4096U : 1024U, 4096, 240, 262144, 10};
    stage.match.outbox_size_max = random.chance(300) ? 24 * 1024 : 128 * 1024;
    stage.session.limits = stage.match.limits;
    stage.session.outbox_size_max = stage.match.outbox_size_max;
    stage.session.tls_timeout = seconds(4);
    stage.session.upgrade_timeout = seconds(4);
    stage.session.join_timeout = seconds(3);
    stage.session.idle_timeout = seconds(6);
    stage.session.close_timeout = seconds(2);
    for (std::uint64_t count = random.between(2, 5); count != 0; --count) {
        stage.match_names.push_back("arena-" + std::to_string(count));
    }
    return stage;
}

shard::DirectoryLimits directory_limits(Random& random, bool is_crowded) {
    shard::DirectoryLimits limits;
    limits.connection_count_max = !is_crowded && random.chance(200) ? 40 : connection_count_max;
    limits.match_count_max = match_count_max;
    if (!is_crowded && random.chance(200)) {
        limits.address.count_max = static_cast<std::uint32_t>(random.between(3, 10));
    }
    return limits;
}

}  // namespace

Simulation::Simulation(std::uint64_t seed)
    : random_(seed * 0x2545f4914f6cdd1dU + 1),
      world_(random_.next()),
      oracles_(world_),
      is_crowded_(random_.chance(crowd_permille)),
      has_tls_(random_.chance(300)),
      stage_(make_stage(world_, oracles_, random_, is_crowded_)),
      tokens_(random_.fork()),
      shard_count_(static_cast<std::uint32_t>(random_.between(2, 3))),
      actor_count_(is_crowded_ ? random_.between(200, 400) : random_.between(20, 60)),
      wraps_ticks_(random_.chance(250)),
      directory_limits_(directory_limits(random_, is_crowded_)),
      directory_(std::make_unique<shard::Directory>(shard_count_, directory_limits_)) {
    if (wraps_ticks_) {
        stage_.session.idle_timeout = std::chrono::hours(3);
    }
    shares_listeners_ = random_.chance(300);
    open_shards();
}

Simulation::~Simulation() = default;

void Simulation::open_shards() {
    shard::ShardOptions options;
    options.match = stage_.match;
    options.session = stage_.session;
    options.connection_count_max = connection_count_max;
    options.match_count_max = match_count_max;
    options.pool_size_max = std::size_t{64} << 20U;
    // The fake's CPU time says what newcomers cost, and not how busy a shard is.
    options.admission.pressure.late_permille = 1000;
    options.slot_max = random_.chance(200)   ? Duration(0)
                       : random_.chance(500) ? milliseconds(1)
                                             : milliseconds(2);
    for (std::uint32_t index = 0; index < shard_count_; ++index) {
        doors_.push_back(std::make_unique<shard::Door>());
        door_list_.push_back(doors_.back().get());
    }
    // Those that there are go on: like sockets that systemd holds, they queue who comes meanwhile.
    while (stage_.listeners.size() < shard_count_) {
        stage_.listeners.push_back(world_.make_listener());
        if (has_tls_) {
            stage_.tls_listeners.push_back(world_.make_listener());
        }
    }
    for (std::uint32_t index = 0; index < shard_count_; ++index) {
        shard::ShardSetting setting;
        setting.index = index;
        const std::size_t first = shares_listeners_ ? 0 : index;
        const std::size_t stride = shares_listeners_ ? 1 : shard_count_;
        for (std::size_t listener = first; listener < stage_.listeners.size(); listener += stride) {
            setting.listeners.push_back({stage_.listeners[listener], shard::ListenerKind::plain});
            if (has_tls_) {
                setting.listeners.push_back({stage_.tls_listeners[listener], shard::ListenerKind::tls});
            }
        }
        if (has_tls_) {
            setting.tls_context = tls_contexts().server;
        }
        if (stage_.tickets != nullptr) {
            setting.ticket_keys = stage_.tickets->keys();
            setting.unix_time = &TicketOffice::unix_time;
        }
        setting.directory = directory_.get();
        setting.doors = door_list_;
        setting.tokens = &tokens_;
        for (const match::MatchSnapshot* const snapshot : legacy_.matches) {
            if (directory_->find(snapshot->name) == index) {
                setting.legacy.matches.push_back(snapshot);
            }
        }
        seats_.push_back({std::move(*shard::Shard::create(options, setting)), {}});
    }
}

/// The members are sent away, and come back to other shards, of perhaps another number. What they were told
/// to be is the oracles' as before: the same player, every event once.
void Simulation::restart() {
    stage_.restarts.push_back({world_.now()});
    std::vector<std::vector<std::uint8_t>> left;
    for (const auto& door : doors_) {
        door->ask([&left](shard::Control& control) {
            for (std::vector<std::uint8_t>& one :
                 control.leave({milliseconds(400), {}, milliseconds(300)})) {
                left.push_back(std::move(one));
            }
        });
    }
    const Time deadline = world_.now() + seconds(2);
    while (!std::ranges::all_of(seats_, [](const ShardSeat& seat) { return seat.shard->is_done(); })) {
        if (world_.now() > deadline) {
            world_.fail("a shard that leaves did not end inside 2 s");
        }
        step();
    }
    end_shards();
    step_for(random_.duration({}, milliseconds(500)));

    wire::ControlParser parser;
    std::deque<match::MatchSnapshot> snapshots;
    shard_count_ = static_cast<std::uint32_t>(random_.between(2, 4));
    const auto before =
        std::exchange(directory_, std::make_unique<shard::Directory>(shard_count_, directory_limits_));
    const std::int64_t unix_now = TicketOffice::unix_time();
    for (const shard::UsedTicket& used : before->used_tickets(unix_now)) {
        directory_->restore_used_ticket(used);
    }
    for (const std::vector<std::uint8_t>& one : left) {
        auto snapshot = match::decode_snapshot(one, world_.now(), parser);
        if (!snapshot) {
            world_.fail("a snapshot cannot be read: " + std::string(snapshot.error()));
        }
        if (directory_->place(snapshot->name) != shard_count_) {
            snapshots.push_back(std::move(*snapshot));
            legacy_.matches.push_back(&snapshots.back());
        }
    }
    open_shards();
    legacy_.matches.clear();
    ++outcome_.restarts;
    stage_.restarts.back().end = world_.now();
}

/// Counts what they did, and that they let everything go.
void Simulation::end_shards() {
    for (ShardSeat& seat : seats_) {
        const shard::ShardCounters& counters = seat.shard->counters();
        outcome_.tick_messages += counters.matches.tick_messages;
        outcome_.events += counters.matches.events_taken;
        outcome_.resumes += counters.matches.resumes;
        outcome_.replays += counters.matches.resumes_recovered;
        outcome_.moves += counters.connections_moved_in;
        outcome_.passes += counters.connections_passed_on;
        outcome_.handshakes += counters.sessions.handshakes;
        outcome_.tickets += counters.tickets_accepted;
        outcome_.deferrals += counters.newcomers_deferred;
        outcome_.skips += counters.matches.skipped_busy + counters.matches.skipped_lagging;
        if (counters.matches_not_restored != 0) {
            world_.fail("a match of the shards before was not restored");
        }
        seat.shard.reset();
    }
    seats_.clear();
    doors_.clear();
    door_list_.clear();
    if (directory_->connection_count() != 0) {
        world_.fail("the shards have ended, but connections are counted");
    }
}

void Simulation::add_actor() {
    ++outcome_.client_count;
    const std::string& match = stage_.match_names[random_.below(stage_.match_names.size())];
    const std::uint64_t draw = random_.below(100);
    if (draw < 75) {
        auto client = std::make_unique<VirtualClient>(stage_, random_.fork(),
                                                      draw < 62 ? Role::player : Role::spectator, match);
        clients_.push_back(client.get());
        actors_.push_back(std::move(client));
    } else if (draw < 85) {
        actors_.push_back(std::make_unique<PlainClient>(stage_, random_.fork(), match));
    } else {
        actors_.push_back(std::make_unique<Liar>(stage_, random_.fork(), match));
    }
}

// --- time

void Simulation::step() {
    world_.advance(random_.duration(microseconds(200), step_max));
    step_shards();
    for (const auto& actor : actors_) {
        actor->step();
    }
}

void Simulation::step_shards() {
    if (seats_.empty()) {
        return;  // between a process and the next
    }
    const std::size_t first = random_.below(seats_.size());
    for (std::size_t count = 0; count < seats_.size(); ++count) {
        ShardSeat& seat = seats_[(first + count) % seats_.size()];
        if (world_.now() < seat.starved_until || seat.shard == nullptr) {
            continue;
        }
        if (random_.below(3000) == 0) {
            seat.starved_until = world_.now() + random_.duration({}, milliseconds(200));
            continue;
        }
        if (!seat.shard->is_done()) {
            seat.shard->step();
        }
    }
}

void Simulation::jump(Duration time) {
    world_.advance(time);
    stage_.last_pause = world_.now();
}

void Simulation::step_for(Duration time) {
    for (const Time end = world_.now() + time; world_.now() < end;) {
        step();
    }
}

// --- the run

void Simulation::play(Duration time) {
    Time next_arrival = world_.now();
    for (const Time end = world_.now() + time; world_.now() < end;) {
        step();
        collect();
        if (actors_.size() < actor_count_ && world_.now() >= next_arrival) {
            next_arrival = world_.now() + random_.duration({}, milliseconds(is_crowded_ ? 8 : 60));
            add_actor();
        }
        if (random_.below(12000) == 0) {
            jump(random_.chance(500) ? random_.duration(milliseconds(10), seconds(1))
                                     : random_.duration(seconds(1), seconds(20)));
        }
    }
}

void Simulation::collect() {
    std::erase_if(clients_, [](const VirtualClient* client) { return client->is_done(); });
    std::erase_if(actors_, [](const auto& actor) { return actor->is_done(); });
}

void Simulation::settle() {
    stage_.is_settling = true;
    world_.calm_down();
    step_for(seconds(6) + stage_.match.resume_window);
    collect();
    for (VirtualClient* const client : clients_) {
        client->speak_last();
    }
    step_for(seconds(6));
    check_settled();
}

void Simulation::check_settled() {
    collect();
    std::map<std::size_t, std::pair<std::string, std::string>> digests;
    for (VirtualClient* const client : clients_) {
        if (!client->is_settled()) {
            continue;
        }
        MemberView& view = client->view();
        view.check_settled();
        const std::size_t history = oracles_.find_history(view.history());
        const std::string digest = view.digest();
        const auto [first, is_first] = digests.emplace(history, std::pair(digest, client->name()));
        if (!is_first && first->second.first != digest) {
            world_.fail("members of one match do not agree:\n  " + first->second.second + ": " +
                        first->second.first + "\n  " + client->name() + ": " + digest);
        }
    }
}

/// Everybody leaves, and the last resume windows end.
void Simulation::empty_out() {
    for (const auto& actor : actors_) {
        actor->retire();
    }
    step_for(seconds(20) + stage_.match.resume_window);
    collect();
    if (!actors_.empty()) {
        for (const auto& actor : actors_) {
            actor->retire();
        }
        step_for(seconds(10));
        collect();
    }
    actors_.clear();
    clients_.clear();
    step_for(seconds(5) + stage_.match.resume_window);
    if (directory_->match_count() != 0) {
        world_.fail("everybody has left, but " + std::to_string(directory_->match_count()) +
                    " matches live on");
    }
    if (!wraps_ticks_ && directory_->connection_count() != 0) {
        world_.fail("everybody has left, but " + std::to_string(directory_->connection_count()) +
                    " connections live on");
    }
}

void Simulation::stop() {
    stage_.is_stopping = true;
    for (const auto& door : doors_) {
        door->ask_to_stop();
    }
    step_for(seconds(6));
    for (ShardSeat& seat : seats_) {
        if (!seat.shard->is_done()) {
            world_.fail("a shard did not stop inside 6 s");
        }
    }
    actors_.clear();
    clients_.clear();
    end_shards();
    // What waits to be accepted was never the relay's, nor what was still on its way there (seed 177).
    world_.advance(seconds(1));
    for (const auto* const listeners : {&stage_.listeners, &stage_.tls_listeners}) {
        for (const int listener : *listeners) {
            for (int descriptor = world_.accept(listener); descriptor >= 0;
                 descriptor = world_.accept(listener)) {
                world_.server_close(world_.socket(descriptor));
            }
        }
    }
    if (world_.open_server_count() != 0) {
        world_.fail(std::to_string(world_.open_server_count()) + " descriptors were never closed");
    }
}

Outcome Simulation::run() {
    play(seconds(2));
    if (wraps_ticks_) {
        jump(seconds(65536 / stage_.match.tick_hz) - random_.duration(seconds(3), seconds(8)));
    }
    // One seed in three has its relay upgraded in the middle, one in nine twice.
    for (int count = random_.chance(333) ? (random_.chance(333) ? 2 : 1) : 0; count != 0; --count) {
        play(random_.duration(seconds(1), seconds(4)));
        restart();
    }
    play(seconds(10));
    settle();
    if (random_.chance(300)) {
        stage_.is_settling = false;
        play(seconds(2));
        stop();
    } else {
        empty_out();
        stop();
    }
    oracles_.check_tenures();
    world_.note(world_.random().next());
    outcome_.hash = world_.hash();
    return outcome_;
}

}  // namespace tickwire::simulation
