// The data path of a match allocates nothing: states, events, pings, ticks, skips, lags, late divisors, all
// in steady state. A program of its own: it counts what operator new is asked for.
#include <gtest/gtest.h>

#include <array>
#include <cstdlib>
#include <new>

#include "match/match.hpp"

namespace {
std::size_t allocation_count = 0;
}

// Not inlined: GCC 12 at -O1 sees free() in one place and operator new in another, and warns of a mismatch.
[[gnu::noinline]] void* operator new(std::size_t size) {
    ++allocation_count;
    if (void* const memory = std::malloc(size)) {
        return memory;
    }
    throw std::bad_alloc();
}
[[gnu::noinline]] void operator delete(void* memory) noexcept {
    std::free(memory);
}
[[gnu::noinline]] void operator delete(void* memory, std::size_t) noexcept {
    std::free(memory);
}

namespace tickwire::match {
namespace {

using std::chrono::seconds;

class BlindOutlet final : public Outlet {
  public:
    std::uint32_t busy_index = 0xffffffff;
    std::size_t frame_count = 0;
    LinkState link_state(Connection connection) noexcept override {
        return connection.index == busy_index ? LinkState::busy : LinkState::idle;
    }
    base::RateBuckets rates(Connection) noexcept override { return {}; }
    void queue_frame(Connection, websocket::Opcode, base::Bytes) noexcept override { ++frame_count; }
    void send_shared(Connection, const base::SharedBuffer&) noexcept override { ++frame_count; }
    void close(Connection, std::uint16_t, std::string_view) noexcept override {}
    void on_player_joined(const PlayerSlot&, Connection) noexcept override {}
    void on_player_left(const PlayerSlot&, wire::LeftReason) noexcept override {}
};

class ZeroTokens final : public TokenSource {
  public:
    ResumeToken next_token() noexcept override { return {}; }
};

TEST(HeapTest, data_path_does_not_allocate) {
    base::BufferPool pool(std::size_t{64} << 20);
    BlindOutlet outlet;
    ZeroTokens tokens;
    MatchCounters counters;
    MatchOptions options;
    options.tick_hz = 30;
    Match match("m", options, base::Time{seconds(1)}, pool, outlet, tokens, counters);
    base::Time now{seconds(1)};
    constexpr std::uint32_t member_count = 40;
    std::array<Member, member_count> members{};
    for (std::uint32_t index = 0; index < member_count; ++index) {
        wire::Join join;
        join.role = index % 4 == 3 ? wire::Role::spectator : wire::Role::player;
        members[index] = match.join({index, 1}, join, now).value();
    }
    ASSERT_TRUE(match.join_plain({member_count, 1}, now));
    for (const std::uint32_t index : {1U, 5U, 9U, 13U}) {
        match.take_request(members[index],
                           {wire::SetRate{static_cast<std::uint8_t>(index == 1 ? 8 : 2)}, {}}, now);
    }
    std::array<std::uint8_t, 600> bytes{};
    const auto run = [&](std::uint32_t rounds) {
        for (std::uint32_t round = 0; round < rounds; ++round) {
            now = match.next_tick_due();
            outlet.busy_index = round % 7;
            for (std::uint32_t index = 0; index < member_count; ++index) {
                const auto seen = static_cast<std::uint16_t>(match.tick_number());
                match.take_ping(members[index], {seen, round}, now);
                if (index % 4 == 3) {
                    continue;
                }
                bytes[round % bytes.size()] ^= 1U;
                const std::size_t size = 100 + (round + index) % 400;
                ASSERT_TRUE(match.take_state(members[index], {0, seen, {bytes.data(), size}}, now));
                const auto target = static_cast<protocol::Target>((round + index) % 4);
                ASSERT_TRUE(match.take_event(
                    members[index], {{.target = target}, PlayerNumber{2}, {bytes.data(), size}}, now));
                match.take_resync(members[index], now);
            }
            match.run_tick(now);
            match.finish_slot(now);
        }
    };
    run(500);  // the pool's classes fill
    const std::size_t before = allocation_count;
    run(2'000);
    EXPECT_EQ(allocation_count, before);
    EXPECT_GT(outlet.frame_count, 100'000U);
    EXPECT_GT(counters.skipped_busy, 1'000U);
}

}  // namespace
}  // namespace tickwire::match
