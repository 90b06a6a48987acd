// How a session ends: by a close of either side, by a fault, by a cut.
#include <gtest/gtest.h>

#include "session_fixture.hpp"

namespace tickwire::session::test {
namespace {

using std::chrono::seconds;
using Strings = std::vector<std::string>;

class EndingTest : public testing::Test, protected SessionRig {};

TEST_F(EndingTest, answers_a_close_with_its_code_and_ends) {
    open_joined();
    told.clear();
    receive(close_frame(1000));
    EXPECT_EQ(sent_close_code(), 1000);
    EXPECT_EQ(told, Strings{"end closed"});
    EXPECT_TRUE(session->is_over());
}

TEST_F(EndingTest, keeps_the_place_of_a_page_that_goes_away) {
    open_joined();
    told.clear();
    receive(close_frame(1001));
    EXPECT_EQ(told, Strings{"end lost"});
}

TEST_F(EndingTest, keeps_the_place_of_a_connection_that_is_cut) {
    open_joined();
    told.clear();
    session->on_receive_ended(now);
    EXPECT_EQ(told, Strings{"end lost"});
    EXPECT_TRUE(session->is_over());
}

TEST_F(EndingTest, waits_for_the_answer_to_its_close_but_not_for_ever) {
    open_joined();
    session->close(4002, "kicked", now);
    EXPECT_EQ(sent_close_code(), 4002);
    EXPECT_EQ(session->phase(), Phase::closing);
    now += seconds(2);
    session->on_time(now);
    EXPECT_TRUE(session->is_over());
}

TEST_F(EndingTest, finishes_a_broken_stream_and_drains_it) {
    open_joined();
    receive(std::string("\x82\x01x", 3));  // without a mask: what follows cannot be understood
    EXPECT_EQ(sent_close_code(), 1002);
    EXPECT_TRUE(session->is_draining()) << "FIN is due, and no answer to the close is awaited";
    EXPECT_TRUE(session->wants_input());
    told.clear();
    receive(text_frame("still talking") + close_frame(1002));
    session->queue_frame(websocket::Opcode::text, base::as_bytes("too late"));
    EXPECT_EQ(sent(), "");
    EXPECT_EQ(told, Strings{});
    session->on_receive_ended(now);
    EXPECT_TRUE(session->is_over());
}

TEST_F(EndingTest, drains_for_two_seconds_at_most) {
    open_joined();
    receive(std::string("\x82\x01x", 3));
    sent();
    now += seconds(1);
    receive("more");
    session->on_time(now);
    EXPECT_TRUE(session->is_draining());
    now += seconds(1);
    session->on_time(now);
    EXPECT_TRUE(session->is_over());
}

TEST_F(EndingTest, drains_a_stream_that_breaks_after_the_close) {
    open_joined();
    session->close(4002, "kicked", now);
    sent();
    EXPECT_EQ(session->phase(), Phase::closing);
    receive(std::string("\x82\x01x", 3));
    EXPECT_TRUE(session->is_draining());
}

TEST_F(EndingTest, answers_a_close_without_a_code_with_1000) {
    open_joined();
    told.clear();
    receive(frame(websocket::Opcode::close, ""));
    EXPECT_EQ(sent_close_code(), 1000);
    EXPECT_EQ(told, Strings{"end closed"});
}

TEST_F(EndingTest, gives_all_its_memory_back) {
    open();
    const std::size_t at_rest = pool.bytes_in_use();
    open_joined();
    receive(binary_frame(state_message(std::string(500, 'x'))).substr(0, 100));
    session->queue_frame(websocket::Opcode::text, base::as_bytes("waiting"));
    EXPECT_GT(pool.bytes_in_use(), at_rest);
    session.reset();
    EXPECT_EQ(pool.bytes_in_use(), at_rest);
}

TEST_F(EndingTest, tells_its_fault_before_its_end) {
    open_joined();
    told.clear();
    receive(text_frame("{"));
    EXPECT_EQ(faults, (std::vector<KnownFault>{{Fault::Kind::message, 1007, "not JSON"}}));
    EXPECT_EQ(told, (Strings{"end closed"}));
}

TEST_F(EndingTest, an_end_that_is_nobodys_fault_is_none) {
    open_joined();
    receive(close_frame(1000));
    EXPECT_TRUE(faults.empty());
    open_joined();
    session->on_receive_ended(now);
    EXPECT_TRUE(faults.empty());
}

}  // namespace
}  // namespace tickwire::session::test
