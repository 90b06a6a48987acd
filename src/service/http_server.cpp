#include "service/http_server.hpp"

#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <spdlog/spdlog.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>

#include "wire/json_writer.hpp"

namespace tickwire::service {
namespace {

using std::chrono::milliseconds;

constexpr int worker_count = 4;
/// Of a stop, which takes less than 2 s.
constexpr milliseconds farewell_time{200};
/// Until a process without a free descriptor tries to accept again.
constexpr milliseconds accept_pause{100};

std::string_view reason_of(int status) {
    switch (status) {
        case 200:
            return "OK";
        case 201:
            return "Created";
        case 400:
            return "Bad Request";
        case 401:
            return "Unauthorized";
        case 403:
            return "Forbidden";
        case 404:
            return "Not Found";
        case 408:
            return "Request Timeout";
        case 409:
            return "Conflict";
        case 411:
            return "Length Required";
        case 413:
            return "Content Too Large";
        case 421:
            return "Misdirected Request";
        case 431:
            return "Request Header Fields Too Large";
        case 503:
            return "Service Unavailable";
        case 505:
            return "HTTP Version Not Supported";
        default:
            return "Internal Server Error";
    }
}

enum class Content : std::uint8_t { sent, left_out };

std::string encode(const HttpResponse& response, Content content) {
    std::string out = "HTTP/1.1 " + std::to_string(response.status) + " ";
    out.append(reason_of(response.status)).append("\r\nContent-Type: ").append(response.content_type);
    out.append("\r\nContent-Length: ").append(std::to_string(response.body.size()));
    out +=
        "\r\nConnection: close\r\nCache-Control: no-store\r\nX-Content-Type-Options: nosniff\r\n"
        "Content-Security-Policy: default-src 'self' 'unsafe-inline'; frame-ancestors 'none'; "
        "base-uri 'none'\r\n";
    for (const auto& [name, value] : response.headers) {
        out.append(name).append(": ").append(value).append("\r\n");
    }
    out += "\r\n";
    if (content == Content::sent) {
        out += response.body;
    }
    return out;
}

}  // namespace

void answer_json(HttpResponse& response, std::string json, int status) {
    response.status = status;
    response.body = std::move(json) + "\n";
    response.content_type = "application/json";
}

void answer_error(HttpResponse& response, int status, std::string_view message) {
    std::string json;
    {
        wire::JsonObject object(json);
        object.text("error", message);
    }
    answer_json(response, std::move(json), status);
}

struct HttpServer::Connection {
    Connection(int accepted, Clock::time_point until) : descriptor(accepted), deadline(until) {}
    ~Connection() { ::close(descriptor); }
    Connection(const Connection&) = delete;
    Connection& operator=(const Connection&) = delete;

    const int descriptor;
    Clock::time_point deadline;
    State state = State::reading_head;
    bool is_over = false;
    bool was_refused = false;
    std::string input;
    wire::HeadProgress head_progress;
    HttpRequest request;
    const Route* route = nullptr;
    std::string output;
    std::size_t sent_size = 0;
};

HttpServer::HttpServer(int listener, Gate gate, std::vector<Route> routes, Counters& counters,
                       Limits limits)
    : listener_(listener),
      bell_(::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK)),
      gate_(std::move(gate)),
      routes_(std::move(routes)),
      counters_(counters),
      limits_(limits) {
    // Who was announced may be gone when accept() is called.
    ::fcntl(listener_, F_SETFL, ::fcntl(listener_, F_GETFL) | O_NONBLOCK);
    waiter_ = std::thread([this] {
        ::pthread_setname_np(::pthread_self(), "admin");
        wait();
    });
    for (int count = 0; count < worker_count; ++count) {
        workers_.emplace_back([this] {
            ::pthread_setname_np(::pthread_self(), "admin worker");
            work();
        });
    }
}

HttpServer::~HttpServer() {
    {
        const std::lock_guard lock(mutex_);
        is_stopping_ = true;
    }
    changed_.notify_all();
    ::eventfd_write(bell_, 1);
    waiter_.join();
    for (std::thread& worker : workers_) {
        worker.join();
    }
    connections_.clear();
    ::close(bell_);
    ::close(listener_);
}

// --- the thread that waits

void HttpServer::wait() {
    std::vector<pollfd> polls;
    auto end = Clock::time_point::max();
    while (true) {
        const auto now = Clock::now();
        {
            const std::lock_guard lock(mutex_);
            if (is_stopping_ && end == Clock::time_point::max()) {
                end = now + farewell_time;
            }
        }
        const bool is_stopping = end != Clock::time_point::max();
        const bool is_idle = std::ranges::none_of(connections_, [](const auto& one) {
            return one->state == State::answering || one->state == State::sending;
        });
        if (is_stopping && (is_idle || now >= end)) {
            return;
        }
        const bool has_place = !is_stopping && connections_.size() < limits_.connection_count;
        auto wake_at = end;
        if (has_place && now < accept_at_) {
            wake_at = std::min(wake_at, accept_at_);
        }
        polls.assign({{bell_, POLLIN, 0}, {has_place && now >= accept_at_ ? listener_ : -1, POLLIN, 0}});
        for (const auto& connection : connections_) {
            const bool is_workers = connection->state == State::answering;
            const bool is_sending = connection->state == State::sending;
            // poll() passes over a negative descriptor.
            polls.push_back({is_workers ? -1 : connection->descriptor,
                             static_cast<short>(is_sending ? POLLOUT : POLLIN), 0});
            wake_at = is_workers ? wake_at : std::min(wake_at, connection->deadline);
        }
        // Rounded up, or the last part of a millisecond would be spent turning.
        const auto pause = std::chrono::ceil<milliseconds>(
            std::clamp<Clock::duration>(wake_at - now, milliseconds(0), milliseconds(60'000)));
        ::poll(polls.data(), polls.size(), static_cast<int>(pause.count()));

        for (std::size_t index = 0; index < connections_.size(); ++index) {
            Connection& connection = *connections_[index];
            if (polls[index + 2].revents != 0) {
                serve(connection);
            }
            if (connection.state != State::answering && Clock::now() >= connection.deadline) {
                expire(connection);
            }
        }
        if (polls[0].revents != 0) {
            take_answered();
        }
        std::erase_if(connections_, [](const auto& one) { return one->is_over; });
        if (polls[1].revents != 0) {
            accept_all();
        }
    }
}

void HttpServer::accept_all() {
    while (connections_.size() < limits_.connection_count) {
        const int descriptor = ::accept4(listener_, nullptr, nullptr, SOCK_CLOEXEC | SOCK_NONBLOCK);
        if (descriptor < 0) {
            const bool is_starved =
                errno == EMFILE || errno == ENFILE || errno == ENOBUFS || errno == ENOMEM;
            accept_at_ = Clock::now() + (is_starved ? accept_pause : milliseconds(0));
            return;
        }
        connections_.push_back(
            std::make_unique<Connection>(descriptor, Clock::now() + limits_.request_time));
        counters_.full += connections_.size() == limits_.connection_count ? 1 : 0;
    }
}

void HttpServer::serve(Connection& connection) {
    switch (connection.state) {
        case State::reading_head:
        case State::reading_body:
        case State::lingering:
            receive(connection);
            break;
        case State::sending:
            send(connection);
            break;
        case State::answering:
            break;
    }
}

void HttpServer::expire(Connection& connection) {
    switch (connection.state) {
        case State::reading_head:
        case State::reading_body: {
            ++counters_.too_slow;
            HttpResponse response;
            answer_error(response, 408, "the request did not come in time");
            refuse(connection, response);
            break;
        }
        case State::sending:
            counters_.too_slow += connection.is_over ? 0 : 1;
            connection.is_over = true;
            break;
        case State::lingering:
            connection.is_over = true;
            break;
        case State::answering:
            break;
    }
}

/// One buffer for each turn, so that all are served.
void HttpServer::receive(Connection& connection) {
    std::array<char, 16 * 1024> buffer;
    const ssize_t size = ::recv(connection.descriptor, buffer.data(), buffer.size(), 0);
    if (size <= 0) {
        connection.is_over = size == 0 || (errno != EAGAIN && errno != EINTR);
        return;
    }
    if (connection.state == State::lingering) {
        return;
    }
    connection.input.append(buffer.data(), static_cast<std::size_t>(size));
    if (connection.state == State::reading_body) {
        read_body(connection);
    } else {
        read_head(connection);
    }
}

void HttpServer::read_head(Connection& connection) {
    HttpResponse response;
    auto parsed = parse_http_request(connection.input, limits_.head_size, connection.head_progress);
    if (!parsed) {
        ++(parsed.error() == 431 ? counters_.too_large : counters_.malformed);
        answer_error(response, parsed.error(), reason_of(parsed.error()));
        refuse(connection, response);
        return;
    }
    if (!*parsed) {
        return;
    }
    connection.request = std::move((*parsed)->request);
    connection.input.erase(0, (*parsed)->head_size);
    if (!gate_(connection.request, response)) {
        refuse(connection, response);
        return;
    }
    connection.route = find_route(connection.request);
    if (connection.route == nullptr) {
        answer_error(response, 404, "no such path");
        refuse(connection, response);
        return;
    }
    if (connection.request.content_size > connection.route->body_size_max) {
        ++counters_.too_large;
        answer_error(response, 413, "too large");
        refuse(connection, response);
        return;
    }
    connection.state = State::reading_body;
    if (connection.request.expects_continue && connection.input.empty()) {
        // The first bytes of an empty send buffer: they fit, or the peer waits for nothing and sends.
        constexpr std::string_view go_on = "HTTP/1.1 100 Continue\r\n\r\n";
        static_cast<void>(::send(connection.descriptor, go_on.data(), go_on.size(), MSG_NOSIGNAL));
    }
    read_body(connection);
}

void HttpServer::read_body(Connection& connection) {
    if (connection.input.size() < connection.request.content_size) {
        return;
    }
    connection.input.resize(connection.request.content_size);  // what is behind it was never asked for
    connection.request.body = std::move(connection.input);
    connection.state = State::answering;
    {
        const std::lock_guard lock(mutex_);
        asked_.push_back(&connection);
    }
    changed_.notify_one();
}

const HttpServer::Route* HttpServer::find_route(const HttpRequest& request) const {
    const std::string_view method = request.method == "HEAD" ? "GET" : std::string_view(request.method);
    const auto fits = [&](const Route& route) {
        std::string_view pattern = route.pattern;
        for (const std::string& segment : request.segments) {
            if (pattern.empty()) {
                return false;
            }
            pattern.remove_prefix(1);
            const std::string_view wanted = pattern.substr(0, pattern.find('/'));
            if (wanted != "*" && wanted != segment) {
                return false;
            }
            pattern.remove_prefix(wanted.size());
        }
        return pattern.empty() && route.method == method;
    };
    const auto found = std::ranges::find_if(routes_, fits);
    return found == routes_.end() ? nullptr : &*found;
}

void HttpServer::refuse(Connection& connection, const HttpResponse& response) {
    connection.was_refused = true;
    connection.output =
        encode(response, connection.request.method == "HEAD" ? Content::left_out : Content::sent);
    begin_sending(connection);
}

void HttpServer::begin_sending(Connection& connection) {
    connection.input.clear();
    connection.input.shrink_to_fit();
    connection.state = State::sending;
    connection.deadline = Clock::now() + limits_.answer_time;
    send(connection);
}

void HttpServer::send(Connection& connection) {
    while (connection.sent_size < connection.output.size()) {
        const ssize_t size = ::send(connection.descriptor, connection.output.data() + connection.sent_size,
                                    connection.output.size() - connection.sent_size, MSG_NOSIGNAL);
        if (size < 0) {
            connection.is_over = errno != EAGAIN && errno != EINTR;
            return;
        }
        connection.sent_size += static_cast<std::size_t>(size);
    }
    if (!connection.was_refused) {
        connection.is_over = true;
        return;
    }
    // Closing with bytes unread would make the kernel reset our last words away.
    ::shutdown(connection.descriptor, SHUT_WR);
    connection.state = State::lingering;
    connection.deadline = Clock::now() + limits_.linger_time;
}

void HttpServer::take_answered() {
    eventfd_t count = 0;
    ::eventfd_read(bell_, &count);
    std::vector<Connection*> answered;
    {
        const std::lock_guard lock(mutex_);
        answered.swap(answered_);
    }
    for (Connection* const connection : answered) {
        begin_sending(*connection);
    }
}

// --- the threads that answer

void HttpServer::work() {
    std::unique_lock lock(mutex_);
    while (true) {
        changed_.wait(lock, [this] { return !asked_.empty() || is_stopping_; });
        if (is_stopping_) {
            return;
        }
        Connection& connection = *asked_.front();
        asked_.pop_front();
        lock.unlock();
        HttpResponse response;
        try {
            connection.route->handler(connection.request, response);
        } catch (const std::exception& error) {
            spdlog::error("admin: {} {} failed: {}", connection.request.method, connection.request.path,
                          error.what());
            answer_error(response, 500, "failed");
        }
        connection.output =
            encode(response, connection.request.method == "HEAD" ? Content::left_out : Content::sent);
        lock.lock();
        answered_.push_back(&connection);
        ::eventfd_write(bell_, 1);
    }
}

}  // namespace tickwire::service
