// Freshness: the gauge alone, and members of a match that lag.
#include "match/freshness.hpp"

#include "match_fixture.hpp"

namespace tickwire::match {
namespace {

constexpr base::Duration floor_at_30_hz = milliseconds(116);

class LinkGaugeTest : public ::testing::Test {
  protected:
    base::BufferPool pool{base::BufferPool::size_min};
    LinkGauge gauge{0, floor_at_30_hz};
    base::Time now{seconds(1000)};
    std::uint32_t number = 0;

    /// One tick every `interval`, each reported `delay` after it was sent.
    void exchange(int count, base::Duration interval, base::Duration delay) {
        for (; count > 0; --count) {
            gauge.on_sent(++number, now);
            gauge.on_report(static_cast<std::uint16_t>(number), now + delay, pool);
            now += interval;
        }
    }
};

TEST_F(LinkGaugeTest, who_never_reports_never_lags) {
    gauge.on_sent(1, now);
    EXPECT_FALSE(gauge.is_lagging(now + seconds(3600)));
}

TEST_F(LinkGaugeTest, ticks_sent_before_the_first_report_do_not_count) {
    gauge.on_sent(1, now);
    gauge.on_report(0, now + seconds(60), pool);
    EXPECT_FALSE(gauge.is_lagging(now + seconds(120)));
    EXPECT_FALSE(gauge.round_trip());
}

TEST_F(LinkGaugeTest, limit_is_half_a_second_before_anything_is_measured) {
    gauge.on_report(0, now, pool);
    gauge.on_sent(1, now);
    EXPECT_FALSE(gauge.is_lagging(now + milliseconds(499)));
    EXPECT_TRUE(gauge.is_lagging(now + milliseconds(501)));
}

TEST_F(LinkGaugeTest, quick_reports_lower_the_limit_to_its_floor) {
    gauge.on_report(0, now, pool);
    exchange(100, milliseconds(33), milliseconds(20));
    EXPECT_NEAR(static_cast<double>(gauge.delay_limit().count()), 116e6, 0.1e6);
    EXPECT_NEAR(static_cast<double>(gauge.round_trip()->count()), 20e6, 0.1e6);
}

TEST_F(LinkGaugeTest, limit_follows_what_is_usual) {
    gauge.on_report(0, now, pool);
    exchange(200, milliseconds(33), milliseconds(300));
    EXPECT_GT(gauge.delay_limit(), milliseconds(300));
    EXPECT_LT(gauge.delay_limit(), milliseconds(330));
}

TEST_F(LinkGaugeTest, one_report_over_the_limit_teaches_at_once) {
    gauge.on_report(0, now, pool);
    exchange(100, milliseconds(33), milliseconds(20));
    exchange(1, milliseconds(33), milliseconds(270));
    // The shortest, a report's interval and the floor.
    EXPECT_NEAR(static_cast<double>(gauge.delay_limit().count()), (20 + 250 + 116) * 1e6, 0.3e6);
}

TEST_F(LinkGaugeTest, queue_that_grows_slowly_does_not_become_usual) {
    gauge.on_report(0, now, pool);
    exchange(30, milliseconds(33), milliseconds(60));
    for (int delay = 60; delay < 2000; ++delay) {
        exchange(1, milliseconds(33), milliseconds(delay));
        EXPECT_LE(gauge.delay_limit(), milliseconds(60 + 250 + 117)) << delay;
        if (delay % 10 == 0) {  // now and then the link is drained
            exchange(1, milliseconds(33), milliseconds(60));
        }
    }
}

TEST_F(LinkGaugeTest, longer_way_is_usual_when_the_shorter_one_is_forgotten) {
    gauge.on_report(0, now, pool);
    exchange(30, milliseconds(33), milliseconds(20));
    exchange(100, milliseconds(250), milliseconds(600));
    EXPECT_GT(gauge.delay_limit(), milliseconds(600));
    EXPECT_LE(gauge.delay_limit(), milliseconds(900));
}

TEST_F(LinkGaugeTest, stall_of_seconds_does_not_make_seconds_usual) {
    gauge.on_report(0, now, pool);
    exchange(100, milliseconds(33), milliseconds(20));
    exchange(1, milliseconds(33), seconds(5));
    EXPECT_LE(gauge.delay_limit(), milliseconds(387));
}

TEST_F(LinkGaugeTest, limit_never_passes_three_seconds) {
    gauge.on_report(0, now, pool);
    exchange(50, seconds(10), seconds(9));
    EXPECT_NEAR(static_cast<double>(gauge.delay_limit().count()), 3e9, 1e6);
}

TEST_F(LinkGaugeTest, report_that_leaves_an_old_tick_out_tells_of_a_lag) {
    gauge.on_report(0, now, pool);
    exchange(50, milliseconds(33), milliseconds(20));
    gauge.on_sent(100, now);
    gauge.on_sent(101, now + milliseconds(100));
    gauge.on_report(static_cast<std::uint16_t>(number), now + milliseconds(110), pool);
    EXPECT_FALSE(gauge.is_lagging(now + milliseconds(200))) << "the last report came before the limit";
    gauge.on_report(static_cast<std::uint16_t>(number), now + milliseconds(120), pool);
    EXPECT_TRUE(gauge.is_lagging(now + milliseconds(120)));
    gauge.on_report(100, now + milliseconds(121), pool);
    EXPECT_FALSE(gauge.is_lagging(now + milliseconds(121))) << "the oldest one decides, and 101 is young";
}

TEST_F(LinkGaugeTest, silence_tells_of_a_lag_when_the_way_and_the_reports_interval_are_over) {
    gauge.on_report(0, now, pool);
    exchange(50, milliseconds(33), milliseconds(20));
    gauge.on_sent(100, now);
    EXPECT_FALSE(gauge.is_lagging(now + milliseconds(20 + 250 + 116 - 1)));
    EXPECT_TRUE(gauge.is_lagging(now + milliseconds(20 + 250 + 116 + 1)));
}

TEST_F(LinkGaugeTest, remembers_the_oldest_of_more_ticks_than_it_holds) {
    gauge.on_report(0, now, pool);
    for (std::uint32_t count = 1; count <= 40; ++count) {
        gauge.on_sent(count, now + milliseconds(count));
    }
    EXPECT_TRUE(gauge.is_lagging(now + milliseconds(502)));
    gauge.on_report(39, now + milliseconds(502), pool);
    EXPECT_FALSE(gauge.is_lagging(now + milliseconds(502))) << "the newest, 40, is remembered too";
    EXPECT_TRUE(gauge.is_lagging(now + seconds(4)));
    gauge.on_report(40, now + seconds(4), pool);
    EXPECT_FALSE(gauge.is_lagging(now + seconds(40)));
}

TEST_F(LinkGaugeTest, report_among_more_ticks_than_it_holds_does_not_make_the_rest_young) {
    for (std::uint32_t seen = 1; seen < 120; ++seen) {
        gauge = LinkGauge(0, floor_at_30_hz);
        gauge.on_report(0, now, pool);
        for (std::uint32_t count = 1; count <= 120; ++count) {
            gauge.on_sent(count, now + milliseconds(10 * count));
        }
        gauge.on_report(static_cast<std::uint16_t>(seen), now + milliseconds(1200), pool);
        // The next one was sent at 10 * (seen + 1) ms, and a seventh of 1.2 s is 172 ms.
        const base::Duration age = gauge.age(now + milliseconds(1200));
        EXPECT_GE(age, milliseconds(1200 - 10 * (seen + 1)) - milliseconds(1)) << seen;
        EXPECT_LE(age, milliseconds(1200 - 10 * (seen + 1) + 172)) << seen;
    }
}

TEST_F(LinkGaugeTest, seen_is_the_newest_number_not_above_the_last_one_sent) {
    gauge = LinkGauge(65'530, floor_at_30_hz);
    gauge.on_report(static_cast<std::uint16_t>(65'530), now, pool);
    for (std::uint32_t count = 65'534; count <= 65'538; ++count) {
        gauge.on_sent(count, now);
    }
    gauge.on_report(static_cast<std::uint16_t>(65'535), now, pool);
    EXPECT_TRUE(gauge.is_lagging(now + seconds(1))) << "65,536 is not reported";
    gauge.on_report(1, now, pool);  // 65,537
    EXPECT_TRUE(gauge.is_lagging(now + seconds(1)));
    gauge.on_report(2, now, pool);
    EXPECT_FALSE(gauge.is_lagging(now + seconds(1)));
}

TEST_F(LinkGaugeTest, seen_from_the_future_is_taken_for_an_old_one) {
    gauge.on_report(0, now, pool);
    gauge.on_sent(5, now);
    gauge.on_report(6, now, pool);
    EXPECT_TRUE(gauge.is_lagging(now + seconds(1)));
}

TEST_F(LinkGaugeTest, round_trip_forgets_what_is_old) {
    gauge.on_report(0, now, pool);
    exchange(10, seconds(1), milliseconds(20));
    exchange(30, seconds(1), milliseconds(80));
    EXPECT_NEAR(static_cast<double>(gauge.round_trip()->count()), 80e6, 0.1e6);
}

TEST(LinkDivisorTest, doubles_at_the_second_lag_within_five_seconds) {
    LinkDivisor link;
    base::Time now{seconds(1000)};
    EXPECT_FALSE(link.on_lag(now));
    EXPECT_FALSE(link.on_lag(now + milliseconds(100))) << "the same lag";
    link.on_sent();
    EXPECT_TRUE(link.on_lag(now + seconds(1)));
    EXPECT_EQ(link.divisor(), 2U);
    link.on_sent();
    EXPECT_FALSE(link.on_lag(now + seconds(2))) << "two more are needed";
    link.on_sent();
    EXPECT_TRUE(link.on_lag(now + seconds(3)));
    EXPECT_EQ(link.divisor(), 4U);
}

TEST(LinkDivisorTest, lags_that_are_far_apart_do_not_count) {
    LinkDivisor link;
    base::Time now{seconds(1000)};
    for (int count = 0; count < 10; ++count) {
        EXPECT_FALSE(link.on_lag(now));
        link.on_sent();
        now += milliseconds(5001);
    }
}

TEST(LinkDivisorTest, never_passes_eight) {
    LinkDivisor link;
    base::Time now{seconds(1000)};
    for (int count = 0; count < 20; ++count) {
        static_cast<void>(link.on_lag(now));
        link.on_sent();
        now += milliseconds(100);
    }
    EXPECT_EQ(link.divisor(), 8U);
}

TEST(LinkDivisorTest, halves_after_ten_seconds_without_a_skip) {
    LinkDivisor link;
    const base::Time now{seconds(1000)};
    for (int count = 0; count < 4; ++count) {
        static_cast<void>(link.on_lag(now));
        link.on_sent();
    }
    EXPECT_EQ(link.divisor(), 4U);
    EXPECT_FALSE(link.recover(now + milliseconds(9999)));
    link.on_busy(now + seconds(9));
    EXPECT_FALSE(link.recover(now + seconds(18)));
    EXPECT_TRUE(link.recover(now + seconds(19)));
    EXPECT_FALSE(link.recover(now + seconds(20)));
    EXPECT_TRUE(link.recover(now + seconds(29)));
    EXPECT_EQ(link.divisor(), 1U);
    EXPECT_FALSE(link.recover(now + seconds(100)));
}

// --- members of a match

class FreshnessTest : public MatchTest {
  protected:
    /// Ann sends a state for every tick.
    void run_ticks(ReferenceClient& ann, int count) {
        for (; count > 0; --count) {
            state(ann, "state " + std::to_string(++sent_));
            tick();
        }
    }
    std::string newest() const { return "state " + std::to_string(sent_); }

  private:
    int sent_ = 0;
};

TEST_F(FreshnessTest, lagging_member_is_skipped_and_gets_a_keyframe_when_it_reports) {
    ReferenceClient& ann = join("Ann");
    ReferenceClient& bo = join("Bo");
    tick();
    ping(bo);
    bo.reports_by_itself = false;
    run_ticks(ann, 10);
    const std::size_t got = bo.tick_count;
    EXPECT_EQ(got, 11U);
    run_ticks(ann, 20);  // half a second has passed since the oldest one was sent
    EXPECT_LT(bo.tick_count, 19U);
    const std::size_t at_last = bo.tick_count;
    run_ticks(ann, 5);
    EXPECT_EQ(bo.tick_count, at_last);
    EXPECT_GT(counters.skipped_lagging, 5U);
    EXPECT_EQ(bo.keyframe_count, 1U);
    ping(bo);
    tick();
    EXPECT_EQ(bo.keyframe_count, 2U);
    EXPECT_EQ(bo.states[0], newest());
}

TEST_F(FreshnessTest, member_that_lagged_gets_nothing_until_it_has_reported_all) {
    ReferenceClient& ann = join("Ann");
    ReferenceClient& bo = join("Bo");
    tick();
    ping(bo);
    bo.reports_by_itself = false;
    run_ticks(ann, 40);  // more than half a second
    const std::size_t at_last = bo.tick_count;
    const std::uint32_t newest_sent = bo.newest_tick;
    bo.newest_tick = newest_sent - 1;  // the last one is still on its way
    ping(bo);
    run_ticks(ann, 3);
    EXPECT_EQ(bo.tick_count, at_last);
    bo.newest_tick = newest_sent;
    ping(bo);
    run_ticks(ann, 1);
    EXPECT_EQ(bo.tick_count, at_last + 1);
    EXPECT_EQ(bo.keyframe_count, 2U);
}

TEST_F(FreshnessTest, lagging_member_gets_its_events) {
    ReferenceClient& ann = join("Ann");
    ReferenceClient& bo = join("Bo");
    tick();
    ping(bo);
    bo.reports_by_itself = false;
    run_ticks(ann, 40);
    bo.log.clear();
    event(ann, protocol::Target::everyone, "all");
    run_ticks(ann, 1);
    EXPECT_EQ(bo.log, (Lines{"event 1 from 0: all"}));
}

TEST_F(FreshnessTest, quiet_match_does_not_make_members_lag) {
    ReferenceClient& ann = join("Ann");
    ReferenceClient& bo = join("Bo");
    tick();
    ping(bo);
    pass(seconds(60));
    run_ticks(ann, 1);
    EXPECT_EQ(bo.states[0], newest());
    EXPECT_EQ(counters.skipped_lagging, 0U);
}

TEST_F(FreshnessTest, member_that_keeps_lagging_gets_fewer_ticks_and_more_when_it_recovers) {
    ReferenceClient& ann = join("Ann");
    ReferenceClient& bo = join("Bo");
    tick();
    bo.reports_by_itself = false;
    for (int lag = 0; lag < 2; ++lag) {
        ping(bo);
        run_ticks(ann, 50);  // 1.7 s without a report
        EXPECT_TRUE(match->report(now).members[1].is_slow) << "it lags";
        EXPECT_FALSE(match->report(now).members[0].is_slow);
    }
    EXPECT_EQ(bo.divisor, 2U);
    EXPECT_NE(std::find(bo.log.begin(), bo.log.end(), R"({"op":"rate","divisor":2,"reason":"slow"})"),
              bo.log.end());
    ping(bo);
    bo.reports_by_itself = true;
    run_ticks(ann, 29 * 10);
    EXPECT_EQ(bo.divisor, 2U);
    EXPECT_TRUE(match->report(now).members[1].is_slow) << "it does not lag, and gets half";
    run_ticks(ann, 12);
    EXPECT_EQ(bo.divisor, 1U);
    EXPECT_FALSE(match->report(now).members[1].is_slow);
    EXPECT_NE(std::find(bo.log.begin(), bo.log.end(), R"({"op":"rate","divisor":1,"reason":"recovered"})"),
              bo.log.end());
    EXPECT_EQ(bo.states[0], newest());
}

TEST_F(FreshnessTest, player_who_stops_and_goes_gets_every_tick) {
    ReferenceClient& ann = join("Ann");
    ReferenceClient& bo = join("Bo");
    tick();
    bo.reports_by_itself = false;
    const std::size_t before = bo.tick_count;
    for (int turn = 0; turn < 20; ++turn) {
        for (int count = 0; count < 30; ++count) {
            state(bo, "s");
            run_ticks(ann, 1);
        }
        for (int count = 0; count < 4; ++count) {
            run_ticks(ann, 7);  // 233 ms
            ping(bo);
        }
    }
    EXPECT_EQ(bo.tick_count - before, 20U * (30 + 4 * 7));
    EXPECT_EQ(counters.skipped_lagging, 0U);
    EXPECT_EQ(bo.divisor, 1U);
}

TEST_F(FreshnessTest, page_that_lags_while_it_is_hidden_gets_all_ticks_when_it_shows) {
    ReferenceClient& ann = join("Ann");
    ReferenceClient& bo = join("Bo");
    for (std::uint64_t lags = 1; lags <= 4; ++lags) {
        bo.reports_by_itself = true;
        for (int count = 0; count < 27; ++count) {
            state(bo, "s");
            run_ticks(ann, 1);
        }
        EXPECT_EQ(bo.states[0], newest());
        bo.reports_by_itself = false;  // its timers sleep
        request(bo, wire::SetVisible{false});
        run_ticks(ann, 62);  // two ticks for it, the second before it has reported the first
        EXPECT_GE(counters.skipped_lagging, lags);
        ping(bo);
        run_ticks(ann, 31);
        ping(bo);
        request(bo, wire::SetVisible{true});
    }
    EXPECT_EQ(bo.divisor, 1U);
}

TEST_F(FreshnessTest, seen_wraps_at_16_bits) {
    options.tick_hz = 30;
    open(std::chrono::duration_cast<base::Duration>(seconds(2184)));  // tick 65,520
    ReferenceClient& ann = join("Ann");
    ReferenceClient& bo = join("Bo");
    for (int count = 0; count < 100; ++count) {
        state(bo, "s");
        run_ticks(ann, 1);
    }
    EXPECT_GT(ann.newest_tick, 65'600U);
    EXPECT_EQ(counters.skipped_lagging, 0U);
    EXPECT_EQ(bo.keyframe_count, 1U);
}

TEST_F(FreshnessTest, member_that_never_reports_is_judged_by_its_socket_alone) {
    ReferenceClient& ann = join("Ann");
    ReferenceClient& eve = spectate();
    run_ticks(ann, 300);
    EXPECT_EQ(eve.tick_count, 300U);
    EXPECT_EQ(eve.states[0], newest());
}

}  // namespace
}  // namespace tickwire::match
