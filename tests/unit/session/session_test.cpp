// The session's way from the request to the end, in the clear.
#include <gtest/gtest.h>

#include <utility>

#include "session_fixture.hpp"

namespace tickwire::session::test {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;
using Strings = std::vector<std::string>;

const std::string ping_message({0x03, 0x00, 0x00, 0x00, 0x2a, 0x00, 0x00, 0x00});

std::string state_message(const std::string& bytes) {
    return std::string("\x01\0\x01\0\0\0", 6) + bytes;
}
std::string event_message(char kind, const std::string& body) {
    return std::string("\x02", 1) + kind + std::string("\0\0", 2) + body;
}

class SessionTest : public testing::Test, protected SessionRig {};

TEST_F(SessionTest, answers_pages_before_an_upgrade_on_the_same_connection) {
    open();
    receive("GET /favicon.ico HTTP/1.1\r\nHost: relay\r\n\r\n");
    EXPECT_NE(sent().find("\r\n\r\nhello"), std::string::npos);
    receive(upgrade_request("/v1/match/arena", "tickwire.v1"));
    EXPECT_EQ(sent().substr(0, 12), "HTTP/1.1 101");
    EXPECT_EQ(session->phase(), Phase::joining);
    EXPECT_EQ(told, (Strings{"page /favicon.ico", "upgrade arena"}));
}

TEST_F(SessionTest, takes_a_request_in_single_bytes) {
    open();
    for (const char byte : upgrade_request("/v1/match/arena", "tickwire.v1")) {
        receive(std::string(1, byte));
    }
    EXPECT_EQ(session->phase(), Phase::joining);
}

TEST_F(SessionTest, takes_frames_that_came_with_the_request) {
    open();
    receive(upgrade_request("/v1/match/arena", "tickwire.v1") +
            text_frame(R"({"op":"join","name":"Ann"})") + binary_frame(state_message("here")));
    EXPECT_EQ(told, (Strings{"upgrade arena", "join Ann", "state here"}));
}

TEST_F(SessionTest, refuses_a_malformed_request_and_closes) {
    open();
    receive("GET / HTTP/1.1\nHost: relay\n\n");
    EXPECT_EQ(sent().substr(0, 12), "HTTP/1.1 400");
    EXPECT_TRUE(session->is_draining());
}

TEST_F(SessionTest, refuses_paths_that_lead_nowhere) {
    for (const std::string path : {"/v1/match/", "/v1/match/..", "/v1/match/a%20b", "/v1/echo"}) {
        open();
        receive(upgrade_request(path, ""));
        EXPECT_EQ(sent().substr(0, 12), "HTTP/1.1 404") << path;
    }
}

TEST_F(SessionTest, asks_for_an_upgrade_where_there_is_none) {
    open();
    receive("GET /v1/match/arena HTTP/1.1\r\nHost: relay\r\n\r\n");
    EXPECT_EQ(sent().substr(0, 12), "HTTP/1.1 426");
    EXPECT_EQ(session->phase(), Phase::http);
}

TEST_F(SessionTest, refuses_other_subprotocols) {
    open();
    receive(upgrade_request("/v1/match/arena", "chat"));
    EXPECT_EQ(sent().substr(0, 12), "HTTP/1.1 400");
}

struct Refusal {
    std::string what;
    std::string message;
    std::uint16_t code;
    std::string end;
};

TEST_F(SessionTest, closes_a_wrong_first_message_with_its_code) {
    const Refusal refusals[] = {
        {"binary", binary_frame(ping_message), 1002, ""},
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

TEST_F(SessionTest, closes_a_member_that_errs_with_its_code_and_tells_the_host_once) {
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

TEST_F(SessionTest, accepts_states_and_events_up_to_their_limits) {
    open_joined();
    told.clear();
    receive(binary_frame(state_message(std::string(1018, 'x'))));
    receive(binary_frame(event_message(0, std::string(16380, 'y'))));
    EXPECT_EQ(told, (Strings{"state " + std::string(1018, 'x'), "event " + std::string(16380, 'y')}));
}

TEST_F(SessionTest, closes_with_1002_what_the_match_does_not_accept) {
    open_joined();
    accepts = false;
    receive(binary_frame(state_message("")));
    EXPECT_EQ(sent_close_code(), 1002);
}

TEST_F(SessionTest, closes_with_4100_over_the_message_rate_and_the_member_is_lost) {
    open_joined();
    told.clear();
    for (int count = 0; count < 240; ++count) {
        receive(binary_frame(ping_message));
    }
    EXPECT_EQ(session->phase(), Phase::game);
    receive(binary_frame(ping_message));
    EXPECT_EQ(sent_close_code(), 4100);
    EXPECT_EQ(told.back(), "end lost");
}

TEST_F(SessionTest, counts_control_frames_and_fragments_as_messages) {
    open_joined();
    for (int count = 0; count < 241; ++count) {
        receive(frame(websocket::Opcode::pong, ""));
    }
    EXPECT_EQ(sent_close_code(), 4100);
}

TEST_F(SessionTest, refills_a_message_each_240th_of_a_second) {
    open_joined();
    for (int count = 0; count < 240; ++count) {
        receive(binary_frame(ping_message));
    }
    for (int count = 0; count < 1000; ++count) {
        now += base::Duration(1'000'000'000 / 240 + 1);
        receive(binary_frame(ping_message));
    }
    EXPECT_EQ(session->phase(), Phase::game);
}

TEST_F(SessionTest, closes_with_4100_over_the_byte_rate_and_over_the_control_rate) {
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

TEST_F(SessionTest, closes_with_4104_without_a_join) {
    open_game();
    now += milliseconds(4999);
    session->on_time(now);
    EXPECT_EQ(session->phase(), Phase::joining);
    now += milliseconds(1);
    session->on_time(now);
    EXPECT_EQ(sent_close_code(), 4104);
}

TEST_F(SessionTest, pings_after_a_third_of_the_idle_time_and_closes_with_4102_after_all_of_it) {
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

TEST_F(SessionTest, answers_a_ping_with_its_payload) {
    open_joined();
    receive(frame(websocket::Opcode::ping, "are you there"));
    const auto frames = sent_frames();
    ASSERT_EQ(frames.size(), 1U);
    EXPECT_EQ(frames[0].opcode, websocket::Opcode::pong);
    EXPECT_EQ(frames[0].payload, "are you there");
}

TEST_F(SessionTest, answers_a_close_with_its_code_and_ends) {
    open_joined();
    told.clear();
    receive(close_frame(1000));
    EXPECT_EQ(sent_close_code(), 1000);
    EXPECT_EQ(told, Strings{"end closed"});
    EXPECT_TRUE(session->is_over());
}

TEST_F(SessionTest, keeps_the_place_of_a_page_that_goes_away) {
    open_joined();
    told.clear();
    receive(close_frame(1001));
    EXPECT_EQ(told, Strings{"end lost"});
}

TEST_F(SessionTest, keeps_the_place_of_a_connection_that_is_cut) {
    open_joined();
    told.clear();
    session->on_receive_ended(now);
    EXPECT_EQ(told, Strings{"end lost"});
    EXPECT_TRUE(session->is_over());
}

TEST_F(SessionTest, waits_for_the_answer_to_its_close_but_not_for_ever) {
    open_joined();
    session->close(4002, "kicked", now);
    EXPECT_EQ(sent_close_code(), 4002);
    EXPECT_EQ(session->phase(), Phase::closing);
    now += seconds(2);
    session->on_time(now);
    EXPECT_TRUE(session->is_over());
}

TEST_F(SessionTest, closes_an_event_over_its_own_limit_with_1009) {
    SessionOptions uneven;
    uneven.limits.state_bytes = 1024;
    uneven.limits.event_bytes = 100;  // under the reader's limit, which is the larger of the two
    open_joined(uneven);
    receive(binary_frame(event_message(1, std::string(97, 'x'))));
    EXPECT_EQ(sent_close_code(), 1009);
}

TEST_F(SessionTest, finishes_a_broken_stream_and_drains_it) {
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

TEST_F(SessionTest, drains_for_two_seconds_at_most) {
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

TEST_F(SessionTest, drains_a_stream_that_breaks_after_the_close) {
    open_joined();
    session->close(4002, "kicked", now);
    sent();
    EXPECT_EQ(session->phase(), Phase::closing);
    receive(std::string("\x82\x01x", 3));
    EXPECT_TRUE(session->is_draining());
}

TEST_F(SessionTest, drains_after_an_answer_that_ends_the_connection) {
    open();
    receive("POST / HTTP/1.1\r\nHost: relay\r\n\r\n");
    EXPECT_FALSE(session->wants_input());
    EXPECT_EQ(sent().substr(0, 12), "HTTP/1.1 405");
    EXPECT_TRUE(session->is_draining());
    receive(std::string(100'000, 'b'));  // a body: read, so that closing does not reset the answer away
    EXPECT_EQ(sent(), "");
}

TEST_F(SessionTest, ends_the_connection_after_a_head_that_is_too_long) {
    open();
    receive("GET / HTTP/1.1\r\n" + std::string(60'000, 'x'));
    EXPECT_EQ(sent().substr(0, 12), "HTTP/1.1 431");
    EXPECT_TRUE(session->is_draining());
}

TEST_F(SessionTest, closes_with_4101_when_the_outbox_overflows_and_drops_what_waits) {
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

TEST_F(SessionTest, who_has_taken_all_is_not_slow_whatever_one_slot_brings_but_for_a_bound) {
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

TEST_F(SessionTest, sends_shared_bytes_without_copying_them_and_in_order_with_its_own) {
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

TEST_F(SessionTest, carries_pipelined_bytes_to_its_new_shard) {
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

TEST_F(SessionTest, a_move_waits_for_what_was_asked_before_it) {
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

TEST_F(SessionTest, what_comes_while_it_waits_for_its_move_moves_with_it) {
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

TEST_F(SessionTest, the_ticket_of_a_request_is_kept_for_the_join_and_no_longer) {
    open();
    receive(upgrade_request("/v1/match/arena?key", "tickwire.v1"));
    EXPECT_EQ(session->ticket(), "key");
    receive(text_frame(R"({"op":"join","name":"Ann"})"));
    EXPECT_EQ(told.back(), "join Ann by key");
    EXPECT_EQ(session->ticket(), "");
}

TEST_F(SessionTest, answers_head_with_the_head_of_a_page) {
    open();
    receive("HEAD /page HTTP/1.1\r\nHost: relay\r\n\r\n");
    const std::string answer = sent();
    EXPECT_NE(answer.find("Content-Length: 5\r\n"), std::string::npos);
    EXPECT_TRUE(answer.ends_with("\r\n\r\n"));
}

TEST_F(SessionTest, ends_who_asks_for_page_after_page_and_takes_none) {
    SessionOptions small;
    small.outbox_size_max = 1000;
    open(small);
    for (int count = 0; count < 100 && !session->is_over(); ++count) {
        receive("GET /page HTTP/1.1\r\nHost: relay\r\n\r\n");
    }
    EXPECT_TRUE(session->is_over());
    EXPECT_LE(session->queued_size(), 1000U + wire::response_head_size_max + 5);
}

TEST_F(SessionTest, closes_with_4101_what_overflowed_while_a_send_was_in_flight) {
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

TEST_F(SessionTest, answers_a_close_without_a_code_with_1000) {
    open_joined();
    told.clear();
    receive(frame(websocket::Opcode::close, ""));
    EXPECT_EQ(sent_close_code(), 1000);
    EXPECT_EQ(told, Strings{"end closed"});
}

TEST_F(SessionTest, an_echo_that_is_not_finished_in_time_closes_with_4102) {
    open_echo();
    receive(text_frame("never whole").substr(0, 10));
    now += seconds(10);
    session->on_time(now);
    EXPECT_EQ(sent_close_code(), 4102);
    EXPECT_EQ(counters.timeouts_message, 1U);
}

TEST_F(SessionTest, gives_plain_messages_to_the_host_as_they_are) {
    open_plain();
    receive(text_frame("hello") + binary_frame(std::string("\0\1", 2)));
    EXPECT_EQ(told,
              (Strings{"upgrade arena", "plain join", "text hello", "binary " + std::string("\0\1", 2)}));
}

TEST_F(SessionTest, bounds_plain_messages_by_the_event_size) {
    open_plain();
    receive(binary_frame(std::string(16384, 'x')));
    EXPECT_EQ(session->phase(), Phase::plain);
    receive(text_frame(std::string(16385, 'x')));
    EXPECT_EQ(sent_close_code(), 1009);
}

TEST_F(SessionTest, echoes_each_message_unchanged_and_reads_no_more_before_it_is_sent) {
    SessionOptions echoing;
    echoing.is_echo_on = true;
    open(echoing);
    receive(upgrade_request("/v1/echo", ""));
    sent();
    receive(text_frame("hello") + binary_frame(std::string(200'000, 'x')));
    EXPECT_FALSE(session->wants_input());
    const auto frames = sent_frames();
    ASSERT_EQ(frames.size(), 2U);
    EXPECT_EQ(frames[0].opcode, websocket::Opcode::text);
    EXPECT_EQ(frames[0].payload, "hello");
    EXPECT_EQ(frames[1].payload, std::string(200'000, 'x'));
    EXPECT_TRUE(session->wants_input());
}

TEST_F(SessionTest, asks_to_be_heard_again_when_an_answer_has_gone) {
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

TEST_F(SessionTest, echoes_more_than_a_buffer_of_the_pool_holds) {
    SessionOptions echoing;
    echoing.is_echo_on = true;
    open(echoing);
    receive(upgrade_request("/v1/echo", ""));
    sent();
    const std::string large(5 << 20, 'x');
    receive(binary_frame(large));
    const auto frames = sent_frames();
    ASSERT_EQ(frames.size(), 1U);
    EXPECT_EQ(frames[0].payload, large);
}

TEST_F(SessionTest, gives_all_its_memory_back) {
    open();
    const std::size_t at_rest = pool.bytes_in_use();
    open_joined();
    receive(binary_frame(state_message(std::string(500, 'x'))).substr(0, 100));
    session->queue_frame(websocket::Opcode::text, base::as_bytes("waiting"));
    EXPECT_GT(pool.bytes_in_use(), at_rest);
    session.reset();
    EXPECT_EQ(pool.bytes_in_use(), at_rest);
}

TEST_F(SessionTest, a_peer_that_is_gone_without_a_word_is_gone_inside_a_minute) {
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

TEST_F(SessionTest, holds_what_a_newcomer_sends_until_it_is_its_turn) {
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

TEST_F(SessionTest, a_newcomer_that_is_sent_away_is_read_in_order) {
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

TEST_F(SessionTest, the_time_that_a_newcomer_waits_for_us_is_not_its_own) {
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

TEST_F(SessionTest, a_newcomer_that_is_dropped_gives_back_what_it_held) {
    open();
    const std::size_t before = pool.bytes_in_use();
    session->hold(base::as_bytes(std::string(5000, 'x')), now);
    EXPECT_GT(pool.bytes_in_use(), before);
    session.reset();
    EXPECT_EQ(pool.bytes_in_use(), before);
}

TEST_F(SessionTest, refuses_foreign_origins_with_403_and_counts_them) {
    SessionOptions chosen;
    chosen.origins.allowed.push_back(*OriginPattern::parse("https://*.game.example"));
    chosen.is_echo_on = true;
    for (const std::string target : {"/v1/match/arena", "/v1/echo"}) {
        open(chosen);
        std::string request = upgrade_request(target, "");
        request.insert(request.find("\r\n") + 2, "Origin: https://evil.test\r\n");
        receive(request);
        EXPECT_EQ(sent().substr(0, 12), "HTTP/1.1 403") << target;
    }
    EXPECT_EQ(counters.origins_refused, 2U);
    EXPECT_TRUE(told.empty());
    open(chosen);
    std::string request = upgrade_request("/v1/match/arena", "");
    request.insert(request.find("\r\n") + 2, "Origin: https://eu.game.example\r\n");
    receive(request);
    EXPECT_EQ(sent().substr(0, 12), "HTTP/1.1 101");
}

TEST_F(SessionTest, limits_of_its_own_hold_for_a_member_in_both_directions) {
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

TEST_F(SessionTest, a_message_that_is_not_finished_in_time_closes_with_4102) {
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

TEST_F(SessionTest, a_message_that_is_finished_leaves_the_next_one_all_its_time) {
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

constexpr const char* proxy_line = "PROXY TCP4 203.0.113.7 192.0.2.1 4711 443\r\n";

TEST_F(SessionTest, takes_a_proxy_header_in_every_split_with_what_follows_it) {
    preamble = Preamble::proxy_header;
    const std::string binary(
        "\r\n\r\n\0\r\nQUIT\n\x21\x11\0\x0c\xcb\0\x71\x07\xc0\0\x02\x01\x12\x67\x01\xbb", 28);
    for (const std::string& header : {std::string(proxy_line), binary}) {
        const std::string stream = header + upgrade_request("/v1/match/arena", "tickwire.v1") +
                                   text_frame(R"({"op":"join","name":"Ann"})");
        for (std::size_t cut = 0; cut <= stream.size(); ++cut) {
            open();
            EXPECT_EQ(session->phase(), Phase::proxy_header);
            told.clear();
            if (cut != 0) {
                receive(stream.substr(0, cut));
            }
            if (cut != stream.size()) {
                receive(stream.substr(cut));
            }
            ASSERT_EQ(told, (Strings{"proxy for 203.0.113.7", "upgrade arena", "join Ann"})) << cut;
            EXPECT_EQ(session->phase(), Phase::game);
            EXPECT_EQ(sent().substr(0, 12), "HTTP/1.1 101");
        }
    }
}

TEST_F(SessionTest, ends_at_once_without_a_proxy_header_and_says_nothing) {
    preamble = Preamble::proxy_header;
    open();
    receive("G");
    EXPECT_TRUE(session->is_over());
    EXPECT_EQ(sent(), "");
    EXPECT_EQ(faults, (std::vector<KnownFault>{{Fault::Kind::proxy_header, 0, "no PROXY header"}}));
    EXPECT_EQ(counters.proxy_errors[0], 1U);
    open();
    receive("PROXY TCP4 203.0.113.7 192.0.2.1 4711\r\n");
    EXPECT_TRUE(session->is_over());
    EXPECT_EQ(counters.proxy_errors[1], 1U);
    EXPECT_EQ(counters.proxy_headers, 0U);
}

TEST_F(SessionTest, ends_where_the_proxys_client_is_over_a_limit) {
    preamble = Preamble::proxy_header;
    accepts = false;
    open();
    receive(proxy_line + upgrade_request("/v1/match/arena", "tickwire.v1"));
    EXPECT_TRUE(session->is_over());
    EXPECT_EQ(told, (Strings{"proxy for 203.0.113.7"}));
}

TEST_F(SessionTest, a_proxy_header_has_the_time_of_a_handshake_and_a_request_behind_it_its_own) {
    preamble = Preamble::proxy_header;
    SessionOptions times;
    times.tls_timeout = seconds(3);
    open(times);
    receive("PROXY ");
    now += milliseconds(2999);
    session->on_time(now);
    EXPECT_FALSE(session->is_over());
    now += milliseconds(1);
    session->on_time(now);
    EXPECT_TRUE(session->is_over());
    EXPECT_EQ(counters.timeouts_proxy, 1U);
    open(times);
    receive(proxy_line);
    now += seconds(9);
    session->on_time(now);
    EXPECT_EQ(session->phase(), Phase::http);
    now += seconds(1);
    session->on_time(now);
    EXPECT_TRUE(session->is_over());
    EXPECT_EQ(counters.timeouts_upgrade, 1U);
}

TEST_F(SessionTest, a_newcomer_behind_a_proxy_is_held_for_its_turn_from_its_header_on) {
    preamble = Preamble::proxy_header;
    open();
    const std::size_t at_rest = pool.bytes_in_use();
    EXPECT_TRUE(session->is_newcomer());
    EXPECT_TRUE(session->wants_input());
    session->hold(base::as_bytes(proxy_line), now);
    EXPECT_FALSE(session->wants_input());
    EXPECT_TRUE(told.empty());
    session->receive_held(now);
    EXPECT_EQ(told, (Strings{"proxy for 203.0.113.7"}));
    EXPECT_EQ(pool.bytes_in_use(), at_rest);
    open();
    receive("PROXY TCP4 ");
    session->on_receive_ended(now);
    EXPECT_TRUE(session->is_over());
    session.reset();
    EXPECT_EQ(pool.bytes_in_use(), at_rest);
}

TEST_F(SessionTest, is_small_while_it_is_idle) {
    open();
    const std::size_t at_rest = pool.bytes_in_use();
    open_joined();
    sent();
    EXPECT_EQ(pool.bytes_in_use(), at_rest);
    EXPECT_LE(sizeof(Session), 384U);
}

// --- faults: what the log is told of

TEST_F(SessionTest, tells_its_fault_before_its_end) {
    open_joined();
    told.clear();
    receive(text_frame("{"));
    EXPECT_EQ(faults, (std::vector<KnownFault>{{Fault::Kind::message, 1007, "not JSON"}}));
    EXPECT_EQ(told, (Strings{"end closed"}));
}

TEST_F(SessionTest, faults_name_the_origin_and_the_status_of_a_request_that_is_refused) {
    SessionOptions chosen;
    chosen.origins.allowed.push_back(*OriginPattern::parse("https://game.example"));
    open(chosen);
    std::string request = upgrade_request("/v1/match/arena", "tickwire.v1");
    request.insert(request.size() - 2, "Origin: https://evil.example\r\n");
    receive(request);
    EXPECT_EQ(faults, (std::vector<KnownFault>{{Fault::Kind::origin, 403, "https://evil.example"}}));
    faults.clear();
    receive("GET  / HTTP/1.1\r\n\r\n");
    EXPECT_EQ(faults, (std::vector<KnownFault>{{Fault::Kind::request, 400, "bad request"}}));
}

TEST_F(SessionTest, an_end_that_is_nobodys_fault_is_none) {
    open_joined();
    receive(close_frame(1000));
    EXPECT_TRUE(faults.empty());
    open_joined();
    session->on_receive_ended(now);
    EXPECT_TRUE(faults.empty());
}

}  // namespace
}  // namespace tickwire::session::test
