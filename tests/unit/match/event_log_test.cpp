// The ring: order, numbers, what is dropped, runs.
#include "match/event_log.hpp"

#include <gtest/gtest.h>

#include <string>
#include <vector>

namespace tickwire::match {
namespace {

class EventLogTest : public ::testing::Test {
  protected:
    base::BufferPool pool{std::size_t{8} << 20};
    EventLog log{pool, {4096, 1000}};

    void SetUp() override { ASSERT_TRUE(log.reserve()); }

    EventNumber append(std::string_view body, PlayerNumber addressee = protocol::nobody) {
        return log.append_event(7, addressee, 0, base::as_bytes(body));
    }
    /// What an audience reads from a place on, a line for each entry; messages apart by "|".
    std::string read(LogPosition from, const Audience& audience = {},
                     std::size_t payload_max = EventLog::run_size_max) {
        std::string text;
        while (const auto run = log.next_run(from, audience, payload_max)) {
            std::vector<std::uint8_t> payload(run->payload_size);
            log.write_run(*run, audience, payload.data());
            text += "|";
            if (run->opcode == websocket::Opcode::text) {
                text += base::as_text(payload);
                continue;
            }
            auto reader = protocol::EventsReader::open(payload);
            EXPECT_TRUE(reader);
            std::uint32_t count = 0;
            for (; const auto entry = reader->next(); ++count) {
                text += std::to_string(entry->number) + base::as_text(entry->body).data()[0];
            }
            EXPECT_TRUE(reader->is_valid());
            EXPECT_EQ(count, run->entry_count);
        }
        return text;
    }
};

TEST_F(EventLogTest, keeps_order_and_joins_consecutive_events) {
    append("a");
    append("b");
    log.append_control("{}");
    append("c");
    EXPECT_EQ(read(0), "|1a2b|{}|3c");
    EXPECT_EQ(read(log.head()), "");
    EXPECT_EQ(read(0, {}, 0), "|1a|2b|{}|3c");
}

TEST_F(EventLogTest, audiences_differ) {
    append("a");
    append("b", 3);
    append("c", 4);
    log.append_control("{}");
    append("d");
    EXPECT_EQ(read(0), "|1a|{}|4d");
    EXPECT_EQ(read(0, {.player = 3}), "|1a2b|{}|4d");
    EXPECT_EQ(read(0, {.player = 4, .after = 1, .wants_control = false}), "|3c4d");
}

TEST_F(EventLogTest, drops_the_oldest_and_says_which) {
    std::vector<LogPosition> places;
    for (int count = 0; count < 100; ++count) {
        places.push_back(log.head());
        const LogPosition tail = log.tail_after(300);
        append(std::string(300, 'x'));
        EXPECT_EQ(read(0).substr(0, 1), "|");
        if (log.newest_dropped_event() != 0) {
            EXPECT_GT(tail, places[log.newest_dropped_event() - 1]);
            EXPECT_LE(tail, places[log.newest_dropped_event()]);
        }
    }
    // 300 + 13 + 16 bytes take 336: twelve fit 4096.
    EXPECT_EQ(log.newest_dropped_event(), 88U);
    EXPECT_EQ(read(0), "|89x90x91x92x93x94x95x96x97x98x99x100x");
}

TEST_F(EventLogTest, entries_of_all_sizes_survive_the_ring_s_end) {
    std::uint32_t random = 1;
    for (std::uint32_t count = 1; count < 5000; ++count) {
        random = random * 1664525 + 1013904223;
        const std::size_t size = random >> 22;
        if (!log.fits(size)) {
            continue;
        }
        const LogPosition before = log.head();
        const LogPosition tail = log.tail_after(size);
        ASSERT_LE(tail, before);
        const EventNumber number = append(std::string(size, 'x') + "y");
        ASSERT_EQ(read(before).substr(1, std::to_string(number).size()), std::to_string(number));
        ASSERT_GE(number, log.newest_dropped_event() + 1);
    }
}

TEST_F(EventLogTest, long_runs_are_cut) {
    EventLog large(pool, {std::size_t{1} << 18, 1000});
    ASSERT_TRUE(large.reserve());
    for (int count = 0; count < 200; ++count) {
        large.append_event(0, protocol::nobody, 0, base::as_bytes(std::string(1000, 'x')));
    }
    LogPosition position = 0;
    std::uint32_t seen = 0;
    while (const auto run = large.next_run(position, {})) {
        EXPECT_LE(run->payload_size, EventLog::run_size_max);
        seen += run->entry_count;
    }
    EXPECT_EQ(seen, 200U);
}

TEST_F(EventLogTest, ring_holds_two_of_the_longest_messages_whatever_was_asked) {
    EventLog small(pool, {128, 65'535});
    ASSERT_TRUE(small.reserve());
    EXPECT_TRUE(small.fits(65'535));
    for (int count = 0; count < 10; ++count) {
        small.append_event(0, protocol::nobody, 0, base::as_bytes(std::string(65'000, 'x')));
    }
    EXPECT_FALSE(log.fits(3000));
}

}  // namespace
}  // namespace tickwire::match
