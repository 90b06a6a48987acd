// The reader against RFC 6455. Every example is read whole, cut in two at every place, and byte by byte;
// all must agree.
#include <gtest/gtest.h>

#include <algorithm>
#include <limits>
#include <string>

#include "websocket_frames.hpp"

/// Read by the sanitizer's runtime where there is one: a heap that has no more says so, as it does
/// elsewhere.
extern "C" const char* __asan_default_options();
extern "C" const char* __asan_default_options() {
    return "allocator_may_return_null=1";
}

namespace tickwire::websocket {
namespace {

constexpr std::uint8_t fin = 0x80;
constexpr std::uint8_t text = 0x1;
constexpr std::uint8_t binary = 0x2;
constexpr std::uint8_t close = 0x8;
constexpr std::uint8_t ping = 0x9;
constexpr std::uint8_t pong = 0xa;

/// Reads `bytes` whole and checks that no cut makes a difference; nor, but for the masks, the side that
/// reads.
Transcript read_every_way(const ByteVector& bytes, const Limits& limits = {}, Role role = Role::server) {
    const Transcript whole = read_whole(role, limits, bytes);
    EXPECT_EQ(whole, read_in_parts(role, limits, bytes, 1)) << "byte by byte";
    EXPECT_EQ(whole, read_in_parts(role, limits, bytes, 3)) << "in parts of three";
    const std::size_t step = std::max<std::size_t>(1, bytes.size() / 300);
    for (std::size_t cut = 0; cut <= bytes.size(); cut += step) {
        EXPECT_EQ(whole, read_in_two(role, limits, bytes, cut)) << "cut at " << cut;
    }
    if (const auto unmasked = without_masks(bytes); role == Role::server && unmasked) {
        EXPECT_EQ(whole, read_whole(Role::client, limits, *unmasked)) << "as a client";
        EXPECT_EQ(whole, read_in_parts(Role::client, limits, *unmasked, 1)) << "as a client, byte by byte";
    }
    return whole;
}

void expect_message(const ByteVector& bytes, Opcode opcode, std::string_view payload) {
    const Transcript read = read_every_way(bytes);
    ASSERT_FALSE(read.error) << describe(*read.error);
    ASSERT_EQ(read.messages.size(), 1U);
    EXPECT_EQ(read.messages[0], (ReadMessage{opcode, to_bytes(payload)}));
}

void expect_error(const ByteVector& bytes, Error error, const Limits& limits = {},
                  Role role = Role::server) {
    const Transcript read = read_every_way(bytes, limits, role);
    EXPECT_TRUE(read.messages.empty());
    ASSERT_TRUE(read.error) << "expected: " << describe(error);
    EXPECT_EQ(describe(*read.error), describe(error));
}

TEST(WebsocketReader, reads_the_examples_of_section_5_7) {
    expect_message({0x81, 0x85, 0x37, 0xfa, 0x21, 0x3d, 0x7f, 0x9f, 0x4d, 0x51, 0x58}, Opcode::text,
                   "Hello");
    expect_message({0x8a, 0x85, 0x37, 0xfa, 0x21, 0x3d, 0x7f, 0x9f, 0x4d, 0x51, 0x58}, Opcode::pong,
                   "Hello");
    const ByteVector fragmented{0x01, 0x03, 0x48, 0x65, 0x6c, 0x80, 0x02, 0x6c, 0x6f};
    const Transcript read = read_every_way(fragmented, {}, Role::client);
    ASSERT_EQ(read.messages.size(), 1U);
    EXPECT_EQ(read.messages[0], (ReadMessage{Opcode::text, to_bytes("Hello")}));
}

TEST(WebsocketReader, reads_messages_of_every_length_form) {
    Limits limits;
    limits.binary_size_max = 70000;
    for (const std::size_t size :
         {0U, 1U, 2U, 3U, 4U, 5U, 124U, 125U, 126U, 127U, 128U, 65535U, 65536U, 65537U, 70000U}) {
        const std::string payload(size, 'x');
        const Transcript read = read_every_way(frame(fin | binary, payload), limits);
        ASSERT_FALSE(read.error) << size;
        ASSERT_EQ(read.messages.size(), 1U) << size;
        EXPECT_EQ(read.messages[0], (ReadMessage{Opcode::binary, to_bytes(payload)}));
    }
}

TEST(WebsocketReader, reads_several_frames_of_one_input) {
    const ByteVector bytes = frame(fin | binary, "one") + frame(fin | ping, "") + frame(fin | text, "two") +
                             frame(fin | binary, "") + frame(fin | binary, "three");
    const Transcript read = read_every_way(bytes);
    const std::vector<ReadMessage> expected{{Opcode::binary, to_bytes("one")},
                                            {Opcode::ping, {}},
                                            {Opcode::text, to_bytes("two")},
                                            {Opcode::binary, {}},
                                            {Opcode::binary, to_bytes("three")}};
    EXPECT_EQ(read.messages, expected);
    EXPECT_EQ(read.frame_count, 5U);
}

TEST(WebsocketReader, delivers_a_whole_message_in_place_without_the_source) {
    CountingSource source;
    Reader reader(Role::server, {}, source);
    ByteVector bytes = frame(fin | binary, "abc") + frame(fin | text, "def");
    std::span<std::uint8_t> input{bytes};
    const auto first = reader.next(input);
    EXPECT_EQ((*first)->payload.data(), bytes.data() + 6);
    const auto second = reader.next(input);
    EXPECT_EQ((*second)->payload.data(), bytes.data() + 15);
    EXPECT_TRUE(input.empty());
    EXPECT_FALSE(*reader.next(input));
    EXPECT_EQ(source.resize_count, 0U);
}

TEST(WebsocketReader, delivers_in_place_when_only_the_header_was_cut) {
    CountingSource source;
    Reader reader(Role::server, {}, source);
    ByteVector bytes = frame(fin | binary, "payload");
    std::span<std::uint8_t> head{bytes.data(), 5};
    EXPECT_FALSE(*reader.next(head));
    EXPECT_TRUE(head.empty());
    std::span<std::uint8_t> rest{bytes.data() + 5, bytes.size() - 5};
    const auto message = reader.next(rest);
    EXPECT_EQ(base::as_text((*message)->payload), "payload");
    EXPECT_EQ(source.resize_count, 0U);
}

TEST(WebsocketReader, does_not_take_the_rest_of_a_header_for_a_frame) {
    // A key and a payload that look like frames of their own wherever the header is cut.
    const ByteVector bytes{0x82, 0x86, 0x82, 0x80, 0x82, 0x80, 0x82, 0x80, 0x82, 0x80, 0x82, 0x80};
    const Transcript read = read_every_way(bytes);
    ASSERT_FALSE(read.error);
    ASSERT_EQ(read.messages.size(), 1U);
    EXPECT_EQ(read.messages[0], (ReadMessage{Opcode::binary, ByteVector(6, 0)}));
}

TEST(WebsocketReader, writes_nothing_outside_a_payload) {
    for (std::size_t size = 0; size < 200; ++size) {
        const ByteVector second = frame(fin | binary, "next");
        ByteVector bytes = frame(fin | binary, std::string(size, 'y')) + second;
        CountingSource source;
        Reader reader(Role::server, {}, source);
        std::span<std::uint8_t> input{bytes};
        ASSERT_TRUE(reader.next(input).value().has_value());
        EXPECT_TRUE(std::ranges::equal(input, second)) << size;
    }
}

TEST(WebsocketReader, joins_fragments) {
    expect_message(frame(text, "Hel") + frame(0, "lo ") + frame(fin, "you"), Opcode::text, "Hello you");
    expect_message(frame(binary, "") + frame(0, "") + frame(fin, ""), Opcode::binary, "");
    expect_message(frame(binary, "") + frame(fin, "all"), Opcode::binary, "all");
    expect_message(frame(binary, "all") + frame(fin, ""), Opcode::binary, "all");
}

TEST(WebsocketReader, delivers_control_frames_between_fragments) {
    const ByteVector bytes = frame(text, "Hel") + frame(fin | ping, "are you there") + frame(0, "lo ") +
                             frame(fin | pong, std::string(125, 'p')) + frame(fin, "you") +
                             frame(fin | close,
                                   "\x03\xe8"
                                   "bye");
    const Transcript read = read_every_way(bytes);
    const std::vector<ReadMessage> expected{{Opcode::ping, to_bytes("are you there")},
                                            {Opcode::pong, to_bytes(std::string(125, 'p'))},
                                            {Opcode::text, to_bytes("Hello you")},
                                            {Opcode::close, to_bytes("\x03\xe8"
                                                                     "bye")}};
    EXPECT_EQ(read.messages, expected);
    EXPECT_EQ(read.frame_count, 6U);
}

TEST(WebsocketReader, reads_unmasked_frames_as_a_client) {
    const Transcript read =
        read_every_way(server_frame(fin | binary, std::string(300, 's')), {}, Role::client);
    ASSERT_EQ(read.messages.size(), 1U);
    EXPECT_EQ(read.messages[0].payload, to_bytes(std::string(300, 's')));
}

TEST(WebsocketReader, refuses_a_mask_that_the_role_forbids) {
    expect_error(server_frame(fin | binary, "a"), Error::mask_missing);
    // With as much behind it as a mask takes: whole for the short way, which must leave it alone.
    ByteVector followed = server_frame(fin | binary, "a");
    followed.resize(followed.size() + 4);
    expect_error(followed, Error::mask_missing);
    expect_error(frame(fin | binary, "a"), Error::mask_unexpected, {}, Role::client);
}

TEST(WebsocketReader, refuses_each_reserved_bit) {
    for (const int bit : {0x40, 0x20, 0x10, 0x70}) {
        expect_error(frame(static_cast<std::uint8_t>(fin | bit | binary), "a"), Error::reserved_bits);
    }
}

TEST(WebsocketReader, refuses_each_reserved_opcode) {
    for (const std::uint8_t opcode :
         std::initializer_list<std::uint8_t>{3, 4, 5, 6, 7, 11, 12, 13, 14, 15}) {
        expect_error(frame(fin | opcode, "a"), Error::reserved_opcode);
    }
}

TEST(WebsocketReader, refuses_a_length_that_is_not_minimal) {
    for (const std::uint64_t size : {0U, 1U, 125U}) {
        expect_error(frame_header(fin | binary, size, true, LengthForm::bits_16),
                     Error::length_not_minimal);
    }
    for (const std::uint64_t size : {0U, 125U, 126U, 65535U}) {
        expect_error(frame_header(fin | binary, size, true, LengthForm::bits_64),
                     Error::length_not_minimal);
    }
    expect_error(frame_header(fin | binary, std::uint64_t{1} << 63, true), Error::length_not_minimal);
    expect_error(frame_header(fin | binary, UINT64_MAX, true), Error::length_not_minimal);
}

TEST(WebsocketReader, refuses_control_frames_that_are_long_or_fragmented) {
    for (const std::uint8_t opcode : std::initializer_list<std::uint8_t>{close, ping, pong}) {
        expect_error(frame(fin | opcode, std::string(126, 'a')), Error::control_too_long);
        expect_error(frame(opcode, "ab"), Error::control_fragmented);
    }
}

TEST(WebsocketReader, refuses_a_continuation_of_nothing) {
    expect_error(frame(fin, "a"), Error::continuation_unexpected);
    expect_error(frame(0, "a"), Error::continuation_unexpected);
    const Transcript read = read_every_way(frame(fin | text, "a") + frame(fin, "b"));
    EXPECT_EQ(read.messages.size(), 1U);
    EXPECT_EQ(read.error, Error::continuation_unexpected);
}

TEST(WebsocketReader, refuses_a_message_inside_a_message) {
    expect_error(frame(text, "a") + frame(fin | text, "b"), Error::continuation_expected);
    expect_error(frame(binary, "") + frame(fin | binary, "b"), Error::continuation_expected);
}

TEST(WebsocketReader, holds_each_kind_of_message_to_its_own_limit) {
    Limits limits;
    limits.text_size_max = 200;
    limits.binary_size_max = 300;
    EXPECT_EQ(read_every_way(frame(fin | text, std::string(200, 'a')), limits).messages.size(), 1U);
    EXPECT_EQ(read_every_way(frame(fin | binary, std::string(300, 'a')), limits).messages.size(), 1U);
    expect_error(frame(fin | text, std::string(201, 'a')), Error::message_too_long, limits);
    expect_error(frame(fin | binary, std::string(301, 'a')), Error::message_too_long, limits);
}

TEST(WebsocketReader, holds_the_sum_of_fragments_to_the_limit) {
    Limits limits;
    limits.binary_size_max = 300;
    const ByteVector start = frame(binary, std::string(100, 'a')) + frame(0, std::string(100, 'a'));
    EXPECT_EQ(read_every_way(start + frame(fin, std::string(100, 'a')), limits).messages.size(), 1U);
    expect_error(start + frame(fin, std::string(101, 'a')), Error::message_too_long, limits);
    // A sum that would wrap at 64 bits.
    expect_error(start + frame_header(fin, INT64_MAX, true), Error::message_too_long, limits);
}

TEST(WebsocketReader, refuses_a_long_message_from_its_header_alone) {
    Limits limits;
    limits.binary_size_max = 1000;
    ByteVector header = frame_header(fin | binary, 1001, true);
    header.resize(4);  // not even the key has come
    expect_error(header, Error::message_too_long, limits);
}

TEST(WebsocketReader, bounds_the_count_of_fragments) {
    Limits limits;
    limits.fragment_count_max = 4;
    const ByteVector empty = frame(0, "");
    EXPECT_EQ(read_every_way(frame(binary, "") + empty + empty + frame(fin, ""), limits).messages.size(),
              1U);
    expect_error(frame(binary, "") + empty + empty + empty + frame(fin, ""), Error::too_many_fragments,
                 limits);
    // Whole messages are not fragments, however many there are.
    ByteVector whole;
    for (int i = 0; i < 10; ++i) {
        whole = whole + frame(fin | binary, "a");
    }
    EXPECT_EQ(read_every_way(whole, limits).messages.size(), 10U);
    // Each message counts its own.
    const ByteVector three = frame(text, "a") + empty + frame(fin, "b");
    EXPECT_EQ(read_every_way(three + frame(fin | text, "c") + three + three, limits).messages.size(), 4U);
}

TEST(WebsocketReader, takes_65536_fragments_where_the_limits_allow) {
    Limits limits;
    limits.fragment_count_max = 65536;
    limits.binary_size_max = 65536;
    ByteVector bytes = frame(binary, "a");
    const ByteVector middle = frame(0, "a");
    bytes.reserve(65536 * 7);
    for (int i = 0; i < 65534; ++i) {
        bytes.insert(bytes.end(), middle.begin(), middle.end());
    }
    bytes = bytes + frame(fin, "z");
    const Transcript whole = read_whole(Role::server, limits, bytes);
    ASSERT_EQ(whole.messages.size(), 1U);
    EXPECT_EQ(whole.messages[0].payload, to_bytes(std::string(65535, 'a') + "z"));
    EXPECT_EQ(whole, read_in_parts(Role::server, limits, bytes, 1448));
    limits.fragment_count_max = 65535;
    EXPECT_EQ(read_whole(Role::server, limits, bytes).error, Error::too_many_fragments);
}

TEST(WebsocketReader, accepts_utf8_cut_at_every_byte) {
    const std::string_view sample =
        "a\u00e9\u20ac\U0001f600\u07ff\u0800\ud7ff\ue000\U00010000\U0010ffff end";
    expect_message(frame(fin | text, sample), Opcode::text, sample);
    for (std::size_t cut = 0; cut <= sample.size(); ++cut) {
        expect_message(frame(text, sample.substr(0, cut)) + frame(fin, sample.substr(cut)), Opcode::text,
                       sample);
    }
}

TEST(WebsocketReader, refuses_text_that_is_not_utf8) {
    for (const std::string_view bad :
         {"\x80", "\xc0\x80", "\xc1\xbf", "\xe0\x9f\xbf", "\xed\xa0\x80", "\xf0\x8f\xbf\xbf",
          "\xf4\x90\x80\x80", "\xf5\x80\x80\x80", "\xff"}) {
        expect_error(frame(fin | text, bad), Error::invalid_utf8);
        expect_error(frame(fin | text, "a long enough start to be judged by blocks " + std::string(bad)),
                     Error::invalid_utf8);
        expect_error(frame(text, bad) + frame(fin, ""), Error::invalid_utf8);
    }
}

TEST(WebsocketReader, refuses_text_that_ends_inside_a_character) {
    for (const std::string_view bad : {"\xc3", "\xe2\x82", "\xf0\x9f\x98"}) {
        expect_error(frame(fin | text, bad), Error::invalid_utf8);
        expect_error(frame(text, bad) + frame(fin, ""), Error::invalid_utf8);
    }
    // The next message starts afresh all the same.
    EXPECT_EQ(
        read_every_way(frame(text, "\xc3") + frame(fin, "\xa9") + frame(fin | text, "b")).messages.size(),
        2U);
}

TEST(WebsocketReader, refuses_the_first_impossible_byte_inside_an_unfinished_frame) {
    CountingSource source;
    Reader reader(Role::server, {}, source);
    ByteVector bytes = frame(fin | text, "ab\xe0\x80 and so on");
    // Up to the lead E0 all can become valid; 80 behind it cannot.
    std::span<std::uint8_t> input{bytes.data(), 9};
    EXPECT_FALSE(reader.next(input).value().has_value());
    input = {bytes.data() + 9, 1};
    const auto result = reader.next(input);
    ASSERT_FALSE(result);
    EXPECT_EQ(result.error(), Error::invalid_utf8);
    EXPECT_EQ(source.lent, 0U);
}

TEST(WebsocketReader, checks_no_utf8_in_binary_messages) {
    expect_message(frame(fin | binary, "\xff\xfe"), Opcode::binary, "\xff\xfe");
    expect_message(frame(binary, "\xff") + frame(fin, "\xc0"), Opcode::binary, "\xff\xc0");
}

ByteVector close_frame(std::uint16_t code, std::string_view reason) {
    const std::string payload{static_cast<char>(code >> 8), static_cast<char>(code & 0xff)};
    return frame(fin | close, payload + std::string(reason));
}

TEST(WebsocketReader, accepts_each_close_code_that_may_be_sent) {
    for (unsigned code = 0; code < 65536; ++code) {
        const bool is_allowed = (code >= 1000 && code <= 1003) || (code >= 1007 && code <= 1014) ||
                                (code >= 3000 && code <= 4999);
        const Transcript read =
            read_whole(Role::server, {}, close_frame(static_cast<std::uint16_t>(code), ""));
        if (is_allowed) {
            ASSERT_EQ(read.messages.size(), 1U) << code;
            ASSERT_EQ(parse_close(read.messages[0].payload).code, code);
        } else {
            ASSERT_EQ(read.error, Error::close_code) << code;
        }
    }
}

TEST(WebsocketReader, checks_the_payload_of_a_close_frame) {
    expect_message(frame(fin | close, ""), Opcode::close, "");
    expect_error(frame(fin | close, "\x03"), Error::close_length);
    expect_error(close_frame(1005, ""), Error::close_code);
    expect_error(close_frame(1000, "\xff"), Error::invalid_utf8);
    expect_error(close_frame(1000, "cut \xe2\x82"), Error::invalid_utf8);
    expect_error(close_frame(1000, std::string(124, 'r')), Error::control_too_long);
    const Transcript read = read_every_way(close_frame(4002, "gr\u00fc\u00df dich"));
    ASSERT_EQ(read.messages.size(), 1U);
    EXPECT_EQ(parse_close(read.messages[0].payload).code, 4002);
    EXPECT_EQ(parse_close(read.messages[0].payload).reason, "gr\u00fc\u00df dich");
}

TEST(WebsocketReader, returns_the_same_error_for_ever) {
    CountingSource source;
    Reader reader(Role::server, {}, source);
    ByteVector bad = frame(fin | 3, "a");
    std::span<std::uint8_t> input{bad};
    EXPECT_EQ(reader.next(input).error(), Error::reserved_opcode);
    ByteVector good = frame(fin | binary, "a");
    input = good;
    EXPECT_EQ(reader.next(input).error(), Error::reserved_opcode);
    input = {};
    EXPECT_EQ(reader.next(input).error(), Error::reserved_opcode);
}

TEST(WebsocketReader, reports_a_source_that_has_no_room) {
    CountingSource source(64);
    Reader reader(Role::server, {}, source);
    ByteVector bytes = frame(fin | binary, std::string(100, 'a'));
    std::span<std::uint8_t> input{bytes.data(), 60};
    const auto result = reader.next(input);
    ASSERT_FALSE(result);
    EXPECT_EQ(result.error(), Error::out_of_memory);
    EXPECT_EQ(source.lent, 0U);
}

TEST(HeapBufferSource, keeps_what_is_held_where_the_heap_has_no_more) {
    HeapBufferSource heap;
    const std::span<std::uint8_t> held = heap.resize({}, 0, 4);
    ASSERT_EQ(held.size(), 4U);
    std::ranges::copy(std::string_view("held"), held.begin());
    EXPECT_TRUE(heap.resize(held, held.size(), std::numeric_limits<std::ptrdiff_t>::max()).empty());
    EXPECT_EQ(base::as_text(held), "held");
    EXPECT_EQ(heap.bytes_in_use(), 4U);
    const std::span<std::uint8_t> grown = heap.resize(held, held.size(), 4096);
    EXPECT_EQ(base::as_text(grown.first(4)), "held");
    EXPECT_EQ(heap.bytes_in_use(), 4096U);
    heap.release(grown);
    EXPECT_EQ(heap.bytes_in_use(), 0U);
}

TEST(WebsocketReader, gives_the_buffer_back_at_the_next_call) {
    CountingSource source;
    Reader reader(Role::server, {}, source);
    ByteVector bytes = frame(fin | text, "cut message");
    std::span<std::uint8_t> input{bytes.data(), 8};
    EXPECT_FALSE(*reader.next(input));
    EXPECT_NE(reader.buffered_size(), 0U);
    EXPECT_EQ(reader.buffered_size(), source.lent);
    input = std::span{bytes}.subspan(8);
    const auto message = reader.next(input);
    EXPECT_EQ(base::as_text((*message)->payload), "cut message");
    EXPECT_NE(source.lent, 0U);
    EXPECT_FALSE(*reader.next(input));
    EXPECT_EQ(source.lent, 0U);
    EXPECT_EQ(reader.buffered_size(), 0U);
}

TEST(WebsocketReader, gives_the_buffer_back_when_a_short_message_follows) {
    CountingSource source;
    Reader reader(Role::server, {}, source);
    ByteVector bytes = frame(fin | binary, "cut message") + frame(fin | binary, "short");
    std::span<std::uint8_t> input{bytes.data(), 8};
    EXPECT_FALSE(*reader.next(input));
    input = std::span{bytes}.subspan(8);
    EXPECT_TRUE(reader.next(input).value().has_value());
    const auto message = reader.next(input);
    EXPECT_EQ(base::as_text((*message)->payload), "short");
    EXPECT_EQ(source.lent, 0U);
}

TEST(WebsocketReader, gives_the_buffer_back_at_its_end) {
    CountingSource source;
    {
        Reader reader(Role::server, {}, source);
        ByteVector bytes = frame(text, "unfinished");
        std::span<std::uint8_t> input{bytes};
        EXPECT_FALSE(*reader.next(input));
        EXPECT_NE(source.lent, 0U);
    }
    EXPECT_EQ(source.lent, 0U);
}

TEST(WebsocketReader, does_not_reserve_what_a_header_merely_announces) {
    CountingSource source;
    Limits limits;
    limits.binary_size_max = 1 << 20;
    Reader reader(Role::server, limits, source);
    ByteVector bytes = frame_header(fin | binary, 1 << 20, true);
    bytes.resize(bytes.size() + 10);
    std::span<std::uint8_t> input{bytes};
    EXPECT_FALSE(*reader.next(input));
    EXPECT_LE(source.lent, 128U);
}

TEST(WebsocketReader, grows_in_few_steps_and_never_beyond_the_message) {
    CountingSource source;
    Limits limits;
    limits.binary_size_max = 100000;
    Reader reader(Role::server, limits, source);
    const ByteVector bytes = frame(fin | binary, std::string(100000, 'a'));
    Transcript transcript;
    for (std::size_t at = 0; at < bytes.size(); at += 100) {
        read_part(reader, base::Bytes{bytes}.subspan(at, std::min<std::size_t>(100, bytes.size() - at)),
                  transcript);
    }
    EXPECT_EQ(transcript.messages.size(), 1U);
    EXPECT_EQ(source.lent_max, 100000U);
    EXPECT_LE(source.resize_count, 12U);  // 128 * 2^10 > 100,000
}

TEST(WebsocketReader, never_borrows_more_than_limit_and_one_control_frame) {
    CountingSource source;
    Limits limits;
    limits.binary_size_max = 1000;
    Reader reader(Role::server, limits, source);
    const ByteVector bytes = frame(binary, std::string(999, 'a')) +
                             frame(fin | ping, std::string(125, 'b')) + frame(0, "c") +
                             frame(fin | ping, std::string(125, 'b')) + frame(fin, "");
    Transcript transcript;
    for (const std::uint8_t& byte : bytes) {
        read_part(reader, {&byte, 1}, transcript);
    }
    EXPECT_EQ(transcript.messages.size(), 3U);
    EXPECT_LE(source.lent_max, 1125U);
}

TEST(WebsocketReader, counts_frames_once_their_header_is_whole) {
    CountingSource source;
    Reader reader(Role::server, {}, source);
    ByteVector bytes = frame(fin | binary, "ab");
    for (std::size_t at = 0; at < bytes.size(); ++at) {
        std::span<std::uint8_t> input{bytes.data() + at, 1};
        ASSERT_TRUE(reader.next(input));
        EXPECT_EQ(reader.frame_count(), at >= 5 ? 1U : 0U);
    }
}

TEST(WebsocketReader, judges_later_frames_by_new_limits) {
    CountingSource source;
    Reader reader(Role::server, {}, source);
    Limits small;
    small.binary_size_max = 2;
    ByteVector bytes = frame(fin | binary, "abc") + frame(fin | binary, "abc");
    std::span<std::uint8_t> input{bytes};
    EXPECT_TRUE(reader.next(input).value().has_value());
    reader.set_limits(small);
    EXPECT_EQ(reader.next(input).error(), Error::message_too_long);
}

TEST(WebsocketReader, refuses_the_rest_of_a_message_that_new_limits_outlaw) {
    CountingSource source;
    Reader reader(Role::server, {}, source);
    Limits small;
    small.binary_size_max = 2;
    ByteVector bytes = frame(binary, "abc") + frame(fin, "");
    std::span<std::uint8_t> input{bytes.data(), 9};
    EXPECT_FALSE(*reader.next(input));
    reader.set_limits(small);
    input = std::span{bytes}.subspan(9);
    EXPECT_EQ(reader.next(input).error(), Error::message_too_long);
}

/// Reads `bytes`, and between the two halves does something to the reader.
template <typename Between>
Transcript read_with_change(const ByteVector& bytes, std::size_t cut, CountingSource& source,
                            Between between) {
    Transcript transcript;
    Reader first(Role::server, {}, source);
    read_part(first, base::Bytes{bytes}.first(cut), transcript);
    Reader second = between(first);
    read_part(second, base::Bytes{bytes}.subspan(cut), transcript);
    return transcript;
}

ByteVector mixed_frames() {
    return frame(text, "He\xc3") + frame(fin | ping, "ping") + frame(fin, "\xa9llo") +
           frame(fin | binary, "tail");
}

TEST(WebsocketReader, moves_with_an_unfinished_message_at_every_cut) {
    const ByteVector bytes = mixed_frames();
    const Transcript whole = read_whole(Role::server, {}, bytes);
    for (std::size_t cut = 0; cut <= bytes.size(); ++cut) {
        CountingSource source;
        EXPECT_EQ(whole,
                  read_with_change(bytes, cut, source, [](Reader& reader) { return std::move(reader); }));
        EXPECT_EQ(source.lent, 0U);
    }
}

TEST(WebsocketReader, rehomes_an_unfinished_message_at_every_cut) {
    const ByteVector bytes = mixed_frames();
    const Transcript whole = read_whole(Role::server, {}, bytes);
    for (std::size_t cut = 0; cut <= bytes.size(); ++cut) {
        CountingSource from;
        CountingSource to;
        EXPECT_EQ(whole, read_with_change(bytes, cut, from, [&](Reader& reader) {
                      EXPECT_TRUE(reader.rehome(to));
                      EXPECT_EQ(from.lent, 0U);
                      return std::move(reader);
                  }));
        EXPECT_EQ(to.lent, 0U);
    }
}

TEST(WebsocketReader, is_spent_where_the_new_source_has_no_room) {
    CountingSource from;
    CountingSource none(0);
    Reader reader(Role::server, {}, from);
    ByteVector bytes = frame(text, "unfinished");
    std::span<std::uint8_t> input{bytes};
    EXPECT_FALSE(*reader.next(input));
    EXPECT_FALSE(reader.rehome(none));
    EXPECT_EQ(from.lent, 0U);
    EXPECT_EQ(reader.next(input).error(), Error::out_of_memory);
}

TEST(WebsocketReader, rehomes_for_nothing_when_nothing_is_held) {
    CountingSource from;
    CountingSource none(0);
    Reader reader(Role::server, {}, from);
    EXPECT_TRUE(reader.rehome(none));
    EXPECT_EQ(none.resize_count, 0U);
}

}  // namespace
}  // namespace tickwire::websocket
