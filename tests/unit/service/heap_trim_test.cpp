#include "service/heap_trim.hpp"

#include <gtest/gtest.h>

namespace tickwire::service {
namespace {

constexpr std::uint64_t mib = 1024 * 1024;

TEST(HeapTrim, is_due_once_when_much_has_been_freed_and_no_more_is) {
    HeapTrim trim;
    EXPECT_FALSE(trim.is_due(2 * mib));
    EXPECT_FALSE(trim.is_due(80 * mib));
    EXPECT_FALSE(trim.is_due(50 * mib)) << "it still falls";
    EXPECT_FALSE(trim.is_due(2 * mib));
    EXPECT_TRUE(trim.is_due(2 * mib));
    EXPECT_FALSE(trim.is_due(2 * mib)) << "it was done";
}

TEST(HeapTrim, is_due_where_others_begin_to_come_again) {
    HeapTrim trim;
    EXPECT_FALSE(trim.is_due(80 * mib));
    EXPECT_FALSE(trim.is_due(10 * mib));
    EXPECT_TRUE(trim.is_due(11 * mib));
}

TEST(HeapTrim, is_not_due_for_the_coming_and_going_of_a_few) {
    HeapTrim trim;
    for (int turn = 0; turn < 100; ++turn) {
        EXPECT_FALSE(trim.is_due(40 * mib));
        EXPECT_FALSE(trim.is_due(35 * mib + 1));
        EXPECT_FALSE(trim.is_due(35 * mib + 1));
    }
    EXPECT_FALSE(trim.is_due(35 * mib)) << "it still falls";
    EXPECT_TRUE(trim.is_due(35 * mib)) << "an eighth";
}

TEST(HeapTrim, of_a_small_heap_asks_for_more_than_an_eighth) {
    HeapTrim trim;
    EXPECT_FALSE(trim.is_due(2 * mib));
    EXPECT_FALSE(trim.is_due(mib + 1));
    EXPECT_FALSE(trim.is_due(mib + 1));
    EXPECT_FALSE(trim.is_due(mib));
    EXPECT_TRUE(trim.is_due(mib));
}

}  // namespace
}  // namespace tickwire::service
