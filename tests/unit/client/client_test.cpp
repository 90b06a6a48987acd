#include <gtest/gtest.h>

#include <algorithm>

#include "relay_script.hpp"

namespace tickwire::test {
namespace {

using namespace std::chrono_literals;
using Lines = std::vector<std::string>;

/// A TICK from entries in hex-free form.
struct Entry {
    std::uint16_t player;
    std::uint16_t seq;
    std::uint8_t wait;
    bool is_delta;
    std::string body;
};
ByteString tick_frame(std::uint32_t number, bool is_keyframe, const std::vector<Entry>& entries) {
    ByteString message(protocol::tick_header_size);
    protocol::encode_tick_header({is_keyframe, static_cast<std::uint16_t>(entries.size()), number},
                                 message.data());
    for (const Entry& entry : entries) {
        const std::size_t at = message.size();
        message.resize(at + protocol::state_entry_header_size);
        protocol::encode_state_entry_header(entry.player, entry.seq, entry.wait, entry.is_delta,
                                            entry.body.size(), message.data() + at);
        append(message, entry.body);
    }
    return binary_frame(message);
}

ByteString events_frame(const std::vector<protocol::EventEntry>& entries) {
    ByteString message(protocol::events_header_size);
    protocol::encode_events_header(static_cast<std::uint16_t>(entries.size()), message.data());
    for (const protocol::EventEntry& entry : entries) {
        const std::size_t at = message.size();
        message.resize(at + protocol::event_entry_header_size + entry.body.size());
        protocol::encode_event_entry(entry, message.data() + at);
    }
    return binary_frame(message);
}

ByteString pong_frame(const protocol::Pong& pong) {
    ByteString message(protocol::pong_size);
    protocol::encode_pong(pong, message.data());
    return binary_frame(message);
}

ByteString close_frame(std::uint16_t code, std::string_view reason) {
    ByteString payload(websocket::control_size_max);
    payload.resize(websocket::encode_close_payload(code, reason, payload.data()));
    return server_frame(websocket::Opcode::close, payload);
}

class ClientTest : public testing::Test {
  protected:
    Diary diary;
    Conversation relay{diary};
    client::Client& client = relay.client;
};

TEST_F(ClientTest, joins_after_the_upgrade) {
    relay.open();
    EXPECT_EQ(relay.path, "/v1/match/m");
    EXPECT_EQ(client.phase(), client::Phase::joining);
    EXPECT_EQ(relay.sent(), Lines{R"({"op":"join","name":"Ann","role":"player"})"});
    relay.receive(text_frame(welcome_text()));
    EXPECT_EQ(client.phase(), client::Phase::joined);
    EXPECT_EQ(client.player(), 1);
    EXPECT_EQ(client.tick(), 100U);
    EXPECT_EQ(client.tick_hz(), 30U);
    EXPECT_EQ(client.limits().state_bytes, 1024U);
    EXPECT_EQ(client.resume_token(), "token-a");
    EXPECT_EQ(client.host(), client::PlayerNumber{0});
    ASSERT_EQ(client.players().size(), 2U);
    EXPECT_EQ(client.players()[0].name, "Bo");
    EXPECT_TRUE(client.players()[0].is_away);
    EXPECT_EQ(diary.lines, Lines{R"(welcome 1 properties {"map": [1, 2.50 ]})"});
}

TEST_F(ClientTest, refuses_a_match_name_that_is_none) {
    EXPECT_FALSE(client.connect({"example.org", "a/b"}, {}, {}));
    EXPECT_EQ(client.phase(), client::Phase::idle);
}

TEST_F(ClientTest, tells_the_status_of_a_refused_upgrade) {
    ASSERT_TRUE(client.connect({"example.org", "m"}, {}, {}));
    ByteString answer;
    append(answer, "HTTP/1.1 503 Service Unavailable\r\nContent-Length: 0\r\n\r\n");
    relay.receive(answer);
    ASSERT_EQ(diary.ends.size(), 1U);
    EXPECT_EQ(diary.ends[0].fault, client::Fault::upgrade_refused);
    EXPECT_EQ(diary.ends[0].code, 503);
    EXPECT_TRUE(diary.ends[0].may_retry);
}

TEST_F(ClientTest, refuses_an_answer_to_another_request) {
    ASSERT_TRUE(client.connect({"example.org", "m"}, {}, {}));
    ByteString answer = relay.upgrade_answer();
    ASSERT_TRUE(client.connect({"example.org", "m"}, {}, {}));  // another key
    relay.receive(answer);
    ASSERT_EQ(diary.ends.size(), 1U);
    EXPECT_EQ(diary.ends[0].fault, client::Fault::bad_http);
}

TEST_F(ClientTest, keeps_a_baseline_for_each_player) {
    relay.join();
    relay.receive(tick_frame(101, true, {{0, 7, 3, false, "aaaabbbb"}, {1, 1, 0, false, "x"}}));
    relay.receive(tick_frame(102, false, {{0, 8, 4, true, std::string("\x11", 1) + "AB"}}));
    const auto state = client.state_of(0);
    ASSERT_TRUE(state);
    EXPECT_EQ(std::string(state->bytes.begin(), state->bytes.end()), "AaaaBbbb");
    EXPECT_EQ(state->seq, 8);
    EXPECT_EQ(state->wait, 4);
    EXPECT_EQ(client.tick(), 102U);
    // An empty delta: the same bytes under another number.
    relay.receive(tick_frame(103, false, {{0, 9, 0, true, ""}}));
    EXPECT_EQ(client.state_of(0)->seq, 9);
    // A keyframe voids what it does not bring.
    relay.receive(tick_frame(104, true, {{0, 9, 0, false, "longer than before, by far"}}));
    EXPECT_FALSE(client.state_of(1));
    EXPECT_EQ(diary.lines.back(), "tick 104 keyframe");
}

TEST_F(ClientTest, ends_at_a_delta_without_a_baseline) {
    relay.join();
    relay.receive(tick_frame(101, false, {{0, 7, 0, true, ""}}));
    ASSERT_EQ(diary.ends.size(), 1U);
    EXPECT_EQ(diary.ends[0].fault, client::Fault::bad_delta);
    EXPECT_EQ(client.phase(), client::Phase::over);
    EXPECT_EQ(relay.sent().back().substr(0, 10), "close 03ea");  // 1002
}

TEST_F(ClientTest, forgets_the_state_of_who_left) {
    relay.join();
    relay.receive(tick_frame(101, true, {{0, 7, 0, false, "abc"}}));
    relay.receive(text_frame(R"({"op":"left","player":0,"reason":"closed"})"));
    EXPECT_FALSE(client.state_of(0));
    EXPECT_EQ(client.players().size(), 1U);
    relay.receive(text_frame(R"({"op":"joined","player":0,"name":"Cy"})"));
    EXPECT_EQ(client.players()[0].name, "Cy");
    relay.receive(tick_frame(102, false, {{0, 1, 0, true, ""}}));
    EXPECT_EQ(diary.ends.at(0).fault, client::Fault::bad_delta);
}

TEST_F(ClientTest, sends_states_with_seq_and_seen) {
    relay.join();
    relay.sent();
    relay.receive(tick_frame(0x12345, true, {}));
    EXPECT_EQ(client.send_state(ByteString{0xaa, 0xbb}, 1ms), 1);
    EXPECT_EQ(client.send_state({}, 2ms), 2);
    EXPECT_EQ(relay.sent(), (Lines{"010001004523aabb", "010002004523"}));
}

TEST_F(ClientTest, reports_a_tick_within_a_quarter_of_a_second) {
    relay.join();
    relay.sent();
    EXPECT_EQ(client.next_deadline(), Time::max());
    relay.receive(tick_frame(101, true, {}), 50ms);
    EXPECT_EQ(relay.sent(), Lines{});
    EXPECT_EQ(client.next_deadline(), 200ms);
    client.pass_time(199ms);
    EXPECT_EQ(relay.sent(), Lines{});
    client.pass_time(200ms);
    EXPECT_EQ(relay.sent(), Lines{"03006500400d0300"});  // seen 101, 200,000 us
    EXPECT_EQ(client.next_deadline(), Time::max());
    // From the tick's own handler where nothing was sent for long.
    relay.receive(tick_frame(102, false, {}), 450ms);
    EXPECT_EQ(relay.sent().size(), 1U);
    // A state reports too.
    relay.receive(tick_frame(103, false, {}), 460ms);
    client.send_state({}, 470ms);
    EXPECT_EQ(client.next_deadline(), Time::max());
}

TEST_F(ClientTest, measures_the_clock_of_the_match) {
    relay.join();
    client.send_ping(1000ms);
    relay.receive(pong_frame({0, 1'000'000, 5'000'000}), 1020ms);
    EXPECT_EQ(diary.lines.back(), "pong 20000 us");
    EXPECT_EQ(client.match_time_us(1020ms), 5'010'000U);
    EXPECT_EQ(client.match_time_us(2020ms), 6'010'000U);
    // A longer round trip is not believed, until the better sample is old.
    relay.receive(pong_frame({0, 1'500'000, 9'000'000}), 1600ms);
    EXPECT_EQ(client.match_time_us(1620ms), 5'610'000U);
}

TEST_F(ClientTest, tells_events_but_not_its_own_for_others) {
    relay.join();
    const ByteString body{'h', 'i'};
    relay.receive(
        events_frame({{5, 0, 0, body}, {6, 1, 0, body}, {9, 1, 1, body}, {10, 65535, 0xe4, body}}));
    EXPECT_EQ(diary.lines[1], "event 5 from 0 hi");
    EXPECT_EQ(diary.lines[2], "event 9 from 1 hi");
    EXPECT_EQ(diary.lines[3], "event 10 from 65535 hi");
    EXPECT_EQ(client.seen_event(), 10U);
    relay.receive(events_frame({{10, 0, 0, body}}));
    EXPECT_EQ(diary.ends.at(0).fault, client::Fault::bad_message);
}

TEST_F(ClientTest, resumes_its_slot_and_sends_again_what_was_not_taken) {
    relay.join();
    const ByteString one{'1'};
    const protocol::Event event{{protocol::Target::everyone, true, protocol::Purpose::event}, 0, one};
    ASSERT_TRUE(client.send_event(event, 1ms));
    const ByteString two{'2'};
    ASSERT_TRUE(client.send_event({event.kind, 0, two}, 2ms));
    relay.receive(events_frame({{1, 1, 5, ByteString{'1'}}}));
    relay.sent();
    EXPECT_EQ(client.unacknowledged_event_count(), 2U);
    client.lose_connection();
    EXPECT_EQ(diary.lines.back(), "ended closed 1006 the connection was lost retry");

    relay.open(1s);
    EXPECT_EQ(relay.sent(),
              Lines{R"({"op":"join","name":"Ann","role":"player","resume":"token-a","seen_event":1})"});
    relay.receive(
        text_frame(welcome_text(R"("resume":"token-a","event":4,"events_taken":1,"recovered":true)")), 1s);
    EXPECT_EQ(diary.lines.back().substr(0, 24), "welcome 1 same recovered");
    EXPECT_EQ(relay.sent(), Lines{"0205000032"});
    EXPECT_EQ(client.unacknowledged_event_count(), 1U);
    EXPECT_EQ(client.seen_event(), 1U);
    relay.receive(events_frame({{4, 0, 0, two}}), 1s);
    EXPECT_EQ(client.seen_event(), 4U);
    relay.receive(pong_frame({2, 0, 0}), 1s);
    EXPECT_EQ(client.unacknowledged_event_count(), 0U);
}

TEST_F(ClientTest, starts_afresh_in_another_slot) {
    relay.join();
    ASSERT_TRUE(client.send_event({{}, 0, {}}, 1ms));
    client.lose_connection();
    relay.open();
    relay.sent();
    relay.receive(
        text_frame(welcome_text(R"("resume":"token-b","event":9,"events_taken":0,"recovered":false)")));
    EXPECT_EQ(client.unacknowledged_event_count(), 0U);
    EXPECT_EQ(client.seen_event(), 9U);
    EXPECT_EQ(relay.sent(), Lines{});
}

TEST_F(ClientTest, asks_for_a_receipt_of_events) {
    relay.join();
    ASSERT_TRUE(client.send_event({{}, 0, {}}, 1ms));
    relay.sent();
    EXPECT_EQ(client.next_deadline(), 1s);
    client.pass_time(1s);
    EXPECT_EQ(relay.sent().size(), 1U);
}

TEST_F(ClientTest, holds_back_events_over_its_backlog) {
    relay.join();
    const ByteString body(16000);
    std::size_t sent_count = 0;
    while (client.send_event({{}, 0, body}, 1ms)) {
        ++sent_count;
    }
    EXPECT_EQ(sent_count, 256 * 1024 / (16000 + protocol::event_header_size));
}

TEST_F(ClientTest, answers_pings_and_closes) {
    relay.join();
    relay.sent();
    relay.receive(server_frame(websocket::Opcode::ping, ByteString{1, 2}));
    EXPECT_EQ(relay.sent(), Lines{"pong 0102"});
    relay.receive(close_frame(4002, "out"));
    EXPECT_EQ(relay.sent(), Lines{"close 0fa2"});
    EXPECT_EQ(diary.lines.back(), "ended closed 4002 out final");
}

TEST_F(ClientTest, waits_for_the_answer_to_its_close) {
    relay.join();
    relay.sent();
    client.close(1001, "reload");
    EXPECT_EQ(client.phase(), client::Phase::closing);
    relay.receive(tick_frame(101, true, {}));  // on its way already
    relay.receive(close_frame(1001, ""));
    EXPECT_EQ(relay.sent().size(), 1U);
    EXPECT_EQ(diary.ends.size(), 1U);
}

TEST_F(ClientTest, ends_at_what_is_no_message) {
    for (const ByteString& frame :
         {text_frame("{"), text_frame("[]"), text_frame(R"({"op":"left"})"),
          text_frame(R"({"op":"joined","player":70000,"name":""})"), text_frame(welcome_text()),
          binary_frame({}), binary_frame({0x81, 0, 1, 0}), binary_frame({0x82, 0, 1, 0}),
          binary_frame({0x83, 0}), tick_frame(101, true, {{65535, 0, 0, false, ""}})}) {
        Diary own_diary;
        Conversation own(own_diary);
        own.join();
        own.receive(frame);
        EXPECT_EQ(own_diary.ends.size(), 1U) << testing::PrintToString(frame);
        EXPECT_EQ(own.client.phase(), client::Phase::over);
    }
}

TEST_F(ClientTest, ignores_what_a_later_version_says) {
    relay.join();
    relay.receive(text_frame(R"({"op":"confetti","amount":1e400})"));
    relay.receive(binary_frame({0x99, 1, 2}));
    relay.receive(text_frame(R"({"op":"left","player":0,"reason":"abducted","by":["them"]})"));
    EXPECT_EQ(client.phase(), client::Phase::joined);
    EXPECT_EQ(client.players().size(), 1U);
}

TEST_F(ClientTest, wants_welcome_first) {
    relay.open();
    relay.receive(text_frame(R"({"op":"away","player":0})"));
    EXPECT_EQ(diary.ends.at(0).fault, client::Fault::bad_message);
}

/// What a client tells, and sends, does not depend on how its input was cut.
TEST(ClientSplits, give_the_same_at_every_place) {
    const auto play = [](std::size_t cut, std::size_t second_cut) {
        Diary diary;
        Conversation relay(diary);
        EXPECT_TRUE(relay.client.connect({"example.org", "m"}, {"Ann", client::Role::player, {}}, {}));
        ByteString all = relay.upgrade_answer();
        for (const ByteString& part :
             {text_frame(welcome_text()),
              tick_frame(101, true, {{0, 7, 3, false, "aaaabbbb"}, {1, 1, 0, false, "x"}}),
              server_frame(websocket::Opcode::ping, ByteString{9}),
              events_frame({{5, 0, 0, ByteString{'h'}}, {6, 0, 1, ByteString{'i'}}}),
              tick_frame(102, false, {{0, 8, 4, true, std::string("\x11", 1) + "AB"}}),
              text_frame(R"({"op":"properties","version":4,"set":{"a":null},"by":0})"),
              close_frame(4100, "fast")}) {
            all.insert(all.end(), part.begin(), part.end());
        }
        cut = std::min(cut, all.size());
        second_cut = std::min(second_cut, all.size());
        std::vector<ByteString> parts{{all.begin(), all.begin() + static_cast<std::ptrdiff_t>(cut)},
                                      {all.begin() + static_cast<std::ptrdiff_t>(cut),
                                       all.begin() + static_cast<std::ptrdiff_t>(second_cut)},
                                      {all.begin() + static_cast<std::ptrdiff_t>(second_cut), all.end()}};
        for (ByteString& part : parts) {
            relay.client.receive(part, 1ms);
        }
        auto lines = diary.lines;
        for (const std::string& sent : relay.sent()) {
            lines.push_back("sent " + sent);
        }
        lines.push_back("size " + std::to_string(all.size()));
        return lines;
    };
    const Lines whole = play(0, 0);
    ASSERT_EQ(whole.size(), 14U) << testing::PrintToString(whole);
    const std::size_t size = std::stoul(whole.back().substr(5));
    for (std::size_t cut = 0; cut <= size; ++cut) {
        ASSERT_EQ(play(cut, cut + 1), whole) << cut;
        ASSERT_EQ(play(cut, size), whole) << cut;
    }
}

}  // namespace
}  // namespace tickwire::test
