// The streaming validator against a table, and against a check of whole code points written another way.
#include "wire/utf8.hpp"

#include <gtest/gtest.h>

#include <array>
#include <string>

namespace tickwire::wire {
namespace {

Utf8State after(std::string_view text) {
    return advance_utf8(Utf8State::boundary, base::as_bytes(text));
}

/// UTF-8 by the definition: shortest form, no surrogates, up to U+10FFFF.
std::string encode(std::uint32_t point) {
    const auto tail = [point](int shift) { return static_cast<char>(0x80 | (point >> shift & 0x3f)); };
    if (point < 0x80) return {static_cast<char>(point)};
    if (point < 0x800) return {static_cast<char>(0xc0 | point >> 6), tail(0)};
    if (point < 0x10000) return {static_cast<char>(0xe0 | point >> 12), tail(6), tail(0)};
    return {static_cast<char>(0xf0 | point >> 18), tail(12), tail(6), tail(0)};
}

TEST(Utf8, accepts_every_character) {
    for (std::uint32_t point = 0; point <= 0x10ffff; ++point) {
        if (point < 0xd800 || point > 0xdfff) {
            ASSERT_EQ(after(encode(point)), Utf8State::boundary) << std::hex << point;
        }
    }
}

TEST(Utf8, accepts_exactly_the_characters_among_all_sequences_of_three_bytes) {
    // Three characters of one byte; one of two bytes before or behind one of one; one of three.
    const std::uint64_t one = 128;
    const std::uint64_t two = 0x800 - 0x80;
    const std::uint64_t three = 0x10000 - 0x800 - 0x800;  // without the surrogates
    std::uint64_t accepted = 0;
    for (std::uint32_t bits = 0; bits < 1U << 24; ++bits) {
        const std::array<std::uint8_t, 3> bytes{static_cast<std::uint8_t>(bits),
                                                static_cast<std::uint8_t>(bits >> 8),
                                                static_cast<std::uint8_t>(bits >> 16)};
        accepted += is_valid_utf8(bytes) ? 1U : 0U;
    }
    EXPECT_EQ(accepted, one * one * one + 2 * one * two + three);
}

TEST(Utf8, refuses_at_the_first_impossible_byte_and_not_before) {
    struct Example {
        std::string_view text;
        std::size_t possible_size;  // bytes that could still become valid
    };
    const Example examples[] = {
        {"\x80", 0},         {"\xbf", 0},         {"\xc0\x80", 0},
        {"\xc1\xbf", 0},     {"\xc2\x7f", 1},     {"\xc2\xc0", 1},
        {"\xe0\x9f\x80", 1}, {"\xe0\xa0\x7f", 2}, {"\xe1\x80\xc0", 2},
        {"\xed\xa0\x80", 1}, {"\xed\x9f\xff", 2}, {"\xef\xbf\x7f", 2},
        {"\xf0\x8f\x80", 1}, {"\xf0\x90\x7f", 2}, {"\xf1\x80\x80\x7f", 3},
        {"\xf4\x90\x80", 1}, {"\xf4\x8f\xc0", 2}, {"\xf5\x80", 0},
        {"\xfe", 0},         {"\xff", 0},
    };
    for (const Example& example : examples) {
        for (const std::size_t padding : {0U, 1U, 15U, 16U, 17U, 63U, 64U, 65U, 130U}) {
            const std::string start = std::string(padding, 'a') + std::string(example.text);
            const std::size_t possible = padding + example.possible_size;
            EXPECT_NE(after(start.substr(0, possible)), Utf8State::invalid) << padding;
            EXPECT_EQ(after(start.substr(0, possible + 1)), Utf8State::invalid) << padding;
            EXPECT_EQ(after(start + std::string(100, 'z')), Utf8State::invalid) << padding;
        }
    }
}

TEST(Utf8, gives_the_same_state_however_the_text_is_cut) {
    std::string text;
    for (const std::uint32_t point : {0x61U, 0xe9U, 0x20acU, 0x1f600U, 0x7ffU, 0x800U, 0xd7ffU, 0xe000U,
                                      0x10000U, 0x10ffffU, 0x7fU, 0x80U, 0xffffU}) {
        text += encode(point) + std::string(point % 23, 'a');
    }
    for (std::size_t size = 0; size <= text.size(); ++size) {
        const std::string_view whole = std::string_view(text).substr(0, size);
        for (std::size_t cut = 0; cut <= size; ++cut) {
            const Utf8State state =
                advance_utf8(after(whole.substr(0, cut)), base::as_bytes(whole.substr(cut)));
            ASSERT_EQ(state, after(whole)) << size << " cut at " << cut;
        }
    }
    EXPECT_EQ(after(text), Utf8State::boundary);
}

TEST(Utf8, stays_invalid) {
    EXPECT_EQ(advance_utf8(Utf8State::invalid, base::as_bytes("fine")), Utf8State::invalid);
    EXPECT_EQ(advance_utf8(Utf8State::invalid, {}), Utf8State::invalid);
}

TEST(Utf8, takes_an_unfinished_character_for_invalid_as_a_whole_text) {
    EXPECT_TRUE(is_valid_utf8({}));
    EXPECT_TRUE(is_valid_utf8(base::as_bytes("\xc3\xa9")));
    EXPECT_FALSE(is_valid_utf8(base::as_bytes("\xc3")));
    EXPECT_FALSE(is_valid_utf8(base::as_bytes("a text of more than sixteen bytes \xf0\x9f\x98")));
}

}  // namespace
}  // namespace tickwire::wire
