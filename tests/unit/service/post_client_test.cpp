#include "service/post_client.hpp"

#include <arpa/inet.h>
#include <gtest/gtest.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <atomic>
#include <functional>
#include <thread>

namespace tickwire::service {
namespace {

using std::chrono::milliseconds;
using Clock = std::chrono::steady_clock;

/// For what is to be quick; and for what is to run into it.
constexpr milliseconds long_timeout{20'000};
constexpr milliseconds short_timeout{200};

/// A connection as a test's receiver has it.
struct Peer {
    int descriptor;

    bool say(std::string_view text) const {
        return ::send(descriptor, text.data(), text.size(), MSG_NOSIGNAL) ==
               static_cast<ssize_t>(text.size());
    }
    /// Until the client has gone.
    void say_without_end(std::string_view text, milliseconds pause = {}) const {
        while (say(text)) {
            std::this_thread::sleep_for(pause);
        }
    }
    /// All of a request whose body ends so.
    bool hear(std::string_view end) const {
        std::string text;
        std::array<char, 4096> buffer;
        while (!text.ends_with(end)) {
            const ssize_t size = ::recv(descriptor, buffer.data(), buffer.size(), 0);
            if (size <= 0) {
                return false;
            }
            text.append(buffer.data(), static_cast<std::size_t>(size));
        }
        return true;
    }
};

class PostClientTest : public ::testing::Test {
  protected:
    using Conduct = std::function<void(const Peer& peer)>;

    PostClientTest() : listener_(::socket(AF_INET, SOCK_STREAM, 0)) {
        address_.sin_family = AF_INET;
        address_.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
        socklen_t size = sizeof address_;
        EXPECT_EQ(::bind(listener_, reinterpret_cast<const sockaddr*>(&address_), size), 0);
        EXPECT_EQ(::listen(listener_, 16), 0);
        ::getsockname(listener_, reinterpret_cast<sockaddr*>(&address_), &size);
    }
    ~PostClientTest() override {
        ::shutdown(listener_, SHUT_RDWR);
        if (thread_.joinable()) {
            thread_.join();
        }
        ::close(listener_);
    }

    /// Until the fixture ends, which is after the test: a test's own variables are to be captured by value.
    void receive(Conduct conduct) {
        thread_ = std::thread([this, conduct = std::move(conduct)] {
            for (int descriptor = 0; (descriptor = ::accept(listener_, nullptr, nullptr)) >= 0;) {
                ++connection_count_;
                conduct(Peer{descriptor});
                ::close(descriptor);
            }
        });
    }
    /// A receiver that hears requests and answers each with this.
    void answer(std::string text) {
        receive([text = std::move(text)](const Peer& peer) {
            while (peer.hear("body!") && peer.say(text)) {
            }
        });
    }
    WebhookUrl url(std::string_view scheme = "http") const {
        return *WebhookUrl::parse(std::string(scheme) +
                                  "://127.0.0.1:" + std::to_string(ntohs(address_.sin_port)) + "/hook?a");
    }
    /// `200`, or the error.
    static std::string text_of(const tl::expected<PostClient::Answer, std::string>& answer) {
        return answer ? std::to_string(answer->status) : answer.error();
    }
    std::string post(milliseconds timeout) {
        PostClient client(url(), "", timeout);
        const auto since = Clock::now();
        std::string text = text_of(client.post({{"A", "b"}}, "the body!"));
        spent_ = Clock::now() - since;
        return text;
    }

    const int listener_;
    sockaddr_in address_{};
    std::thread thread_;
    std::atomic<int> connection_count_{0};
    Clock::duration spent_{};
};

TEST_F(PostClientTest, keeps_a_connection_whose_answers_have_an_end) {
    answer(
        "HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 429 Later\r\nRetry-After: 7\r\nContent-Length: "
        "3\r\n\r\nabc");
    PostClient client(url(), "", long_timeout);
    for (int count = 0; count < 3; ++count) {
        const auto answered = client.post({}, "the body!");
        ASSERT_EQ(text_of(answered), "429");
        EXPECT_EQ(answered->retry_after, std::chrono::seconds(7));
    }
    EXPECT_EQ(connection_count_.load(), 1);
}

TEST_F(PostClientTest, takes_a_new_connection_where_the_end_is_unclear) {
    const std::array heads{"HTTP/1.1 200 OK\r\n\r\n",
                           "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n",
                           "HTTP/1.1 200 No\r\nContent-Length: 0\r\nConnection: close\r\n\r\n",
                           "HTTP/1.0 200 No\r\nContent-Length: 0\r\n\r\n",
                           "HTTP/1.1 200 OK\r\nContent-Length: 20000\r\n\r\n",
                           "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\nmore"};
    receive([this, heads](const Peer& peer) {
        const char* const head = heads[static_cast<std::size_t>(connection_count_ - 1) % heads.size()];
        while (peer.hear("body!") && peer.say(head)) {
        }
    });
    PostClient client(url(), "", long_timeout);
    for (std::size_t count = 1; count <= heads.size(); ++count) {
        EXPECT_EQ(text_of(client.post({}, "the body!")), "200");
        EXPECT_EQ(static_cast<std::size_t>(connection_count_.load()), count);
    }
}

TEST_F(PostClientTest, takes_a_new_connection_where_the_kept_one_has_ended) {
    receive([](const Peer& peer) {
        if (peer.hear("body!")) {
            peer.say("HTTP/1.1 204 No\r\n\r\n");
        }
    });
    PostClient client(url(), "", long_timeout);
    for (int count = 0; count < 20; ++count) {
        EXPECT_EQ(text_of(client.post({}, "the body!")), "204");
    }
    EXPECT_EQ(connection_count_.load(), 20);
}

TEST_F(PostClientTest, does_not_read_an_endless_head) {
    receive([](const Peer& peer) {
        peer.say("HTTP/1.1 200 OK\r\nX: ");
        peer.say_without_end(std::string(4096, 'x'));
    });
    EXPECT_EQ(post(long_timeout), "the answer's head is too long");
}

TEST_F(PostClientTest, does_not_read_heads_without_end) {
    receive([](const Peer& peer) { peer.say_without_end("HTTP/1.1 100 Continue\r\n\r\n"); });
    EXPECT_EQ(post(long_timeout), "the answer's head is too long");
}

TEST_F(PostClientTest, does_not_wait_for_an_endless_body) {
    receive([](const Peer& peer) {
        peer.say("HTTP/1.1 200 OK\r\n\r\n");
        peer.say_without_end(std::string(4096, 'x'));
    });
    EXPECT_EQ(post(long_timeout), "200");
    EXPECT_LT(spent_, long_timeout / 2);
}

TEST_F(PostClientTest, no_byte_of_a_head_prolongs_the_time) {
    receive([](const Peer& peer) {
        peer.say("HTTP/1.1 200 OK\r\nX: ");
        peer.say_without_end("x", milliseconds(5));
    });
    EXPECT_EQ(post(short_timeout), "no answer in time");
    EXPECT_LT(spent_, long_timeout / 2);
}

TEST_F(PostClientTest, no_byte_of_a_body_prolongs_the_time) {
    receive([](const Peer& peer) {
        peer.say("HTTP/1.1 200 OK\r\nContent-Length: 16000\r\n\r\n");
        peer.say_without_end("x", milliseconds(5));
    });
    EXPECT_EQ(post(short_timeout), "200");
    EXPECT_LT(spent_, long_timeout / 2);
}

TEST_F(PostClientTest, does_not_wait_for_who_reads_nothing) {
    receive([](const Peer&) { std::this_thread::sleep_for(5 * short_timeout); });
    PostClient client(url(), "", short_timeout);
    EXPECT_EQ(text_of(client.post({}, std::string(64 * 1024 * 1024, 'x'))), "no answer in time");
}

TEST_F(PostClientTest, does_not_wait_for_a_handshake) {
    // The start of a record of TLS 1.2 with 16 KiB, which then come a byte at a time.
    receive([](const Peer& peer) {
        peer.say(std::string_view("\x16\x03\x03\x40\x00", 5));
        peer.say_without_end("x", milliseconds(5));
    });
    PostClient client(url("https"), "", short_timeout);
    EXPECT_EQ(text_of(client.post({}, "the body!")), "no answer in time");
}

TEST_F(PostClientTest, says_what_is_no_answer) {
    answer("SSH-2.0-x\r\n\r\n");
    EXPECT_EQ(post(long_timeout), "the answer is not HTTP/1.1");
    PostClient client(url("https"), "/nowhere", long_timeout);
    EXPECT_EQ(text_of(client.post({}, "")), "TLS: cannot read certificates: /nowhere");
}

TEST_F(PostClientTest, can_be_cancelled) {
    receive([](const Peer& peer) { peer.hear("never"); });
    PostClient client(url(), "", long_timeout);
    std::thread canceller([&client] {
        std::this_thread::sleep_for(milliseconds(50));
        client.cancel();
    });
    EXPECT_EQ(text_of(client.post({}, "the body!")), "cancelled");
    EXPECT_EQ(text_of(client.post({}, "the body!")), "cancelled");
    canceller.join();
}

TEST_F(PostClientTest, can_be_cancelled_while_records_come_without_end) {
    // HelloRequests, which OpenSSL skips without coming back to us.
    std::string records;
    for (int count = 0; count < 4096; ++count) {
        records += std::string_view("\x16\x03\x03\x00\x04\x00\x00\x00\x00", 9);
    }
    receive([records = std::move(records)](const Peer& peer) { peer.say_without_end(records); });
    PostClient client(url("https"), "", long_timeout);
    std::thread canceller([&client] {
        std::this_thread::sleep_for(milliseconds(200));
        client.cancel();
    });
    const auto since = Clock::now();
    EXPECT_EQ(text_of(client.post({}, "the body!")), "cancelled");
    EXPECT_LT(Clock::now() - since, long_timeout / 2);
    canceller.join();
}

}  // namespace
}  // namespace tickwire::service
