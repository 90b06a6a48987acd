#include "service/http_server.hpp"

#include <arpa/inet.h>
#include <gtest/gtest.h>
#include <netinet/in.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <stdexcept>

namespace tickwire::service {
namespace {

using std::chrono::milliseconds;
using Clock = std::chrono::steady_clock;

/// What a test waits for at most; nothing takes as long.
constexpr int patience_ms = 20'000;

class Client {
  public:
    explicit Client(const sockaddr_in& server) : descriptor_(::socket(AF_INET, SOCK_STREAM, 0)) {
        EXPECT_EQ(::connect(descriptor_, reinterpret_cast<const sockaddr*>(&server), sizeof server), 0);
    }
    ~Client() { ::close(descriptor_); }
    Client(const Client&) = delete;
    Client& operator=(const Client&) = delete;

    bool say(std::string_view text) const {
        return ::send(descriptor_, text.data(), text.size(), MSG_NOSIGNAL) ==
               static_cast<ssize_t>(text.size());
    }
    /// Says a byte now and then until the other side is done.
    void trickle(char letter) const {
        pollfd poll{descriptor_, POLLIN, 0};
        while (::poll(&poll, 1, 5) == 0) {
            say({&letter, 1});
        }
    }
    bool hears_nothing_for(int ms) const {
        pollfd poll{descriptor_, POLLIN, 0};
        return ::poll(&poll, 1, ms) == 0;
    }
    /// All up to the end.
    std::string hear() const {
        std::string text;
        std::array<char, 4096> buffer;
        pollfd poll{descriptor_, POLLIN, 0};
        while (::poll(&poll, 1, patience_ms) == 1) {
            const ssize_t size = ::recv(descriptor_, buffer.data(), buffer.size(), 0);
            if (size <= 0) {
                return text + (size < 0 ? "(reset)" : "");
            }
            text.append(buffer.data(), static_cast<std::size_t>(size));
        }
        return text + "(no end)";
    }
    /// The status of the answer, which came to its end.
    int status() const {
        const std::string text = hear();
        return text.starts_with("HTTP/1.1 ") && !text.ends_with(")") ? std::stoi(text.substr(9, 3)) : 0;
    }

  private:
    int descriptor_;
};

class HttpServerTest : public ::testing::Test {
  protected:
    void start(HttpServer::Limits limits) {
        const int listener = ::socket(AF_INET, SOCK_STREAM, 0);
        address_.sin_family = AF_INET;
        address_.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
        socklen_t size = sizeof address_;
        ASSERT_EQ(::bind(listener, reinterpret_cast<const sockaddr*>(&address_), size), 0);
        ASSERT_EQ(::listen(listener, 128), 0);
        ::getsockname(listener, reinterpret_cast<sockaddr*>(&address_), &size);
        const auto gate = [](const HttpRequest& request, HttpResponse& response) {
            answer_error(response, 401, "no");
            const bool is_allowed = request.header("No") == nullptr;
            response = is_allowed ? HttpResponse() : response;
            return is_allowed;
        };
        const auto echo = [](const HttpRequest& request, HttpResponse& response) {
            response.body = request.segments[0] + ":" + request.body;
        };
        const auto give_much = [](const HttpRequest&, HttpResponse& response) {
            response.body.assign(64 * 1024 * 1024, 'x');
        };
        const auto fail = [](const HttpRequest&, HttpResponse&) { throw std::runtime_error("on purpose"); };
        const std::vector<HttpServer::Route> routes{{"POST", "/echo", echo, 32 * 1024},
                                                    {"GET", "/*/deep", echo},
                                                    {"GET", "/much", give_much},
                                                    {"GET", "/fail", fail}};
        server_ = std::make_unique<HttpServer>(listener, gate, routes, counters_, limits);
    }
    int status_of(std::string_view request) const {
        const Client client(address_);
        client.say(request);
        return client.status();
    }

    sockaddr_in address_{};
    HttpServer::Counters counters_;
    std::unique_ptr<HttpServer> server_;
};

TEST_F(HttpServerTest, answers_and_closes) {
    start({});
    const Client client(address_);
    client.say("GET /a%20b/deep HTTP/1.1\r\n\r\n");
    const std::string answer = client.hear();
    EXPECT_TRUE(answer.starts_with("HTTP/1.1 200 OK\r\n")) << answer;
    EXPECT_TRUE(answer.ends_with("\r\n\r\na b:")) << answer;
    const Client with_body(address_);
    with_body.say("POST /echo HTTP/1.1\r\nContent-Length: 6\r\nExpect: 100-continue\r\n\r\n");
    EXPECT_FALSE(with_body.hears_nothing_for(patience_ms));
    with_body.say("abc");
    with_body.say("defghi");
    const std::string echoed = with_body.hear();
    EXPECT_TRUE(echoed.starts_with("HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 200 OK\r\n")) << echoed;
    EXPECT_TRUE(echoed.ends_with("\r\n\r\necho:abcdef")) << echoed;
    const Client head(address_);
    head.say("HEAD /a/deep HTTP/1.1\r\n\r\n");
    const std::string head_alone = head.hear();
    EXPECT_NE(head_alone.find("Content-Length: 2\r\n"), head_alone.npos);
    EXPECT_TRUE(head_alone.ends_with("\r\n\r\n")) << head_alone;
}

TEST_F(HttpServerTest, refuses_before_a_body_is_read) {
    start({});
    EXPECT_EQ(status_of("POST /echo HTTP/1.1\r\nNo: x\r\nContent-Length: 9\r\n\r\n"), 401);
    EXPECT_EQ(status_of("POST /echo HTTP/1.1\r\nContent-Length: 40000\r\n\r\n" + std::string(40'000, 'x')),
              413);
    EXPECT_EQ(status_of("GET /a/deep HTTP/1.1\r\nContent-Length: 1\r\n\r\n"), 413);
    EXPECT_EQ(status_of("POST /echo HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n"), 411);
    EXPECT_EQ(status_of("GET /a/deep/er HTTP/1.1\r\n\r\n"), 404);
    EXPECT_EQ(status_of("GET /a/ HTTP/1.1\r\n\r\n"), 404);
    EXPECT_EQ(status_of("GET /much/ HTTP/1.1\r\n\r\n"), 404);
    EXPECT_EQ(status_of("POST /a/deep HTTP/1.1\r\n\r\n"), 404);
    EXPECT_EQ(status_of("GET /fail HTTP/1.1\r\n\r\n"), 500);
    EXPECT_EQ(status_of("\x16\x03\x01\x02\n"), 400);
    EXPECT_EQ(counters_.too_large.load(), 2U);
    EXPECT_EQ(counters_.malformed.load(), 2U);
}

TEST_F(HttpServerTest, refuses_an_endless_head) {
    start({});
    const Client client(address_);
    client.say("GET /" + std::string(20'000, 'x'));
    EXPECT_EQ(client.status(), 431);
    EXPECT_EQ(counters_.too_large.load(), 1U);
}

TEST_F(HttpServerTest, no_byte_prolongs_a_request) {
    start({.request_time = milliseconds(200)});
    for (const std::string_view begin :
         {"", "GET /", "POST /echo HTTP/1.1\r\nContent-Length: 30000\r\n\r\n"}) {
        const auto since = Clock::now();
        const Client client(address_);
        client.say(begin);
        client.trickle('x');
        EXPECT_EQ(client.status(), 408);
        EXPECT_GE(Clock::now() - since, milliseconds(200));
    }
    EXPECT_EQ(counters_.too_slow.load(), 3U);
}

TEST_F(HttpServerTest, does_not_wait_for_who_takes_no_answer) {
    start({.answer_time = milliseconds(200)});
    const Client client(address_);
    client.say("GET /much HTTP/1.1\r\n\r\n");
    for (const auto end = Clock::now() + milliseconds(patience_ms);
         counters_.too_slow == 0 && Clock::now() < end;) {
        std::this_thread::yield();
    }
    EXPECT_EQ(counters_.too_slow.load(), 1U);
    EXPECT_LT(client.hear().size(), 64 * 1024 * 1024U);
}

TEST_F(HttpServerTest, serves_so_many_at_a_time_and_lets_others_wait) {
    start({.connection_count = 2});
    auto first = std::make_unique<Client>(address_);
    const Client second(address_);
    const Client third(address_);
    third.say("GET /third/deep HTTP/1.1\r\n\r\n");
    EXPECT_TRUE(third.hears_nothing_for(100));
    first.reset();
    EXPECT_EQ(third.status(), 200);
    EXPECT_GE(counters_.full.load(), 1U);
}

TEST_F(HttpServerTest, ends_while_some_are_slow) {
    start({});
    const Client silent(address_);
    const Client deaf(address_);
    deaf.say("GET /much HTTP/1.1\r\n\r\n");
    EXPECT_FALSE(deaf.hears_nothing_for(patience_ms));
    const auto since = Clock::now();
    server_.reset();
    EXPECT_LT(Clock::now() - since, milliseconds(5'000));
    EXPECT_EQ(silent.hear(), "");
}

}  // namespace
}  // namespace tickwire::service
