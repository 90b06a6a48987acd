#include "shard/newcomer_queue.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <cstdint>
#include <vector>

namespace tickwire::shard {
namespace {

std::vector<std::uint32_t> pop_all(NewcomerQueue& queue) {
    std::vector<std::uint32_t> order;
    while (!queue.is_empty()) {
        order.push_back(queue.pop());
    }
    return order;
}

TEST(NewcomerQueue, who_is_under_way_goes_before_who_has_just_come) {
    NewcomerQueue queue(8);
    queue.push(0, false);
    queue.push(1, false);
    queue.push(5, true);
    queue.push(4, true);
    EXPECT_EQ(queue.count(), 4U);
    EXPECT_EQ(pop_all(queue), (std::vector<std::uint32_t>{5, 4, 0, 1}));
}

TEST(NewcomerQueue, of_those_under_way_only_so_many_go_in_a_row) {
    constexpr std::uint32_t size = 64;
    NewcomerQueue queue(size);
    queue.push(0, false);
    queue.push(1, false);
    for (std::uint32_t index = 2; index < size; ++index) {
        queue.push(index, true);
    }
    const std::vector<std::uint32_t> order = pop_all(queue);
    ASSERT_EQ(order.size(), size);
    EXPECT_EQ(order[NewcomerQueue::in_a_row_max], 0U);
    EXPECT_EQ(order[2 * NewcomerQueue::in_a_row_max + 1], 1U);
}

/// Each needs three turns, and asks for the next as soon as it has had one: what a storm of handshakes is.
TEST(NewcomerQueue, of_a_crowd_only_a_few_are_under_way_at_a_time) {
    constexpr std::uint32_t count = 1000;
    constexpr std::uint32_t turns_each = 3;
    NewcomerQueue queue(count);
    std::vector<std::uint32_t> turns(count);
    for (std::uint32_t index = 0; index < count; ++index) {
        queue.push(index, false);
    }
    std::uint32_t under_way = 0;
    std::uint32_t most = 0;
    while (!queue.is_empty()) {
        const std::uint32_t index = queue.pop();
        ++turns[index];
        under_way += turns[index] == 1 ? 1U : 0U;
        under_way -= turns[index] == turns_each ? 1U : 0U;
        most = std::max(most, under_way);
        if (turns[index] < turns_each) {
            queue.push(index, true);
        }
    }
    EXPECT_EQ(std::ranges::count(turns, turns_each), count);
    EXPECT_LE(most, 2U);
}

}  // namespace
}  // namespace tickwire::shard
