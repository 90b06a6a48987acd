// A session that is held until its turn, and one that moves to the shard of its match.
#include <gtest/gtest.h>

#include "session_fixture.hpp"

namespace tickwire::session::test {
namespace {

using std::chrono::seconds;
using Strings = std::vector<std::string>;

class NewcomerTest : public testing::Test, protected SessionRig {};

TEST_F(NewcomerTest, carries_pipelined_bytes_to_its_new_shard) {
    moves = true;
    open();
    receive(upgrade_request("/v1/match/arena", "tickwire.v1") +
            text_frame(R"({"op":"join","name":"Ann"})"));
    EXPECT_EQ(session->phase(), Phase::moving);
    EXPECT_FALSE(session->wants_input());
    ASSERT_TRUE(session->is_ready_to_move());
    MovedSession moved = session->take_moved();
    session = std::make_unique<Session>(*environment, moved, now);
    session->set_self({9, 1});
    told.clear();
    session->resume_moved(moved, now);
    EXPECT_EQ(told, Strings{"join Ann"});
    EXPECT_EQ(sent().substr(0, 12), "HTTP/1.1 101");
}

TEST_F(NewcomerTest, a_move_waits_for_what_was_asked_before_it) {
    moves = true;
    open();
    receive("GET /page HTTP/1.1\r\nHost: relay\r\n\r\n" + upgrade_request("/v1/match/arena", ""));
    EXPECT_EQ(session->phase(), Phase::moving);
    EXPECT_FALSE(session->is_ready_to_move()) << "the page is queued";
    EXPECT_TRUE(base::as_text(session->begin_send(now)).ends_with("hello"));
    EXPECT_FALSE(session->is_ready_to_move()) << "the page is in flight";
    session->end_send(true, now);
    EXPECT_TRUE(session->is_ready_to_move());
}

TEST_F(NewcomerTest, what_comes_while_it_waits_for_its_move_moves_with_it) {
    struct Case {
        std::string target;
        std::string message;
        std::string told;
    };
    const Case cases[] = {{"/v1/match/arena", text_frame("early"), "text early"},
                          {"/v1/echo", text_frame("early"), ""}};
    SessionOptions echoing;
    echoing.is_echo_on = true;
    for (const Case& one : cases) {
        moves = true;
        open(echoing);
        receive(upgrade_request(one.target, ""));
        receive(one.message.substr(0, 4));
        receive(one.message.substr(4));
        MovedSession moved = session->take_moved();
        EXPECT_EQ(moved.leftover, one.message);
        session = std::make_unique<Session>(*environment, moved, now);
        session->set_self({9, 1});
        session->resume_moved(moved, now);
        if (one.told.empty()) {
            EXPECT_TRUE(
                sent().ends_with("\x81\x05"
                                 "early"))
                << "its echo";
        } else {
            EXPECT_EQ(told.back(), one.told);
        }
    }
}

TEST_F(NewcomerTest, holds_what_a_newcomer_sends_until_it_is_its_turn) {
    open();
    std::string request = upgrade_request("/v1/match/arena", "tickwire.v1");
    EXPECT_TRUE(session->is_newcomer());
    session->hold(base::as_bytes(request.substr(0, 20)), now);
    session->hold(base::as_bytes(request.substr(20)), now);
    EXPECT_TRUE(session->holds_input());
    EXPECT_FALSE(session->wants_input());
    EXPECT_TRUE(told.empty());
    session->receive_held(now);
    EXPECT_EQ(told, (Strings{"upgrade arena"}));
    EXPECT_FALSE(session->holds_input());
    EXPECT_TRUE(session->wants_input());
    const std::string join = text_frame(R"({"op":"join","name":"Ann"})");
    session->hold(base::as_bytes(join), now);
    session->receive_held(now);
    EXPECT_EQ(session->phase(), Phase::game);
    EXPECT_FALSE(session->is_newcomer());
    session.reset();
}

TEST_F(NewcomerTest, a_newcomer_that_is_sent_away_is_read_in_order) {
    open_game();
    const std::string answer = close_frame(1001);
    session->hold(base::as_bytes(answer.substr(0, 3)), now);
    session->shut_down(now);
    EXPECT_EQ(sent_close_code(), 1001);
    EXPECT_FALSE(session->wants_input()) << "the rest would come before what is held";
    session->receive_held(now);
    EXPECT_TRUE(session->wants_input());
    EXPECT_EQ(session->phase(), Phase::closing);
    receive(answer.substr(3));
    EXPECT_EQ(session->phase(), Phase::over);
    EXPECT_EQ(counters.protocol_errors, 0U);
}

TEST_F(NewcomerTest, the_time_that_a_newcomer_waits_for_us_is_not_its_own) {
    open_game();
    now += seconds(4);
    const std::string ping = frame(websocket::Opcode::ping, "");
    session->hold(base::as_bytes(ping), now);
    now += seconds(60);
    session->on_time(now);
    EXPECT_EQ(session->phase(), Phase::joining) << "5 s for the join, of which it has used 4";
    session->receive_held(now);
    session->on_time(now);
    EXPECT_EQ(session->phase(), Phase::joining);
    now += seconds(1);
    session->on_time(now);
    EXPECT_EQ(counters.timeouts_join, 1U);
}

TEST_F(NewcomerTest, a_newcomer_that_is_dropped_gives_back_what_it_held) {
    open();
    const std::size_t before = pool.bytes_in_use();
    session->hold(base::as_bytes(std::string(5000, 'x')), now);
    EXPECT_GT(pool.bytes_in_use(), before);
    session.reset();
    EXPECT_EQ(pool.bytes_in_use(), before);
}

}  // namespace
}  // namespace tickwire::session::test
