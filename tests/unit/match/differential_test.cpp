// A crowd that does everything at random, seeded, against the plain truth: whoever got a tick has exactly
// the states that were taken, and whoever was there got each event once and in order.
#include <algorithm>
#include <cstdlib>
#include <random>

#include "base/bugs.hpp"
#include "match_fixture.hpp"

namespace tickwire::match {
namespace {

#ifdef TICKWIRE_BUGS
/// `TICKWIRE_BUG=3 unit_match` shows that this test finds the bug with that number.
const bool is_bug_set = [] {
    if (const char* const number = std::getenv("TICKWIRE_BUG")) {
        base::active_bug = static_cast<base::Bug>(std::atoi(number));
    }
    return true;
}();
#endif

struct LoggedEvent {
    PlayerNumber addressee;  ///< nobody: for all
    std::string body;
};

/// One connection and what it should have got.
struct Actor {
    ReferenceClient* client = nullptr;
    wire::Role role = wire::Role::player;
    bool is_connected = false;
    bool can_resume = false;
    unsigned silent_rounds = 0;     ///< it neither acts nor reports for so long
    std::uint32_t events_from = 0;  ///< those above it are for this connection
    std::string state;
};

class DifferentialTest : public MatchTest, public ::testing::WithParamInterface<unsigned> {
  protected:
    std::mt19937 random{GetParam()};
    std::vector<Actor> actors{20};
    std::map<PlayerNumber, std::string> pending;
    std::map<PlayerNumber, std::string> truth;
    std::vector<LoggedEvent> logged;

    unsigned roll(unsigned sides) { return static_cast<unsigned>(random() % sides); }

    void connect(Actor& actor) {
        if (actor.can_resume) {
            const std::uint32_t seen = actor.client->newest_event;
            const PlayerNumber before = *actor.client->player;
            actor.client = &resume(*actor.client, seen);
            ASSERT_TRUE(actor.client->player == before || !actor.client->is_recovered);
            actor.events_from =
                actor.client->is_recovered ? seen : static_cast<std::uint32_t>(logged.size());
            if (actor.client->is_recovered) {
                actor.client->newest_event =
                    actor.client->events.empty() ? seen : actor.client->events.back().number;
            }
        } else {
            actor.role = roll(4) == 0 ? wire::Role::spectator : wire::Role::player;
            actor.client = &join(std::to_string(roll(1000)), actor.role);
            actor.events_from = static_cast<std::uint32_t>(logged.size());
        }
        actor.client->reports_by_itself = true;
        actor.is_connected = true;
        actor.can_resume = false;
    }

    void part(Actor& actor) {
        ReferenceClient& client = *actor.client;
        const bool is_busy = outlet.link(client.connection).state == LinkState::busy;
        const auto ending = static_cast<Ending>(roll(3));
        check_events(actor, is_busy ? Completeness::prefix : Completeness::up_to_the_last_tick);
        if (is_busy) {
            outlet.link(client.connection).messages.clear();
        }
        disconnect(client, ending);
        actor.is_connected = false;
        actor.can_resume = ending == Ending::lost && actor.role == wire::Role::player;
        if (actor.role == wire::Role::player && ending != Ending::lost) {
            truth.erase(*client.player);
            pending.erase(*client.player);
        }
    }

    void act(Actor& actor) {
        ReferenceClient& client = *actor.client;
        const bool is_player = actor.role == wire::Role::player;
        switch (roll(24)) {
            case 0:
                request(client, wire::SetRate{static_cast<std::uint8_t>(1U << roll(4))});
                return;
            case 1:
                request(client, wire::SetVisible{roll(3) != 0});
                return;
            case 2:
                match->take_resync(client.member, now);
                return;
            case 3:
                set_busy(client, roll(3) == 0);
                deliver();
                return;
            case 4:
                client.reports_by_itself = roll(4) != 0;
                actor.silent_rounds = client.reports_by_itself ? 0 : roll(30);
                return;
            case 5:
                if (is_player) {
                    request(client, wire::SetProperties{{{"k", std::to_string(roll(100))}}, {}}, 1);
                }
                return;
            case 6:
                part(actor);
                return;
            case 7:
            case 8:
            case 9:
                if (is_player) {
                    send_event(client);
                }
                return;
            default:
                if (is_player) {
                    send_state(actor);
                }
                return;
        }
    }

    void send_state(Actor& actor) {
        if (actor.state.empty() || roll(20) == 0) {
            actor.state.assign(roll(100), static_cast<char>('a' + roll(26)));
        }
        for (unsigned count = roll(5); count > 0 && !actor.state.empty(); --count) {
            actor.state[roll(static_cast<unsigned>(actor.state.size()))] =
                static_cast<char>('a' + roll(26));
        }
        state(*actor.client, actor.state);
        pending[*actor.client->player] = actor.state;
    }

    void send_event(ReferenceClient& client) {
        std::string body = std::to_string(logged.size() + 1) + std::string(roll(2000), '.');
        // Who is host is another test's matter: that target stands for oneself here.
        const auto target = static_cast<protocol::Target>(roll(4));
        const bool is_for_all = target == protocol::Target::others || target == protocol::Target::everyone;
        const PlayerNumber to =
            target == protocol::Target::host ? *client.player : static_cast<PlayerNumber>(roll(20));
        const PlayerNumber addressee = is_for_all ? protocol::nobody : to;
        const std::uint64_t refused = counters.events_refused;
        const protocol::Kind kind{.target = is_for_all ? target : protocol::Target::player};
        EXPECT_TRUE(match->take_event(
            client.member, {kind, is_for_all ? PlayerNumber{0} : to, base::as_bytes(body)}, now));
        if (counters.events_refused == refused) {
            logged.push_back({addressee, std::move(body)});
        }
        deliver();
    }

    enum class Completeness { prefix, up_to_the_last_tick };

    void check_events(const Actor& actor, Completeness completeness) {
        const ReferenceClient& client = *actor.client;
        std::size_t next = 0;
        for (std::uint32_t number = actor.events_from + 1; number <= logged.size(); ++number) {
            const LoggedEvent& expected = logged[number - 1];
            if (expected.addressee != protocol::nobody && expected.addressee != *client.player) {
                continue;
            }
            if (next == client.events.size()) {
                // Only what happened since the last tick, or what a busy link holds, may be missing.
                ASSERT_TRUE(completeness == Completeness::prefix || number > logged_at_last_tick) << number;
                return;
            }
            ASSERT_EQ(client.events[next].number, number);
            ASSERT_EQ(client.events[next].body, expected.body);
            ++next;
        }
        ASSERT_EQ(next, client.events.size());
    }

    void check_tick() {
        for (const auto& [player, bytes] : pending) {
            truth[player] = bytes;
        }
        pending.clear();
        logged_at_last_tick = logged.size();
        std::vector<std::uint32_t> before;
        for (const Actor& actor : actors) {
            before.push_back(actor.is_connected ? actor.client->newest_tick : 0);
        }
        run_at(match->next_tick_due() + std::exchange(lateness, base::Duration{}));
        report();
        for (std::size_t index = 0; index < actors.size(); ++index) {
            const Actor& actor = actors[index];
            if (!actor.is_connected || outlet.link(actor.client->connection).state == LinkState::busy) {
                continue;
            }
            ++ticks_checked;
            if (actor.client->newest_tick > before[index]) {
                ++ticks_checked;
                ASSERT_EQ(actor.client->states, truth) << "tick " << actor.client->newest_tick;
            }
            check_events(actor, Completeness::up_to_the_last_tick);
        }
    }

    base::Duration lateness{};  ///< of the next tick
    std::size_t logged_at_last_tick = 0;
    std::size_t ticks_checked = 0;
};

TEST_P(DifferentialTest, everybody_has_the_truth) {
    options.resume_window = std::chrono::hours(1);  // a slot that ends by itself would be news to the truth
    options.player_count_max = 1000;
    open(seconds(2170));  // the numbers pass 65,536 on the way
    for (int round = 0; round < 1500 && !HasFailure(); ++round) {
        for (Actor& actor : actors) {
            if (!actor.is_connected) {
                if (roll(10) == 0) {
                    connect(actor);
                }
            } else if (actor.silent_rounds > 0) {
                --actor.silent_rounds;
            } else if (roll(2) == 0) {
                act(actor);
            }
        }
        if (roll(30) == 0) {
            lateness = milliseconds(roll(200));
        }
        check_tick();
    }
    // Calm: everybody reads, reports, and has it all within a few seconds.
    for (Actor& actor : actors) {
        if (actor.is_connected) {
            set_busy(*actor.client, false);
            actor.client->reports_by_itself = true;
            request(*actor.client, wire::SetVisible{true});
        }
    }
    pass(seconds(3));
    for (Actor& actor : actors) {
        if (actor.is_connected) {
            EXPECT_EQ(actor.client->states, truth);
            check_events(actor, Completeness::up_to_the_last_tick);
        }
    }
    EXPECT_GT(ticks_checked, 10'000U);
    EXPECT_GT(counters.entries_delta, 1'000U);
    EXPECT_GT(counters.skipped_busy, 100U);
    EXPECT_GT(counters.skipped_lagging, 50U);
    EXPECT_GT(counters.resumes_recovered, 10U);
}

INSTANTIATE_TEST_SUITE_P(Seeds, DifferentialTest, ::testing::Range(1U, 6U));

}  // namespace
}  // namespace tickwire::match
