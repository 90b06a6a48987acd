// Events: who gets them, when, and in which order. PONGs. The plain lane.
#include "match_fixture.hpp"

namespace tickwire::match {
namespace {

using EventsTest = MatchTest;
using PlainTest = MatchTest;
using protocol::Purpose;
using protocol::Target;

TEST_F(EventsTest, others_and_everyone_come_to_all_in_the_shared_bytes) {
    ReferenceClient& ann = join("Ann");
    ReferenceClient& bo = join("Bo");
    ReferenceClient& eve = spectate();
    tick();
    forget_logs();
    event(ann, Target::others, "one");
    event(bo, Target::everyone, "two");
    EXPECT_TRUE(ann.log.empty()) << "they wait for the tick";
    tick();
    EXPECT_EQ(ann.log, (Lines{"event 1 from 0: one", "event 2 from 1: two"}));
    EXPECT_EQ(bo.log, ann.log);
    EXPECT_EQ(eve.log, ann.log);
    EXPECT_EQ(eve.events_message_count, 1U) << "in one message";
    EXPECT_EQ(ann.events[0].kind, 0);
    EXPECT_EQ(ann.events[1].kind, 1);
}

TEST_F(EventsTest, one_for_a_player_goes_out_at_once_behind_those_that_wait) {
    ReferenceClient& ann = join("Ann");
    ReferenceClient& bo = join("Bo");
    tick();
    forget_logs();
    event(ann, Target::others, "one");
    event(ann, Target::player, "two", 1);
    EXPECT_EQ(bo.log, (Lines{"event 1 from 0: one", "event 2 from 0: two"}));
    EXPECT_TRUE(ann.log.empty());
    tick();
    EXPECT_EQ(ann.log, (Lines{"event 1 from 0: one"})) << "numbers have gaps";
    EXPECT_EQ(bo.log.size(), 2U) << "nothing comes twice";
}

TEST_F(EventsTest, one_for_another_player_sends_nothing) {
    ReferenceClient& ann = join("Ann");
    join("Bo");
    tick();
    ann.log.clear();
    event(ann, Target::player, "for bo", 1);
    tick();  // the outlet refuses an empty send
    EXPECT_TRUE(ann.log.empty());
}

TEST_F(EventsTest, one_for_the_host_goes_to_the_host_as_of_now) {
    ReferenceClient& ann = join("Ann");
    ReferenceClient& bo = join("Bo");
    tick();
    event(bo, Target::host, "to ann");
    request(ann, wire::NameHost{1});
    event(ann, Target::host, "to bo");
    EXPECT_EQ(ann.events.size(), 1U);
    EXPECT_EQ(ann.events[0].body, "to ann");
    EXPECT_EQ(bo.events.back().body, "to bo");
}

TEST_F(EventsTest, nobody_there_is_an_error_and_counts_as_taken) {
    ReferenceClient& ann = join("Ann");
    ReferenceClient& bo = join("Bo");
    tick();
    forget_logs();
    for (const PlayerNumber number : {PlayerNumber{2}, PlayerNumber{9}, protocol::nobody}) {
        event(bo, Target::player, "x", number);
        ASSERT_EQ(bo.log.size(), 1U);
        EXPECT_EQ(bo.take_log()[0].substr(0, 37), R"({"op":"error","code":"no_such_player")");
    }
    request(bo, wire::SetVisible{false});
    disconnect(ann, Ending::closed);  // no host: bo is hidden
    event(bo, Target::host, "x");
    EXPECT_EQ(bo.log.back().substr(0, 37), R"({"op":"error","code":"no_such_player")");
    EXPECT_EQ(counters.events_refused, 4U);
    ping(bo, 7);
    finish_slot();
    EXPECT_EQ(bo.log.back().substr(0, 9), "pong 4 7 ");
}

TEST_F(EventsTest, error_comes_in_order_with_what_waits) {
    ReferenceClient& ann = join("Ann");
    tick();
    ann.log.clear();
    event(ann, Target::everyone, "one");
    event(ann, Target::player, "two", 5);
    event(ann, Target::everyone, "three");
    tick();
    ASSERT_EQ(ann.log.size(), 3U);
    EXPECT_EQ(ann.log[0], "event 1 from 0: one");
    EXPECT_EQ(ann.log[1].substr(0, 14), R"({"op":"error",)");
    EXPECT_EQ(ann.log[2], "event 2 from 0: three");
}

TEST_F(EventsTest, json_and_events_keep_the_order_in_which_they_happened) {
    ReferenceClient& ann = join("Ann");
    ReferenceClient& bo = join("Bo");
    tick();
    forget_logs();
    event(bo, Target::everyone, "one");
    request(bo, wire::SetProperties{{{"a", "1"}}, {}}, 3);
    event(bo, Target::everyone, "two");
    state(bo, "s");
    ReferenceClient& cy = join("Cy");
    event(cy, Target::everyone, "three");
    disconnect(cy, Ending::closed);
    tick();
    const Lines in_order{"event 1 from 1: one",
                         R"({"op":"properties","version":1,"set":{"a":1},"by":1})",
                         "event 2 from 1: two",
                         R"({"op":"joined","player":2,"name":"Cy"})",
                         "event 3 from 2: three",
                         R"({"op":"left","player":2,"reason":"closed"})",
                         "tick 2: 1=s"};
    EXPECT_EQ(ann.log, in_order);
    Lines with_ok = in_order;
    with_ok.insert(with_ok.begin() + 2, R"({"op":"ok","id":3})");
    EXPECT_EQ(bo.log, with_ok);
}

TEST_F(EventsTest, coarse_class_does_not_hold_events_back) {
    ReferenceClient& ann = join("Ann");
    request(ann, wire::SetRate{8});
    tick(8);
    ann.log.clear();
    event(ann, Target::everyone, "now");
    tick();
    EXPECT_EQ(ann.log, (Lines{"event 1 from 0: now"}));
}

TEST_F(EventsTest, busy_member_gets_its_events_when_it_is_free) {
    ReferenceClient& ann = join("Ann");
    ReferenceClient& bo = join("Bo");
    tick();
    forget_logs();
    set_busy(bo, true);
    for (int count = 0; count < 5; ++count) {
        event(ann, Target::everyone, std::to_string(count));
        event(ann, Target::player, "for bo", 1);
        tick();
    }
    set_busy(bo, false);
    tick();
    EXPECT_EQ(bo.events.size(), 10U);
}

TEST_F(EventsTest, full_log_serves_a_busy_member_before_it_drops) {
    ReferenceClient& ann = join("Ann");
    ReferenceClient& bo = join("Bo");
    tick();
    set_busy(bo, true);
    const std::string body(9'000, 'x');
    for (int count = 0; count < 100; ++count) {
        event(ann, Target::everyone, body + std::to_string(count));
        if (count % 3 == 0) {
            tick();
        }
    }
    set_busy(bo, false);
    tick();
    deliver();
    EXPECT_EQ(bo.events.size(), 100U);
    EXPECT_EQ(ann.events.size(), 100U);
}

TEST_F(EventsTest, many_in_one_tick_without_a_tick_between) {
    ReferenceClient& ann = join("Ann");
    ReferenceClient& bo = join("Bo");
    tick();
    for (int count = 0; count < 5'000; ++count) {
        event(ann, Target::everyone, std::string(100, 'x'));
    }
    tick();
    EXPECT_EQ(ann.events.size(), 5'000U);
    EXPECT_EQ(bo.events.size(), 5'000U);
}

TEST_F(EventsTest, longest_and_empty_bodies) {
    options.limits.event_bytes = 65'535;
    ReferenceClient& ann = join("Ann");
    tick();
    event(ann, Target::everyone, std::string(65'531, 'x'));
    event(ann, Target::everyone, "");
    event(ann, Target::player, std::string(65'531, 'y'), 0);
    tick();
    ASSERT_EQ(ann.events.size(), 3U);
    EXPECT_EQ(ann.events[0].body.size(), 65'531U);
    EXPECT_EQ(ann.events[1].body, "");
}

TEST_F(EventsTest, one_that_the_log_cannot_hold_is_refused) {
    options.event_log_size = 4096;
    options.limits.event_bytes = 1024;
    options.limits.json_bytes = 256;
    ReferenceClient& ann = join("Ann");
    tick();
    event(ann, Target::everyone, std::string(60'000, 'x'));
    EXPECT_EQ(ann.log.back().substr(0, 32), R"({"op":"error","code":"too_large")");
    event(ann, Target::everyone, "small");
    tick();
    EXPECT_EQ(ann.events.size(), 1U);
}

TEST_F(EventsTest, spectators_and_states_of_spectators_are_refused) {
    ReferenceClient& eve = spectate();
    EXPECT_FALSE(match->take_event(eve.member, {{}, 0, {}}, now));
    EXPECT_FALSE(match->take_state(eve.member, {0, 0, {}}, now));
    EXPECT_FALSE(match->take_state(join_plain().member, {0, 0, {}}, now));
}

TEST_F(EventsTest, pong_answers_the_last_ping_with_match_time) {
    ReferenceClient& ann = join("Ann");
    tick(3);
    ann.log.clear();
    ping(ann, 1);
    ping(ann, 2);
    finish_slot();
    EXPECT_EQ(ann.log, (Lines{"pong 0 2 100000"}));
    finish_slot();
    EXPECT_EQ(ann.log.size(), 1U);
}

TEST_F(EventsTest, pong_waits_for_a_busy_link_and_only_the_last_is_answered) {
    ReferenceClient& ann = join("Ann");
    ReferenceClient& eve = spectate();
    tick();
    forget_logs();
    set_busy(ann, true);
    ping(ann, 1);
    match->finish_slot(now);
    ping(ann, 2);
    ping(eve, 9);
    match->finish_slot(now);
    set_busy(ann, false);
    finish_slot();
    EXPECT_EQ(ann.log, (Lines{"pong 0 2 33333"}));
    EXPECT_EQ(eve.log, (Lines{"pong 0 9 33333"}));
}

TEST_F(EventsTest, pong_of_a_member_that_left_goes_to_nobody) {
    ReferenceClient& ann = join("Ann");
    ping(ann, 1);
    disconnect(ann, Ending::closed);
    ReferenceClient& bo = join("Bo");
    bo.log.clear();
    finish_slot();
    EXPECT_TRUE(bo.log.empty());
    ping(bo, 5);
    finish_slot();
    EXPECT_EQ(bo.log.size(), 1U);
}

// --- the plain lane

TEST_F(PlainTest, its_messages_are_events_for_everyone_and_do_not_wait_for_the_tick) {
    ReferenceClient& ann = join("Ann");
    ReferenceClient& web = join_plain();
    ReferenceClient& other = join_plain();
    tick();
    forget_logs();
    match->take_plain(web.member, base::as_bytes("hello"), true, now);
    match->take_plain(web.member, base::as_bytes("\xff\x01"), false, now);
    deliver();
    EXPECT_EQ(web.log, (Lines{"text: hello", "binary: \xff\x01"}));
    EXPECT_EQ(other.log, web.log);
    EXPECT_TRUE(ann.log.empty());
    tick();
    EXPECT_EQ(ann.log, (Lines{"event 1 from 1: hello", "event 2 from 1: \xff\x01"}));
    EXPECT_EQ(ann.events[0].kind, 0b101);
    EXPECT_EQ(ann.events[1].kind, 0b001);
}

TEST_F(PlainTest, it_gets_events_of_the_game_lane_but_no_requests_replies_ticks_or_json) {
    ReferenceClient& ann = join("Ann");
    ReferenceClient& web = join_plain();
    state(ann, "s");
    event(ann, Target::others, "others");
    event(ann, Target::everyone, "everyone");
    event(ann, Target::player, "one", 1);
    event(ann, Target::player, "not it", 0);
    event(ann, Target::host, "nor the host");
    EXPECT_TRUE(match->take_event(
        ann.member,
        {{.target = Target::everyone, .purpose = Purpose::request}, 0, base::as_bytes("\x01\x01?")}, now));
    EXPECT_TRUE(match->take_event(
        ann.member, {{.target = Target::player, .purpose = Purpose::reply}, 1, base::as_bytes("\x01\x01!")},
        now));
    EXPECT_TRUE(match->take_event(
        ann.member, {{.target = Target::everyone, .is_text = true}, 0, base::as_bytes("text")}, now));
    EXPECT_TRUE(match->take_event(
        ann.member, {{.target = Target::everyone, .is_text = true}, 0, base::as_bytes("\xff")}, now));
    tick();
    EXPECT_EQ(web.log,
              (Lines{"binary: others", "binary: everyone", "binary: one", "text: text", "binary: \xff"}));
}

TEST_F(PlainTest, lost_connection_ends_the_slot) {
    ReferenceClient& ann = join("Ann");
    ReferenceClient& web = join_plain();
    tick();
    ann.log.clear();
    disconnect(web, Ending::lost);
    tick();
    EXPECT_EQ(ann.log, (Lines{R"({"op":"left","player":1,"reason":"closed","plain":true})"}));
    EXPECT_EQ(match->player_count(), 1U);
}

TEST_F(PlainTest, it_is_never_host) {
    ReferenceClient& eve = spectate();
    join_plain();
    tick();
    EXPECT_EQ(eve.host, std::nullopt);
    ReferenceClient& ann = join("Ann");
    EXPECT_EQ(ann.host, 1);
    request(ann, wire::NameHost{0});
    EXPECT_EQ(ann.log.back().substr(0, 34), R"({"op":"error","code":"bad_request")");
    disconnect(ann, Ending::closed);
    tick();
    EXPECT_EQ(eve.host, std::nullopt);
    EXPECT_EQ(eve.epoch, 2U);
}

TEST_F(PlainTest, it_can_be_kicked) {
    ReferenceClient& ann = join("Ann");
    ReferenceClient& web = join_plain();
    request(ann, wire::Kick{1, "bye"});
    EXPECT_EQ(close_code(web), 4002);
    tick();
    EXPECT_EQ(ann.log.back(), "keyframe 1:");
    EXPECT_EQ(ann.log[2], R"({"op":"left","player":1,"reason":"kicked","plain":true})");
    join_plain();
    event(ann, Target::everyone, "on");
    EXPECT_EQ(clients.back().log, (Lines{"binary: on"}));
}

}  // namespace
}  // namespace tickwire::match
