// Members come, go, and come back.
#include <algorithm>

#include "match_fixture.hpp"

namespace tickwire::match {
namespace {

using LifecycleTest = MatchTest;
using protocol::Target;

TEST_F(LifecycleTest, welcome_is_the_whole_truth) {
    options.limits = {1, 2, 3, 4, 5, 6};
    join("Ann");
    tick();
    event(clients[0], Target::everyone, "e");
    request(clients[0], wire::SetProperties{{{"map", "\"ice\""}}, {}});
    spectate();
    ReferenceClient& plain = join_plain();
    EXPECT_TRUE(plain.log.empty());
    ReferenceClient& bo = join("B\"o");
    EXPECT_EQ(
        bo.log.front(),
        R"({"op":"welcome","protocol":1,"features":[],"server":"tickwire/0.1.0","match":"arena","player":2,)"
        R"("role":"player","host":0,"epoch":1,"locked":false,"tick":1,"tick_hz":30,"event":1,"events_taken":0,)"
        R"("resume":"token-0000000000000002","resume_ms":20000,"recovered":false,"spectators":1,)"
        R"("limits":{"state_bytes":1,"event_bytes":2,"json_bytes":3,"messages_per_second":4,)"
        R"("bytes_per_second":5,"json_per_second":6},)"
        R"("players":[{"player":0,"name":"Ann","away":false},{"player":1,"name":"","away":false,"plain":true},)"
        R"({"player":2,"name":"B\"o","away":false}],"properties":{"map":"ice"},"properties_version":1})");
}

TEST_F(LifecycleTest, joined_goes_to_the_others_at_the_next_tick) {
    ReferenceClient& ann = join("Ann");
    ReferenceClient& eve = spectate();
    tick();
    forget_logs();
    ReferenceClient& bo = join("Bo");
    EXPECT_TRUE(ann.log.empty());
    tick();
    EXPECT_EQ(ann.log, (Lines{R"({"op":"joined","player":1,"name":"Bo"})"}));
    EXPECT_EQ(eve.log, ann.log);
    EXPECT_EQ(bo.log.size(), 2U) << "welcome and a keyframe";
    join_plain();
    tick();
    EXPECT_EQ(bo.log.back(), R"({"op":"joined","player":2,"name":"","plain":true})");
}

TEST_F(LifecycleTest, spectators_make_no_joined_and_no_left) {
    ReferenceClient& ann = join("Ann");
    tick();
    ann.log.clear();
    ReferenceClient& eve = spectate();
    EXPECT_EQ(eve.player, protocol::nobody);
    EXPECT_TRUE(eve.token.empty());
    EXPECT_EQ(match->spectator_count(), 1U);
    disconnect(eve, Ending::lost);
    tick();
    EXPECT_TRUE(ann.log.empty());
    EXPECT_EQ(match->spectator_count(), 0U);
}

TEST_F(LifecycleTest, lowest_free_number_first) {
    for (PlayerNumber number = 0; number < 5; ++number) {
        EXPECT_EQ(join("").player, number);
    }
    disconnect(clients[3], Ending::closed);
    disconnect(clients[1], Ending::left);
    EXPECT_EQ(join("").player, 1);
    EXPECT_EQ(join_plain().is_plain, true);
    EXPECT_EQ(join("").player, 5);
}

TEST_F(LifecycleTest, away_player_keeps_its_number) {
    ReferenceClient& ann = join("Ann");
    disconnect(ann, Ending::lost);
    EXPECT_EQ(join("Bo").player, 1);
    EXPECT_EQ(match->player_count(), 2U);
}

TEST_F(LifecycleTest, full_match_refuses_players_and_spectators_apart) {
    options.player_count_max = 2;
    options.spectator_count_max = 1;
    join("Ann");
    disconnect(join("Bo"), Ending::lost);
    clients.emplace_back();
    const auto refused = try_join(clients.back(), player_named("Cy"));
    ASSERT_FALSE(refused);
    EXPECT_EQ(refused.error().code, 4001);
    EXPECT_FALSE(match->join_plain(outlet.connect(), now));
    spectate();
    wire::Join spectator;
    spectator.role = wire::Role::spectator;
    EXPECT_FALSE(try_join(clients.back(), spectator));
    clients.pop_back();
}

TEST_F(LifecycleTest, match_without_memory_for_its_log_is_refused) {
    std::vector<base::MutableBytes> taken;
    for (std::size_t size = base::BufferPool::size_max; size >= 64 * 1024; size /= 2) {
        for (auto buffer = pool.take(size); !buffer.empty(); buffer = pool.take(size)) {
            taken.push_back(buffer);
        }
    }
    ReferenceClient client;
    const auto refused = try_join(client, player_named("Ann"));
    ASSERT_FALSE(refused);
    EXPECT_EQ(refused.error().code, 1013);
    EXPECT_TRUE(match->is_over());
    for (const auto buffer : taken) {
        pool.release(buffer);
    }
}

TEST_F(LifecycleTest, endings_and_their_reasons) {
    ReferenceClient& ann = join("Ann");
    ReferenceClient& bo = join("Bo");
    ReferenceClient& cy = join("Cy");
    ReferenceClient& dee = join("Dee");
    tick();
    ann.log.clear();
    request(bo, wire::Leave{}, 4);
    EXPECT_EQ(bo.log.back(), R"({"op":"ok","id":4})");
    EXPECT_EQ(close_code(bo), 1000);
    disconnect(cy, Ending::closed);
    disconnect(dee, Ending::lost);
    tick();
    EXPECT_EQ(ann.log,
              (Lines{R"({"op":"left","player":1,"reason":"left"})",
                     R"({"op":"left","player":2,"reason":"closed"})", R"({"op":"away","player":3})"}));
    ann.log.clear();
    pass(milliseconds(19'900));
    EXPECT_TRUE(ann.log.empty());
    pass(milliseconds(200));
    EXPECT_EQ(ann.log, (Lines{R"({"op":"left","player":3,"reason":"timeout"})"}));
    EXPECT_EQ(counters.away_timeouts, 1U);
}

TEST_F(LifecycleTest, who_keeps_account_outside_hears_of_slots_and_not_of_connections) {
    Claims claims;
    claims.subject = "user-17";
    ReferenceClient& ann = join("Ann", wire::Role::player, claims);
    ReferenceClient& plain = join_plain();
    spectate();
    EXPECT_EQ(outlet.account, (Lines{"joined arena 0 'Ann' game user-17", "joined arena 1 '' plain"}));
    disconnect(ann, Ending::lost);
    tick();
    resume(ann, std::nullopt);
    EXPECT_EQ(outlet.account.size(), 2U) << "away and back is nothing";
    outlet.account.clear();
    disconnect(plain, Ending::closed);
    match->kick(0, "");
    EXPECT_EQ(outlet.account, (Lines{"left arena 1 '' plain 1", "left arena 0 'Ann' game user-17 3"}));
    ReferenceClient& bo = join("Bo");
    outlet.account.clear();
    disconnect(bo, Ending::lost);
    pass(seconds(21));
    EXPECT_EQ(outlet.account, (Lines{"left arena 0 'Bo' game 2"}));
}

TEST_F(LifecycleTest, match_is_over_when_nobody_is_there_and_no_window_is_open) {
    ReferenceClient& ann = join("Ann");
    ReferenceClient& eve = spectate();
    disconnect(ann, Ending::lost);
    disconnect(eve, Ending::lost);
    EXPECT_FALSE(match->is_over());
    pass(seconds(21));
    EXPECT_TRUE(match->is_over());
}

TEST_F(LifecycleTest, spectator_may_open_a_match_and_hears_of_the_first_host) {
    ReferenceClient& eve = spectate();
    EXPECT_EQ(eve.host, std::nullopt);
    EXPECT_EQ(eve.epoch, 0U);
    tick();
    eve.log.clear();
    ReferenceClient& ann = join("Ann");
    EXPECT_EQ(ann.host, 0);
    EXPECT_EQ(ann.epoch, 1U);
    tick();
    EXPECT_EQ(eve.log, (Lines{R"({"op":"joined","player":0,"name":"Ann"})",
                              R"({"op":"host","player":0,"epoch":1})"}));
}

// --- resuming

TEST_F(LifecycleTest, resume_brings_number_name_state_and_missed_events_then_back) {
    ReferenceClient& ann = join("Ann");
    ReferenceClient& bo = join("Bo");
    state(bo, "bo's");
    event(bo, Target::others, "before");
    tick();
    disconnect(bo, Ending::lost);
    event(ann, Target::everyone, "to all");
    event(ann, Target::player, "to bo", 1);
    event(ann, Target::player, "to ann", 0);
    tick(3);
    ann.log.clear();
    ReferenceClient& again = resume(bo, 1);
    EXPECT_EQ(again.player, 1);
    EXPECT_EQ(again.token, bo.token);
    EXPECT_EQ(again.peers[1].name, "Bo");
    EXPECT_TRUE(again.is_recovered);
    EXPECT_EQ(again.events_taken, 1U);
    tick();
    again.log.erase(again.log.begin());
    EXPECT_EQ(again.log, (Lines{"event 2 from 0: to all", "event 3 from 0: to bo",
                                R"({"op":"back","player":1})", "keyframe 5: 1=bo's"}));
    EXPECT_EQ(ann.log, (Lines{R"({"op":"back","player":1})"}));
    EXPECT_EQ(counters.resumes, 1U);
    EXPECT_EQ(counters.resumes_recovered, 1U);
}

TEST_F(LifecycleTest, replay_has_the_player_s_own_events_and_none_twice) {
    ReferenceClient& ann = join("Ann");
    event(ann, Target::others, "one");
    tick();
    event(ann, Target::others, "two");
    disconnect(ann, Ending::lost);
    ReferenceClient& again = resume(ann, 1);
    tick();
    ASSERT_EQ(again.events.size(), 1U);
    EXPECT_EQ(again.events[0].body, "two");
}

TEST_F(LifecycleTest, resume_without_or_with_an_impossible_seen_event_is_not_recovered) {
    ReferenceClient& ann = join("Ann");
    event(ann, Target::everyone, "one");
    tick();
    ReferenceClient& second = resume(ann, std::nullopt);
    EXPECT_FALSE(second.is_recovered);
    ReferenceClient& third = resume(second, 2);
    EXPECT_FALSE(third.is_recovered);
    ReferenceClient& fourth = resume(third, 1);
    EXPECT_TRUE(fourth.is_recovered);
    tick();
    EXPECT_TRUE(second.events.empty());
    EXPECT_TRUE(third.events.empty());
    EXPECT_TRUE(fourth.events.empty());
    EXPECT_EQ(third.player, 0);
}

TEST_F(LifecycleTest, unknown_token_is_a_new_join) {
    ReferenceClient& ann = join("Ann");
    wire::Join request = player_named("Bo");
    request.resume = "token-0000000000000009";
    request.seen_event = 0;
    clients.emplace_back();
    ASSERT_TRUE(try_join(clients.back(), request));
    EXPECT_EQ(clients.back().player, 1);
    EXPECT_FALSE(clients.back().is_recovered);
    request.resume = "short";
    clients.emplace_back();
    ASSERT_TRUE(try_join(clients.back(), request));
    EXPECT_EQ(clients.back().player, 2);
    tick();
    EXPECT_EQ(ann.peers.size(), 3U);
}

TEST_F(LifecycleTest, resume_takes_a_live_connection_over_without_away_or_back) {
    ReferenceClient& ann = join("Ann");
    ReferenceClient& bo = join("Bo");
    tick();
    forget_logs();
    event(ann, Target::everyone, "one");
    ReferenceClient& again = resume(bo, 0);
    EXPECT_EQ(close_code(bo), 4003);
    tick();
    EXPECT_EQ(ann.log, (Lines{"event 1 from 0: one"}));
    EXPECT_TRUE(bo.log.empty()) << "what it was yet to receive is dropped";
    EXPECT_EQ(again.log[1], "event 1 from 0: one");
    EXPECT_EQ(again.events.size(), 1U);
    EXPECT_EQ(match->player_count(), 2U);
}

TEST_F(LifecycleTest, rates_are_the_players_and_outlive_its_connections) {
    const auto has_messages = [this](const ReferenceClient& client) {
        return match->rates(client.member).messages.take(1, 240, now);
    };
    ReferenceClient& ann = join("Ann");
    EXPECT_TRUE(has_messages(ann));
    EXPECT_TRUE(outlet.link(ann.connection).rates.messages.take(240, 240, now));
    disconnect(ann, Ending::lost);
    ReferenceClient& second = resume(ann, std::nullopt);
    EXPECT_FALSE(has_messages(second));
    // A live connection that is taken over, too.
    outlet.link(second.connection).rates.json.take(10, 10, now);
    ReferenceClient& third = resume(second, std::nullopt);
    EXPECT_TRUE(has_messages(third));
    EXPECT_FALSE(match->rates(third.member).json.take(1, 10, now));
    // Whoever gets the number next has its own.
    disconnect(third, Ending::left);
    ReferenceClient& bo = join("Bo");
    EXPECT_EQ(bo.player, 0);
    EXPECT_TRUE(match->rates(bo.member).json.take(10, 10, now));
    EXPECT_TRUE(match->rates(spectate().member).messages.take(240, 240, now));
}

TEST_F(LifecycleTest, lock_and_fullness_do_not_count_for_a_resume) {
    options.player_count_max = 2;
    ReferenceClient& ann = join("Ann");
    ReferenceClient& bo = join("Bo");
    request(ann, wire::Lock{true});
    disconnect(bo, Ending::lost);
    EXPECT_EQ(resume(bo, 0).player, 1);
    clients.emplace_back();
    EXPECT_EQ(try_join(clients.back(), player_named("")).error().code, 4001);
    wire::Join spectator;
    spectator.role = wire::Role::spectator;
    EXPECT_EQ(try_join(clients.back(), spectator).error().code, 4001);
    EXPECT_EQ(match->join_plain(outlet.connect(), now).error().code, 4001);
    clients.pop_back();
}

TEST_F(LifecycleTest, welcome_is_never_longer_than_its_bound) {
    // The longest of everything; what is left beside the roster and the properties is the bound's first
    // term.
    const std::uint32_t most = 0xffffffff;
    const std::string match_name(64, 'm');
    const std::string token(22, 't');
    const std::string name(protocol::name_size_max, '\x01');
    const std::vector<wire::RosterEntry> players(10, {65534, name, false, true});
    wire::Welcome welcome{options.server_name,
                          match_name,
                          65535,
                          wire::Role::spectator,
                          65534,
                          most,
                          false,
                          most,
                          128,
                          most,
                          most,
                          token,
                          most,
                          false,
                          most,
                          {most, most, most, most, most, most},
                          ~std::uint64_t{0}};
    std::string written;
    wire::write_welcome(welcome, players, {}, written);
    options.player_count_max = 10;
    options.properties_size_max = 0;
    const std::uint64_t bound = welcome_size_max(options, name.size());
    EXPECT_LE(written.size(), bound);
    EXPECT_GE(written.size() + 1024, bound) << "and not by far";
}

TEST_F(LifecycleTest, log_that_was_overrun_is_not_recovered) {
    options.outbox_size_max = 4 << 20;  // not what decides here
    ReferenceClient& ann = join("Ann");
    ReferenceClient& bo = join("Bo");
    tick();
    disconnect(bo, Ending::lost);
    const std::string large(10'000, 'x');
    for (int count = 0; count < 20; ++count) {
        event(ann, Target::everyone, large);
    }
    ReferenceClient& fits = resume(bo, 0);
    EXPECT_TRUE(fits.is_recovered);
    EXPECT_EQ(fits.events.size(), 20U);
    disconnect(fits, Ending::lost);
    for (int count = 0; count < 30; ++count) {
        event(ann, Target::everyone, large);
    }
    ReferenceClient& overrun = resume(bo, 20);
    EXPECT_FALSE(overrun.is_recovered);
    ReferenceClient& still_there = resume(bo, 40);
    EXPECT_TRUE(still_there.is_recovered);
    tick();
    EXPECT_TRUE(overrun.events.empty());
    EXPECT_EQ(still_there.events.size(), 10U);
    EXPECT_EQ(ann.events.size(), 50U);
}

TEST_F(LifecycleTest, replay_that_does_not_fit_the_queue_is_not_recovered) {
    options.outbox_size_max = 50'000;
    ReferenceClient& ann = join("Ann");
    ReferenceClient& bo = join("Bo");
    disconnect(bo, Ending::lost);
    for (int count = 0; count < 6; ++count) {
        event(ann, Target::player, std::string(10'000, 'x'), 1);
    }
    EXPECT_FALSE(resume(bo, 0).is_recovered);
    EXPECT_TRUE(resume(bo, 3).is_recovered);
}

TEST_F(LifecycleTest, events_for_the_one_before_on_the_same_number_are_not_replayed) {
    ReferenceClient& ann = join("Ann");
    ReferenceClient& bo = join("Bo");
    event(ann, Target::player, "secret", 1);
    disconnect(bo, Ending::closed);
    ReferenceClient& cy = join("Cy");
    EXPECT_EQ(cy.player, 1);
    event(ann, Target::player, "for cy", 1);
    disconnect(cy, Ending::lost);
    ReferenceClient& again = resume(cy, 0);
    EXPECT_TRUE(again.is_recovered);
    ASSERT_EQ(again.events.size(), 1U);
    EXPECT_EQ(again.events[0].body, "for cy");
}

TEST_F(LifecycleTest, rate_and_visibility_belong_to_the_connection) {
    ReferenceClient& ann = join("Ann");
    request(ann, wire::SetRate{8});
    disconnect(ann, Ending::lost);
    ReferenceClient& again = resume(ann, 0);
    state(again, "a");
    tick(2);
    EXPECT_EQ(again.log.back(), "keyframe 1: 0=a");
    state(again, "b");
    tick();
    EXPECT_EQ(again.states[0], "b");
}

TEST_F(LifecycleTest, limits_of_a_ticket_stay_with_the_slot) {
    Claims claims;
    claims.limits = wire::Limits{9, 9, 9, 9, 9, 9};
    ReferenceClient& ann = join("Ann", wire::Role::player, claims);
    EXPECT_EQ(match->limits(ann.member).state_bytes, 9U);
    ReferenceClient& again = resume(ann, 0);
    EXPECT_EQ(match->limits(again.member).state_bytes, 9U);
    EXPECT_NE(again.log[0].find(R"("state_bytes":9)"), std::string::npos);
    EXPECT_EQ(match->limits(join("Bo").member).state_bytes, 1024U);
}

TEST_F(LifecycleTest, a_spectators_ticket_has_limits_too) {
    Claims claims;
    claims.limits = wire::Limits{9, 9, 9, 9, 9, 9};
    ReferenceClient& eve = join("", wire::Role::spectator, claims);
    EXPECT_EQ(match->limits(eve.member), *claims.limits);
    EXPECT_NE(eve.log[0].find(R"("state_bytes":9)"), std::string::npos);
    claims.limits = options.spectator_limits;
    for (const ReferenceClient* const as_all : {&join("", wire::Role::spectator, claims), &spectate()}) {
        EXPECT_EQ(&match->limits(as_all->member), &match->limits_of(wire::Role::spectator))
            << "none of its own are kept";
        EXPECT_NE(as_all->log[0].find(R"("json_bytes":1024)"), std::string::npos) << as_all->log[0];
    }
}

using LifecycleDeathTest = MatchTest;

TEST_F(LifecycleDeathTest, forgotten_member_may_not_be_used) {
    ReferenceClient& ann = join("Ann");
    join("Bo");
    const Member member = ann.member;
    disconnect(ann, Ending::closed);
    EXPECT_DEATH(match->take_resync(member, now), "a member of the match");
}

}  // namespace
}  // namespace tickwire::match
