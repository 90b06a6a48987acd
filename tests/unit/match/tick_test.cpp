// TICKs: states, deltas, keyframes, rate classes.
#include "../base/exhaust.hpp"
#include "match_fixture.hpp"

namespace tickwire::match {
namespace {

using TickTest = MatchTest;

const std::string long_a(64, 'a');

std::string changed(std::string text, std::size_t index, char to) {
    text[index] = to;
    return text;
}

TEST_F(TickTest, keyframe_is_due_at_the_first_tick_after_welcome_be_it_empty) {
    ReferenceClient& ann = join("Ann");
    tick();
    EXPECT_EQ(ann.log.back(), "keyframe 1:");
    tick(3);
    EXPECT_EQ(ann.tick_count, 1U);
}

TEST_F(TickTest, first_entry_is_full_and_the_next_is_a_delta) {
    ReferenceClient& ann = join("Ann");
    tick();
    ann.log.clear();
    state(ann, long_a);
    tick();
    state(ann, changed(long_a, 3, 'b'));
    tick();
    EXPECT_EQ(ann.log, (Lines{"tick 2: 0=" + long_a, "tick 3: 0~" + changed(long_a, 3, 'b')}));
    EXPECT_EQ(counters.entries_full, 1U);
    EXPECT_EQ(counters.entries_delta, 1U);
}

TEST_F(TickTest, equal_bytes_make_an_entry_too) {
    ReferenceClient& ann = join("Ann");
    state(ann, long_a);
    tick();
    state(ann, long_a);
    tick();
    EXPECT_EQ(ann.log.back(), "tick 2: 0~" + long_a);
}

TEST_F(TickTest, last_state_before_the_tick_is_taken) {
    ReferenceClient& ann = join("Ann");
    state(ann, "one");
    state(ann, "three");
    state(ann, "2");
    tick();
    EXPECT_EQ(ann.log.back(), "keyframe 1: 0=2");
}

TEST_F(TickTest, no_bytes_are_a_state_too) {
    ReferenceClient& ann = join("Ann");
    tick();
    state(ann, "");
    tick();
    EXPECT_EQ(ann.log.back(), "tick 2: 0=");
    state(ann, "");
    tick();
    EXPECT_EQ(ann.log.back(), "tick 3: 0=");
}

TEST_F(TickTest, another_size_or_a_delta_that_does_not_pay_is_full) {
    ReferenceClient& ann = join("Ann");
    state(ann, long_a);
    tick();
    state(ann, long_a + "b");
    tick();
    EXPECT_EQ(ann.log.back(), "tick 2: 0=" + long_a + "b");
    state(ann, std::string(65, 'c'));
    tick();
    EXPECT_EQ(ann.log.back(), "tick 3: 0=" + std::string(65, 'c'));
}

TEST_F(TickTest, nothing_is_sent_where_nothing_was_taken) {
    ReferenceClient& ann = join("Ann");
    ReferenceClient& eve = spectate();
    tick(100);
    EXPECT_EQ(ann.tick_count, 1U);
    EXPECT_EQ(eve.tick_count, 1U);
}

TEST_F(TickTest, all_up_to_date_members_share_one_buffer) {
    ReferenceClient& ann = join("Ann");
    ReferenceClient& bo = join("Bo");
    ReferenceClient& eve = spectate();
    tick();
    state(ann, long_a);
    event(bo, protocol::Target::others, "hi");
    tick();
    const std::uint8_t* const shared = outlet.link(ann.connection).last_shared;
    EXPECT_EQ(outlet.link(bo.connection).last_shared, shared);
    EXPECT_EQ(outlet.link(eve.connection).last_shared, shared);
    EXPECT_EQ(ann.log.back(), "tick 2: 0=" + long_a);
    EXPECT_EQ(ann.log[ann.log.size() - 2], "event 1 from 1: hi");
}

TEST_F(TickTest, wait_tells_how_long_before_the_tick_a_state_came) {
    ReferenceClient& ann = join("Ann");
    ReferenceClient& bo = join("Bo");
    tick();
    const base::Time due = match->next_tick_due();
    now = due - milliseconds(10);
    state(ann, "a");
    now = due;
    state(bo, "b");
    run_at(due);
    // 10 ms of 33.3 are 76.8 of 256 parts.
    EXPECT_EQ(ann.waits, (std::vector<std::uint8_t>{76, 0}));
    ReferenceClient& eve = spectate();
    tick();
    EXPECT_EQ(eve.log.back(), "keyframe 3: 0=a 1=b");
    EXPECT_EQ(eve.waits, (std::vector<std::uint8_t>{255, 255}));
}

TEST_F(TickTest, late_ticks_leave_out_numbers) {
    ReferenceClient& ann = join("Ann");
    tick();
    state(ann, "a");
    run_at(now + seconds(1) + milliseconds(1));
    EXPECT_EQ(ann.log.back(), "tick 31: 0=a");
    EXPECT_EQ(counters.ticks, 2U);
    EXPECT_EQ(counters.ticks_left_out, 29U);
    run_at(now);
    EXPECT_EQ(counters.ticks, 2U) << "the same instant holds no second tick";
}

TEST_F(TickTest, class_ticks_at_the_first_tick_at_or_after_each_multiple) {
    ReferenceClient& ann = join("Ann");
    ReferenceClient& bo = join("Bo");
    tick();
    request(bo, wire::SetRate{4});
    tick(3);
    EXPECT_EQ(bo.log.back(), "keyframe 4:");
    bo.log.clear();
    for (int count = 0; count < 8; ++count) {
        state(ann, "at " + std::to_string(count));
        tick();
    }
    EXPECT_EQ(bo.log, (Lines{"tick 8: 0=at 3", "tick 12: 0~at 7"}));
    bo.log.clear();
    state(ann, "late");
    run_at(now + milliseconds(170));  // tick 17: 16 was left out
    EXPECT_EQ(bo.log, (Lines{"tick 17: 0=late"}));
    state(ann, "next");
    tick(3);
    EXPECT_EQ(bo.log.back(), "tick 20: 0=next");
}

TEST_F(TickTest, coarse_class_gets_the_players_taken_since_its_last_tick) {
    ReferenceClient& ann = join("Ann");
    ReferenceClient& bo = join("Bo");
    ReferenceClient& eve = spectate();
    request(eve, wire::SetRate{8});
    tick(8);
    state(ann, long_a);
    tick();
    state(bo, "b");
    tick();
    tick(6);
    EXPECT_EQ(eve.log.back(), "tick 16: 0=" + long_a + " 1=b");
    EXPECT_EQ(eve.waits, (std::vector<std::uint8_t>{255, 255}));
}

TEST_F(TickTest, keyframe_of_a_coarse_class_waits_for_its_tick_even_without_news) {
    ReferenceClient& ann = join("Ann");
    tick();
    state(ann, "a");
    request(ann, wire::SetRate{8});
    tick(6);
    EXPECT_EQ(ann.tick_count, 1U);
    tick();
    EXPECT_EQ(ann.log.back(), "keyframe 8: 0=a");
}

TEST_F(TickTest, divisor_change_brings_a_keyframe_and_the_right_baselines) {
    ReferenceClient& ann = join("Ann");
    ReferenceClient& bo = join("Bo");
    std::string truth = long_a;
    for (const int divisor : {2, 8, 1, 4, 1}) {
        request(bo, wire::SetRate{static_cast<std::uint8_t>(divisor)}, 5);
        EXPECT_EQ(bo.log.back(), R"({"op":"ok","id":5})");
        for (int count = 0; count < 40; ++count) {
            truth[static_cast<std::size_t>(count)] = static_cast<char>('a' + divisor);
            state(ann, truth);
            tick();
        }
        EXPECT_EQ(bo.states[0], truth);
    }
    EXPECT_EQ(bo.keyframe_count, 5U);
}

TEST_F(TickTest, rate_tells_the_divisor_in_force) {
    ReferenceClient& ann = join("Ann");
    tick();
    ann.log.clear();
    request(ann, wire::SetRate{2});
    request(ann, wire::SetRate{2});
    request(ann, wire::SetVisible{false});
    request(ann, wire::SetRate{4});  // hidden already: nothing changes
    request(ann, wire::SetVisible{true});
    EXPECT_EQ(ann.log, (Lines{R"({"op":"rate","divisor":2,"reason":"asked"})",
                              R"({"op":"rate","divisor":30,"reason":"hidden"})",
                              R"({"op":"rate","divisor":4,"reason":"recovered"})"}));
}

TEST_F(TickTest, hidden_member_gets_one_tick_a_second) {
    ReferenceClient& ann = join("Ann");
    ReferenceClient& bo = join("Bo");
    tick();
    request(bo, wire::SetVisible{false});
    bo.log.clear();
    const std::size_t before = bo.tick_count;
    for (int count = 0; count < 90; ++count) {
        state(ann, std::to_string(count));
        tick();
    }
    EXPECT_EQ(bo.tick_count - before, 3U);
    EXPECT_EQ(bo.log.front(), "keyframe 30: 0=28");
}

TEST_F(TickTest, hidden_in_a_slow_match_is_no_other_divisor) {
    options.tick_hz = 1;
    ReferenceClient& ann = join("Ann");
    ann.log.clear();
    request(ann, wire::SetVisible{false}, 1);
    EXPECT_EQ(ann.log, (Lines{R"({"op":"ok","id":1})"}));
}

TEST_F(TickTest, keyframes_asked_for_come_at_most_once_a_second) {
    ReferenceClient& ann = join("Ann");
    tick();
    for (int count = 0; count < 90; ++count) {  // three seconds
        match->take_resync(ann.member, now);
        tick();
    }
    EXPECT_EQ(ann.keyframe_count, 4U);
    match->take_resync(ann.member, now);
    match->take_resync(ann.member, now);
    pass(seconds(3));
    EXPECT_EQ(ann.keyframe_count, 5U) << "what asked sooner waits, and one answers all";
}

TEST_F(TickTest, throttled_rate_change_gets_no_delta_before_its_keyframe) {
    ReferenceClient& ann = join("Ann");
    state(ann, long_a);
    tick();
    for (const int divisor : {2, 1, 4, 1, 2, 1}) {
        request(ann, wire::SetRate{static_cast<std::uint8_t>(divisor)});
        for (int count = 0; count < 5; ++count) {
            state(ann, changed(long_a, static_cast<std::size_t>(count), 'b'));
            tick();  // the reference client refuses a delta after `rate`
        }
    }
    pass(seconds(2));
    EXPECT_LE(ann.keyframe_count, 4U);
    EXPECT_EQ(ann.states[0], changed(long_a, 4, 'b'));
}

TEST_F(TickTest, resync_does_not_stop_deltas_while_it_waits) {
    ReferenceClient& ann = join("Ann");
    tick();
    match->take_resync(ann.member, now);
    tick();
    match->take_resync(ann.member, now);
    for (int count = 0; count < 10; ++count) {
        state(ann, "s" + std::to_string(count));
        tick();
        EXPECT_EQ(ann.states[0], "s" + std::to_string(count));
    }
    EXPECT_EQ(ann.keyframe_count, 2U);
    pass(seconds(1));
    EXPECT_EQ(ann.keyframe_count, 3U);
}

TEST_F(TickTest, left_player_and_its_number_never_meet_in_a_delta) {
    ReferenceClient& ann = join("Ann");
    ReferenceClient& bo = join("Bo");
    ReferenceClient& slow = spectate();
    request(slow, wire::SetRate{4});
    for (int count = 0; count < 8; ++count) {
        state(bo, long_a);
        tick();
    }
    state(bo, changed(long_a, 1, 'x'));
    disconnect(bo, Ending::closed);
    ReferenceClient& cy = join("Cy");
    EXPECT_EQ(cy.player, 1);
    state(cy, changed(long_a, 2, 'y'));
    tick();
    EXPECT_EQ(ann.log.back(), "tick 9: 1=" + changed(long_a, 2, 'y'));
    tick(3);
    EXPECT_EQ(slow.log.back(), "tick 12: 1=" + changed(long_a, 2, 'y'));
    EXPECT_EQ(ann.states.size(), 1U);
}

TEST_F(TickTest, state_left_pending_by_a_player_that_left_is_not_taken) {
    ReferenceClient& ann = join("Ann");
    ReferenceClient& bo = join("Bo");
    tick();
    state(bo, "ghost");
    disconnect(bo, Ending::closed);
    tick();
    EXPECT_EQ(ann.log.back(), R"({"op":"left","player":1,"reason":"closed"})");
    EXPECT_TRUE(ann.states.empty());
}

TEST_F(TickTest, states_of_away_players_stay_in_keyframes) {
    ReferenceClient& ann = join("Ann");
    state(ann, "a");
    disconnect(ann, Ending::lost);
    ReferenceClient& bo = join("Bo");
    tick();
    EXPECT_EQ(bo.log.back(), "keyframe 1: 0=a") << "what was pending is taken all the same";
    ReferenceClient& eve = spectate();
    tick();
    EXPECT_EQ(eve.log.back(), "keyframe 2: 0=a");
}

TEST_F(TickTest, busy_member_is_skipped_and_gets_a_keyframe) {
    ReferenceClient& ann = join("Ann");
    ReferenceClient& bo = join("Bo");
    state(ann, long_a);
    tick();
    set_busy(bo, true);
    state(ann, changed(long_a, 0, 'b'));
    tick();
    EXPECT_EQ(counters.skipped_busy, 1U);
    set_busy(bo, false);
    tick();
    EXPECT_EQ(bo.log.back(), "keyframe 3: 0=" + changed(long_a, 0, 'b'));
    state(ann, changed(long_a, 0, 'c'));
    tick();
    EXPECT_EQ(bo.log.back(), "tick 4: 0~" + changed(long_a, 0, 'c'));
    EXPECT_EQ(ann.log.back(), bo.log.back());
}

TEST_F(TickTest, busy_member_that_missed_nothing_needs_no_keyframe) {
    ReferenceClient& ann = join("Ann");
    ReferenceClient& bo = join("Bo");
    tick();
    set_busy(bo, true);
    tick(5);
    set_busy(bo, false);
    state(ann, "a");
    tick();
    EXPECT_EQ(bo.log.back(), "tick 7: 0=a");
}

TEST_F(TickTest, pending_link_takes_the_tick_behind_what_is_queued) {
    ReferenceClient& ann = join("Ann");
    outlet.link(ann.connection).state = LinkState::pending;
    state(ann, "a");
    request(ann, wire::SetRate{1}, 9);
    tick();
    EXPECT_EQ(ann.log[1], R"({"op":"ok","id":9})");
    EXPECT_EQ(ann.log[2], "keyframe 1: 0=a");
}

TEST_F(TickTest, numbers_beyond_16_bits) {
    open(seconds(3600));
    ReferenceClient& ann = join("Ann");
    tick();
    state(ann, long_a, 65535);
    tick();
    state(ann, changed(long_a, 5, 'z'), 0);
    tick();
    EXPECT_EQ(ann.log.back(), "tick 108003: 0~" + changed(long_a, 5, 'z'));
}

TEST_F(TickTest, seq_comes_back) {
    ReferenceClient& ann = join("Ann");
    state(ann, "a", 65535);
    set_busy(ann, true);
    set_busy(ann, false);
    match->run_tick(match->next_tick_due());
    auto& messages = outlet.link(ann.connection).messages;
    auto reader = protocol::TickReader::open(messages.back().payload);
    ASSERT_TRUE(reader);
    EXPECT_EQ(reader->next()->seq, 65535);
    deliver();
}

TEST_F(TickTest, events_alone_that_no_memory_is_left_for_cost_nobody_a_tick) {
    ReferenceClient& ann = join("Ann");
    state(ann, "a");
    tick(2);
    ann.log.clear();
    const auto taken = base::test::exhaust(pool);
    event(ann, protocol::Target::everyone, "all the same");
    tick();
    EXPECT_EQ(ann.log, (Lines{"event 1 from 0: all the same"}));
    EXPECT_EQ(counters.skipped_no_memory, 0U);
    for (const auto buffer : taken) {
        pool.release(buffer);
    }
    state(ann, "b");
    tick();
    EXPECT_TRUE(ann.log.back().starts_with("tick ")) << "no keyframe is needed: " << ann.log.back();
}

TEST_F(TickTest, tick_that_no_memory_is_left_for_is_made_up_with_a_keyframe) {
    ReferenceClient& ann = join("Ann");
    tick();
    const std::string large(32'000, 'x');
    state(ann, large);
    std::vector<base::MutableBytes> taken;
    for (std::size_t size = base::BufferPool::size_min; size <= 64 * 1024; size *= 2) {
        taken.push_back(pool.take(size));  // so that each size can be had again afterwards
    }
    const auto rest = base::test::exhaust(pool);
    taken.insert(taken.end(), rest.begin(), rest.end());
    tick();
    EXPECT_EQ(ann.tick_count, 1U);
    EXPECT_EQ(counters.skipped_no_memory, 1U);
    event(ann, protocol::Target::everyone, "still here");
    event(ann, protocol::Target::everyone, "and here");
    tick();
    EXPECT_EQ(ann.log.back(), "event 2 from 0: and here") << "events go without memory";
    for (const auto buffer : taken) {
        pool.release(buffer);
    }
    tick();
    EXPECT_EQ(ann.log.back(), "keyframe 4: 0=" + large);
}

}  // namespace
}  // namespace tickwire::match
