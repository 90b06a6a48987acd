// A match on a late shard slows its spectators down; and what a ticket binds to a member.
#include <algorithm>

#include "match_fixture.hpp"

namespace tickwire::match {
namespace {

class SheddingTest : public MatchTest {
  protected:
    static bool was_told(const ReferenceClient& client, const std::string& text) {
        return std::any_of(client.log.begin(), client.log.end(), [&text](const std::string& line) {
            return line.find(text) != std::string::npos;
        });
    }
};

TEST_F(SheddingTest, spectators_get_every_fourth_tick_and_players_all) {
    ReferenceClient& ann = join("Ann");
    ReferenceClient& viewer = spectate();
    for (int count = 0; count < 8; ++count) {
        state(ann, "a" + std::to_string(count));
        tick();
    }
    match->shed_spectators(4);
    tick();
    EXPECT_TRUE(was_told(viewer, "slow"));
    EXPECT_FALSE(was_told(ann, "slow"));
    EXPECT_EQ(viewer.divisor, 4U);
    const auto reported = match->report(now).members;
    ASSERT_EQ(reported.size(), 2U);
    EXPECT_EQ(reported[0].divisor, 1U);
    EXPECT_EQ(reported[1].divisor, 4U) << "what the operator sees is what the viewer was told";
    EXPECT_FALSE(reported[1].is_slow) << "the shard is, its link is not";
    const std::size_t player_before = ann.tick_count;
    const std::size_t viewer_before = viewer.tick_count;
    for (int count = 0; count < 16; ++count) {
        state(ann, "b" + std::to_string(count));
        tick();
    }
    EXPECT_EQ(ann.tick_count - player_before, 16U);
    EXPECT_EQ(viewer.tick_count - viewer_before, 4U);
    EXPECT_EQ(viewer.newest_tick % 4, 0U);
    EXPECT_LT(ann.newest_tick - viewer.newest_tick, 4U);
    EXPECT_EQ(viewer.states[0], "b" + std::to_string(15 - (ann.newest_tick - viewer.newest_tick)));
}

TEST_F(SheddingTest, who_comes_later_is_slowed_too_and_all_recover) {
    open();
    match->shed_spectators(2);
    join("Bo");
    ReferenceClient& late = spectate();
    tick(2);
    EXPECT_EQ(late.divisor, 2U);
    match->shed_spectators(1);
    tick();
    EXPECT_EQ(late.divisor, 1U);
    EXPECT_TRUE(was_told(late, "recovered"));
}

TEST_F(SheddingTest, a_spectator_that_asked_for_less_keeps_it) {
    join("Ann");
    ReferenceClient& viewer = spectate();
    request(viewer, wire::SetRate{8});
    match->shed_spectators(2);
    tick(2);
    EXPECT_EQ(viewer.divisor, 8U);
    request(viewer, wire::SetRate{1});
    EXPECT_EQ(viewer.divisor, 2U);
}

TEST_F(SheddingTest, a_crowd_is_told_a_few_hundred_at_a_tick) {
    join("Ann");
    for (int count = 0; count < 600; ++count) {
        spectate();
    }
    match->shed_spectators(2);
    const auto slowed = [this] {
        return std::count_if(clients.begin(), clients.end(),
                             [](const ReferenceClient& client) { return client.divisor == 2; });
    };
    tick();
    EXPECT_EQ(slowed(), 256);
    tick();
    EXPECT_EQ(slowed(), 512);
    tick();
    EXPECT_EQ(slowed(), 600);
}

TEST_F(SheddingTest, name_and_subject_of_a_ticket_belong_to_the_slot) {
    Claims claims;
    claims.subject = "user-1";
    ReferenceClient& ann = join("Ann", wire::Role::player, claims);
    EXPECT_EQ(match->subject(*ann.player), "user-1");
    disconnect(ann, Ending::lost);
    ReferenceClient& back = resume(ann, 0);
    EXPECT_EQ(match->subject(*back.player), "user-1");
    disconnect(back, Ending::left);
    EXPECT_EQ(match->subject(*back.player), "");

    Claims plain;
    plain.subject = "user-2";
    wire::Limits limits = options.limits;
    limits.event_bytes = 99;
    plain.limits = limits;
    const auto member = match->join_plain(outlet.connect(), now, plain, "Web");
    ASSERT_TRUE(member);
    EXPECT_EQ(match->limits(*member).event_bytes, 99U);
    match->disconnect(*member, Ending::left, now);
}

TEST_F(SheddingTest, a_resume_token_is_known_as_long_as_its_slot) {
    options.resume_window = seconds(2);
    ReferenceClient& ann = join("Ann");
    join("Bo");
    EXPECT_TRUE(match->can_resume(ann.token));
    std::string other = ann.token;
    other.back() = static_cast<char>(other.back() ^ 1);
    for (const std::string& wrong : {other, ann.token.substr(1), ann.token + "x", std::string(22, '\0')}) {
        EXPECT_FALSE(match->can_resume(wrong));
    }
    disconnect(ann, Ending::lost);
    pass(milliseconds(1900));
    EXPECT_TRUE(match->can_resume(ann.token));
    pass(milliseconds(200));
    EXPECT_FALSE(match->can_resume(ann.token));
}

TEST_F(SheddingTest, states_are_bounded_so_that_one_of_every_player_fits_a_tick) {
    options.player_count_max = 64;
    EXPECT_EQ(state_bytes_max(options), 32767U);
    options.player_count_max = 65'535;
    EXPECT_EQ(state_bytes_max(options), 47U);
    EXPECT_LE((state_bytes_max(options) + 16) * std::uint64_t{65'535}, tick_size_max);
}

}  // namespace
}  // namespace tickwire::match
