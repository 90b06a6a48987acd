// POSTs to one receiver of webhooks, over HTTP or HTTPS. A receiver is not trusted more than a player:
// connecting, the handshake, sending and the answer have one deadline together, which no byte prolongs, and
// of the answer a head of 16 KiB is read at most, and as much of a body, which is thrown away.
//
// The connection is kept where the answer says how long it is; where it does not, the next POST has a new
// one.
#pragma once

#include <atomic>
#include <chrono>
#include <memory>
#include <optional>
#include <string>
#include <tl/expected.hpp>
#include <utility>
#include <vector>

#include "service/webhook_url.hpp"

namespace tickwire::service {

/// One thread's, but for cancel().
class PostClient {
  public:
    /// `ca_file`: PEM, whom certificates are signed by; empty: the system's list.
    PostClient(WebhookUrl url, const std::string& ca_file, std::chrono::milliseconds timeout);
    ~PostClient();
    PostClient(const PostClient&) = delete;
    PostClient& operator=(const PostClient&) = delete;

    struct Answer {
        int status = 0;
        std::optional<std::chrono::seconds> retry_after;
    };
    using Headers = std::vector<std::pair<std::string, std::string>>;
    /// The error is one line. What is not under the deadline is the resolver, whose own is some seconds for
    /// each name server (resolv.conf(5)).
    tl::expected<Answer, std::string> post(const Headers& headers, const std::string& body);

    /// Ends a post() under way, and all to come. Any thread.
    void cancel() noexcept;

  private:
    class Stream;
    struct Context;
    using Clock = std::chrono::steady_clock;

    tl::expected<void, std::string> connect(Clock::time_point deadline);
    struct Attempt {
        tl::expected<Answer, std::string> answer;
        bool is_unheard;  ///< not a byte of an answer came
    };
    Attempt ask(const std::string& request);

    const WebhookUrl url_;
    const std::chrono::milliseconds timeout_;
    const int bell_;                         ///< an eventfd: cancelled, for who waits
    std::atomic<bool> is_cancelled_{false};  ///< for OpenSSL, which does not wait while records come
    std::unique_ptr<Context> context_;       ///< null without TLS
    std::unique_ptr<Stream> stream_;         ///< null: no connection
};

}  // namespace tickwire::service
