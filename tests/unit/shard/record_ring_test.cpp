#include "shard/record_ring.hpp"

#include <gtest/gtest.h>

#include <string>
#include <thread>

namespace tickwire::shard {
namespace {

struct Record {
    std::uint64_t number = 0;
    FixedText<32> name;
};
using Ring = RecordRing<Record, 1024>;

Record numbered(std::uint64_t number) {
    return {number, FixedText<32>("record-" + std::to_string(number))};
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

TEST(RecordRing, gives_what_was_put_in_order_and_refuses_what_finds_it_full) {
    Ring ring;
    for (std::uint64_t round = 0; round < 3; ++round) {
        for (std::uint64_t number = 0; number < Ring::capacity; ++number) {
            ASSERT_TRUE(ring.put(numbered(number)));
        }
        EXPECT_FALSE(ring.put(numbered(0)));
        std::uint64_t expected = 0;
        ring.take_all([&expected](const Record& record) {
            EXPECT_EQ(record.number, expected);
            EXPECT_EQ(record.name.view(), "record-" + std::to_string(expected));
            ++expected;
        });
        EXPECT_EQ(expected, Ring::capacity);
    }
}

TEST(RecordRing, loses_nothing_between_two_threads) {
    constexpr std::uint64_t count = 50'000;
    Ring ring;
    std::thread writer([&ring] {
        for (std::uint64_t number = 0; number < count;) {
            number += ring.put(numbered(number)) ? 1U : 0U;
        }
    });
    std::uint64_t expected = 0;
    while (expected < count) {
        ring.take_all([&expected](const Record& record) {
            ASSERT_EQ(record.number, expected);
            ++expected;
        });
    }
    writer.join();
}

}  // namespace
}  // namespace tickwire::shard
