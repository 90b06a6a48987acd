// encode_delta() and apply_delta(): what the vectors do not list, mostly that nothing outside the room is
// touched and that random states survive the way there and back.
#include <gtest/gtest.h>

#include <algorithm>
#include <random>
#include <vector>

#include "tickwire/protocol.hpp"

namespace tickwire::protocol {
namespace {

using ByteString = std::vector<std::uint8_t>;

constexpr std::uint8_t canary = 0xc5;

/// Encodes into a room of exactly delta_room() bytes, allocated alone so that the address sanitizer sees a
/// byte too many, after filling it with noise.
std::optional<ByteString> encode(const ByteString& baseline, const ByteString& state) {
    ByteString room(delta_room(state.size()), canary);
    const auto size = encode_delta(baseline, state, room.data());
    if (!size) {
        return std::nullopt;
    }
    return ByteString(room.begin(), room.begin() + static_cast<std::ptrdiff_t>(*size));
}

/// The definition of section 4, a byte at a time.
std::optional<ByteString> encode_plainly(const ByteString& baseline, const ByteString& state) {
    if (baseline.size() != state.size()) {
        return std::nullopt;
    }
    ByteString delta((state.size() + 7) / 8);
    for (std::size_t i = 0; i < state.size(); ++i) {
        if (state[i] != baseline[i]) {
            delta[i / 8] = static_cast<std::uint8_t>(delta[i / 8] | (1U << (i % 8)));
            delta.push_back(state[i]);
        }
    }
    if (baseline == state) {
        delta.clear();
    }
    return delta.size() < state.size() ? std::optional(delta) : std::nullopt;
}

class Delta : public testing::Test {
  protected:
    std::mt19937 random{20240607};

    ByteString random_state(std::size_t size) {
        ByteString state(size);
        for (auto& byte : state) {
            byte = static_cast<std::uint8_t>(random());
        }
        return state;
    }

    /// Each byte changes with this chance in 256. Differences of a single bit are common, also in bit 7.
    ByteString changed(ByteString state, unsigned chance) {
        for (auto& byte : state) {
            if (random() % 256 < chance) {
                byte = static_cast<std::uint8_t>(byte ^ (1U << (random() % 8)));
            }
        }
        return state;
    }
};

TEST_F(Delta, equals_the_plain_definition_at_every_size_up_to_300_and_applies) {
    for (std::size_t size = 0; size <= 300; ++size) {
        for (const unsigned chance : {0U, 2U, 30U, 128U, 200U, 256U}) {
            const ByteString baseline = random_state(size);
            const ByteString state = changed(baseline, chance);
            const auto delta = encode(baseline, state);
            ASSERT_EQ(delta, encode_plainly(baseline, state)) << size << " bytes, chance " << chance;
            if (delta) {
                ByteString applied = baseline;
                ASSERT_TRUE(apply_delta(applied, *delta));
                ASSERT_EQ(applied, state);
            }
        }
    }
}

TEST_F(Delta, equals_the_plain_definition_at_large_sizes) {
    for (const std::size_t size :
         {std::size_t{1023}, std::size_t{1024}, std::size_t{4095}, state_size_max - state_header_size}) {
        for (const unsigned chance : {0U, 1U, 60U, 223U, 226U, 256U}) {
            const ByteString baseline = random_state(size);
            const ByteString state = changed(baseline, chance);
            ASSERT_EQ(encode(baseline, state), encode_plainly(baseline, state)) << size << ", " << chance;
        }
    }
}

TEST_F(Delta, finds_every_value_of_a_changed_byte) {
    for (unsigned before = 0; before < 256; ++before) {
        for (unsigned after = 0; after < 256; ++after) {
            const ByteString baseline(9, static_cast<std::uint8_t>(before));
            ByteString state = baseline;
            state[6] = static_cast<std::uint8_t>(after);
            const ByteString expected{0x40, 0, static_cast<std::uint8_t>(after)};
            ASSERT_EQ(encode(baseline, state), before == after ? ByteString{} : expected);
        }
    }
}

TEST_F(Delta, reads_states_at_any_alignment) {
    const ByteString memory = random_state(256);
    for (std::size_t offset = 0; offset < 17; ++offset) {
        const Bytes baseline = Bytes(memory).subspan(offset, 100);
        ByteString state(baseline.begin(), baseline.end());
        state[50] = static_cast<std::uint8_t>(~state[50]);
        ByteString room(delta_room(100));
        EXPECT_EQ(encode_delta(baseline, state, room.data()), 14U);
    }
}

TEST_F(Delta, is_not_made_for_other_sizes_or_for_nothing) {
    EXPECT_FALSE(encode(ByteString(16), ByteString(17)));
    EXPECT_FALSE(encode(ByteString(17), ByteString(16)));
    EXPECT_FALSE(encode({}, ByteString(16)));
    EXPECT_FALSE(encode({}, {}));
}

TEST_F(Delta, of_any_bytes_is_applied_whole_or_not_at_all) {
    int refused = 0;
    for (int round = 0; round < 20000; ++round) {
        const ByteString baseline = random_state(random() % 20);
        const ByteString delta = random_state(random() % 16);
        ByteString state = baseline;
        const bool is_applied = apply_delta(state, delta);
        ASSERT_EQ(state.size(), baseline.size());
        if (!is_applied) {
            ++refused;
            ASSERT_EQ(state, baseline);
        }
    }
    EXPECT_GT(refused, 1000);
    EXPECT_LT(refused, 20000);
}

}  // namespace
}  // namespace tickwire::protocol
