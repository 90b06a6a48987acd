#include "shard/directory.hpp"

#include <gtest/gtest.h>

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

TEST(Directory, keeps_a_handshake_where_it_came_unless_another_shard_has_far_fewer) {
    Directory directory(3, {});
    directory.report_handshakes(0, 4);
    EXPECT_EQ(directory.choose_for_handshake(0), 0U);
    directory.report_handshakes(0, 5);
    EXPECT_EQ(directory.choose_for_handshake(0), 1U);
    // That one has it, whether it has said so by now or not.
    EXPECT_EQ(directory.choose_for_handshake(0), 2U);
    EXPECT_EQ(directory.choose_for_handshake(0), 0U);
    directory.report_handshakes(0, 100);
    directory.report_handshakes(1, 50);
    directory.report_handshakes(2, 49);
    EXPECT_EQ(directory.choose_for_handshake(0), 2U);
    EXPECT_EQ(directory.choose_for_handshake(2), 2U);
}

TEST(Directory, shares_a_crowd_that_comes_to_one_shard_among_all) {
    Directory directory(4, {});
    std::uint32_t counts[4] = {};
    for (int count = 0; count < 1000; ++count) {
        const std::uint32_t shard = directory.choose_for_handshake(0);
        directory.report_handshakes(shard, ++counts[shard]);
    }
    for (const std::uint32_t count : counts) {
        EXPECT_GE(count, 245U);
        EXPECT_LE(count, 255U);
    }
}

}  // namespace
}  // namespace tickwire::shard
