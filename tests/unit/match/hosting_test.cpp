// Who is host.
#include "match_fixture.hpp"

namespace tickwire::match {
namespace {

using HostingTest = MatchTest;

std::string host_message(int player, int epoch) {
    return R"({"op":"host","player":)" + std::to_string(player) + R"(,"epoch":)" + std::to_string(epoch) +
           "}";
}

TEST_F(HostingTest, first_player_is_host_and_the_next_is_not) {
    ReferenceClient& ann = join("Ann");
    ReferenceClient& bo = join("Bo");
    EXPECT_EQ(ann.host, 0);
    EXPECT_EQ(ann.epoch, 1U);
    EXPECT_EQ(bo.host, 0);
    EXPECT_EQ(bo.epoch, 1U);
    tick();
    EXPECT_EQ(counters.host_changes, 1U);
}

TEST_F(HostingTest, host_that_leaves_is_followed_at_once_after_its_left) {
    ReferenceClient& ann = join("Ann");
    ReferenceClient& bo = join("Bo");
    join("Cy");
    tick();
    bo.log.clear();
    disconnect(ann, Ending::closed);
    tick();
    EXPECT_EQ(bo.log, (Lines{R"({"op":"left","player":0,"reason":"closed"})", host_message(1, 2)}));
}

TEST_F(HostingTest, lowest_round_trip_is_named_and_the_unknown_is_worst) {
    ReferenceClient& ann = join("Ann");
    join("Bo");
    ReferenceClient& cy = join("Cy");
    ReferenceClient& dee = join("Dee");
    tick();
    ping(cy);
    ping(dee);
    for (int count = 0; count < 3; ++count) {
        state(ann, "x");
        tick();
        now += milliseconds(5);
        ping(dee);
        now += milliseconds(20);
        ping(cy);
    }
    disconnect(ann, Ending::left);
    tick();
    EXPECT_EQ(cy.host, 3);
    disconnect(dee, Ending::left);
    tick();
    EXPECT_EQ(cy.host, 2);
    EXPECT_EQ(cy.epoch, 3U);
}

TEST_F(HostingTest, away_for_more_than_a_second_another_is_named) {
    ReferenceClient& ann = join("Ann");
    ReferenceClient& bo = join("Bo");
    tick();
    disconnect(ann, Ending::lost);
    pass(milliseconds(950));
    EXPECT_EQ(bo.host, 0);
    pass(milliseconds(100));
    EXPECT_EQ(bo.host, 1);
    EXPECT_EQ(resume(ann, 0).host, 1) << "who comes back is a player like others";
    pass(seconds(5));
    EXPECT_EQ(bo.epoch, 2U);
}

TEST_F(HostingTest, back_within_the_second_it_stays) {
    ReferenceClient& ann = join("Ann");
    ReferenceClient& bo = join("Bo");
    tick();
    disconnect(ann, Ending::lost);
    pass(milliseconds(800));
    ReferenceClient& again = resume(ann, 0);
    disconnect(again, Ending::lost);
    pass(milliseconds(800));
    resume(ann, 0);
    pass(seconds(5));
    EXPECT_EQ(bo.host, 0);
    EXPECT_EQ(bo.epoch, 1U);
}

TEST_F(HostingTest, hidden_for_more_than_a_second_another_is_named) {
    ReferenceClient& ann = join("Ann");
    ReferenceClient& bo = join("Bo");
    ReferenceClient& cy = join("Cy");
    tick();
    request(bo, wire::SetVisible{false});
    request(ann, wire::SetVisible{false});
    pass(milliseconds(900));
    EXPECT_EQ(cy.host, 0);
    pass(milliseconds(200));
    EXPECT_EQ(cy.host, 2) << "bo is hidden, too";
    request(ann, wire::SetVisible{true});
    pass(seconds(3));
    EXPECT_EQ(cy.host, 2);
}

TEST_F(HostingTest, hidden_host_stays_until_somebody_can_be_named) {
    ReferenceClient& ann = join("Ann");
    ReferenceClient& bo = join("Bo");
    tick();
    request(bo, wire::SetVisible{false});
    request(ann, wire::SetVisible{false});
    pass(seconds(10));
    EXPECT_EQ(bo.host, 0);
    request(bo, wire::SetVisible{true});
    tick();
    EXPECT_EQ(bo.host, 1);
    EXPECT_EQ(bo.epoch, 2U);
}

TEST_F(HostingTest, away_host_with_nobody_else_is_replaced_by_the_next_to_join) {
    ReferenceClient& ann = join("Ann");
    tick();
    disconnect(ann, Ending::lost);
    pass(seconds(5));
    ReferenceClient& bo = join("Bo");
    EXPECT_EQ(bo.host, 1);
    EXPECT_EQ(bo.epoch, 2U);
}

TEST_F(HostingTest, nobody_is_host_after_the_left_of_the_last_until_one_joins) {
    ReferenceClient& eve = spectate();
    ReferenceClient& ann = join("Ann");
    ReferenceClient& bo = join("Bo");
    request(bo, wire::SetVisible{false});
    tick();
    eve.log.clear();
    disconnect(ann, Ending::closed);
    tick();
    EXPECT_EQ(eve.log.back(), R"({"op":"host","player":null,"epoch":2})");
    EXPECT_EQ(join("Cy").host, 0);
    tick();
    EXPECT_EQ(eve.log.back(), host_message(0, 3));
}

TEST_F(HostingTest, timeout_of_an_away_host_names_another_in_its_window) {
    options.resume_window = milliseconds(500);
    ReferenceClient& ann = join("Ann");
    ReferenceClient& bo = join("Bo");
    tick();
    bo.log.clear();
    disconnect(ann, Ending::lost);
    pass(milliseconds(600));
    EXPECT_EQ(bo.log, (Lines{R"({"op":"away","player":0})",
                             R"({"op":"left","player":0,"reason":"timeout"})", host_message(1, 2)}));
}

TEST_F(HostingTest, live_takeover_of_a_hidden_host_shows_it) {
    ReferenceClient& ann = join("Ann");
    ReferenceClient& bo = join("Bo");
    tick();
    request(ann, wire::SetVisible{false});
    pass(milliseconds(500));
    resume(ann, 0);
    pass(seconds(5));
    EXPECT_EQ(bo.host, 0);
}

TEST_F(HostingTest, ticket_takes_over_at_joining_and_at_coming_back) {
    ReferenceClient& ann = join("Ann");
    tick();
    Claims claims;
    claims.is_host = true;
    ReferenceClient& bo = join("Bo", wire::Role::player, claims);
    EXPECT_EQ(bo.host, 1);
    EXPECT_EQ(bo.epoch, 2U);
    tick();
    EXPECT_EQ(ann.log.back(), host_message(1, 2));
    disconnect(bo, Ending::lost);
    pass(seconds(2));
    EXPECT_EQ(ann.host, 0);
    ReferenceClient& again = resume(bo, 0);
    EXPECT_EQ(again.host, 0) << "as welcome says";
    tick();
    EXPECT_EQ(ann.log.back(), host_message(1, 4));
    EXPECT_EQ(again.host, 1);
}

TEST_F(HostingTest, host_names_another) {
    ReferenceClient& ann = join("Ann");
    ReferenceClient& bo = join("Bo");
    ReferenceClient& cy = join("Cy");
    tick();
    forget_logs();
    request(bo, wire::NameHost{1}, 1);
    EXPECT_EQ(bo.log.back().substr(0, 32), R"({"op":"error","code":"forbidden")");
    request(ann, wire::NameHost{7}, 2);
    EXPECT_EQ(ann.log.back().substr(0, 37), R"({"op":"error","code":"no_such_player")");
    request(cy, wire::SetVisible{false});
    request(ann, wire::NameHost{2}, 3);
    EXPECT_EQ(ann.log.back().substr(0, 34), R"({"op":"error","code":"bad_request")");
    request(ann, wire::NameHost{0}, 4);
    EXPECT_EQ(ann.log.back(), R"({"op":"ok","id":4})");
    EXPECT_EQ(ann.epoch, 1U);
    request(ann, wire::NameHost{1}, 5);
    EXPECT_EQ(ann.host, 1);
    request(ann, wire::Lock{true}, 6);
    EXPECT_EQ(ann.log.back().substr(0, 32), R"({"op":"error","code":"forbidden")") << "host no more";
    request(bo, wire::Lock{true}, 7);
    EXPECT_EQ(bo.log.back(), R"({"op":"ok","id":7})");
}

}  // namespace
}  // namespace tickwire::match
