// The binary codecs beyond the vectors: every kind, every cut, every type, and that values lie in the
// message and not in a copy.
#include "tickwire/protocol.hpp"

#include <gtest/gtest.h>

#include <vector>

namespace tickwire::protocol {
namespace {

using ByteString = std::vector<std::uint8_t>;

ByteString concatenate(std::initializer_list<ByteString> parts) {
    ByteString all;
    for (const ByteString& part : parts) {
        all.insert(all.end(), part.begin(), part.end());
    }
    return all;
}

TEST(Protocol, knows_exactly_24_kinds_and_each_survives_the_way_there_and_back) {
    int known = 0;
    for (unsigned value = 0; value < 256; ++value) {
        const auto kind = decode_kind(static_cast<std::uint8_t>(value));
        if (kind) {
            ++known;
            EXPECT_EQ(encode_kind(*kind), value);
        }
    }
    EXPECT_EQ(known, 4 * 2 * 3);
}

TEST(Protocol, refuses_every_type_but_the_clients_four) {
    for (unsigned type = 0; type < 256; ++type) {
        ByteString message(8);
        message[0] = static_cast<std::uint8_t>(type);
        const auto decoded = decode_client_message(message);
        const bool is_known = type >= 1 && type <= 4;
        EXPECT_EQ(!decoded && decoded.error() == Error::unknown_type, !is_known) << type;
    }
}

TEST(Protocol, describes_every_error) {
    for (const Error error : {Error::empty, Error::unknown_type, Error::unknown_kind,
                              Error::reserved_not_zero, Error::wrong_length}) {
        EXPECT_FALSE(describe(error).empty());
        EXPECT_NE(describe(error), "unknown error");
    }
}

TEST(Protocol, decoded_bodies_lie_in_the_message) {
    const ByteString state{1, 0, 0, 0, 0, 0, 'a', 'b'};
    EXPECT_EQ(decode_client_message(state)->state.bytes.data(), state.data() + state_header_size);
    const ByteString event{2, 0, 0, 0, 'a'};
    EXPECT_EQ(decode_client_message(event)->event.body.data(), event.data() + event_header_size);
}

TEST(Protocol, any_state_over_the_smallest_is_well_formed) {
    ByteString message(state_header_size);
    message[0] = 1;
    for (; message.size() < 64; message.push_back(0xff)) {
        const auto decoded = decode_client_message(message);
        ASSERT_TRUE(decoded);
        EXPECT_EQ(decoded->state.bytes.size(), message.size() - state_header_size);
    }
}

class TickMessage : public testing::Test {
  protected:
    static constexpr std::uint8_t seq_low = 0x34;
    const ByteString header{0x81, 1, 2, 0, 4, 3, 2, 1};
    const ByteString first{7, 0, seq_low, 0x12, 128, 2, 0, 'a', 'b'};
    const ByteString second{8, 0, 0, 0, 255, 1, 0x80, 'c'};
};

TEST_F(TickMessage, is_read_entry_by_entry) {
    const ByteString message = concatenate({header, first, second});
    auto reader = TickReader::open(message);
    ASSERT_TRUE(reader);
    EXPECT_TRUE(reader->header().is_keyframe);
    EXPECT_EQ(reader->header().state_count, 2);
    EXPECT_EQ(reader->header().tick, 0x01020304U);
    const auto full = reader->next();
    ASSERT_TRUE(full);
    EXPECT_EQ(full->player, 7);
    EXPECT_EQ(full->seq, 0x1234);
    EXPECT_EQ(full->wait, 128);
    EXPECT_FALSE(full->is_delta);
    EXPECT_EQ(full->body.data(), message.data() + tick_header_size + state_entry_header_size);
    EXPECT_EQ(full->body.size(), 2U);
    const auto delta = reader->next();
    ASSERT_TRUE(delta);
    EXPECT_TRUE(delta->is_delta);
    EXPECT_EQ(delta->body.size(), 1U);
    EXPECT_TRUE(reader->is_valid());
    EXPECT_FALSE(reader->next());
    EXPECT_FALSE(reader->next());
    EXPECT_TRUE(reader->is_valid());
}

TEST_F(TickMessage, cut_anywhere_is_malformed) {
    const ByteString message = concatenate({header, first, second});
    for (std::size_t size = 0; size < message.size(); ++size) {
        auto reader = TickReader::open(Bytes(message).first(size));
        EXPECT_EQ(reader.has_value(), size >= tick_header_size);
        if (reader) {
            while (reader->next()) {
            }
            EXPECT_FALSE(reader->is_valid()) << size;
            EXPECT_FALSE(reader->next());
            EXPECT_FALSE(reader->is_valid()) << "stays so";
        }
    }
}

TEST_F(TickMessage, with_a_byte_left_over_is_malformed) {
    const ByteString message = concatenate({header, first, second, {0}});
    auto reader = TickReader::open(message);
    ASSERT_TRUE(reader);
    while (reader->next()) {
    }
    EXPECT_FALSE(reader->is_valid());
}

TEST(EventsMessage, cut_anywhere_is_malformed) {
    ByteString message(events_header_size + 2 * (event_entry_header_size + 3));
    encode_events_header(2, message.data());
    const ByteString body{'a', 'b', 'c'};
    std::size_t at = events_header_size;
    at += encode_event_entry({1, 2, 0, body}, message.data() + at);
    at += encode_event_entry({5, nobody, 4, body}, message.data() + at);
    ASSERT_EQ(at, message.size());
    for (std::size_t size = events_header_size; size < message.size(); ++size) {
        auto reader = EventsReader::open(Bytes(message).first(size));
        ASSERT_TRUE(reader);
        while (reader->next()) {
        }
        EXPECT_FALSE(reader->is_valid()) << size;
        EXPECT_FALSE(reader->next());
        EXPECT_FALSE(reader->is_valid()) << size << ": not better when it is asked again";
    }
    auto reader = EventsReader::open(message);
    EXPECT_EQ(reader->next()->number, 1U);
    EXPECT_EQ(reader->next()->from, nobody);
    EXPECT_FALSE(reader->next());
    EXPECT_TRUE(reader->is_valid());
}

TEST(ProtocolDeathTest, refuses_to_write_a_body_that_15_bits_cannot_tell) {
    std::uint8_t room[state_entry_header_size];
    encode_state_entry_header(1, 2, 3, true, 0x7fff, room);
    EXPECT_EQ(room[5], 0xff);
    EXPECT_EQ(room[6], 0xff);
    EXPECT_DEATH(encode_state_entry_header(1, 2, 3, true, 0x8000, room), "15 bits");
}

}  // namespace
}  // namespace tickwire::protocol
