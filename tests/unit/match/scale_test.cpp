// Large matches.
#include <chrono>

#include "match_fixture.hpp"

namespace tickwire::match {
namespace {

using ScaleTest = MatchTest;

TEST_F(ScaleTest, two_hundred_players_all_see_all) {
    options.player_count_max = 200;
    for (int count = 0; count < 200; ++count) {
        join(std::to_string(count));
    }
    for (int round = 0; round < 10; ++round) {
        for (ReferenceClient& client : clients) {
            state(client,
                  std::to_string(*client.player) + std::string(60, 'x') + static_cast<char>('a' + round));
        }
        tick();
    }
    for (ReferenceClient& client : clients) {
        ASSERT_EQ(client.states.size(), 200U);
        EXPECT_EQ(client.states[199], "199" + std::string(60, 'x') + 'j');
        EXPECT_EQ(client.peers.size(), 200U);
        EXPECT_EQ(client.keyframe_count, 1U);
        EXPECT_EQ(outlet.link(client.connection).last_shared,
                  outlet.link(clients[0].connection).last_shared);
    }
    EXPECT_EQ(counters.entries_delta, 200U * 9);
}

/// Counts what a tick asks of its outlet.
class CountingOutlet final : public Outlet {
  public:
    std::size_t questions = 0;
    std::size_t sends = 0;
    LinkState link_state(Connection) noexcept override {
        ++questions;
        return LinkState::idle;
    }
    base::RateBuckets rates(Connection) noexcept override { return {}; }
    void queue_frame(Connection, websocket::Opcode, base::Bytes) noexcept override {}
    void send_shared(Connection, const base::SharedBuffer&) noexcept override { ++sends; }
    void close(Connection, std::uint16_t, std::string_view) noexcept override {}
    void on_player_joined(const PlayerSlot&, Connection) noexcept override {}
    void on_player_left(const PlayerSlot&, wire::LeftReason) noexcept override {}
};

TEST_F(ScaleTest, ten_thousand_silent_spectators_cost_nothing) {
    CountingOutlet counting;
    Match crowd("crowd", options, now, pool, counting, tokens, counters);
    wire::Join request;
    request.role = wire::Role::spectator;
    for (std::uint32_t index = 0; index < 10'000; ++index) {
        ASSERT_TRUE(crowd.join({index, 1}, request, now));
    }
    crowd.run_tick(crowd.next_tick_due());
    EXPECT_EQ(counting.sends, 10'000U);
    counting.questions = 0;
    const auto begin = std::chrono::steady_clock::now();
    for (int count = 0; count < 10'000; ++count) {
        crowd.run_tick(crowd.next_tick_due());
    }
    const auto spent = std::chrono::steady_clock::now() - begin;
    EXPECT_EQ(counting.questions, 0U);
    // A walk over the members takes 100 us at least, under sanitizers more; this is for the log.
    RecordProperty("ns_per_silent_tick", std::to_string(spent.count() / 10'000));
    crowd.take_resync(4711, now + seconds(1000));
    crowd.run_tick(crowd.next_tick_due());
    EXPECT_EQ(counting.questions, 1U) << "one that waits is served alone";
    EXPECT_EQ(counting.sends, 10'001U);
}

}  // namespace
}  // namespace tickwire::match
