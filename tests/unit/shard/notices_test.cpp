#include "shard/notices.hpp"

#include <gtest/gtest.h>

#include <string>
#include <thread>

namespace tickwire::shard {
namespace {

Notice numbered(std::uint64_t number) {
    Notice notice;
    notice.opening = number;
    notice.match.set("match-" + std::to_string(number));
    return notice;
}

TEST(FixedText, keeps_what_fits) {
    FixedText<4> text;
    EXPECT_EQ(text.view(), "");
    text.set("four");
    EXPECT_EQ(text.view(), "four");
    text.set("more than four");
    EXPECT_EQ(text.view(), "more");
    text.set("a");
    EXPECT_EQ(text.view(), "a");
}

TEST(NoticeRing, gives_what_was_put_in_order_and_refuses_what_finds_it_full) {
    NoticeRing ring;
    for (std::uint64_t round = 0; round < 3; ++round) {
        for (std::uint64_t number = 0; number < NoticeRing::capacity; ++number) {
            ASSERT_TRUE(ring.put(numbered(number)));
        }
        EXPECT_FALSE(ring.put(numbered(0)));
        std::uint64_t expected = 0;
        ring.take_all([&expected](const Notice& notice) {
            EXPECT_EQ(notice.opening, expected);
            EXPECT_EQ(notice.match.view(), "match-" + std::to_string(expected));
            ++expected;
        });
        EXPECT_EQ(expected, NoticeRing::capacity);
    }
}

TEST(NoticeRing, loses_nothing_between_two_threads) {
    constexpr std::uint64_t count = 50'000;
    NoticeRing ring;
    std::thread writer([&ring] {
        for (std::uint64_t number = 0; number < count;) {
            number += ring.put(numbered(number)) ? 1U : 0U;
        }
    });
    std::uint64_t expected = 0;
    while (expected < count) {
        ring.take_all([&expected](const Notice& notice) {
            ASSERT_EQ(notice.opening, expected);
            ++expected;
        });
    }
    writer.join();
}

}  // namespace
}  // namespace tickwire::shard
