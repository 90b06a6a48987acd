// Control requests and their answers.
#include "match/properties.hpp"
#include "match_fixture.hpp"

namespace tickwire::match {
namespace {

using RequestsTest = MatchTest;

std::string error_start(std::string_view code) {
    return R"({"op":"error","code":")" + std::string(code) + R"(")";
}

TEST_F(RequestsTest, properties_reach_everybody_and_then_the_setter_is_answered) {
    ReferenceClient& ann = join("Ann");
    ReferenceClient& eve = spectate();
    tick();
    forget_logs();
    request(ann, wire::SetProperties{{{"map", R"({"n":1.50})"}, {"gone", ""}}, {}}, 1);
    const std::string told =
        R"({"op":"properties","version":1,"set":{"map":{"n":1.50},"gone":null},"by":0})";
    EXPECT_EQ(ann.log, (Lines{told, R"({"op":"ok","id":1})"}));
    tick();
    EXPECT_EQ(eve.log, (Lines{told}));
    EXPECT_EQ(ann.log.size(), 2U);
}

TEST_F(RequestsTest, without_an_id_there_is_no_answer) {
    ReferenceClient& ann = join("Ann");
    ann.log.clear();
    request(ann, wire::SetProperties{{}, {}});
    request(ann, wire::SetRate{1});
    request(ann, wire::Lock{false});
    EXPECT_TRUE(ann.log.empty());
}

TEST_F(RequestsTest, properties_of_another_version_are_refused_with_the_current_one) {
    ReferenceClient& ann = join("Ann");
    request(ann, wire::SetProperties{{{"a", "1"}}, 0}, 1);
    EXPECT_EQ(ann.log.back(), R"({"op":"ok","id":1})");
    request(ann, wire::SetProperties{{{"a", "2"}}, 0}, 2);
    EXPECT_EQ(ann.log.back().substr(0, 30), error_start("version"));
    EXPECT_NE(ann.log.back().find(R"("id":2,"version":1})"), std::string::npos);
}

TEST_F(RequestsTest, too_many_properties_are_refused_whole) {
    options.properties_count_max = 2;
    options.properties_size_max = 14;
    ReferenceClient& ann = join("Ann");
    request(ann, wire::SetProperties{{{"a", "1"}, {"b", "2"}, {"c", "3"}}, {}}, 1);
    EXPECT_EQ(ann.log.back().substr(0, 32), error_start("too_large"));
    request(ann, wire::SetProperties{{{"a", "1234567890"}}, {}}, 1);
    EXPECT_EQ(ann.log.back().substr(0, 32), error_start("too_large"));
    request(ann, wire::SetProperties{{{"a", "123456789"}}, 0}, 2);
    EXPECT_EQ(ann.log.back(), R"({"op":"ok","id":2})");
    request(ann, wire::SetProperties{{{"b", "1"}}, {}}, 1);
    EXPECT_EQ(ann.log.back().substr(0, 32), error_start("too_large"));
    request(ann, wire::SetProperties{{{"a", ""}, {"b", "1"}}, {}}, 3);
    EXPECT_EQ(ann.log.back(), R"({"op":"ok","id":3})");
    EXPECT_EQ(counters.errors[static_cast<std::size_t>(wire::ControlErrorCode::too_large)], 3U);
    EXPECT_EQ(counters.errors[static_cast<std::size_t>(wire::ControlErrorCode::version)], 0U);
}

TEST(Properties, over_their_bounds_can_shrink_and_not_grow) {
    using Outcome = Properties::Outcome;
    Properties properties({.size_max = 14, .count_max = 2});
    properties.restore(7, {{"a", "1234567890"}, {"b", "1"}, {"c", "1"}});
    EXPECT_EQ(properties.apply({{{"a", "12345678901"}}, {}}), Outcome::too_large);
    EXPECT_EQ(properties.apply({{{"d", "1"}}, {}}), Outcome::too_large);
    EXPECT_EQ(properties.apply({{{"a", "123456789"}}, {}}), Outcome::accepted);
    EXPECT_EQ(properties.apply({{{"b", ""}}, {}}), Outcome::accepted);
    EXPECT_EQ(properties.apply({{{"c", ""}}, {}}), Outcome::accepted);
    EXPECT_EQ(properties.apply({{{"a", "1234567890"}}, {}}), Outcome::too_large) << "as ever";
}

TEST_F(RequestsTest, spectators_are_forbidden_what_is_not_theirs) {
    join("Ann");
    ReferenceClient& eve = spectate();
    for (const wire::Request& what : {wire::Request(wire::SetProperties{}), wire::Request(wire::Lock{true}),
                                      wire::Request(wire::Kick{0, ""}), wire::Request(wire::NameHost{0})}) {
        request(eve, what, 3);
        EXPECT_EQ(eve.log.back().substr(0, 32), error_start("forbidden"));
        EXPECT_NE(eve.log.back().find(R"("id":3})"), std::string::npos);
    }
    request(eve, wire::SetRate{2}, 4);
    EXPECT_EQ(eve.log.back(), R"({"op":"ok","id":4})");
    request(eve, wire::SetVisible{false}, 5);
    EXPECT_EQ(eve.log.back(), R"({"op":"ok","id":5})");
    request(eve, wire::Leave{}, 6);
    EXPECT_EQ(eve.log.back(), R"({"op":"ok","id":6})");
    EXPECT_EQ(close_code(eve), 1000);
    EXPECT_EQ(match->spectator_count(), 0U);
}

TEST_F(RequestsTest, lock_is_told_to_all) {
    ReferenceClient& ann = join("Ann");
    ReferenceClient& bo = join("Bo");
    tick();
    bo.log.clear();
    request(bo, wire::Lock{true});
    EXPECT_EQ(bo.log.back().substr(0, 32), error_start("forbidden"));
    request(ann, wire::Lock{true}, 1);
    EXPECT_EQ(ann.log.back(), R"({"op":"ok","id":1})");
    tick();
    EXPECT_EQ(bo.log.back(), R"({"op":"locked","locked":true})");
    request(ann, wire::Lock{false});
    EXPECT_EQ(join("Cy").player, 2);
}

TEST_F(RequestsTest, kick_ends_the_slot) {
    ReferenceClient& ann = join("Ann");
    ReferenceClient& bo = join("Bo");
    ReferenceClient& cy = join("Cy");
    tick();
    forget_logs();
    request(cy, wire::Kick{1, ""});
    EXPECT_EQ(cy.log.back().substr(0, 32), error_start("forbidden"));
    request(ann, wire::Kick{9, ""}, 1);
    EXPECT_EQ(ann.log.back().substr(0, 37), error_start("no_such_player"));
    request(ann, wire::Kick{1, "rude"}, 2);
    EXPECT_EQ(close_code(bo), 4002);
    EXPECT_EQ(outlet.link(bo.connection).close_reason, "rude");
    disconnect(cy, Ending::lost);
    request(ann, wire::Kick{2, "gone"}, 3);
    tick();
    EXPECT_EQ(ann.log[1], R"({"op":"left","player":1,"reason":"kicked"})");
    EXPECT_EQ(ann.log[2], R"({"op":"ok","id":2})");
    EXPECT_EQ(ann.log[3], R"({"op":"away","player":2})");
    EXPECT_EQ(ann.log[4], R"({"op":"left","player":2,"reason":"kicked"})");
    wire::Join request_to_resume;
    request_to_resume.resume = bo.token;
    ReferenceClient again;
    ASSERT_TRUE(try_join(again, request_to_resume));
    EXPECT_FALSE(again.is_recovered) << "the token died with the slot";
}

TEST_F(RequestsTest, host_may_kick_itself) {
    ReferenceClient& ann = join("Ann");
    ReferenceClient& bo = join("Bo");
    request(ann, wire::Kick{0, "me"}, 1);
    EXPECT_EQ(ann.log.back(), R"({"op":"ok","id":1})");
    EXPECT_EQ(close_code(ann), 4002);
    tick();
    EXPECT_EQ(bo.host, 1);
    EXPECT_EQ(bo.peers.size(), 1U);
}

TEST_F(RequestsTest, texts_that_are_no_requests_are_answered_in_order) {
    ReferenceClient& ann = join("Ann");
    tick();
    ann.log.clear();
    event(ann, protocol::Target::everyone, "e");
    match->refuse_request(ann.member, {wire::RequestFault::unknown_op, 5, "what?"}, now);
    match->refuse_request(ann.member, {wire::RequestFault::bad_request, {}, "no"}, now);
    deliver();
    EXPECT_EQ(ann.log,
              (Lines{"event 1 from 0: e", R"({"op":"error","code":"unknown_op","message":"what?","id":5})",
                     R"({"op":"error","code":"bad_request","message":"no"})"}));
}

TEST_F(RequestsTest, drain_comes_behind_what_waits) {
    ReferenceClient& ann = join("Ann");
    tick();
    ann.log.clear();
    event(ann, protocol::Target::everyone, "e");
    Parting parting{.window = seconds(3), .url = "wss://other", .count = 2, .place = 1};
    match->send_away(parting, now);
    deliver();
    EXPECT_EQ(ann.log,
              (Lines{"event 1 from 0: e", R"({"op":"drain","reconnect_ms":1500,"url":"wss://other"})"}));
    EXPECT_EQ(close_code(ann), 1001);
    EXPECT_EQ(parting.place, 2U);
}

TEST_F(RequestsTest, who_is_sent_away_may_come_back_and_the_plain_lane_is_gone) {
    ReferenceClient& ann = join("Ann");
    ReferenceClient& plain = join_plain();
    ReferenceClient& eve = spectate();
    tick();
    plain.log.clear();
    Parting parting{.window = {}, .url = {}, .count = 3};
    match->send_away(parting, now);
    deliver();
    EXPECT_TRUE(plain.log.empty());
    for (const ReferenceClient* const client : {&ann, &plain, &eve}) {
        EXPECT_EQ(close_code(*client), 1001);
    }
    EXPECT_EQ(match->player_count(), 1U);
    EXPECT_EQ(resume(ann, 0).player, 0);
    pass(seconds(30));
    EXPECT_EQ(match->player_count(), 1U);
}

}  // namespace
}  // namespace tickwire::match
