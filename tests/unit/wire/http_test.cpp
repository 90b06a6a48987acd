// The HTTP of the upgrade, both sides. Every request is also given byte by byte: the verdict must not come
// to differ, and must not come before the byte that decides it.
#include "wire/http.hpp"

#include <gtest/gtest.h>

#include <deque>
#include <string>
#include <vector>

#include "tickwire/websocket.hpp"

namespace tickwire::wire {
namespace {

constexpr std::string_view key = "dGhlIHNhbXBsZSBub25jZQ==";

using RequestResult = tl::expected<std::optional<ParsedRequest>, HttpError>;

/// Parses `head`, and each start of it, by itself and with one reader for all; a verdict on a start must be
/// the verdict on the whole.
RequestResult parse(const std::string& head) {
    const RequestResult whole = parse_request(base::as_bytes(head));
    RequestReader reader;
    bool is_settled = false;
    for (std::size_t size = 0; size < head.size(); ++size) {
        // In memory of its own, so that the sanitizer sees a read too far.
        const std::vector<char> start(head.begin(), head.begin() + static_cast<std::ptrdiff_t>(size));
        const base::Bytes bytes = base::as_bytes({start.data(), start.size()});
        const auto result = parse_request(bytes);
        if (!is_settled) {
            const auto same = reader.next(bytes);
            EXPECT_EQ(result.has_value(), same.has_value()) << "after " << size << " bytes";
            is_settled = !same || *same;
        }
        if (!result) {
            EXPECT_FALSE(whole) << "refused after " << size << " bytes";
            EXPECT_TRUE(whole || whole.error() == result.error());
        } else if (*result) {
            EXPECT_TRUE(whole && *whole && (*whole)->size == (*result)->size);
        }
    }
    return whole;
}

/// The request of a good head; what its views lie in is kept to the end of the program.
HttpRequest parse_good(std::string text) {
    static std::deque<std::string> heads;
    const std::string& head = heads.emplace_back(std::move(text));
    const auto result = parse(head);
    EXPECT_TRUE(result && *result) << head;
    return result && *result ? (*result)->request : HttpRequest{};
}

void expect_refused(const std::string& head, HttpError error = HttpError::malformed) {
    const auto result = parse(head);
    ASSERT_FALSE(result) << head;
    EXPECT_EQ(result.error(), error) << head;
}

/// A GET of `/` with `fields` (each ended by CRLF) behind Host.
std::string get(std::string_view fields) {
    return "GET / HTTP/1.1\r\nHost: a\r\n" + std::string(fields) + "\r\n";
}

std::string upgrade(std::string_view more = "", std::string_view target = "/v1/match/arena") {
    return "GET " + std::string(target) +
           " HTTP/1.1\r\nHost: relay.example:7000\r\nConnection: keep-alive, Upgrade\r\nUpgrade: "
           "websocket\r\n"
           "Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: " +
           std::string(key) + "\r\n" + std::string(more) + "\r\n";
}

TEST(HttpRequest, reads_an_upgrade) {
    const HttpRequest request =
        parse_good(upgrade("Origin: https://game.example\r\nX-Forwarded-For: 10.0.0.1\r\nX-Forwarded-For: "
                           "192.0.2.7, 10.0.0.2\r\n"
                           "Sec-WebSocket-Protocol: chat, tickwire.v1\r\n",
                           "/v1/match/arena-7?ticket=a.b.c?d"));
    EXPECT_FALSE(request.is_head);
    EXPECT_TRUE(request.keep_alive);
    EXPECT_TRUE(request.wants_upgrade);
    EXPECT_EQ(request.path, "/v1/match/arena-7");
    EXPECT_EQ(request.query, "ticket=a.b.c?d");
    EXPECT_EQ(request.host, "relay.example:7000");
    EXPECT_EQ(request.origin, "https://game.example");
    ASSERT_EQ(request.forwarded_for.count, 2U);
    EXPECT_EQ(request.forwarded_for.lines[0], "10.0.0.1");
    EXPECT_EQ(request.forwarded_for.lines[1], "192.0.2.7, 10.0.0.2");
    EXPECT_EQ(request.websocket_key, key);
    EXPECT_EQ(request.websocket_version, "13");
    EXPECT_TRUE(request.offers_subprotocol);
    EXPECT_TRUE(request.offers_tickwire);
}

TEST(HttpRequest, reads_a_plain_request) {
    const HttpRequest request = parse_good("HEAD /demo/ HTTP/1.1\r\nHost: [::1]:80\r\n\r\n");
    EXPECT_TRUE(request.is_head);
    EXPECT_TRUE(request.keep_alive);
    EXPECT_FALSE(request.wants_upgrade);
    EXPECT_EQ(request.path, "/demo/");
    EXPECT_TRUE(request.origin.empty() && request.query.empty() && request.websocket_key.empty());
    EXPECT_FALSE(request.offers_subprotocol);
}

TEST(HttpRequest, takes_names_and_tokens_in_any_case) {
    const HttpRequest request = parse_good(
        "GET / HTTP/1.1\r\nhOST:a\r\nCONNECTION:\t upgrade , KEEP-ALIVE \t\r\nupgrade: WebSocket\r\n"
        "sec-websocket-key:" +
        std::string(key) + "\r\nSEC-WEBSOCKET-VERSION:13\r\n\r\n");
    EXPECT_TRUE(request.wants_upgrade);
    EXPECT_EQ(judge_upgrade(request), 101);
}

TEST(HttpRequest, keeps_the_last_of_too_many_proxies_lines) {
    std::string fields;
    for (int hop = 1; hop <= 10; ++hop) {
        fields += "X-Forwarded-For: 10.0.0." + std::to_string(hop) + "\r\n";
    }
    const HttpRequest request = parse_good(get(fields));
    const auto lines = request.forwarded_for.all();
    ASSERT_EQ(lines.size(), ForwardedFor::count_max);
    for (std::size_t index = 0; index < lines.size(); ++index) {
        EXPECT_EQ(lines[index], "10.0.0." + std::to_string(index + 3));
    }
}

TEST(HttpRequest, reads_lists_over_several_fields) {
    const HttpRequest request =
        parse_good(get("Connection: keep-alive\r\nConnection: upgrade\r\nUpgrade: h2c, websocket\r\n"
                       "Sec-WebSocket-Protocol: a\r\nSec-WebSocket-Protocol: , tickwire.v1,\r\n"));
    EXPECT_TRUE(request.wants_upgrade);
    EXPECT_TRUE(request.offers_tickwire);
}

TEST(HttpRequest, wants_an_upgrade_only_by_both_fields_and_by_a_get_of_1_1) {
    EXPECT_FALSE(parse_good(get("Upgrade: websocket\r\n")).wants_upgrade);
    EXPECT_FALSE(parse_good(get("Connection: upgrade\r\n")).wants_upgrade);
    EXPECT_FALSE(parse_good(get("Connection: upgrades\r\nUpgrade: websocket\r\n")).wants_upgrade);
    EXPECT_FALSE(parse_good(get("Connection: upgrade\r\nUpgrade: websockets\r\n")).wants_upgrade);
    const std::string fields =
        " / HTTP/1.1\r\nHost: a\r\nConnection: upgrade\r\nUpgrade: websocket\r\n\r\n";
    EXPECT_TRUE(parse_good("GET" + fields).wants_upgrade);
    EXPECT_FALSE(parse_good("HEAD" + fields).wants_upgrade);
    EXPECT_FALSE(
        parse_good("GET / HTTP/1.0\r\nConnection: upgrade\r\nUpgrade: websocket\r\n\r\n").wants_upgrade);
}

TEST(HttpRequest, keeps_alive_unless_told_otherwise) {
    EXPECT_TRUE(parse_good(get("")).keep_alive);
    EXPECT_FALSE(parse_good(get("Connection: Close\r\n")).keep_alive);
    EXPECT_FALSE(parse_good(get("Connection: foo, close\r\n")).keep_alive);
    EXPECT_FALSE(parse_good("GET / HTTP/1.0\r\n\r\n").keep_alive);
    EXPECT_FALSE(parse_good("GET / HTTP/1.0\r\nConnection: keep-alive\r\n\r\n").keep_alive);
}

TEST(HttpRequest, offers_tickwire_only_by_its_exact_name) {
    EXPECT_FALSE(parse_good(get("Sec-WebSocket-Protocol: Tickwire.v1\r\n")).offers_tickwire);
    EXPECT_FALSE(parse_good(get("Sec-WebSocket-Protocol: tickwire.v2\r\n")).offers_tickwire);
    EXPECT_TRUE(parse_good(get("Sec-WebSocket-Protocol: tickwire.v2, tickwire.v1\r\n")).offers_tickwire);
    EXPECT_TRUE(parse_good(get("Sec-WebSocket-Protocol:\r\n")).offers_subprotocol);
    expect_refused(get("Sec-WebSocket-Protocol: two words\r\n"));
}

TEST(HttpRequest, waits_for_the_end_of_the_head) {
    const std::string head = upgrade();
    for (std::size_t size = 0; size < head.size(); ++size) {
        const auto result = parse_request(base::as_bytes(std::string_view(head).substr(0, size)));
        ASSERT_TRUE(result) << size;
        ASSERT_FALSE(*result) << size;
    }
}

TEST(RequestReader, looks_at_each_byte_of_a_head_once) {
    const std::string head = upgrade();
    RequestReader reader;
    ASSERT_FALSE(*reader.next(base::as_bytes(std::string_view(head).substr(0, head.size() - 1))));
    // What was searched is not read again before the head is whole: here it cannot have become a bad one.
    ASSERT_FALSE(*reader.next(base::as_bytes(std::string(head.size() - 1, '\x01'))));
    const auto result = reader.next(base::as_bytes(head));
    ASSERT_TRUE(result && *result);
    EXPECT_EQ((*result)->size, head.size());
    const auto next = reader.next(base::as_bytes(get("")));
    ASSERT_TRUE(next && *next);
    EXPECT_EQ((*next)->size, get("").size());
}

TEST(RequestReader, takes_another_limit_on_the_way) {
    const std::string start = "GET / HTTP/1.1\r\nHost: a";
    RequestReader reader;
    ASSERT_FALSE(*reader.next(base::as_bytes(start)));
    EXPECT_EQ(reader.next(base::as_bytes(start), start.size() - 1).error(), HttpError::head_too_long);
}

TEST(HttpRequest, leaves_what_follows_the_head) {
    const std::string head = upgrade();
    for (const std::string_view behind :
         {"GET / HTTP/1.1\r\n", "\x82\x80\x01\x02\x03\x04", "\r\n\r\n", "\xff"}) {
        const auto result = parse_request(base::as_bytes(head + std::string(behind)));
        ASSERT_TRUE(result && *result);
        EXPECT_EQ((*result)->size, head.size());
    }
    const auto result = parse_request(base::as_bytes(head + std::string(20000, '\xff')));
    ASSERT_TRUE(result && *result);
    EXPECT_EQ((*result)->size, head.size());
}

TEST(HttpRequest, refuses_request_lines_that_are_not_strict) {
    for (const std::string_view line : {"",
                                        "GET",
                                        "GET /",
                                        "GET  / HTTP/1.1",
                                        "GET /  HTTP/1.1",
                                        " GET / HTTP/1.1",
                                        "GET / HTTP/1.1 ",
                                        "GET / HTTP/11",
                                        "GET / http/1.1",
                                        "GET / HTTP/1,1",
                                        "GET / HTTP/1.11",
                                        "GET a HTTP/1.1",
                                        "GET / HTTP/x.1",
                                        "GET / HTTP/1.x",
                                        "GET /\x7f HTTP/1.1",
                                        "GET /\x80 HTTP/1.1",
                                        "GET * HTTP/1.1",
                                        "GET http://a/ HTTP/1.1",
                                        "GET /#a HTTP/1.1",
                                        "GET /a b HTTP/1.1",
                                        "GET /\xc3\xa9 HTTP/1.1",
                                        "G(T / HTTP/1.1",
                                        "GET\t/ HTTP/1.1"}) {
        expect_refused(std::string(line) + "\r\nHost: a\r\n\r\n");
    }
}

TEST(HttpRequest, refuses_other_methods_and_versions) {
    for (const std::string_view method : {"POST", "PUT", "OPTIONS", "get", "GETS", "PRI"}) {
        expect_refused(std::string(method) + " / HTTP/1.1\r\nHost: a\r\n\r\n",
                       HttpError::method_unsupported);
    }
    expect_refused("CONNECT a:443 HTTP/1.1\r\nHost: a\r\n\r\n", HttpError::method_unsupported);
    expect_refused("OPTIONS * HTTP/1.1\r\nHost: a\r\n\r\n", HttpError::method_unsupported);
    expect_refused("GET / HTTP/2.0\r\nHost: a\r\n\r\n", HttpError::version_unsupported);
    expect_refused("GET / HTTP/0.9\r\nHost: a\r\n\r\n", HttpError::version_unsupported);
    expect_refused("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", HttpError::version_unsupported);
    EXPECT_TRUE(parse_good("GET / HTTP/1.2\r\nHost: a\r\n\r\n").keep_alive);
}

TEST(HttpRequest, refuses_lines_that_are_not_strict) {
    expect_refused("GET / HTTP/1.1\nHost: a\n\n");
    expect_refused("GET / HTTP/1.1\r\nHost: a\n\r\n");
    expect_refused("GET / HTTP/1.1\r\nHost: a\r\n\n");
    expect_refused("GET / HTTP/1.1\r\nHost: a\rX: b\r\n\r\n");
    expect_refused("GET / HTTP/1.1\r\r\nHost: a\r\n\r\n");
    expect_refused("\r\nGET / HTTP/1.1\r\nHost: a\r\n\r\n");
    expect_refused(get("Folded: a\r\n b\r\n"));
    expect_refused(get(" Leading: a\r\n"));
    expect_refused(get("Space : a\r\n"));
    expect_refused(get("No colon\r\n"));
    expect_refused(get(": no name\r\n"));
    expect_refused(get("Na\xc3\xafve: a\r\n"));
    expect_refused(get("X: a\x01\r\n"));
    expect_refused(get("X: a\x7f\r\n"));
    expect_refused(get(std::string_view("X: a\0b\r\n", 8)));
    EXPECT_EQ(parse_good(get("X: caf\xc3\xa9\tand more\r\n")).host, "a");
}

TEST(HttpRequest, refuses_a_tls_hello_at_its_first_byte) {
    const auto result = parse_request(base::as_bytes("\x16\x03\x01"));
    ASSERT_FALSE(result);
    EXPECT_EQ(result.error(), HttpError::malformed);
}

TEST(HttpRequest, demands_exactly_one_host) {
    expect_refused("GET / HTTP/1.1\r\n\r\n");
    expect_refused("GET / HTTP/1.1\r\nHost:\r\n\r\n");
    expect_refused(get("Host: a\r\n"));
    expect_refused(get("Host: b\r\n"));
    for (const std::string_view host : {"a b", "a/b", "user@a", "a\"b", "a<b", "a?b", "a\\b", "\xc3\xa9"}) {
        expect_refused("GET / HTTP/1.1\r\nHost: " + std::string(host) + "\r\n\r\n");
    }
    EXPECT_EQ(parse_good("GET / HTTP/1.0\r\n\r\n").host, "");
}

TEST(HttpRequest, refuses_a_body) {
    for (const std::string_view length :
         {"1", "00001", "", "-0", "+0", "0, 0", "0x0", "99999999999999999999"}) {
        expect_refused(get("Content-Length: " + std::string(length) + "\r\n"));
    }
    expect_refused(get("Content-Length: 0\r\nContent-Length: 0\r\n"));
    expect_refused(get("Transfer-Encoding: chunked\r\n"));
    expect_refused(get("transfer-encoding: identity\r\n"));
    EXPECT_TRUE(parse_good(get("Content-Length: 0\r\n")).keep_alive);
}

TEST(HttpRequest, refuses_a_second_opinion) {
    expect_refused(upgrade("Sec-WebSocket-Key: " + std::string(key) + "\r\n"));
    expect_refused(upgrade("Sec-WebSocket-Version: 13\r\n"));
    expect_refused(get("Origin: https://a\r\nOrigin: https://b\r\n"));
    expect_refused(get("Origin:\r\nOrigin: https://b\r\n"));
}

TEST(HttpRequest, checks_that_the_key_is_base64_of_16_bytes) {
    for (const std::string_view bad :
         {"", "dGhlIHNhbXBsZSBub25jZQ=", "dGhlIHNhbXBsZSBub25jZQ",
          "dGhlIHNhbXBsZSBub25jZQ===", "dGhlIHNhbXBsZSBub25jZ===", "dGhlIHNhbXBsZSBub25jZQ=A",
          "dGhlIHNhbXBsZSBub25jZ!==", "dGhlIHNh-XBsZSBub25jZQ=="}) {
        expect_refused(get("Sec-WebSocket-Key: " + std::string(bad) + "\r\n"));
    }
    EXPECT_EQ(parse_good(get("Sec-WebSocket-Key: AQIDBAUGBwgJCgsMDQ4+/w==\r\n")).websocket_key,
              "AQIDBAUGBwgJCgsMDQ4+/w==");
}

TEST(HttpRequest, bounds_the_size_of_a_head) {
    const std::string rest = get("X: \r\n");
    const std::size_t room = request_head_size_max - rest.size();
    const auto exact = parse_request(base::as_bytes(get("X: " + std::string(room, 'a') + "\r\n")));
    ASSERT_TRUE(exact && *exact);
    EXPECT_EQ((*exact)->size, request_head_size_max);
    const std::string over = get("X: " + std::string(room + 1, 'a') + "\r\n");
    EXPECT_EQ(parse_request(base::as_bytes(over)).error(), HttpError::head_too_long);
    const std::string_view unfinished = std::string_view(over).substr(0, request_head_size_max);
    EXPECT_EQ(parse_request(base::as_bytes(unfinished)).error(), HttpError::head_too_long);
    EXPECT_TRUE(parse_request(base::as_bytes(unfinished.substr(1, 0))));
    EXPECT_FALSE(*parse_request(base::as_bytes(unfinished.substr(0, request_head_size_max - 1))));

    EXPECT_TRUE(parse_request(base::as_bytes(over), over.size()));
    EXPECT_EQ(parse_request(base::as_bytes(over), over.size() - 1).error(), HttpError::head_too_long);
}

TEST(HttpRequest, bounds_the_count_of_fields) {
    std::string fields;
    for (std::size_t i = 1; i < request_header_count_max; ++i) {  // Host is one, too
        fields += "X: a\r\n";
    }
    EXPECT_TRUE(parse_good(get(fields)).keep_alive);
    expect_refused(get(fields + "X: a\r\n"), HttpError::head_too_long);
}

TEST(HttpRequest, gives_each_error_its_status) {
    EXPECT_EQ(status_of(HttpError::malformed), 400);
    EXPECT_EQ(status_of(HttpError::head_too_long), 431);
    EXPECT_EQ(status_of(HttpError::version_unsupported), 505);
    EXPECT_EQ(status_of(HttpError::method_unsupported), 405);
}

TEST(HttpRoute, tells_match_echo_and_the_rest_apart) {
    EXPECT_EQ(route_path("/v1/match/arena")->route, Route::match);
    EXPECT_EQ(route_path("/v1/match/arena")->match, "arena");
    EXPECT_EQ(route_path("/v1/echo")->route, Route::echo);
    for (const std::string_view path :
         {"/", "/v1", "/v1/match", "/v1/echo/", "/v1/Echo", "/V1/match/a", "//v1/echo"}) {
        ASSERT_TRUE(route_path(path)) << path;
        EXPECT_EQ(route_path(path)->route, Route::other) << path;
    }
    for (const std::string_view path : {"/v1/match/", "/v1/match/a/b", "/v1/match/a%20b", "/v1/match/.."}) {
        EXPECT_FALSE(route_path(path)) << path;
    }
}

TEST(HttpRoute, accepts_match_names_of_unreserved_characters) {
    for (const std::string& name :
         {std::string("a"), std::string("..."), std::string("A.z_0~9-"), std::string(64, 'x')}) {
        EXPECT_TRUE(is_match_name(name)) << name;
    }
    for (const std::string& name :
         {std::string(), std::string("."), std::string(".."), std::string(65, 'x'), std::string("a/b"),
          std::string("a b"), std::string("a%41"), std::string("\xc3\xa9"), std::string("a\0", 2),
          std::string("a+b")}) {
        EXPECT_FALSE(is_match_name(name)) << name;
    }
}

template <typename Encode>
std::string encoded(Encode encode) {
    std::vector<std::uint8_t> room(response_head_size_max);
    const std::size_t size = encode(room.data());
    return std::string(base::as_text(base::Bytes{room}.first(size)));
}

std::string answer(const std::string& head) {
    const HttpRequest request = parse_good(head);
    return encoded([&](std::uint8_t* to) { return encode_upgrade_response(request, to); });
}

TEST(HttpResponse, accepts_an_upgrade_as_the_example_of_rfc_6455) {
    EXPECT_EQ(answer(upgrade()),
              "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
              "Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n\r\n");
    EXPECT_EQ(
        answer(upgrade(
            "Sec-WebSocket-Protocol: x, tickwire.v1\r\nSec-WebSocket-Extensions: permessage-deflate\r\n")),
        "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
        "Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\nSec-WebSocket-Protocol: "
        "tickwire.v1\r\n\r\n");
}

TEST(HttpResponse, refuses_what_is_no_good_upgrade) {
    const std::string fields = "Connection: upgrade\r\nUpgrade: websocket\r\n";
    const std::string with_key = fields + "Sec-WebSocket-Key: " + std::string(key) + "\r\n";
    EXPECT_EQ(judge_upgrade(parse_good(get(""))), 426);
    EXPECT_EQ(judge_upgrade(parse_good(get(with_key))), 426);
    EXPECT_EQ(judge_upgrade(parse_good(get(with_key + "Sec-WebSocket-Version: 8\r\n"))), 426);
    EXPECT_EQ(judge_upgrade(parse_good(get(fields + "Sec-WebSocket-Version: 13\r\n"))), 400);
    EXPECT_EQ(judge_upgrade(parse_good(upgrade("Sec-WebSocket-Protocol: chat\r\n"))), 400);
    EXPECT_EQ(judge_upgrade(parse_good(upgrade("Sec-WebSocket-Protocol:\r\n"))), 400);
    EXPECT_TRUE(answer(get("")).starts_with("HTTP/1.1 426 Upgrade Required\r\n"));
    EXPECT_NE(answer(get(with_key)).find("Sec-WebSocket-Version: 13\r\n"), std::string::npos);
    EXPECT_TRUE(answer(upgrade("Sec-WebSocket-Protocol: chat\r\n")).starts_with("HTTP/1.1 400 "));
    const std::string no_key = answer(get(fields + "Sec-WebSocket-Version: 13\r\n"));
    EXPECT_TRUE(no_key.starts_with("HTTP/1.1 400 ") && no_key.ends_with("Sec-WebSocket-Key is missing.\n"));
}

TEST(HttpResponse, writes_refusals_of_every_status) {
    for (const std::uint16_t status :
         std::initializer_list<std::uint16_t>{400, 403, 404, 405, 426, 431, 503, 505}) {
        const std::string text = encoded([status](std::uint8_t* to) {
            return encode_refusal(status, std::string(127, 'd'), false, false, to);
        });
        EXPECT_TRUE(text.starts_with("HTTP/1.1 " + std::to_string(status) + " "));
        EXPECT_NE(text.find("Content-Length: 127\r\n"), std::string::npos);
        EXPECT_NE(text.find("Connection: close"), std::string::npos);
        EXPECT_TRUE(text.ends_with("\r\n\r\n" + std::string(127, 'd')));
    }
}

TEST(HttpResponse, sends_a_head_no_body_and_keeps_alive) {
    const std::string text =
        encoded([](std::uint8_t* to) { return encode_refusal(404, "none", true, true, to); });
    EXPECT_EQ(
        text,
        "HTTP/1.1 404 Not Found\r\nContent-Type: text/plain; charset=utf-8\r\nContent-Length: 4\r\n\r\n");
}

TEST(HttpResponse, names_what_is_allowed_where_the_status_demands_it) {
    const auto refusal = [](std::uint16_t status, bool keep_alive = false) {
        return encoded([&](std::uint8_t* to) { return encode_refusal(status, "", keep_alive, false, to); });
    };
    for (const std::uint16_t status : std::initializer_list<std::uint16_t>{405, 426}) {
        const bool says_upgrade =
            refusal(status, true).find("Connection: Upgrade\r\n") != std::string::npos;
        EXPECT_EQ(refusal(status, true).find("close"), std::string::npos);
        EXPECT_EQ(says_upgrade, status == 426);
    }
    EXPECT_NE(refusal(405, true).find("Allow: GET, HEAD\r\n"), std::string::npos);
    EXPECT_NE(refusal(405).find("Allow: GET, HEAD\r\n"), std::string::npos);
    EXPECT_NE(refusal(426).find("Upgrade: websocket\r\n"), std::string::npos);
    EXPECT_NE(refusal(426).find("Connection: close, Upgrade\r\n"), std::string::npos);
}

TEST(HttpResponse, writes_the_head_of_an_asset) {
    const std::string text =
        encoded([](std::uint8_t* to) { return encode_asset_head("text/html", 1234567, false, to); });
    EXPECT_TRUE(text.starts_with("HTTP/1.1 200 OK\r\nContent-Type: text/html\r\n"));
    EXPECT_NE(text.find("Content-Length: 1234567\r\nConnection: close\r\n\r\n"), std::string::npos);
}

std::string client_request(std::string_view target, std::string_view subprotocol) {
    std::vector<std::uint8_t> room(request_head_size_max);
    const std::size_t size = encode_upgrade_request("a:1", target, key, subprotocol, room.data());
    return std::string(base::as_text(base::Bytes{room}.first(size)));
}

TEST(HttpClient, writes_a_request_that_the_server_accepts) {
    const std::string head = client_request("/v1/match/a?ticket=b", "tickwire.v1");
    const HttpRequest request = parse_good(head);
    EXPECT_EQ(request.path, "/v1/match/a");
    EXPECT_EQ(request.query, "ticket=b");
    EXPECT_EQ(request.host, "a:1");
    EXPECT_TRUE(request.offers_tickwire);
    EXPECT_EQ(judge_upgrade(request), 101);
    EXPECT_FALSE(parse_good(client_request("/v1/echo", "")).offers_subprotocol);
}

TEST(HttpClient, writes_no_request_that_is_too_long) {
    const std::size_t room = request_head_size_max - client_request("/", "").size();
    EXPECT_EQ(client_request("/" + std::string(room, 'a'), "").size(), request_head_size_max);
    EXPECT_EQ(client_request("/" + std::string(room + 1, 'a'), ""), "");
}

tl::expected<std::optional<UpgradeAnswer>, HttpError> parse_answer(std::string_view text) {
    return parse_upgrade_answer(base::as_bytes(text), key);
}

TEST(HttpClient, accepts_the_servers_answer) {
    const std::string text = answer(upgrade("Sec-WebSocket-Protocol: tickwire.v1\r\n"));
    const std::string with_frame = text + "\x82\x01!";
    const auto result = parse_answer(with_frame);
    ASSERT_TRUE(result && *result);
    EXPECT_TRUE((*result)->is_accepted);
    EXPECT_EQ((*result)->status, 101);
    EXPECT_EQ((*result)->subprotocol, "tickwire.v1");
    EXPECT_EQ((*result)->size, text.size());
    for (std::size_t size = 0; size < text.size(); ++size) {
        ASSERT_FALSE(parse_answer(text.substr(0, size)).value()) << size;
    }
}

TEST(HttpClient, accepts_no_answer_that_lacks_a_part) {
    const std::string accept = "Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n";
    const std::string fields = "Upgrade: WebSocket\r\nConnection: upgrade\r\n";
    const auto is_accepted = [](const std::string& start, const std::string& lines) {
        return (*parse_answer(start + "\r\n" + lines + "\r\n"))->is_accepted;
    };
    EXPECT_TRUE(is_accepted("HTTP/1.1 101 ", fields + accept));
    EXPECT_FALSE(is_accepted("HTTP/1.1 200 OK", fields + accept));
    EXPECT_FALSE(is_accepted("HTTP/1.0 101 x", fields + accept));
    EXPECT_FALSE(is_accepted("HTTP/1.1 101 x", "Upgrade: websocket\r\n" + accept));
    EXPECT_FALSE(is_accepted("HTTP/1.1 101 x", "Connection: upgrade\r\n" + accept));
    EXPECT_FALSE(is_accepted("HTTP/1.1 101 x", fields));
    EXPECT_FALSE(
        is_accepted("HTTP/1.1 101 x", fields + "Sec-WebSocket-Accept: S3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n"));
    EXPECT_FALSE(is_accepted("HTTP/1.1 101 x",
                             fields + accept + "Sec-WebSocket-Extensions: permessage-deflate\r\n"));
}

TEST(HttpClient, reads_a_refusal) {
    const std::string text =
        encoded([](std::uint8_t* to) { return encode_refusal(503, "full", true, false, to); });
    const auto result = parse_answer(text);
    ASSERT_TRUE(result && *result);
    EXPECT_EQ((*result)->status, 503);
    EXPECT_FALSE((*result)->is_accepted);
    EXPECT_EQ((*result)->size, text.size() - 4);
}

TEST(HttpClient, refuses_answers_that_are_not_http) {
    for (const std::string_view line :
         {"", "HTTP/1.1 10 x", "HTTP/1.1 101", "HTTP/1.1  101 x", "HTTP/x.1 101 x", "HTTP/1,1 101 x",
          "HTTP/1.x 101 x", "HTTP/1.1\t101 x", "HTTP/1.1 o01 x", "HTTP/1.1 10o x", "HTTP/1.1 1010 x",
          "HTTP/1.1 1o1 x", "http/1.1 101 x", "\x15\x03\x01"}) {
        const auto result = parse_answer(std::string(line) + "\r\n\r\n");
        ASSERT_FALSE(result) << line;
        EXPECT_EQ(result.error(), HttpError::malformed);
    }
    EXPECT_EQ(parse_answer("HTTP/2.0 101 x\r\n\r\n").error(), HttpError::version_unsupported);
    EXPECT_EQ(parse_answer("HTTP/1.1 101 x\r\nSec-WebSocket-Accept: a\r\nSec-WebSocket-Accept: a\r\n\r\n")
                  .error(),
              HttpError::malformed);
}

}  // namespace
}  // namespace tickwire::wire
