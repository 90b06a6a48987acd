// A connection that begins with a PROXY header.
#include <gtest/gtest.h>

#include "session_fixture.hpp"

namespace tickwire::session::test {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;
using Strings = std::vector<std::string>;

constexpr const char* proxy_line = "PROXY TCP4 203.0.113.7 192.0.2.1 4711 443\r\n";

class ProxiedTest : public testing::Test, protected SessionRig {};

TEST_F(ProxiedTest, takes_a_proxy_header_in_every_split_with_what_follows_it) {
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

TEST_F(ProxiedTest, ends_at_once_without_a_proxy_header_and_says_nothing) {
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

TEST_F(ProxiedTest, ends_where_the_proxys_client_is_over_a_limit) {
    preamble = Preamble::proxy_header;
    accepts = false;
    open();
    receive(proxy_line + upgrade_request("/v1/match/arena", "tickwire.v1"));
    EXPECT_TRUE(session->is_over());
    EXPECT_EQ(told, (Strings{"proxy for 203.0.113.7"}));
}

TEST_F(ProxiedTest, a_proxy_header_has_the_time_of_a_handshake_and_a_request_behind_it_its_own) {
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

TEST_F(ProxiedTest, a_newcomer_behind_a_proxy_is_held_for_its_turn_from_its_header_on) {
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

}  // namespace
}  // namespace tickwire::session::test
