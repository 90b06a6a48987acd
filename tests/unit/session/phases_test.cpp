// Each phase, and what may be asked of a session in it: a table.
#include <gtest/gtest.h>

#include "../tls/tls_fixture.hpp"
#include "session_fixture.hpp"

namespace tickwire::session::test {
namespace {

using std::chrono::hours;
using Strings = std::vector<std::string>;

class PhasesTest : public testing::Test, protected SessionRig {
  protected:
    /// Brings a session into the phase.
    void reach(Phase phase) {
        transport = phase == Phase::tls_handshake ? Transport::tls : Transport::clear;
        preamble = phase == Phase::proxy_header ? Preamble::proxy_header : Preamble::none;
        moves = phase == Phase::moving;
        switch (phase) {
            case Phase::proxy_header:
            case Phase::tls_handshake:
            case Phase::http:
                open();
                break;
            case Phase::joining:
                open_game();
                break;
            case Phase::moving:
                open_plain();
                break;
            case Phase::game:
                open_joined();
                break;
            case Phase::plain:
                open_plain();
                break;
            case Phase::echo:
                open_echo();
                break;
            case Phase::closing:
                open_joined();
                session->close(4000, "closed", now);
                break;
            case Phase::draining:
                open();
                receive("no request\r\n\r\n");
                break;
            case Phase::over:
                open();
                session->on_receive_ended(now);
                break;
        }
        sent();
        ASSERT_EQ(session->phase(), phase);
        told.clear();
    }
};

struct PhaseCase {
    Phase phase;
    bool wants_input;
    Phase after_shut_down;  ///< once its last words are said
    Phase after_an_hour;
};
// An end that is said in a frame is `closing`: the peer's answer is awaited. The others are over at once.
constexpr PhaseCase phase_cases[] = {
    {Phase::proxy_header, true, Phase::over, Phase::over},
    {Phase::tls_handshake, true, Phase::over, Phase::over},
    {Phase::http, true, Phase::over, Phase::over},
    {Phase::joining, true, Phase::closing, Phase::closing},
    {Phase::moving, false, Phase::over, Phase::over},
    {Phase::game, true, Phase::closing, Phase::closing},
    {Phase::plain, true, Phase::closing, Phase::closing},
    {Phase::echo, true, Phase::closing, Phase::closing},
    {Phase::closing, true, Phase::closing, Phase::over},
    {Phase::draining, true, Phase::draining, Phase::over},
    {Phase::over, false, Phase::over, Phase::over},
};

TEST_F(PhasesTest, each_wants_input_or_not_and_ends_when_the_relay_stops_or_time_is_over) {
    for (const PhaseCase& one : phase_cases) {
        SCOPED_TRACE("phase " + std::to_string(static_cast<int>(one.phase)));
        reach(one.phase);
        EXPECT_EQ(session->wants_input(), one.wants_input);
        session->shut_down(now);
        sent();
        EXPECT_EQ(session->phase(), one.after_shut_down);
        reach(one.phase);
        session->on_time(now);
        EXPECT_EQ(session->phase(), one.phase) << "no time has passed";
        session->on_time(now + hours(1));
        sent();
        EXPECT_EQ(session->phase(), one.after_an_hour);
    }
}

TEST_F(PhasesTest, what_is_said_to_a_session_that_has_ended_goes_nowhere) {
    auto ping = make_ping_frame(pool);
    for (const Phase phase : {Phase::closing, Phase::over}) {
        reach(phase);
        session->queue_frame(websocket::Opcode::text, base::as_bytes("late"));
        session->send_shared(ping);
        session->close(4000, "again", now);
        receive(text_frame("late"));
        EXPECT_EQ(sent(), "");
        EXPECT_EQ(told, Strings{});
    }
    reach(Phase::draining);
    receive(upgrade_request("/v1/match/arena", ""));
    EXPECT_EQ(told, Strings{});
}

TEST_F(PhasesTest, a_request_behind_the_last_one_is_not_answered) {
    open();
    const std::string last = "GET /page HTTP/1.1\r\nHost: relay\r\nConnection: close\r\n\r\n";
    receive(last);
    receive(last);
    EXPECT_EQ(told, Strings{"page /page"});
    EXPECT_EQ(session->phase(), Phase::http) << "the answer is not out yet";
    sent();
    EXPECT_EQ(session->phase(), Phase::draining);
}

TEST_F(PhasesTest, without_an_engine_there_is_no_tls) {
    reach(Phase::tls_handshake);
    receive("anything");
    EXPECT_TRUE(session->is_over());
}

TEST_F(PhasesTest, frames_for_many_wait_in_order_with_what_is_for_one) {
    reach(Phase::game);
    const auto ping = make_ping_frame(pool);
    const auto nothing = base::SharedBuffer::create(pool, 16);
    session->send_shared(nothing);
    EXPECT_EQ(sent(), "");
    session->send_shared(ping);
    session->send_shared(ping);
    session->queue_frame(websocket::Opcode::text, base::as_bytes("own"));
    session->send_shared(ping);
    const auto frames = sent_frames();
    ASSERT_EQ(frames.size(), 4U);
    EXPECT_EQ(frames[2].payload, "own");
    EXPECT_EQ(frames[3].opcode, websocket::Opcode::ping);
}

TEST_F(PhasesTest, a_close_frame_goes_out_in_place_of_what_was_too_much) {
    SessionOptions small;
    small.outbox_size_max = 1000;
    open_joined(small);
    sent();
    for (int count = 0; count < 3; ++count) {
        session->queue_frame(websocket::Opcode::text, base::as_bytes(std::string(900, 'x')));
    }
    session->close(4002, "kicked", now);
    const auto frames = sent_frames();
    ASSERT_EQ(frames.size(), 1U);
    EXPECT_EQ(websocket::parse_close(base::as_bytes(frames[0].payload)).code, 4002);
}

TEST_F(PhasesTest, counts_what_came_and_went) {
    reach(Phase::game);
    const std::uint64_t received = session->bytes_received();
    const std::uint64_t said = session->bytes_sent();
    const std::string question = frame(websocket::Opcode::ping, "ping");
    receive(question);
    EXPECT_EQ(session->bytes_received(), received + question.size());
    EXPECT_EQ(session->queued_size(), 6U);
    sent();
    EXPECT_EQ(session->queued_size(), 0U);
    EXPECT_EQ(session->bytes_sent(), said + 6);
    EXPECT_FALSE(session->is_tls());
}

}  // namespace
}  // namespace tickwire::session::test
