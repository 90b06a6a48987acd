// A request and its answer: pages, upgrades, refusals.
#include <gtest/gtest.h>

#include "session_fixture.hpp"

namespace tickwire::session::test {
namespace {

using Strings = std::vector<std::string>;

class RequestTest : public testing::Test, protected SessionRig {};

TEST_F(RequestTest, answers_pages_before_an_upgrade_on_the_same_connection) {
    open();
    receive("GET /favicon.ico HTTP/1.1\r\nHost: relay\r\n\r\n");
    EXPECT_NE(sent().find("\r\n\r\nhello"), std::string::npos);
    receive(upgrade_request("/v1/match/arena", "tickwire.v1"));
    EXPECT_EQ(sent().substr(0, 12), "HTTP/1.1 101");
    EXPECT_EQ(session->phase(), Phase::joining);
    EXPECT_EQ(told, (Strings{"page /favicon.ico", "upgrade arena"}));
}

TEST_F(RequestTest, takes_a_request_in_single_bytes) {
    open();
    for (const char byte : upgrade_request("/v1/match/arena", "tickwire.v1")) {
        receive(std::string(1, byte));
    }
    EXPECT_EQ(session->phase(), Phase::joining);
}

TEST_F(RequestTest, takes_frames_that_came_with_the_request) {
    open();
    receive(upgrade_request("/v1/match/arena", "tickwire.v1") +
            text_frame(R"({"op":"join","name":"Ann"})") + binary_frame(state_message("here")));
    EXPECT_EQ(told, (Strings{"upgrade arena", "join Ann", "state here"}));
}

TEST_F(RequestTest, refuses_a_malformed_request_and_closes) {
    open();
    receive("GET / HTTP/1.1\nHost: relay\n\n");
    EXPECT_EQ(sent().substr(0, 12), "HTTP/1.1 400");
    EXPECT_TRUE(session->is_draining());
}

TEST_F(RequestTest, refuses_paths_that_lead_nowhere) {
    for (const std::string path : {"/v1/match/", "/v1/match/..", "/v1/match/a%20b", "/v1/echo"}) {
        open();
        receive(upgrade_request(path, ""));
        EXPECT_EQ(sent().substr(0, 12), "HTTP/1.1 404") << path;
    }
}

TEST_F(RequestTest, asks_for_an_upgrade_where_there_is_none) {
    open();
    receive("GET /v1/match/arena HTTP/1.1\r\nHost: relay\r\n\r\n");
    EXPECT_EQ(sent().substr(0, 12), "HTTP/1.1 426");
    EXPECT_EQ(session->phase(), Phase::http);
}

TEST_F(RequestTest, refuses_other_subprotocols) {
    open();
    receive(upgrade_request("/v1/match/arena", "chat"));
    EXPECT_EQ(sent().substr(0, 12), "HTTP/1.1 400");
}

TEST_F(RequestTest, drains_after_an_answer_that_ends_the_connection) {
    open();
    receive("POST / HTTP/1.1\r\nHost: relay\r\n\r\n");
    EXPECT_FALSE(session->wants_input());
    EXPECT_EQ(sent().substr(0, 12), "HTTP/1.1 405");
    EXPECT_TRUE(session->is_draining());
    receive(std::string(100'000, 'b'));  // a body: read, so that closing does not reset the answer away
    EXPECT_EQ(sent(), "");
}

TEST_F(RequestTest, ends_the_connection_after_a_head_that_is_too_long) {
    open();
    receive("GET / HTTP/1.1\r\n" + std::string(60'000, 'x'));
    EXPECT_EQ(sent().substr(0, 12), "HTTP/1.1 431");
    EXPECT_TRUE(session->is_draining());
}

TEST_F(RequestTest, the_ticket_of_a_request_is_kept_for_the_join_and_no_longer) {
    open();
    receive(upgrade_request("/v1/match/arena?key", "tickwire.v1"));
    EXPECT_EQ(session->ticket(), "key");
    receive(text_frame(R"({"op":"join","name":"Ann"})"));
    EXPECT_EQ(told.back(), "join Ann by key");
    EXPECT_EQ(session->ticket(), "");
}

TEST_F(RequestTest, answers_head_with_the_head_of_a_page) {
    open();
    receive("HEAD /page HTTP/1.1\r\nHost: relay\r\n\r\n");
    const std::string answer = sent();
    EXPECT_NE(answer.find("Content-Length: 5\r\n"), std::string::npos);
    EXPECT_TRUE(answer.ends_with("\r\n\r\n"));
}

TEST_F(RequestTest, is_charged_for_what_a_send_pins) {
    open();
    receive("GET /page HTTP/1.1\r\nHost: relay\r\n\r\n");
    const std::size_t queued = session->queued_size();
    EXPECT_EQ(session->held_size(), queued);
    const std::size_t in_flight = session->begin_send(now).size();
    EXPECT_EQ(session->queued_size(), 0U);
    EXPECT_EQ(session->held_size(), in_flight);
    EXPECT_EQ(in_flight, queued);
    session->end_send(true, now);
    EXPECT_EQ(session->held_size(), 0U);
}

TEST_F(RequestTest, ends_who_asks_again_and_again_and_takes_no_answer) {
    SessionOptions small;
    small.outbox_size_max = 1000;
    std::string wrong_version = upgrade_request("/v1/match/arena", "");
    wrong_version.replace(wrong_version.find("Version: 13"), 11, "Version: 12");
    for (const std::string& request :
         {std::string("GET /page HTTP/1.1\r\nHost: relay\r\n\r\n"),
          std::string("GET /v1/match/ HTTP/1.1\r\nHost: relay\r\n\r\n"), wrong_version}) {
        open(small);
        int count = 0;
        while (count < 100 && !session->is_over()) {
            receive(request);
            ++count;
        }
        EXPECT_TRUE(session->is_over()) << request;
        EXPECT_EQ(std::exchange(counters.over_outbox, 0U), 1U) << request;
        EXPECT_GT(count, 2) << "the first answers were answers: " << request;
        EXPECT_LE(session->queued_size(), 1000U + wire::response_head_size_max + 5) << request;
    }
}

TEST_F(RequestTest, refuses_foreign_origins_with_403_and_counts_them) {
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

TEST_F(RequestTest, faults_name_the_origin_and_the_status_of_a_request_that_is_refused) {
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

}  // namespace
}  // namespace tickwire::session::test
