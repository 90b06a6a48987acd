#include "swarm/swarm.hpp"

#include <sys/random.h>
#include <sys/resource.h>

#include <algorithm>
#include <cmath>
#include <deque>

#include "swarm/crowd.hpp"
#include "swarm/due_wheel.hpp"
#include "swarm/member.hpp"

namespace tickwire::swarm {
namespace {

using base::Duration;
using base::Time;

// Connections begun at the same time: a listener's backlog holds 4,096, a TLS relay shakes hands with some
// thousand a second.
constexpr std::uint32_t pending_max = 512;
constexpr Duration join_patience = std::chrono::seconds(15);  // without any progress
constexpr Duration settle_patience = std::chrono::seconds(5);
constexpr Duration foreign_settle_time = std::chrono::milliseconds(500);
constexpr Duration answer_patience = std::chrono::seconds(10);
constexpr Duration leave_patience = std::chrono::seconds(3);
constexpr Duration sweep_interval = std::chrono::milliseconds(20);
constexpr Duration probe_interval = std::chrono::seconds(1);
constexpr Duration idle_slot = std::chrono::milliseconds(5);
// Sends go to the kernel in portions, while their bytes are warm.
constexpr std::uint32_t submit_every = 64;
// A tick of one large match is a burst of milliseconds, in which states fall due: a look at the clock after
// so many.
constexpr std::uint32_t look_every = 8;
// One player in so many sends a single state.
constexpr std::uint32_t still_every = 8;
// Of a golden section: neighbours are far apart, and any number of members is spread evenly.
constexpr double phase_step = 0.6180339887498949;

Duration seconds(double value) {
    return Duration(static_cast<std::int64_t>(value * 1e9));
}
double in_seconds(Duration value) {
    return static_cast<double>(value.count()) / 1e9;
}

void raise_file_limit() {
    rlimit limit{};
    ::getrlimit(RLIMIT_NOFILE, &limit);
    limit.rlim_cur = limit.rlim_max;
    ::setrlimit(RLIMIT_NOFILE, &limit);
}

std::uint64_t random_seed() {
    std::uint64_t seed = 0;
    [[maybe_unused]] const auto got = ::getrandom(&seed, sizeof seed, 0);
    return seed;
}

class Swarm final : public uring::Events {
  public:
    Swarm(const SwarmOptions& options, Progress& progress)
        : options_(options),
          progress_(progress),
          crowd_(options_, random_seed()),
          wheel_(std::chrono::microseconds(options.slot_us), options.connection_count()) {}

    tl::expected<Report, std::string> run() {
        raise_file_limit();
        if (auto ready = open(); !ready) {
            return tl::unexpected(ready.error());
        }
        make_members();
        const Time begin = crowd_.now;
        if (auto joined = join_all(); !joined) {
            return tl::unexpected(joined.error());
        }
        report_.joining_s = in_seconds(crowd_.now - begin);
        report_.joined_count = crowd_.joined_count;
        progress_.on_line("joined: " + std::to_string(crowd_.joined_count));
        play();
        settle();
        ask_all();
        judge();
        leave_all();
        report_.options = options_;
        report_.seen = crowd_.seen;
        report_.ring_enters = crowd_.backend->counters().enters;
        return report_;
    }

    // --- uring::Events
    void on_accepted(std::uint32_t /*listener*/, int descriptor) override {
        uring::Backend::discard(descriptor);
    }
    void on_received(uring::Channel channel, base::MutableBytes bytes) override {
        refresh();
        members_[channel].on_received(bytes);
        if (is_playing_ && ++received_count_ % look_every == 0) {
            crowd_.now = backend_->now();
            send_due();
        }
    }
    void on_receive_ended(uring::Channel channel, uring::ReceiveEnd /*end*/) override {
        refresh();
        members_[channel].on_receive_ended();
    }
    void on_sent(uring::Channel channel, uring::SendResult result) override {
        members_[channel].on_sent(result);
    }
    void on_closed(uring::Channel channel) override { members_[channel].on_closed(); }
    void on_connected(uring::Channel channel, uring::SendResult result) override {
        refresh();
        members_[channel].on_connected(result);
    }

  private:
    tl::expected<void, std::string> open() {
        uring::Options backend_options;
        backend_options.channel_count_max = options_.connection_count();
        backend_options.receive_buffer_count = 256;
        auto backend = uring::Backend::create(backend_options, *this);
        if (!backend) {
            return tl::unexpected(backend.error().message);
        }
        backend_ = std::move(*backend);
        crowd_.backend = backend_.get();
        crowd_.now = backend_->now();
        if (options_.target.is_tls) {
            const auto verify = options_.trust == Trust::anything ? tls::TlsContext::Verify::nothing
                                                                  : tls::TlsContext::Verify::system_roots;
            auto context = tls::TlsContext::for_client(verify);
            if (!context) {
                return tl::unexpected(context.error());
            }
            crowd_.tls_context = std::move(*context);
        }
        return {};
    }

    void make_members() {
        crowd_.rooms.resize(options_.match_count);
        for (std::uint32_t room = 0; room < options_.match_count; ++room) {
            crowd_.rooms[room].name = options_.match_prefix + std::to_string(room);
        }
        // Round robin, so that all matches fill at the same pace and their members are spread.
        const std::uint32_t player_count = options_.match_count * options_.player_count;
        for (std::uint32_t index = 0; index < options_.connection_count(); ++index) {
            members_.emplace_back(crowd_, index, index % options_.match_count, part_of(index, player_count),
                                  Member::Network{is_one_in(options_.slow_every, index),
                                                  is_one_in(options_.cut_every, index)});
        }
    }

    /// Counted match by match, so that where `every` divides a match's members each match has as many.
    bool is_one_in(std::uint32_t every, std::uint32_t index) const noexcept {
        const std::uint32_t seats = (options_.connection_count() - 1) / options_.match_count + 1;
        const std::uint32_t order = index % options_.match_count * seats + index / options_.match_count;
        return every != 0 && order % every == every - 1;
    }

    Member::Part part_of(std::uint32_t index, std::uint32_t player_count) const noexcept {
        if (index >= player_count) {
            return Member::Part::spectator;
        }
        if (options_.is_idle) {
            return Member::Part::silent;
        }
        const bool is_still = options_.movement.content == Content::movement &&
                              (index / options_.match_count) % still_every == still_every - 1;
        return is_still ? Member::Part::still : Member::Part::player;
    }

    /// The clock as of this wake-up: what arrives in one slot arrived before it, but for a burst.
    void refresh() noexcept {
        if (is_clock_stale_) {
            crowd_.now = backend_->now();
            is_clock_stale_ = false;
        }
    }

    void step() {
        // The wheel's own grid, so that what is due in a slot goes out when the slot is over.
        const Time next_slot{(crowd_.now.time_since_epoch() / slot_ + 1) * slot_};
        is_clock_stale_ = true;
        backend_->wait(next_slot, uring::WaitFor::deadline);
        is_clock_stale_ = true;
        refresh();
        sweep();
    }

    template <typename Condition>
    bool step_until(Duration patience, Condition is_met) {
        const Time deadline = crowd_.now + patience;
        while (!is_met()) {
            if (crowd_.now >= deadline) {
                return false;
            }
            step();
        }
        return true;
    }

    /// Looks after a share of the members in each slot: all of them within sweep_interval.
    void sweep() {
        const auto count = static_cast<std::uint32_t>(members_.size());
        const std::uint32_t share =
            count / static_cast<std::uint32_t>(std::max<std::int64_t>(sweep_interval / slot_, 1)) + 1;
        for (std::uint32_t done = 0; done < std::min(share, count); ++done) {
            members_[swept_].pass_time();
            swept_ = swept_ + 1 == count ? 0 : swept_ + 1;
        }
    }

    tl::expected<void, std::string> join_all() {
        const Duration gap = Duration(std::chrono::seconds(1)) / options_.connections_per_second;
        const auto count = static_cast<std::uint32_t>(members_.size());
        Time next_connect = crowd_.now;
        Time last_progress = crowd_.now;
        std::uint32_t begun = 0;
        std::uint32_t joined_before = 0;
        Time next_line = crowd_.now + std::chrono::seconds(5);
        slot_ = std::chrono::microseconds(options_.slot_us);
        while (crowd_.joined_count < count) {
            while (begun < count && crowd_.now >= next_connect && crowd_.pending_count < pending_max) {
                members_[begun++].start_connecting();
                next_connect += gap;
            }
            next_connect =
                std::max(next_connect, crowd_.now - std::chrono::milliseconds(20));  // never a burst
            step();
            if (crowd_.joined_count != joined_before) {
                joined_before = crowd_.joined_count;
                last_progress = crowd_.now;
            }
            const bool is_stuck = crowd_.now - last_progress > join_patience;
            if (crowd_.ended_count != 0 || is_stuck) {
                return tl::unexpected(
                    std::to_string(crowd_.joined_count) + " of " + std::to_string(count) +
                    " joined, then " +
                    (crowd_.ended_count != 0 ? "one ended: " + crowd_.first_end : "nothing for 15 s"));
            }
            if (crowd_.now >= next_line) {
                progress_.on_line("joined so far: " + std::to_string(crowd_.joined_count));
                next_line = crowd_.now + std::chrono::seconds(5);
            }
        }
        return {};
    }

    /// Warm-up and measuring.
    void play() {
        period_ = Duration(std::chrono::seconds(1)) / options_.movement.hz;
        const Time begin = crowd_.now + std::chrono::milliseconds(100);
        crowd_.window = {begin + seconds(options_.warmup_s),
                         begin + seconds(options_.warmup_s + options_.measured_s)};
        due_.resize(members_.size());
        wheel_.start(crowd_.now);
        players_.clear();
        for (std::uint32_t index = 0; index < members_.size(); ++index) {
            if (members_[index].sends_states()) {
                const double share = std::fmod(index * phase_step, 1.0);
                due_[index] =
                    begin +
                    Duration(static_cast<std::int64_t>(share * static_cast<double>(period_.count())));
                wheel_.add(index, due_[index]);
            }
            if (members_[index].part() == Member::Part::player) {
                players_.push_back(index);
            }
        }
        if (players_.empty()) {
            slot_ = idle_slot;
        }
        next_probe_ = next_event_ = begin;
        is_playing_ = true;
        bool is_measuring = false;
        Duration cpu_before{};
        while (crowd_.now < crowd_.window.to) {
            step();
            if (!is_measuring && crowd_.now >= crowd_.window.from) {
                is_measuring = true;
                progress_.on_line("measuring");
                cpu_before = backend_->cpu_time();
            }
            send_due();
            speak();
        }
        is_playing_ = false;
        report_.cpu_s = in_seconds(backend_->cpu_time() - cpu_before);
        report_.measured_s = options_.measured_s;
        progress_.on_line("measured");
    }

    void send_due() {
        std::uint32_t sent_count = 0;
        const Duration late_after = slot_ * 2;
        wheel_.run(crowd_.now, [&](std::uint32_t index) {
            Member& member = members_[index];
            const Duration lateness = crowd_.now - due_[index];
            if (crowd_.window.holds(crowd_.now)) {
                crowd_.seen.send_lateness.record(lateness);
                report_.sends_late += lateness > late_after ? 1U : 0U;
            }
            member.send_state();
            if (++sent_count % submit_every == 0) {
                backend_->submit();
            }
            if (member.part() == Member::Part::player) {
                due_[index] += period_ + member.take_phase_shift();
                // Open loop: what was missed is not made up for, and nobody is sent twice in a slot.
                while (due_[index] + period_ < crowd_.now) {
                    due_[index] += period_;
                }
                wheel_.add(index, due_[index]);
            }
        });
        if (sent_count % submit_every != 0) {
            backend_->submit();
        }
    }

    /// Events and probes, evenly over time and players.
    void speak() {
        if (players_.empty()) {
            return;
        }
        const auto count = static_cast<std::int64_t>(players_.size());
        for (; next_probe_ <= crowd_.now; next_probe_ += probe_interval / count) {
            members_[players_[probed_++ % players_.size()]].send_probe();
        }
        if (options_.event_rate > 0) {
            const auto gap = seconds(1 / (options_.event_rate * static_cast<double>(count)));
            for (; next_event_ <= crowd_.now; next_event_ += gap) {
                members_[players_[spoken_++ % players_.size()]].send_event();
            }
        }
    }

    /// Nobody sends any more: the last states and events arrive.
    void settle() {
        const Time begin = crowd_.now;
        Time next_look{};
        bool is_settled = false;
        step_until(settle_patience, [&] {
            if (crowd_.now >= next_look) {
                next_look = crowd_.now + std::chrono::milliseconds(20);
                // Other servers promise nothing to wait for.
                is_settled =
                    options_.protocol == Protocol::game
                        ? crowd_.absent_count == 0 && missing_events() == 0 && all_hold_last_states()
                        : crowd_.now - begin >= foreign_settle_time;
            }
            return is_settled;
        });
        report_.settled_s = in_seconds(crowd_.now - begin);
        crowd_.seen.events_missing = missing_events();
        for (Member& member : members_) {
            member.count_rest();
        }
        for (const Gap& gap : crowd_.gaps) {
            const std::vector<bool>& ticks = crowd_.rooms[gap.room].ticks;
            const auto skipped = std::count(ticks.begin() + gap.last + 1, ticks.begin() + gap.next, true);
            crowd_.seen.ticks_skipped += static_cast<std::uint64_t>(skipped);
        }
    }

    bool all_hold_last_states() {
        return std::all_of(members_.begin(), members_.end(),
                           [this](const Member& member) { return member.holds_last_states(detail_); });
    }

    std::uint64_t missing_events() const {
        std::uint64_t missing = 0;
        for (const Member& member : members_) {
            missing += member.missing_event_count();
        }
        return missing;
    }

    /// A PING to each and a PONG back: all are still there.
    void ask_all() {
        crowd_.answer_count = 0;
        for (std::uint32_t index = 0; index < members_.size(); ++index) {
            members_[index].ask();
            if (index % submit_every == submit_every - 1) {
                step();  // not all in one slot
            }
        }
        if (options_.protocol == Protocol::bare) {
            crowd_.answer_count = crowd_.joined_count - crowd_.ended_count;  // the floor answers nothing
            return;
        }
        step_until(answer_patience,
                   [this] { return crowd_.answer_count + crowd_.ended_count >= members_.size(); });
    }

    void judge() {
        const Observations& seen = crowd_.seen;
        crowd_.seen.absent = crowd_.absent_count;
        if (options_.comes_back || options_.cut_every != 0) {
            check("all are back as whom they were", crowd_.absent_count == 0 && seen.returns_as_others == 0,
                  std::to_string(crowd_.absent_count) + " are absent, " +
                      std::to_string(seen.returns_as_others) +
                      " came back as somebody else (first: " + crowd_.first_wrong_return + ")");
        }
        check("every connection lives", crowd_.ended_count == 0 && crowd_.answer_count == members_.size(),
              std::to_string(crowd_.ended_count) + " ended too early (first: " + crowd_.first_end + "), " +
                  std::to_string(crowd_.answer_count) + " of " + std::to_string(members_.size()) +
                  " answered");
        if (options_.player_count == 0 || options_.is_idle) {
            return;
        }
        check("states are right", seen.states_wrong == 0,
              std::to_string(seen.states_wrong) + " wrong (first: " + crowd_.first_wrong_state + ")");
        const std::uint64_t arrived =
            options_.protocol == Protocol::bare ? seen.frames : seen.states_delivered;
        check("states flow", seen.states_sent == 0 || arrived != 0, "none was delivered");
        check("events once, in order", seen.events_wrong == 0 && seen.events_missing == 0,
              std::to_string(seen.events_wrong) + " wrong (first: " + crowd_.first_wrong_event + "), " +
                  std::to_string(seen.events_missing) + " missing");
        const bool all_hold = all_hold_last_states();
        check("all hold the last states", all_hold, detail_);
    }

    void check(const char* name, bool is_ok, const std::string& detail) {
        report_.checks.push_back({name, is_ok, is_ok ? std::string() : detail});
    }

    void leave_all() {
        crowd_.is_leaving = true;
        for (std::uint32_t index = 0; index < members_.size(); ++index) {
            members_[index].leave();
            if (index % submit_every == submit_every - 1) {
                step();
            }
        }
        const auto all_closed = [this] { return crowd_.closed_count == members_.size(); };
        if (!step_until(leave_patience, all_closed)) {
            for (Member& member : members_) {
                member.cut();
            }
            step_until(leave_patience, all_closed);
        }
    }

    SwarmOptions options_;
    Progress& progress_;
    Crowd crowd_;
    std::deque<Member> members_;
    std::unique_ptr<uring::Backend> backend_;  // goes first: it reads from the members' buffers
    DueWheel wheel_;
    std::vector<Time> due_;               // by member
    std::vector<std::uint32_t> players_;  // those who speak
    std::size_t probed_ = 0;
    std::size_t spoken_ = 0;
    std::uint32_t swept_ = 0;
    Time next_probe_{};
    Time next_event_{};
    Duration slot_{};
    Duration period_{};  // of a player's states
    bool is_playing_ = false;
    std::uint32_t received_count_ = 0;
    bool is_clock_stale_ = true;
    std::string detail_;
    Report report_;
};

}  // namespace

tl::expected<Report, std::string> run_swarm(const SwarmOptions& options, Progress& progress) {
    const auto swarm = std::make_unique<Swarm>(options, progress);
    return swarm->run();
}

}  // namespace tickwire::swarm
