#include "shard/directory.hpp"

#include <gtest/gtest.h>

#include <array>
#include <string>

namespace tickwire::shard {
namespace {

TEST(Directory, places_matches_by_what_play_costs_and_not_by_who_just_comes) {
    Directory directory(2, {});
    directory.report_load(0, {.permille = 950, .play_permille = 50});  // shakes hands with a crowd
    directory.report_load(1, {.permille = 60, .play_permille = 60});
    for (int count = 0; count < 100; ++count) {
        const std::uint32_t shard = directory.place("match-" + std::to_string(count));
        EXPECT_EQ(shard, static_cast<std::uint32_t>(count % 2));
    }
    directory.report_load(1, {.permille = 300, .play_permille = 300});
    EXPECT_EQ(directory.place("another"), 0U);
    EXPECT_EQ(directory.place("and-another"), 0U);
}

TEST(Directory, places_matches_by_number_where_loads_are_hardly_apart) {
    Directory directory(2, {});
    directory.report_load(0, {.permille = 99, .play_permille = 99});
    directory.report_load(1, {.permille = 101, .play_permille = 101});
    for (int count = 0; count < 10; ++count) {
        const std::uint32_t shard = directory.place("match-" + std::to_string(count));
        EXPECT_EQ(shard, static_cast<std::uint32_t>(count % 2));
    }
}

TEST(Directory, keeps_a_handshake_where_it_came_unless_another_shard_has_far_fewer) {
    Directory directory(3, {});
    for (int count = 0; count < 5; ++count) {
        EXPECT_EQ(directory.choose_for_handshake(0, false), 0U);
    }
    EXPECT_EQ(directory.choose_for_handshake(0, false), 1U);
    EXPECT_EQ(directory.choose_for_handshake(0, false), 2U);
    EXPECT_EQ(directory.choose_for_handshake(0, false), 0U);
    directory.end_handshake(1);
    EXPECT_EQ(directory.choose_for_handshake(0, false), 1U);
    EXPECT_EQ(directory.choose_for_handshake(2, false), 2U);
}

TEST(Directory, gives_a_handshake_to_whom_has_fewer_where_there_is_no_place_for_it) {
    Directory directory(2, {});
    EXPECT_EQ(directory.choose_for_handshake(0, true), 0U);
    EXPECT_EQ(directory.choose_for_handshake(0, true), 1U);
    EXPECT_EQ(directory.choose_for_handshake(0, true), 0U);
}

TEST(Directory, shares_a_crowd_that_comes_to_one_shard_among_all) {
    Directory directory(4, {});
    std::array<int, 4> counts{};
    for (int count = 0; count < 1000; ++count) {
        ++counts[directory.choose_for_handshake(0, false)];
    }
    for (const int count : counts) {
        EXPECT_GE(count, 248);
        EXPECT_LE(count, 254);
    }
}

TEST(Directory, bounds_the_open_matches_of_an_address) {
    const base::Time now{};
    DirectoryLimits limits;
    limits.matches_per_address_max = 2;
    Directory directory(1, limits);
    EXPECT_TRUE(directory.charge_match(7, now));
    EXPECT_TRUE(directory.charge_match(7, now));
    EXPECT_FALSE(directory.charge_match(7, now));
    EXPECT_TRUE(directory.charge_match(8, now));
    for (int count = 0; count < 5; ++count) {
        EXPECT_TRUE(directory.charge_match(0, now));  // the service's own, and who is exempt
    }
    directory.release_match(0, now);
    directory.release_match(7, now);
    EXPECT_TRUE(directory.charge_match(7, now));
    EXPECT_FALSE(directory.charge_match(7, now));
    limits.matches_per_address_max = 3;
    directory.change_limits(limits);
    EXPECT_TRUE(directory.charge_match(7, now));
    // Connections are another account.
    EXPECT_EQ(directory.admit_connection(7, now), Admission::admitted);
}

}  // namespace
}  // namespace tickwire::shard
