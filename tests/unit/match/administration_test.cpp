// What the operator and the game's backend see and do.
#include <algorithm>

#include "match_fixture.hpp"

namespace tickwire::match {
namespace {

using AdministrationTest = MatchTest;
using Done = Match::Done;

/// A log is made to hold whatever the limits allow.
void make_log_small(MatchOptions& options) {
    options.event_log_size = 4096;
    options.limits.event_bytes = 512;
    options.limits.json_bytes = 512;
}

TEST_F(AdministrationTest, reports_players_by_number_and_then_spectators) {
    ReferenceClient& ann = join("Ann");
    ReferenceClient& left = join("Left");
    ReferenceClient& bo = join("Bo");
    join_plain();
    ReferenceClient& eve = spectate();
    disconnect(left, Ending::left);
    state(ann, "a");
    tick(2);
    request(eve, wire::SetRate{4});
    request(ann, wire::SetVisible{false});
    request(ann, wire::Lock{true});
    request(ann, wire::SetProperties{{{"map", "1"}}, {}});
    event(ann, protocol::Target::everyone, "e");
    disconnect(bo, Ending::lost);
    tick();

    const MatchReport report = match->report(now);
    EXPECT_EQ(report.host, std::optional<PlayerNumber>(0));
    EXPECT_TRUE(report.is_locked);
    EXPECT_EQ(report.tick, match->tick_number());
    EXPECT_EQ(report.event, 1U);
    EXPECT_EQ(report.properties_version, 1U);
    ASSERT_EQ(report.members.size(), 4U);
    const auto& [first, second, third, fourth] =
        std::tie(report.members[0], report.members[1], report.members[2], report.members[3]);
    EXPECT_EQ(first.player, 0U);
    EXPECT_EQ(first.name, "Ann");
    EXPECT_FALSE(first.is_visible);
    EXPECT_EQ(first.divisor, options.tick_hz) << "a hidden page gets a tick a second";
    EXPECT_EQ(second.player, 2U) << "whoever left is not among them";
    EXPECT_EQ(second.name, "Bo");
    EXPECT_TRUE(second.is_away);
    EXPECT_TRUE(third.is_plain);
    EXPECT_TRUE(fourth.is_spectator);
    EXPECT_EQ(fourth.player, protocol::nobody);
    EXPECT_EQ(fourth.divisor, 4U);
}

TEST_F(AdministrationTest, reports_how_old_what_a_member_sees_is) {
    ReferenceClient& ann = join("Ann");
    ann.reports_by_itself = false;
    state(ann, "a");
    tick();
    const base::Time sent = now;
    now += milliseconds(40);
    state(ann, "b");
    EXPECT_GE(match->report(now).members[0].round_trip.value_or(base::Duration{}), milliseconds(39));
    EXPECT_EQ(match->report(now).members[0].age.count(), 0) << "all is reported";
    run_at(match->next_tick_due());
    now += milliseconds(70);
    const base::Duration age = match->report(now).members[0].age;
    EXPECT_GE(age, milliseconds(69));
    EXPECT_LT(age, now - sent);
}

TEST_F(AdministrationTest, kicks_whoever_is_present_or_away_and_nobody_else) {
    ReferenceClient& ann = join("Ann");
    ReferenceClient& bo = join("Bo");
    ReferenceClient& cy = join("Cy");
    disconnect(cy, Ending::lost);
    EXPECT_TRUE(match->kick(*bo.player, "language"));
    EXPECT_EQ(close_code(bo), 4002);
    EXPECT_TRUE(match->kick(*cy.player, "gone"));
    EXPECT_FALSE(match->kick(*cy.player, "gone twice"));
    EXPECT_FALSE(match->kick(1000, "nobody"));
    EXPECT_EQ(match->player_count(), 1U);
    EXPECT_FALSE(match->can_resume(cy.token));
    tick();
    EXPECT_EQ(close_code(ann), 0);
    EXPECT_EQ(ann.peers.size(), 1U) << "itself";
}

TEST_F(AdministrationTest, closes_everyone_once_and_is_over) {
    ReferenceClient& ann = join("Ann");
    ReferenceClient& bo = join("Bo");
    ReferenceClient& away = join("Cy");
    ReferenceClient& plain = join_plain();
    ReferenceClient& eve = spectate();
    ReferenceClient& gone = spectate();
    ReferenceClient& left = join("Left");
    join("Dee");
    tick();
    disconnect(left, Ending::left);
    disconnect(away, Ending::lost);
    disconnect(gone, Ending::left);
    match->close_everyone(4000, "the season is over");
    for (const ReferenceClient* client : {&ann, &bo, &plain, &eve}) {
        EXPECT_EQ(close_code(*client), 4000);
    }
    EXPECT_EQ(close_code(away), 0);
    EXPECT_TRUE(match->is_over());
    EXPECT_EQ(match->player_count() + match->spectator_count(), 0U);
    EXPECT_FALSE(match->can_resume(away.token));
    tick();
}

TEST_F(AdministrationTest, says_events_as_the_server) {
    options.limits.event_bytes = 64;
    ReferenceClient& ann = join("Ann");
    ReferenceClient& bo = join("Bo");
    tick();
    forget_logs();
    struct Case {
        Match::ServerEvent event;
        std::string body;
        Done answer;
    };
    const Case cases[] = {
        {{}, "to all", Done::done},
        {{1, false}, "to Bo", Done::done},
        {{protocol::nobody, true}, "text", Done::done},
        {{7, false}, "to nobody", Done::no_such_player},
        {{}, std::string(64, 'x'), Done::done},
        {{}, std::string(65, 'x'), Done::too_large},
    };
    for (const Case& one : cases) {
        EXPECT_EQ(match->send_event(one.event, base::as_bytes(one.body)), one.answer) << one.body;
    }
    tick();
    const auto has = [](const ReferenceClient& client, const std::string& body) {
        return std::any_of(client.events.begin(), client.events.end(), [&](const auto& taken) {
            return taken.body == body && taken.from == protocol::nobody;
        });
    };
    EXPECT_TRUE(has(ann, "to all") && has(bo, "to all") && has(ann, "text"));
    EXPECT_TRUE(has(bo, "to Bo"));
    EXPECT_FALSE(has(ann, "to Bo"));
    EXPECT_EQ(ann.events.size(), 3U);
}

TEST_F(AdministrationTest, an_event_that_the_log_cannot_hold_is_too_large) {
    make_log_small(options);
    join("Ann");
    wire::Limits wide = options.limits;
    wide.event_bytes = 16384;
    match->set_limits(wide, options.spectator_limits);
    EXPECT_EQ(match->send_event({}, base::as_bytes(std::string(2048, 'x'))), Done::too_large);
    EXPECT_EQ(match->send_event({}, base::as_bytes(std::string(512, 'x'))), Done::done);
}

TEST_F(AdministrationTest, sets_properties_as_the_server) {
    options.properties_count_max = 2;
    make_log_small(options);
    ReferenceClient& ann = join("Ann");
    const std::string long_value = '"' + std::string(3000, 'x') + '"';
    const std::pair<wire::SetProperties, Done> cases[] = {
        {{{{"map", "1"}}, {}}, Done::done},
        {{{{"map", "2"}}, 0}, Done::version_differs},
        {{{{"map", "2"}}, 1}, Done::done},
        {{{{"a", "1"}, {"b", "1"}}, {}}, Done::too_large},
        {{{{"map", long_value}}, {}}, Done::too_large},
    };
    for (const auto& [request, answer] : cases) {
        EXPECT_EQ(match->set_properties(request), answer);
    }
    tick();
    ann.log.clear();
    EXPECT_EQ(match->set_properties({{{"map", ""}}, {}}), Done::done);
    tick();
    EXPECT_EQ(ann.log.front(), R"({"op":"properties","version":3,"set":{"map":null},"by":65535})");
}

TEST_F(AdministrationTest, without_memory_for_a_log_nothing_is_said) {
    struct Scene final : MatchTest {
        Scene() : MatchTest(std::size_t{64} * 1024) {}
        void TestBody() override {
            open();
            EXPECT_EQ(match->send_event({}, base::as_bytes("e")), Done::no_memory);
            EXPECT_EQ(match->set_properties({{{"map", "1"}}, {}}), Done::no_memory);
            match.reset();
        }
    };
    Scene().TestBody();
}

TEST_F(AdministrationTest, other_limits_are_for_those_who_join_from_then_on) {
    const ReferenceClient& ann = join("Ann");
    wire::Limits limits = options.limits;
    limits.state_bytes = 77;
    wire::Limits spectator_limits = options.spectator_limits;
    spectator_limits.json_bytes = 300;
    match->set_limits(limits, spectator_limits);
    const ReferenceClient& bo = join("Bo");
    EXPECT_EQ(match->limits(spectate().member), spectator_limits);
    EXPECT_EQ(match->limits(ann.member).state_bytes, options.limits.state_bytes);
    EXPECT_EQ(match->limits(bo.member).state_bytes, 77U);
    EXPECT_EQ(match->limits_of(wire::Role::player).state_bytes, 77U);
    EXPECT_EQ(match->tick_hz(), options.tick_hz);
}

TEST_F(AdministrationTest, other_limits_leave_room_for_a_state_of_every_player) {
    options.player_count_max = 65'535;
    options.limits.state_bytes = 40;
    const ReferenceClient& ann = join("Ann");
    EXPECT_EQ(match->limits(ann.member).state_bytes, 40U);
    wire::Limits limits = options.limits;
    limits.state_bytes = 1024;
    match->set_limits(limits, options.spectator_limits);
    EXPECT_EQ(match->limits_of(wire::Role::player).state_bytes, 47U);
}

TEST_F(AdministrationTest, a_hint_changes_nothing_whoever_it_is_about) {
    const ReferenceClient& ann = join("Ann");
    const ReferenceClient& eve = spectate();
    for (const Member member : {ann.member, eve.member, Member{1000}}) {
        for (unsigned step = 0; step < 5; ++step) {
            match->prefetch(member, step);
        }
    }
    EXPECT_EQ(match->player_count(), 1U);
}

// --- what is too long for the log, said by members

TEST_F(AdministrationTest, properties_that_the_log_cannot_hold_are_refused) {
    make_log_small(options);
    ReferenceClient& ann = join("Ann");
    request(ann, wire::SetProperties{{{"map", '"' + std::string(3000, 'x') + '"'}}, {}}, 1);
    EXPECT_NE(ann.log.back().find(R"("code":"too_large")"), std::string::npos);
    EXPECT_NE(ann.log.back().find(R"("id":1)"), std::string::npos);
}

TEST_F(AdministrationTest, a_plain_message_that_the_log_cannot_hold_is_counted_and_dropped) {
    make_log_small(options);
    ReferenceClient& ann = join("Ann");
    const ReferenceClient& plain = join_plain();
    tick();
    match->take_plain(plain.member, base::as_bytes(std::string(3000, 'x')), false, now);
    match->take_plain(plain.member, base::as_bytes("short"), false, now);
    tick();
    EXPECT_EQ(counters.events_refused, 1U);
    ASSERT_EQ(ann.events.size(), 1U);
    EXPECT_EQ(ann.events[0].body, "short");
}

}  // namespace
}  // namespace tickwire::match
