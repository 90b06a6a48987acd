// A member's messages, on the game lane, the plain lane and the echo.
#include <gtest/gtest.h>

#include "session_fixture.hpp"

namespace tickwire::session::test {
namespace {

using std::chrono::seconds;
using Strings = std::vector<std::string>;

class MessageTest : public testing::Test, protected SessionRig {};

struct Refusal {
    std::string what;
    std::string message;
    std::uint16_t code;
    std::string end;
};

TEST_F(MessageTest, closes_a_wrong_first_message_with_its_code) {
    const Refusal refusals[] = {
        {"binary", binary_frame(ping_message()), 1002, ""},
        {"another op", text_frame(R"({"op":"leave"})"), 1002, ""},
        {"no object", text_frame("[]"), 1002, ""},
        {"no JSON", text_frame("{"), 1007, ""},
        {"no UTF-8", text_frame("\xff"), 1007, ""},
        {"a wrong type", text_frame(R"({"op":"join","name":7})"), 1008, ""},
        {"a long name", text_frame(R"({"op":"join","name":")" + std::string(65, 'x') + "\"}"), 1008, ""},
        {"too long", text_frame("\"" + std::string(20000, 'x') + "\""), 1009, ""},
    };
    for (const Refusal& refusal : refusals) {
        open_game();
        told.clear();
        receive(refusal.message);
        EXPECT_EQ(sent_close_code(), refusal.code) << refusal.what;
        EXPECT_TRUE(session->phase() == Phase::closing || session->is_draining()) << refusal.what;
        EXPECT_TRUE(told.empty()) << refusal.what;
    }
}

TEST_F(MessageTest, closes_a_member_that_errs_with_its_code_and_tells_the_host_once) {
    const Refusal refusals[] = {
        {"an unknown type", binary_frame("\x09"), 1002, "end closed"},
        {"an empty message", binary_frame(""), 1002, "end closed"},
        {"a reserved field", binary_frame(std::string("\x01\x01\0\0\0\0", 6)), 1002, "end closed"},
        {"an unknown kind", binary_frame(event_message(0x60, "")), 1002, "end closed"},
        {"a short ping", binary_frame(std::string("\x03\0\0\0", 4)), 1002, "end closed"},
        {"a long resync", binary_frame(std::string("\x04\0", 2)), 1002, "end closed"},
        {"a state too long", binary_frame(state_message(std::string(1019, 'x'))), 1009, "end closed"},
        {"an event too long", binary_frame(event_message(0, std::string(16381, 'x'))), 1009, "end closed"},
        {"event text that is none", binary_frame(event_message(0x04, "\xc0\x80")), 1007, "end closed"},
        {"no JSON", text_frame("nonsense"), 1007, "end closed"},
        {"a reserved opcode", std::string("\x83\x80\0\0\0\0", 6), 1002, "end closed"},
        {"a reserved bit", std::string("\xc2\x80\0\0\0\0", 6), 1002, "end closed"},
        {"no mask", std::string("\x82\x01\x04", 3), 1002, "end closed"},
        {"half a close code", frame(websocket::Opcode::close, "x"), 1002, "end closed"},
        {"a close code that may not be sent", close_frame(1006), 1002, "end closed"},
    };
    for (const Refusal& refusal : refusals) {
        open_joined();
        told.clear();
        receive(refusal.message);
        EXPECT_EQ(sent_close_code(), refusal.code) << refusal.what;
        EXPECT_EQ(told, Strings{refusal.end}) << refusal.what;
        session->on_receive_ended(now);
        EXPECT_EQ(told, Strings{refusal.end}) << refusal.what;
    }
}

TEST_F(MessageTest, closes_with_1002_what_the_match_does_not_accept) {
    open_joined();
    accepts = false;
    receive(binary_frame(state_message("")));
    EXPECT_EQ(sent_close_code(), 1002);
}

TEST_F(MessageTest, answers_a_ping_with_its_payload) {
    open_joined();
    receive(frame(websocket::Opcode::ping, "are you there"));
    const auto frames = sent_frames();
    ASSERT_EQ(frames.size(), 1U);
    EXPECT_EQ(frames[0].opcode, websocket::Opcode::pong);
    EXPECT_EQ(frames[0].payload, "are you there");
}

TEST_F(MessageTest, sends_shared_bytes_without_copying_them_and_in_order_with_its_own) {
    open_joined();
    sent();
    auto shared = base::SharedBuffer::create(pool, 4);
    std::memcpy(shared.room().data(), "\x82\x02hi", 4);
    shared.set_size(4);
    session->send_shared(shared);
    EXPECT_EQ(session->begin_send(now).data(), shared.bytes().data());
    session->end_send(true, now);

    session->queue_frame(websocket::Opcode::text, base::as_bytes("first"));
    session->send_shared(shared);
    session->queue_frame(websocket::Opcode::text, base::as_bytes("last"));
    const auto frames = sent_frames();
    ASSERT_EQ(frames.size(), 3U);
    EXPECT_EQ(frames[0].payload, "first");
    EXPECT_EQ(frames[1].payload, "hi");
    EXPECT_EQ(frames[2].payload, "last");
}

TEST_F(MessageTest, an_echo_that_is_not_finished_in_time_closes_with_4102) {
    open_echo();
    receive(text_frame("never whole").substr(0, 10));
    now += seconds(10);
    session->on_time(now);
    EXPECT_EQ(sent_close_code(), 4102);
    EXPECT_EQ(counters.timeouts_message, 1U);
}

TEST_F(MessageTest, gives_plain_messages_to_the_host_as_they_are) {
    open_plain();
    receive(text_frame("hello") + binary_frame(std::string("\0\1", 2)));
    EXPECT_EQ(told,
              (Strings{"upgrade arena", "plain join", "text hello", "binary " + std::string("\0\1", 2)}));
}

TEST_F(MessageTest, bounds_plain_messages_by_the_event_size) {
    open_plain();
    receive(binary_frame(std::string(16384, 'x')));
    EXPECT_EQ(session->phase(), Phase::plain);
    receive(text_frame(std::string(16385, 'x')));
    EXPECT_EQ(sent_close_code(), 1009);
}

TEST_F(MessageTest, echoes_each_message_unchanged_and_reads_no_more_before_it_is_sent) {
    open_echo();
    receive(text_frame("hello") + binary_frame(std::string(200'000, 'x')));
    EXPECT_FALSE(session->wants_input());
    const auto frames = sent_frames();
    ASSERT_EQ(frames.size(), 2U);
    EXPECT_EQ(frames[0].opcode, websocket::Opcode::text);
    EXPECT_EQ(frames[0].payload, "hello");
    EXPECT_EQ(frames[1].payload, std::string(200'000, 'x'));
    EXPECT_TRUE(session->wants_input());
}

TEST_F(MessageTest, asks_to_be_heard_again_when_an_answer_has_gone) {
    SessionOptions echoing;
    echoing.is_echo_on = true;
    open(echoing);
    receive(upgrade_request("/v1/echo", ""));
    session->begin_send(now);
    EXPECT_FALSE(session->wants_input()) << "what is in flight has not gone yet";
    attention_count = 0;
    session->end_send(true, now);
    EXPECT_EQ(attention_count, 1);
    EXPECT_TRUE(session->wants_input());
}

TEST_F(MessageTest, echoes_more_than_a_buffer_of_the_pool_holds) {
    open_echo();
    const std::string large(5 << 20, 'x');
    receive(binary_frame(large));
    const auto frames = sent_frames();
    ASSERT_EQ(frames.size(), 1U);
    EXPECT_EQ(frames[0].payload, large);
}

}  // namespace
}  // namespace tickwire::session::test
