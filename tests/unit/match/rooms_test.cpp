// The small rooms: clock, sets, roster, properties, the host's rules, rate classes.
#include <gtest/gtest.h>

#include "match/host_election.hpp"
#include "match/player_set.hpp"
#include "match/properties.hpp"
#include "match/rate_class.hpp"
#include "match/roster.hpp"
#include "match/tick_clock.hpp"

namespace tickwire::match {
namespace {

using std::chrono::milliseconds;
using std::chrono::nanoseconds;
using std::chrono::seconds;

TEST(TickClockTest, due_and_number_are_exact_inverses) {
    const base::Time opened{seconds(12'345)};
    for (const std::uint32_t hz : {1U, 7U, 30U, 60U, 127U, 128U}) {
        const TickClock clock(opened, hz);
        for (const TickNumber number : {1U, 2U, hz, hz + 1, 65'536U, 1'000'003U, 4'000'000'000U}) {
            EXPECT_EQ(clock.number_at(clock.due(number)), number);
            EXPECT_EQ(clock.number_at(clock.due(number) - nanoseconds(1)), number - 1);
        }
    }
}

TEST(TickClockTest, wait_counts_256ths_and_stops_at_255) {
    const base::Time now{seconds(100)};
    const TickClock clock(base::Time{}, 10);
    EXPECT_EQ(clock.wait_between(now, now), 0);
    EXPECT_EQ(clock.wait_between(now - milliseconds(50), now), 128);
    EXPECT_EQ(clock.wait_between(now - nanoseconds(99'999'999), now), 255);
    EXPECT_EQ(clock.wait_between(now - milliseconds(100), now), 255);
    EXPECT_EQ(clock.wait_between(now - seconds(100), now), 255);
}

TEST(PlayerSetTest, walks_in_rising_order) {
    PlayerSet set;
    set.grow(200);
    for (const PlayerNumber player :
         {PlayerNumber{199}, PlayerNumber{0}, PlayerNumber{64}, PlayerNumber{63}}) {
        set.insert(player);
        set.insert(player);
    }
    set.erase(0);
    set.erase(0);
    EXPECT_EQ(set.count(), 3U);
    std::vector<PlayerNumber> seen;
    set.for_each([&](PlayerNumber player) { seen.push_back(player); });
    EXPECT_EQ(seen, (std::vector<PlayerNumber>{63, 64, 199}));
    set.clear();
    EXPECT_TRUE(set.empty());
    EXPECT_FALSE(set.contains(64));
}

Slot slot_with(std::string_view token) {
    Slot slot;
    std::copy(token.begin(), token.end(), slot.token.begin());
    return slot;
}

TEST(RosterTest, finds_by_the_whole_token) {
    Roster roster(10);
    EXPECT_EQ(roster.add(slot_with("aaaaaaaabbbbbbbbccccc1")), 0);
    EXPECT_EQ(roster.add(slot_with("aaaaaaaabbbbbbbbccccc2")), 1);
    EXPECT_EQ(roster.find("aaaaaaaabbbbbbbbccccc2"), 1);
    EXPECT_EQ(roster.find("aaaaaaaabbbbbbbbccccc3"), std::nullopt);
    EXPECT_EQ(roster.find("aaaaaaaa"), std::nullopt);
    EXPECT_EQ(roster.find(""), std::nullopt);
    roster.remove(1);
    EXPECT_EQ(roster.find("aaaaaaaabbbbbbbbccccc2"), std::nullopt);
    EXPECT_EQ(roster.find("aaaaaaaabbbbbbbbccccc1"), 0);
}

TEST(RosterTest, plain_players_have_no_token) {
    Roster roster(10);
    Slot slot;
    slot.is_plain = true;
    EXPECT_EQ(roster.add(std::move(slot)), 0);
    EXPECT_EQ(roster.find(std::string_view(ResumeToken{}.data(), ResumeToken{}.size())), std::nullopt);
}

TEST(RosterTest, holds_65535_players_and_reuses_the_lowest_number) {
    Roster roster(65'535);
    for (std::uint32_t number = 0; number < 65'535; ++number) {
        ASSERT_EQ(roster.add(slot_with("")), number);
    }
    EXPECT_EQ(roster.add(slot_with("")), std::nullopt);
    roster.remove(40'000);
    roster.remove(300);
    EXPECT_EQ(roster.add(slot_with("")), 300);
    EXPECT_EQ(roster.count(), 65'534U);
    EXPECT_FALSE(roster.has(40'000));
    EXPECT_FALSE(roster.has(65'535));
}

TEST(PropertiesTest, keys_are_replaced_and_deleted) {
    Properties properties({.size_max = 100, .count_max = 3});
    EXPECT_EQ(properties.apply({{{"a", "1"}, {"b", "2"}}, {}}), Properties::Outcome::accepted);
    EXPECT_EQ(properties.apply({{{"a", "[3]"}, {"b", ""}, {"c", ""}}, 1}), Properties::Outcome::accepted);
    EXPECT_EQ(properties.version(), 2U);
    const auto list = properties.list();
    ASSERT_EQ(list.size(), 1U);
    EXPECT_EQ(list[0].key, "a");
    EXPECT_EQ(list[0].json, "[3]");
    EXPECT_EQ(properties.apply({{}, 1}), Properties::Outcome::version_differs);
    EXPECT_EQ(properties.apply({{}, 2}), Properties::Outcome::accepted);
    EXPECT_EQ(properties.version(), 3U);
}

TEST(PropertiesTest, size_is_that_of_keys_and_values_whatever_was_named_twice) {
    Properties properties({.size_max = 16, .count_max = 3});
    EXPECT_EQ(properties.apply({{{"ab", "12345678"}}, {}}), Properties::Outcome::accepted);
    EXPECT_EQ(properties.apply({{{"c", "1"}}, {}}), Properties::Outcome::too_large);
    EXPECT_EQ(properties.apply({{{"ab", "1"}, {"ab", "1234"}, {"c", "1"}}, {}}),
              Properties::Outcome::accepted);
    EXPECT_EQ(properties.apply({{{"d", "1"}}, {}}), Properties::Outcome::too_large);
    EXPECT_EQ(properties.version(), 2U);
}

TEST(PropertiesTest, size_is_what_welcome_has_of_them) {
    const std::string_view written = R"("\u0001\n":"\u0001",)";
    Properties properties({.size_max = written.size(), .count_max = 3});
    EXPECT_EQ(properties.apply({{{"\x01\x01", R"("\u0001")"}}, {}}), Properties::Outcome::too_large);
    EXPECT_EQ(properties.apply({{{"\x01\n", R"("\u0001")"}}, {}}), Properties::Outcome::accepted);
    EXPECT_EQ(properties.size(), written.size());
}

TEST(PropertiesTest, come_back_once_each_and_without_those_that_are_none) {
    Properties properties({.size_max = 100, .count_max = 10});
    properties.restore(7, {{"map", "1"}, {"gone", ""}, {"map", "22"}});
    EXPECT_EQ(properties.version(), 7U);
    EXPECT_EQ(properties.size(), std::string_view(R"("map":1,)").size());
    const auto list = properties.list();
    ASSERT_EQ(list.size(), 1U);
    EXPECT_EQ(list[0].key, "map");
    EXPECT_EQ(list[0].json, "1");
}

TEST(HostElectionTest, candidates_by_round_trip_then_number) {
    const HostCandidate unknown{0, {}};
    const HostCandidate slow{1, milliseconds(50)};
    const HostCandidate quick{3, milliseconds(20)};
    EXPECT_TRUE(quick.is_better_than(slow));
    EXPECT_TRUE(slow.is_better_than(unknown));
    EXPECT_FALSE(unknown.is_better_than(slow));
    EXPECT_TRUE(quick.is_better_than({4, milliseconds(20)}));
    EXPECT_TRUE(unknown.is_better_than({2, {}}));
}

TEST(HostElectionTest, grace_runs_from_the_first_moment_and_ends_when_fit) {
    HostElection election(seconds(1));
    const base::Time now{seconds(5)};
    EXPECT_TRUE(election.name(3));
    EXPECT_FALSE(election.name(3));
    EXPECT_EQ(election.epoch(), 1U);
    election.set_unfit(now);
    election.set_unfit(now + milliseconds(500));
    EXPECT_EQ(election.deadline(), now + seconds(1));
    election.set_fit();
    EXPECT_EQ(election.deadline(), std::nullopt);
    EXPECT_TRUE(election.name(std::nullopt));
    EXPECT_EQ(election.epoch(), 2U);
}

TEST(RateClassTest, ticks_at_the_first_tick_at_or_after_each_multiple) {
    base::BufferPool pool(1 << 20);
    StateTable states(pool);
    RateClass rate_class(4);
    rate_class.start_tick(4, 3);
    EXPECT_FALSE(rate_class.is_ticking()) << "without members";
    rate_class.add_member(states);
    rate_class.start_tick(3, 2);
    EXPECT_FALSE(rate_class.is_ticking());
    rate_class.start_tick(4, 3);
    EXPECT_TRUE(rate_class.is_ticking());
    rate_class.start_tick(9, 7);
    EXPECT_TRUE(rate_class.is_ticking());
    rate_class.start_tick(11, 9);
    EXPECT_FALSE(rate_class.is_ticking());
}

TEST(RateClassTest, baselines_follow_at_its_own_ticks_and_go_with_the_last_member) {
    base::BufferPool pool(1 << 20);
    {
        StateTable states(pool);
        states.grow(2);
        RateClass rate_class(2);
        rate_class.grow(2);
        const auto take = [&](std::string_view bytes) {
            ASSERT_TRUE(states.put(1, {0, 0, base::as_bytes(bytes)}, base::Time{}));
            states.take_pending([&](PlayerNumber player) { rate_class.on_taken(player); });
        };
        take("before");
        EXPECT_TRUE(rate_class.changed().empty());
        rate_class.add_member(states);
        EXPECT_EQ(base::as_text(rate_class.baseline(1).bytes()), "before");
        take("one");
        EXPECT_EQ(base::as_text(rate_class.baseline(1).bytes()), "before");
        rate_class.start_tick(1, 0);
        rate_class.finish_tick(states);
        EXPECT_TRUE(rate_class.changed().contains(1));
        rate_class.start_tick(2, 1);
        rate_class.finish_tick(states);
        EXPECT_EQ(base::as_text(rate_class.baseline(1).bytes()), "one");
        EXPECT_TRUE(rate_class.changed().empty());
        rate_class.remove_member();
        EXPECT_FALSE(rate_class.baseline(1));
    }
    EXPECT_EQ(pool.bytes_in_use(), 0U);
}

}  // namespace
}  // namespace tickwire::match
