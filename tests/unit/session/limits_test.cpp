// What is too much, too large or too late, and the code that each ends with.
#include <gtest/gtest.h>

#include "session_fixture.hpp"

namespace tickwire::session::test {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;
using Strings = std::vector<std::string>;

class LimitTest : public testing::Test, protected SessionRig {};

TEST_F(LimitTest, accepts_states_and_events_up_to_their_limits) {
    open_joined();
    told.clear();
    receive(binary_frame(state_message(std::string(1018, 'x'))));
    receive(binary_frame(event_message(0, std::string(16380, 'y'))));
    EXPECT_EQ(told, (Strings{"state " + std::string(1018, 'x'), "event " + std::string(16380, 'y')}));
}

TEST_F(LimitTest, closes_with_4100_over_the_message_rate_and_the_member_is_lost) {
    open_joined();
    told.clear();
    for (int count = 0; count < 240; ++count) {
        receive(binary_frame(ping_message()));
    }
    EXPECT_EQ(session->phase(), Phase::game);
    receive(binary_frame(ping_message()));
    EXPECT_EQ(sent_close_code(), 4100);
    EXPECT_EQ(told.back(), "end lost");
}

TEST_F(LimitTest, counts_control_frames_and_fragments_as_messages) {
    open_joined();
    for (int count = 0; count < 241; ++count) {
        receive(frame(websocket::Opcode::pong, ""));
    }
    EXPECT_EQ(sent_close_code(), 4100);
}

TEST_F(LimitTest, refills_a_message_each_240th_of_a_second) {
    open_joined();
    for (int count = 0; count < 240; ++count) {
        receive(binary_frame(ping_message()));
    }
    for (int count = 0; count < 1000; ++count) {
        now += base::Duration(1'000'000'000 / 240 + 1);
        receive(binary_frame(ping_message()));
    }
    EXPECT_EQ(session->phase(), Phase::game);
}

TEST_F(LimitTest, closes_with_4100_over_the_byte_rate_and_over_the_control_rate) {
    open_joined();
    for (int count = 0; count < 17; ++count) {
        receive(binary_frame(event_message(0, std::string(16000, 'y'))));
    }
    EXPECT_EQ(sent_close_code(), 4100);

    open_joined();
    for (int count = 0; count < 11; ++count) {
        receive(text_frame(R"({"op":"visible","visible":true})"));
    }
    EXPECT_EQ(sent_close_code(), 4100);
}

TEST_F(LimitTest, goes_on_with_the_rates_that_the_connection_before_left) {
    open_joined();
    for (int count = 0; count < 240; ++count) {
        receive(binary_frame(ping_message()));
    }
    join_rates = session->rates();
    open_joined();
    receive(binary_frame(ping_message()));
    EXPECT_EQ(sent_close_code(), 4100);
}

TEST_F(LimitTest, reads_on_over_a_rate_for_the_close_frame_of_the_peer) {
    const std::string goodbye = close_frame(1000);
    std::string messages;
    for (int count = 0; count < 241; ++count) {
        messages += binary_frame(ping_message());
    }
    const std::string events = binary_frame(event_message(0, std::string(700, 'y')));
    for (const std::string& much : {messages, events + events}) {
        SessionOptions chosen;
        chosen.limits.bytes_per_second = 5000;
        if (much != messages) {
            chosen.limits.bytes_per_second = 1024;
        }
        open_joined(chosen);
        receive(much + goodbye);
        EXPECT_EQ(sent_close_code(), 4100);
        EXPECT_TRUE(session->is_over()) << "both have said it";
    }
    EXPECT_EQ(counters.over_message_rate, 1U);
    EXPECT_EQ(counters.over_byte_rate, 1U);
    EXPECT_EQ(counters.protocol_errors, 0U);
}

TEST_F(LimitTest, charges_what_comes_behind_a_join_with_it) {
    const std::string join = text_frame(R"({"op":"join","name":"Ann"})");
    const std::string event = frame(websocket::Opcode::binary, event_message(0, std::string(1100, 'y')));
    SessionOptions chosen;
    chosen.limits.bytes_per_second = 1024;
    open_game(chosen);
    receive(join + event);
    EXPECT_EQ(told.back(), "end lost");
    EXPECT_EQ(sent_close_code(), 4100);

    open_game(chosen);
    session->hold(base::as_bytes(join + event), now);
    session->receive_held(now);
    EXPECT_EQ(sent_close_code(), 4100);

    open(chosen);
    receive(upgrade_request("/v1/match/arena", "") + event);
    EXPECT_EQ(told.back(), "end lost");

    moves = true;
    open(chosen);
    receive(upgrade_request("/v1/match/arena", "") + event);
    MovedSession moved = session->take_moved();
    session = std::make_unique<Session>(*environment, moved, now);
    told.clear();
    session->resume_moved(moved, now);
    EXPECT_EQ(told, (Strings{"plain join", "end lost"}));
    EXPECT_EQ(counters.over_byte_rate, 4U);
}

TEST_F(LimitTest, throws_away_what_is_too_much_even_behind_a_close_frame) {
    SessionOptions chosen;
    chosen.limits.bytes_per_second = 1024;
    open_game(chosen);
    std::string much = text_frame(R"({"op":"join","name":"Ann"})");
    while (much.size() < 300'000) {
        much += binary_frame(event_message(0, std::string(1000, 'y')));
    }
    receive(much);
    EXPECT_EQ(told.back(), "end lost");
    EXPECT_EQ(session->phase(), Phase::closing);
    EXPECT_EQ(sent_close_code(), 4100);
    EXPECT_EQ(session->phase(), Phase::draining);
    EXPECT_EQ(counters.messages_received, 1U);
}

TEST_F(LimitTest, reads_so_much_behind_a_close_frame_and_no_more) {
    open_joined();
    session->close(1000, {}, now);
    sent();
    const std::string event = binary_frame(event_message(0, std::string(16'000, 'y')));
    for (int count = 0; count < 16; ++count) {
        receive(event);
    }
    EXPECT_EQ(session->phase(), Phase::closing);
    now += milliseconds(100);
    receive(event);
    EXPECT_EQ(session->phase(), Phase::closing) << "it refills";
    receive(event);
    receive(event);
    EXPECT_EQ(session->phase(), Phase::draining) << "the rest is thrown away, and our close frame arrives";
    EXPECT_EQ(counters.over_byte_rate, 1U);
}

TEST_F(LimitTest, closes_with_4104_without_a_join) {
    open_game();
    now += milliseconds(4999);
    session->on_time(now);
    EXPECT_EQ(session->phase(), Phase::joining);
    now += milliseconds(1);
    session->on_time(now);
    EXPECT_EQ(sent_close_code(), 4104);
}

TEST_F(LimitTest, pings_after_a_third_of_the_idle_time_and_closes_with_4102_after_all_of_it) {
    open_joined();
    sent();
    now += seconds(10);
    session->on_time(now);
    session->on_time(now);
    const auto frames = sent_frames();
    ASSERT_EQ(frames.size(), 1U);
    EXPECT_EQ(frames[0].opcode, websocket::Opcode::ping);
    receive(frame(websocket::Opcode::pong, ""));
    now += seconds(30) - milliseconds(1);
    session->on_time(now);
    EXPECT_EQ(session->phase(), Phase::game);
    now += milliseconds(1);
    session->on_time(now);
    EXPECT_EQ(sent_close_code(), 4102);
    EXPECT_EQ(told.back(), "end lost");
}

TEST_F(LimitTest, takes_any_data_for_a_sign_of_life) {
    const std::string whole = binary_frame(event_message(1, "x"));
    for (const std::string& sign : {frame(websocket::Opcode::ping, ""), whole, whole.substr(0, 1)}) {
        open_joined();
        now += seconds(29);
        receive(sign);
        now += seconds(9);  // 38 s since the join, and less than a message may take
        session->on_time(now);
        EXPECT_EQ(session->phase(), Phase::game) << sign.size() << " bytes";
    }
}

TEST_F(LimitTest, closes_an_event_over_its_own_limit_with_1009) {
    SessionOptions uneven;
    uneven.limits.state_bytes = 1024;
    uneven.limits.event_bytes = 100;  // under the reader's limit, which is the larger of the two
    open_joined(uneven);
    receive(binary_frame(event_message(1, std::string(97, 'x'))));
    EXPECT_EQ(sent_close_code(), 1009);
}

TEST_F(LimitTest, closes_with_4101_when_the_outbox_overflows_and_drops_what_waits) {
    SessionOptions small;
    small.outbox_size_max = 1000;
    open_joined(small);
    sent();
    told.clear();
    session->queue_frame(websocket::Opcode::text, base::as_bytes("not taken"));
    ASSERT_FALSE(session->begin_send(now).empty());
    session->queue_frame(websocket::Opcode::text, base::as_bytes(std::string(900, 'x')));
    session->queue_frame(websocket::Opcode::text, base::as_bytes(std::string(200, 'x')));
    session->end_send(true, now);
    const auto frames = sent_frames();
    ASSERT_EQ(frames.size(), 1U);
    EXPECT_EQ(websocket::parse_close(base::as_bytes(frames[0].payload)).code, 4101);
    EXPECT_EQ(told, Strings{"end lost"});
}

TEST_F(LimitTest, who_has_taken_all_is_not_slow_whatever_one_slot_brings_but_for_a_bound) {
    SessionOptions small;
    small.outbox_size_max = 1000;
    open_joined(small);
    sent();
    session->queue_frame(websocket::Opcode::text, base::as_bytes(std::string(1500, 'x')));
    session->queue_frame(websocket::Opcode::text, base::as_bytes(std::string(400, 'x')));
    EXPECT_EQ(sent_frames().size(), 2U);
    session->queue_frame(websocket::Opcode::text, base::as_bytes(std::string(2001, 'x')));
    EXPECT_EQ(sent_close_code(), 4101);
}

TEST_F(LimitTest, closes_with_4101_what_overflowed_while_a_send_was_in_flight) {
    SessionOptions small;
    small.outbox_size_max = 1000;
    open_joined(small);
    session->queue_frame(websocket::Opcode::text, base::as_bytes("y"));
    session->begin_send(now);
    told.clear();
    session->queue_frame(websocket::Opcode::text, base::as_bytes(std::string(1001, 'x')));
    EXPECT_FALSE(session->has_queued());
    attention_count = 0;
    session->end_send(true, now);
    EXPECT_EQ(attention_count, 1) << "nothing is queued, and there is something to be said";
    EXPECT_EQ(sent_close_code(), 4101);
    EXPECT_EQ(told, Strings{"end lost"});
}

TEST_F(LimitTest, a_peer_that_is_gone_without_a_word_is_gone_inside_a_minute) {
    open_joined();
    told.clear();
    sent();
    const base::Time begin = now;
    while (!session->is_over() && now - begin < std::chrono::minutes(2)) {
        now += milliseconds(250);
        session->on_time(now);
        sent();  // the kernel takes what is little, also for the dead
    }
    EXPECT_TRUE(session->is_over());
    EXPECT_LE(now - begin, seconds(60));
    EXPECT_EQ(told, (Strings{"end lost"}));
    EXPECT_EQ(counters.timeouts_idle, 1U);
    EXPECT_EQ(counters.timeouts_close, 1U);
}

TEST_F(LimitTest, limits_of_its_own_hold_for_a_member_in_both_directions) {
    SessionOptions chosen;
    join_limits = chosen.limits;
    join_limits->state_bytes = 2000;
    join_limits->event_bytes = 500;
    open_joined(chosen);
    told.clear();
    receive(binary_frame(state_message(std::string(1994, 's'))));
    EXPECT_EQ(told.size(), 1U) << "more than the common limit of 1,024";
    receive(binary_frame(event_message(0, std::string(497, 'e'))));
    EXPECT_EQ(sent_close_code(), 1009);
    join_limits.reset();
}

TEST_F(LimitTest, a_spectators_messages_are_as_small_as_its_role_wants) {
    SessionOptions chosen;
    chosen.spectator_limits.json_bytes = 200;
    chosen.spectator_limits.state_bytes = chosen.spectator_limits.event_bytes = 300;
    const std::string request = R"({"op":"visible","visible":true)";
    const auto padded = [&](std::size_t size) {
        return request + std::string(size - request.size() - 1, ' ') + "}";
    };
    const std::pair<std::string, std::uint16_t> cases[] = {
        {text_frame(padded(200)), 0},
        {text_frame(padded(201)), 1009},
        // In its limit, and yet not for a spectator: what its host says then is not this test's.
        {binary_frame(state_message(std::string(294, 's'))), 0},
        {binary_frame(state_message(std::string(295, 's'))), 1009},
    };
    for (const auto& [message, code] : cases) {
        open_game(chosen);
        receive(text_frame(R"({"op":"join","role":"spectator"})"));
        sent();
        const std::uint64_t over_size_before = counters.over_size;
        receive(message);
        EXPECT_EQ(session->phase() == Phase::game ? 0 : sent_close_code(), code);
        EXPECT_EQ(counters.over_size - over_size_before, code == 0 ? 0U : 1U);
    }
    open_joined(chosen);
    receive(text_frame(padded(201)));
    EXPECT_EQ(session->phase(), Phase::game) << "a player's";
}

TEST_F(LimitTest, limits_reloaded_between_the_upgrade_and_the_join_are_the_members) {
    const std::string larger = binary_frame(event_message(0, std::string(40'000, 'y')));
    open_game();
    options.limits.event_bytes = 50'000;
    receive(text_frame(R"({"op":"join"})"));
    receive(larger);
    EXPECT_EQ(session->phase(), Phase::game);

    SessionOptions chosen;
    chosen.limits.event_bytes = 50'000;
    open_game(chosen);
    options.limits.event_bytes = SessionOptions{}.limits.event_bytes;
    receive(text_frame(R"({"op":"join"})"));
    receive(larger.substr(0, 100));
    EXPECT_EQ(sent_close_code(), 1009) << "at the length in its header";
}

TEST_F(LimitTest, a_message_that_is_not_finished_in_time_closes_with_4102) {
    open_joined();
    sent();
    const std::string whole = binary_frame(state_message(std::string(200, 's')));
    receive(whole.substr(0, 100));
    now += seconds(9);
    receive(whole.substr(100, 1));
    session->on_time(now);
    EXPECT_EQ(sent_close_code(), 0);
    now += seconds(1);
    session->on_time(now);
    EXPECT_EQ(sent_close_code(), 4102);
    EXPECT_EQ(counters.timeouts_message, 1U);
}

TEST_F(LimitTest, a_message_that_is_finished_leaves_the_next_one_all_its_time) {
    open_joined();
    sent();
    const std::string whole = binary_frame(state_message(std::string(200, 's')));
    receive(whole.substr(0, 100));
    for (int turn = 0; turn < 4; ++turn) {
        now += seconds(6);
        receive(whole.substr(100) + whole.substr(0, 100));
        session->on_time(now);
    }
    EXPECT_EQ(sent_close_code(), 0);
    EXPECT_EQ(counters.timeouts_message, 0U);
    receive(whole.substr(100));
    now += seconds(11);
    session->on_time(now);
    EXPECT_EQ(counters.timeouts_message, 0U) << "nothing is unfinished";
}

TEST_F(LimitTest, is_small_while_it_is_idle) {
    open();
    const std::size_t at_rest = pool.bytes_in_use();
    open_joined();
    sent();
    EXPECT_EQ(pool.bytes_in_use(), at_rest);
    EXPECT_LE(sizeof(Session), 384U);
}

}  // namespace
}  // namespace tickwire::session::test
