#include "shard/turn_queue.hpp"

#include <gtest/gtest.h>

namespace tickwire::shard {
namespace {

TEST(TurnQueue, serves_in_the_order_of_coming_and_each_once) {
    TurnQueue queue(4);
    for (const std::uint32_t index : {2U, 0U, 2U, 3U, 0U, 1U}) {
        queue.push(index);
    }
    EXPECT_EQ(queue.count(), 4U);
    for (const std::uint32_t index : {2U, 0U, 3U, 1U}) {
        EXPECT_EQ(queue.pop(), index);
    }
    EXPECT_TRUE(queue.is_empty());
}

TEST(TurnQueue, goes_round_for_ever) {
    TurnQueue queue(3);
    queue.push(0);
    queue.push(1);
    for (std::uint32_t turn = 0; turn < 100; ++turn) {
        queue.push((turn + 2) % 3);
        EXPECT_EQ(queue.pop(), turn % 3);
        EXPECT_EQ(queue.count(), 2U);
    }
}

}  // namespace
}  // namespace tickwire::shard
