// The HTTP server of the admin interface: one request on one connection, and everything bounded before
// anybody has shown a token. One thread waits on all connections, so that a slow one costs a place and
// nobody's time; a few workers run the handlers, which may wait for a shard.
//
// Not a web server: no connection is kept, nothing is compressed, a body comes with its length or not at
// all.
#pragma once

#include <array>
#include <atomic>
#include <chrono>
#include <condition_variable>
#include <deque>
#include <functional>
#include <memory>
#include <mutex>
#include <string>
#include <string_view>
#include <thread>
#include <vector>

#include "service/http_text.hpp"

namespace tickwire::service {

struct HttpResponse {
    int status = 200;
    std::string content_type = "application/json";
    std::vector<HttpRequest::Pair> headers;
    std::string body;
};

void answer_json(HttpResponse& response, std::string json, int status = 200);
/// `{"error":"…"}`
void answer_error(HttpResponse& response, int status, std::string_view message);

class HttpServer {
  public:
    /// Of one listener. At most 64 * (16 + 128) KiB of requests, 9 MiB, are held at a time.
    struct Limits {
        std::size_t connection_count = 64;  ///< at a time; those who come then wait in the kernel's backlog
        std::size_t head_size = 16 * 1024;
        std::chrono::milliseconds request_time{10'000};  ///< from the connection on; no byte prolongs it
        std::chrono::milliseconds answer_time{10'000};   ///< for the peer to take all of the answer
        std::chrono::milliseconds linger_time{1'000};    ///< for who still sends what was refused
    };
    /// What the limits did, of all listeners. Any thread may read.
    struct Counters {
        std::atomic<std::uint64_t> malformed{0};
        std::atomic<std::uint64_t> too_large{0};  ///< heads and bodies
        std::atomic<std::uint64_t> too_slow{0};   ///< requests, and answers that were not taken
        std::atomic<std::uint64_t> full{0};       ///< times that the last free place was taken
    };

    using Handler = std::function<void(const HttpRequest& request, HttpResponse& response)>;
    struct Route {
        std::string_view method;
        /// `/v1/matches/*`: a star is any one segment, which the handler finds in `request.segments`.
        std::string_view pattern;
        Handler handler;
        std::size_t body_size_max = 0;
    };
    /// Judges a head, before its body is read; false: `response` is the answer. Must not wait.
    using Gate = std::function<bool(const HttpRequest& request, HttpResponse& response)>;

    /// Takes the listening descriptor, and never shuts it down: the service manager may hold a copy.
    HttpServer(int listener, Gate gate, std::vector<Route> routes, Counters& counters, Limits limits);
    /// Answers that are under way get a moment.
    ~HttpServer();
    HttpServer(const HttpServer&) = delete;
    HttpServer& operator=(const HttpServer&) = delete;

  private:
    using Clock = std::chrono::steady_clock;
    /// A connection is the waiting thread's but for `answering`, when it is a worker's.
    ///
    ///     reading_head ─▶ reading_body ─▶ answering ─▶ sending ─▶ (closed)
    ///          └──────────────┴─────────── refused ──▶ sending ─▶ lingering ─▶ (closed)
    enum class State : std::uint8_t { reading_head, reading_body, answering, sending, lingering };
    struct Connection;

    void wait();
    void accept_all();
    void serve(Connection& connection);
    void expire(Connection& connection);
    void receive(Connection& connection);
    void read_head(Connection& connection);
    void read_body(Connection& connection);
    void refuse(Connection& connection, const HttpResponse& response);
    void begin_sending(Connection& connection);
    void send(Connection& connection);
    void take_answered();
    void work();
    const Route* find_route(const HttpRequest& request) const;

    const int listener_;
    const int bell_;  ///< an eventfd: an answer is there, or the end
    const Gate gate_;
    const std::vector<Route> routes_;
    Counters& counters_;
    const Limits limits_;

    std::vector<std::unique_ptr<Connection>> connections_;  ///< at most limits_.connection_count
    Clock::time_point accept_at_{};  ///< not before: the process had no descriptor left

    std::mutex mutex_;  ///< of what follows
    std::condition_variable changed_;
    std::deque<Connection*> asked_;
    std::vector<Connection*> answered_;
    bool is_stopping_ = false;

    std::thread waiter_;
    std::vector<std::thread> workers_;
};

}  // namespace tickwire::service
