#include "service/http_text.hpp"

#include <gtest/gtest.h>

namespace tickwire::service {
namespace {

constexpr std::size_t head_size_max = 1024;

int status_of(std::string_view head, std::size_t size_max = head_size_max) {
    wire::HeadProgress progress;
    const auto parsed = parse_http_request(head, size_max, progress);
    return parsed ? (*parsed ? 200 : 0) : parsed.error();
}

TEST(HttpText, reads_a_request) {
    const std::string head =
        "PUT /v1/matches/a%20b?hold=3&url=wss%3a%2F%2Fx+y&flag HTTP/1.1\r\nHost: h\r\ncontent-LENGTH: "
        "5\r\nExpect: 100-continue\r\n\r\n";
    wire::HeadProgress progress;
    const auto parsed = parse_http_request(head + "hello", head_size_max, progress);
    ASSERT_TRUE(parsed && *parsed);
    const HttpRequest& request = (*parsed)->request;
    EXPECT_EQ((*parsed)->head_size, head.size());
    EXPECT_EQ(request.method, "PUT");
    EXPECT_EQ(request.path, "/v1/matches/a%20b");
    EXPECT_EQ(request.segments, (std::vector<std::string>{"v1", "matches", "a b"}));
    EXPECT_EQ(*request.parameter("hold"), "3");
    EXPECT_EQ(*request.parameter("url"), "wss://x y");
    EXPECT_EQ(*request.parameter("flag"), "");
    EXPECT_EQ(request.parameter("none"), nullptr);
    EXPECT_EQ(request.header_or_empty("HOST"), "h");
    EXPECT_EQ(request.header_or_empty("Origin"), "");
    EXPECT_EQ(request.content_size, 5U);
    EXPECT_TRUE(request.expects_continue);
}

TEST(HttpText, judges_a_head_the_same_however_much_of_it_has_come) {
    const std::string head = "GET /?a=b HTTP/1.1\r\nHost: h\r\n\r\n";
    for (std::size_t size = 0; size < head.size(); ++size) {
        EXPECT_EQ(status_of(head.substr(0, size)), 0) << size;
    }
    EXPECT_EQ(status_of(head), 200);
}

TEST(HttpText, refuses_what_is_not_strict) {
    EXPECT_EQ(status_of("GET / HTTP/2.0\r\n\r\n"), 505);
    EXPECT_EQ(status_of("GET /\r\n\r\n"), 400);
    EXPECT_EQ(status_of("GET / HTTP/1\r\n\r\n"), 400);
    EXPECT_EQ(status_of("G(T / HTTP/1.1\r\n\r\n"), 400);
    EXPECT_EQ(status_of("GET x HTTP/1.1\r\n\r\n"), 400);
    EXPECT_EQ(status_of("GET /a b HTTP/1.1\r\n\r\n"), 400);
    EXPECT_EQ(status_of("GET /%2 HTTP/1.1\r\n\r\n"), 400);
    EXPECT_EQ(status_of("GET /?%zz HTTP/1.1\r\n\r\n"), 400);
    EXPECT_EQ(status_of("GET / HTTP/1.1\n"), 400) << "at once";
    EXPECT_EQ(status_of("GET / HTTP/1.1\r\nHost: a\r\nhost: b\r\n\r\n"), 400);
    EXPECT_EQ(status_of("GET / HTTP/1.1\r\nOrigin: a\r\nOrigin: a\r\n\r\n"), 400);
    EXPECT_EQ(status_of("GET / HTTP/1.1\r\nContent-Length: 1\r\nContent-Length: 1\r\n\r\n"), 400);
    EXPECT_EQ(status_of("GET / HTTP/1.1\r\nContent-Length: -1\r\n\r\n"), 400);
    EXPECT_EQ(status_of("GET / HTTP/1.1\r\nContent-Length: 99999999999999999999\r\n\r\n"), 400);
    EXPECT_EQ(status_of("GET / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n"), 411);
    EXPECT_EQ(status_of("GET /" + std::string(head_size_max, 'x')), 431);
    std::string many = "GET / HTTP/1.1\r\n";
    for (int count = 0; count < 120; ++count) {
        many += "a:\r\n";
    }
    EXPECT_EQ(status_of(many), 431);
}

TEST(HttpText, refuses_more_parts_than_any_route_has) {
    constexpr std::size_t size = 16 * 1024;
    for (const std::string start : {"GET /?", "GET /"}) {
        const char part = start.back() == '?' ? '&' : '/';
        EXPECT_EQ(status_of(start + std::string(size, part) + " HTTP/1.1\r\n\r\n", 2 * size), 400) << start;
        EXPECT_EQ(status_of(start + std::string(15, part) + " HTTP/1.1\r\n\r\n"), 200) << start;
        EXPECT_EQ(status_of(start + std::string(17, part) + " HTTP/1.1\r\n\r\n"), 400) << start;
    }
}

TEST(HttpText, refuses_parameters_that_are_no_text) {
    EXPECT_EQ(status_of("GET /v1/x?reason=%c3%b6 HTTP/1.1\r\n\r\n"), 200);
    EXPECT_EQ(status_of("GET /v1/x?reason=%ff HTTP/1.1\r\n\r\n"), 400);
    EXPECT_EQ(status_of("GET /v1/x?%c3=reason HTTP/1.1\r\n\r\n"), 400);
}

TEST(HttpText, of_http_1_0_nobody_waits_for_100_continue) {
    wire::HeadProgress progress;
    const auto parsed = parse_http_request(
        "PUT / HTTP/1.0\r\nExpect: 100-continue\r\nContent-Length: 5\r\n\r\n", head_size_max, progress);
    ASSERT_TRUE(parsed && *parsed);
    EXPECT_FALSE((*parsed)->request.expects_continue);
}

TEST(HttpText, encodes_and_decodes_percents) {
    EXPECT_EQ(percent_encode("aZ0-._~ /?&=#%\xc3\xb6"), "aZ0-._~%20%2F%3F%26%3D%23%25%C3%B6");
    EXPECT_EQ(percent_decode("%41%2f%2F+"), "A//+");
    EXPECT_EQ(percent_decode(percent_encode("\x01 <b>\xff")), "\x01 <b>\xff");
    for (const char* const text : {"%", "%4", "a%", "%4g", "%g4"}) {
        EXPECT_EQ(percent_decode(text), std::nullopt) << text;
    }
}

}  // namespace
}  // namespace tickwire::service
