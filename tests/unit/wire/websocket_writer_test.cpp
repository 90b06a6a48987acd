// The writer against the reader and against the examples of RFC 6455.
#include <gtest/gtest.h>

#include <set>
#include <string>

#include "websocket_frames.hpp"

namespace tickwire::websocket {
namespace {

TEST(WebsocketWriter, writes_server_headers_of_every_form) {
    struct Example {
        std::size_t payload_size;
        ByteVector header;
    };
    const Example examples[] = {
        {0, {0x82, 0}},
        {125, {0x82, 125}},
        {126, {0x82, 126, 0, 126}},
        {256, {0x82, 126, 1, 0}},
        {65535, {0x82, 126, 0xff, 0xff}},
        {65536, {0x82, 127, 0, 0, 0, 0, 0, 1, 0, 0}},
    };
    for (const Example& example : examples) {
        ByteVector room(server_header_size_max, 0xee);
        room.resize(encode_server_header(Opcode::binary, example.payload_size, room.data()));
        EXPECT_EQ(room, example.header);
        EXPECT_EQ(server_header_size(example.payload_size), example.header.size());
    }
}

TEST(WebsocketWriter, writes_the_masked_example_of_section_5_7) {
    ByteVector room(client_header_size_max + 5);
    room.resize(encode_client_frame(Opcode::text, base::as_bytes("Hello"), test_key, room.data()));
    EXPECT_EQ(room, (ByteVector{0x81, 0x85, 0x37, 0xfa, 0x21, 0x3d, 0x7f, 0x9f, 0x4d, 0x51, 0x58}));
}

TEST(WebsocketWriter, writes_client_frames_that_the_reader_takes) {
    Limits limits;
    limits.binary_size_max = 70000;
    for (const std::size_t size : {0U, 1U, 125U, 126U, 127U, 65535U, 65536U, 70000U}) {
        const std::string payload(size, 'q');
        ByteVector room(client_header_size_max + size);
        room.resize(
            encode_client_frame(Opcode::binary, base::as_bytes(payload), {1, 2, 3, 4}, room.data()));
        const Transcript read = read_whole(Role::server, limits, room);
        ASSERT_EQ(read.messages.size(), 1U) << size;
        EXPECT_EQ(read.messages[0], (ReadMessage{Opcode::binary, to_bytes(payload)}));
    }
}

TEST(WebsocketWriter, writes_server_frames_that_a_client_takes) {
    for (const std::size_t size : {0U, 125U, 126U, 16000U}) {
        ByteVector room(server_header_size_max);
        room.resize(encode_server_header(Opcode::text, size, room.data()));
        const Transcript read = read_whole(Role::client, {}, room + to_bytes(std::string(size, 'q')));
        ASSERT_EQ(read.messages.size(), 1U) << size;
        EXPECT_EQ(read.messages[0], (ReadMessage{Opcode::text, to_bytes(std::string(size, 'q'))}));
    }
}

std::string close_payload(std::uint16_t code, std::string_view reason) {
    std::array<std::uint8_t, control_size_max> room;
    return std::string(
        base::as_text(base::Bytes{room}.first(encode_close_payload(code, reason, room.data()))));
}

TEST(WebsocketWriter, writes_close_payloads) {
    EXPECT_EQ(close_payload(1000, ""), "\x03\xe8");
    EXPECT_EQ(close_payload(4002, "kicked"), "\x0f\xa2kicked");
    EXPECT_EQ(close_payload(1005, "never sent"), "");
}

TEST(WebsocketWriter, cuts_a_close_reason_at_a_character) {
    const std::string ascii(200, 'a');
    EXPECT_EQ(close_payload(1000, ascii), "\x03\xe8" + ascii.substr(0, 123));
    EXPECT_EQ(close_payload(1000, ascii.substr(0, 123)), "\x03\xe8" + ascii.substr(0, 123));
    // Characters of two, three and four bytes over the border, at each place.
    for (const std::string_view character : {"\u00e9", "\u20ac", "\U0001f600"}) {
        for (std::size_t before = 118; before <= 124; ++before) {
            const std::string start(before, 'a');
            const bool fits = before + character.size() <= 123;
            const std::string kept = fits ? start + std::string(character) : start.substr(0, 123);
            const std::string reason = start + std::string(character) + (fits ? "" : "tail");
            EXPECT_EQ(close_payload(1000, reason), "\x03\xe8" + kept) << before;
        }
    }
    EXPECT_EQ(close_payload(1000, std::string(200, '\x80')), "\x03\xe8") << "no character to cut at";
}

TEST(WebsocketWriter, takes_close_payloads_apart) {
    EXPECT_EQ(parse_close({}).code, 1005);
    EXPECT_EQ(parse_close({}).reason, "");
    EXPECT_EQ(parse_close(base::as_bytes("\x03\xe9gone")).code, 1001);
    EXPECT_EQ(parse_close(base::as_bytes("\x03\xe9gone")).reason, "gone");
}

TEST(WebsocketWriter, gives_each_error_a_close_code_and_words_of_its_own) {
    std::set<std::string_view> descriptions;
    constexpr int error_count = static_cast<int>(Error::out_of_memory) + 1;
    for (int i = 0; i < error_count; ++i) {
        EXPECT_TRUE(is_sendable_close_code(close_code(static_cast<Error>(i)))) << i;
        descriptions.insert(describe(static_cast<Error>(i)));
    }
    EXPECT_EQ(descriptions.size(), static_cast<std::size_t>(error_count));
    EXPECT_EQ(close_code(Error::reserved_bits), 1002);
    EXPECT_EQ(close_code(Error::invalid_utf8), 1007);
    EXPECT_EQ(close_code(Error::message_too_long), 1009);
    EXPECT_EQ(close_code(Error::out_of_memory), 1013);
}

TEST(WebsocketWriter, computes_the_accept_value_of_section_1_3) {
    const auto value = accept_value("dGhlIHNhbXBsZSBub25jZQ==");
    EXPECT_EQ(std::string_view(value.data(), value.size()), "s3pPLMBiTxaQ9kYGzzhZRbK+xOo=");
}

TEST(WebsocketWriterDeathTest, stops_on_a_close_code_that_may_not_be_sent) {
    EXPECT_DEATH(close_payload(1006, ""), "sendable");
}

}  // namespace
}  // namespace tickwire::websocket
