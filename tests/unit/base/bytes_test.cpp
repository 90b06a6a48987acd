// The cursors: little-endian whatever the alignment, and no step past the end.
#include "base/bytes.hpp"

#include <gtest/gtest.h>

#include <array>
#include <cstdint>
#include <limits>
#include <string_view>

namespace tickwire::base {
namespace {

TEST(bytes, text_and_bytes_are_views_of_each_other) {
    const std::string_view text("a\0b", 3);
    EXPECT_EQ(as_bytes(text).size(), 3U);
    EXPECT_EQ(as_text(as_bytes(text)), text);
    EXPECT_TRUE(as_bytes({}).empty());
}

TEST(bytes, integers_are_little_endian_at_any_alignment) {
    const std::array<std::uint8_t, 9> raw{0xff, 0x01, 0x02, 0x03, 0x04, 0x05, 0x06, 0x07, 0x08};
    EXPECT_EQ(load_le<std::uint16_t>(raw.data() + 1), 0x0201U);
    EXPECT_EQ(load_le<std::uint32_t>(raw.data() + 1), 0x04030201U);
    EXPECT_EQ(load_le<std::uint64_t>(raw.data() + 1), 0x0807060504030201U);
    std::array<std::uint8_t, 9> stored{0xff};
    store_le(stored.data() + 1, std::uint64_t{0x0807060504030201});
    EXPECT_EQ(stored, raw);
}

TEST(byte_reader, reads_in_order_and_keeps_the_rest) {
    const std::array<std::uint8_t, 6> raw{0x01, 0x02, 0x03, 0x0a, 0x0b, 0x0c};
    ByteReader reader(raw);
    EXPECT_EQ(reader.take<std::uint8_t>(), 0x01U);
    EXPECT_EQ(reader.take<std::uint16_t>(), 0x0302U);
    EXPECT_EQ(reader.take_bytes(2)[1], 0x0bU);
    ASSERT_EQ(reader.rest().size(), 1U);
    EXPECT_EQ(reader.rest()[0], 0x0cU);
    EXPECT_FALSE(reader.overran());
}

TEST(byte_reader, reads_up_to_its_end_without_overrunning) {
    const std::array<std::uint8_t, 4> raw{1, 0, 0, 0};
    ByteReader reader(raw);
    EXPECT_EQ(reader.take<std::uint32_t>(), 1U);
    EXPECT_TRUE(reader.take_bytes(0).empty());
    EXPECT_FALSE(reader.overran());
}

TEST(byte_reader, an_integer_past_the_end_is_zero_and_remembered) {
    const std::array<std::uint8_t, 3> raw{0xff, 0xff, 0xff};
    ByteReader reader(raw);
    EXPECT_EQ(reader.take<std::uint32_t>(), 0U);
    EXPECT_TRUE(reader.overran());
    // What is left is void too: a half-read message must not look like a shorter one.
    EXPECT_EQ(reader.take<std::uint8_t>(), 0U);
    EXPECT_TRUE(reader.rest().empty());
}

TEST(byte_reader, bytes_past_the_end_are_none_and_remembered) {
    const std::array<std::uint8_t, 3> raw{1, 2, 3};
    ByteReader reader(raw);
    EXPECT_TRUE(reader.take_bytes(4).empty());
    EXPECT_TRUE(reader.overran());
    EXPECT_TRUE(reader.rest().empty());
}

TEST(byte_reader, a_size_near_the_largest_does_not_wrap) {
    const std::array<std::uint8_t, 3> raw{1, 2, 3};
    ByteReader reader(raw);
    EXPECT_TRUE(reader.take_bytes(std::numeric_limits<std::size_t>::max()).empty());
    EXPECT_TRUE(reader.overran());
}

TEST(byte_reader, of_nothing_overruns_at_once) {
    ByteReader reader({});
    EXPECT_FALSE(reader.overran());
    EXPECT_EQ(reader.take<std::uint8_t>(), 0U);
    EXPECT_TRUE(reader.overran());
}

TEST(byte_writer, writes_what_a_reader_reads) {
    std::array<std::uint8_t, 32> room{};
    ByteWriter writer(room);
    writer.put(std::uint8_t{0x81});
    writer.put(std::uint32_t{90'210});
    writer.put_bytes(as_bytes("tick"));
    writer.put_bytes({});
    EXPECT_EQ(writer.size(), 9U);

    ByteReader reader(writer.written());
    EXPECT_EQ(reader.take<std::uint8_t>(), 0x81U);
    EXPECT_EQ(reader.take<std::uint32_t>(), 90'210U);
    EXPECT_EQ(as_text(reader.rest()), "tick");
}

TEST(byte_writer, advance_counts_what_another_wrote_into_its_room) {
    std::array<std::uint8_t, 4> room{};
    ByteWriter writer(room);
    writer.put(std::uint8_t{1});
    writer.room()[0] = 2;
    writer.advance(1);
    EXPECT_EQ(writer.written()[1], 2U);
    EXPECT_EQ(writer.room().size(), 2U);
}

TEST(byte_writer, fills_its_room_to_the_last_byte) {
    std::array<std::uint8_t, 4> room{};
    ByteWriter writer(room);
    writer.put(std::uint32_t{0x04030201});
    EXPECT_TRUE(writer.room().empty());
    EXPECT_EQ(room[3], 4U);
}

TEST(byte_writer_death, too_little_room_is_our_bug) {
    std::array<std::uint8_t, 3> room{};
    ByteWriter writer(room);
    EXPECT_DEATH(writer.put(std::uint32_t{1}), "room for an integer");
    EXPECT_DEATH(writer.put_bytes(as_bytes("four")), "room for bytes");
    EXPECT_DEATH(writer.advance(4), "room to advance");
}

}  // namespace
}  // namespace tickwire::base
