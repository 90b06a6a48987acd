#include "service/post_client.hpp"

#include <netdb.h>
#include <netinet/tcp.h>
#include <openssl/bio.h>
#include <openssl/err.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>
#include <poll.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <charconv>
#include <cstring>

#include "wire/http_head.hpp"

namespace tickwire::service {
namespace {

using std::chrono::milliseconds;
using Result = tl::expected<void, std::string>;

/// Of all heads of one answer, those before the last (1xx) included.
constexpr std::size_t answer_head_size_max = 16 * 1024;
/// Of a body: with a longer one the connection is not kept.
constexpr std::size_t answer_body_size_max = 16 * 1024;

std::string openssl_failure() {
    const unsigned long error = ::ERR_peek_last_error();
    const char* const reason = ::ERR_reason_error_string(error);
    return reason != nullptr ? reason : "the connection was closed";
}

/// OpenSSL copies the name; its macro for this casts in a way that our warnings forbid.
bool set_server_name(SSL* ssl, std::string name) {
    return ::SSL_ctrl(ssl, SSL_CTRL_SET_TLSEXT_HOSTNAME, TLSEXT_NAMETYPE_host_name, name.data()) == 1;
}

struct AnswerHead {
    wire::StatusLine start;
    bool is_closing = false;
    bool has_coding = false;  ///< the body's length is in the body
    std::optional<std::size_t> content_size;
    std::optional<std::chrono::seconds> retry_after;

    /// Of the body; empty where only reading it would tell.
    std::optional<std::size_t> body_size() const {
        if (start.status == 204 || start.status == 304) {
            return 0;
        }
        return has_coding ? std::nullopt : content_size;
    }
};

template <typename Number>
bool parse_whole(std::string_view text, Number& to) {
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), to);
    return error == std::errc{} && end == text.data() + text.size();
}

wire::Verdict read_field(const wire::HeaderField& field, AnswerHead& head) {
    const auto is_named = [&field](std::string_view name) {
        return wire::equals_ignoring_case(field.name, name);
    };
    if (is_named("Connection")) {
        head.is_closing |= wire::list_has(field.value, "close");
    } else if (is_named("Transfer-Encoding")) {
        head.has_coding = true;
    } else if (is_named("Content-Length")) {
        std::size_t size = 0;
        if (head.content_size || !parse_whole(field.value, size)) {
            return wire::HttpError::malformed;
        }
        head.content_size = size;
    } else if (is_named("Retry-After")) {
        std::uint32_t seconds = 0;
        if (parse_whole(field.value, seconds)) {  // or it is a date
            head.retry_after = std::chrono::seconds(seconds);
        }
    }
    return std::nullopt;
}

/// The head of the final answer, taken off `input`; `receive()` adds to that.
template <typename Receive>
tl::expected<AnswerHead, std::string> read_answer_head(std::string& input, Receive receive) {
    std::size_t size_left = answer_head_size_max;
    wire::HeadProgress progress;
    while (true) {
        AnswerHead head;
        const auto size = wire::read_head(
            base::as_bytes(input), size_left, progress,
            [&head](std::string_view line) -> wire::Verdict {
                const auto start = wire::parse_status_line(line);
                head.start = start.value_or(wire::StatusLine{});
                return start ? std::nullopt : wire::Verdict(start.error());
            },
            [&head](const wire::HeaderField& field) { return read_field(field, head); });
        if (!size) {
            return tl::unexpected(std::string(size.error() == wire::HttpError::head_too_long
                                                  ? "the answer's head is too long"
                                                  : "the answer is not HTTP/1.1"));
        }
        if (*size != 0) {
            input.erase(0, *size);
            size_left -= *size;
            progress = {};
            if (head.start.status >= 200) {
                return head;
            }
            continue;
        }
        const auto received = receive();
        if (!received || *received == 0) {
            return tl::unexpected(received ? std::string("closed without an answer") : received.error());
        }
    }
}

struct FreeAddresses {
    void operator()(addrinfo* list) const { ::freeaddrinfo(list); }
};

}  // namespace

// --- one connection

/// A socket that does not block, waited for until a deadline; with TLS over a BIO of our own, so that
/// OpenSSL too ends at the deadline where a peer sends it records without end.
class PostClient::Stream {
  public:
    Stream(int descriptor, int bell, const std::atomic<bool>& is_cancelled)
        : descriptor_(descriptor), bell_(bell), is_cancelled_(is_cancelled) {}
    ~Stream() {
        if (ssl_ != nullptr) {
            if (::SSL_is_init_finished(ssl_) == 1) {
                deadline_ = Clock::time_point::max();
                static_cast<void>(::SSL_shutdown(ssl_));  // says goodbye, and waits for none
            }
            ::SSL_free(ssl_);
        }
        ::close(descriptor_);
    }
    Stream(const Stream&) = delete;
    Stream& operator=(const Stream&) = delete;

    /// Of all that follows.
    void set_deadline(Clock::time_point deadline) noexcept { deadline_ = deadline; }

    Result connect(const addrinfo& address) {
        if (::connect(descriptor_, address.ai_addr, address.ai_addrlen) == 0) {
            return {};
        }
        int error = errno;
        if (error == EINPROGRESS) {
            if (auto done = wait(POLLOUT); !done) {
                return done;
            }
            socklen_t size = sizeof error;
            ::getsockopt(descriptor_, SOL_SOCKET, SO_ERROR, &error, &size);
        }
        return error == 0 ? Result{}
                          : tl::unexpected(std::string("cannot connect: ") + std::strerror(error));
    }
    Result start_tls(ssl_ctx_st* context, const std::string& host);

    Result send(std::string_view text) {
        while (!text.empty()) {
            const auto size = transfer(Direction::out, [&] { return send_some(text); });
            if (!size || *size == 0) {
                return tl::unexpected(size ? std::string("closed without an answer") : size.error());
            }
            text.remove_prefix(*size);
        }
        return {};
    }
    /// At least a byte of it; 0: the peer's end.
    tl::expected<std::size_t, std::string> receive(std::string& to) {
        std::array<char, 4096> buffer;
        auto size = transfer(Direction::in, [&] { return receive_some(buffer.data(), buffer.size()); });
        if (size) {
            to.append(buffer.data(), *size);
        }
        return size;
    }
    /// Nothing was said since the last answer, and no goodbye.
    bool is_quiet() const noexcept {
        pollfd poll{descriptor_, POLLIN, 0};
        return ::poll(&poll, 1, 0) == 0;
    }

  private:
    enum class Direction : std::uint8_t { in, out };

    /// Bytes; 0: the end; negative: none now or never, as errno says: EAGAIN is more to wait for.
    ssize_t send_some(std::string_view text) noexcept {
        if (ssl_ == nullptr) {
            return ::send(descriptor_, text.data(), text.size(), MSG_NOSIGNAL);
        }
        const std::size_t size = std::min<std::size_t>(text.size(), 16 * 1024);
        return judge(::SSL_write(ssl_, text.data(), static_cast<int>(size)));
    }
    ssize_t receive_some(char* to, std::size_t size) noexcept {
        return ssl_ == nullptr ? ::recv(descriptor_, to, size, 0)
                               : judge(::SSL_read(ssl_, to, static_cast<int>(size)));
    }
    ssize_t judge(int result) noexcept {
        if (result > 0) {
            return result;
        }
        switch (::SSL_get_error(ssl_, result)) {
            case SSL_ERROR_WANT_READ:
                wanted_ = POLLIN;
                errno = EAGAIN;
                return -1;
            case SSL_ERROR_WANT_WRITE:
                wanted_ = POLLOUT;
                errno = EAGAIN;
                return -1;
            case SSL_ERROR_ZERO_RETURN:
                return 0;
            default:
                errno = EPROTO;
                return -1;
        }
    }

    template <typename Some>
    tl::expected<std::size_t, std::string> transfer(Direction direction, Some some) {
        while (true) {
            wanted_ = direction == Direction::in ? POLLIN : POLLOUT;
            ::ERR_clear_error();
            const ssize_t size = some();
            if (size >= 0) {
                return static_cast<std::size_t>(size);
            }
            if (errno == EAGAIN) {
                if (auto done = wait(wanted_); !done) {
                    return tl::unexpected(std::move(done.error()));
                }
            } else if (errno != EINTR) {
                return tl::unexpected(errno == EPROTO ? "TLS: " + failure() : std::strerror(errno));
            }
        }
    }

    Result wait(short events) const {
        while (true) {
            const auto rest = std::chrono::ceil<milliseconds>(deadline_ - Clock::now());
            if (rest.count() <= 0) {
                return tl::unexpected(std::string("no answer in time"));
            }
            std::array<pollfd, 2> polls{{{descriptor_, events, 0}, {bell_, POLLIN, 0}}};
            ::poll(polls.data(), polls.size(), static_cast<int>(rest.count()));
            if (polls[1].revents != 0) {
                return tl::unexpected(std::string("cancelled"));
            }
            if (polls[0].revents != 0) {
                return {};
            }
        }
    }

    std::string failure() const {
        const long verified = ::SSL_get_verify_result(ssl_);
        return verified != X509_V_OK ? std::string("certificate verification failed: ") +
                                           ::X509_verify_cert_error_string(verified)
                                     : openssl_failure();
    }

    static const BIO_METHOD* bio_method() noexcept;
    template <typename Call>
    static int through_bio(BIO* bio, int direction, Call call) noexcept;

    const int descriptor_;
    const int bell_;
    const std::atomic<bool>& is_cancelled_;
    Clock::time_point deadline_{};
    SSL* ssl_ = nullptr;
    short wanted_ = 0;
};

/// As a socket that would block, past the deadline; and when it is cancelled, but for a goodbye.
template <typename Call>
int PostClient::Stream::through_bio(BIO* bio, int direction, Call call) noexcept {
    const auto* const stream = static_cast<const Stream*>(::BIO_get_data(bio));
    ::BIO_clear_retry_flags(bio);
    errno = EAGAIN;
    const bool is_over =
        Clock::now() >= stream->deadline_ || (direction == BIO_FLAGS_READ && stream->is_cancelled_.load());
    const ssize_t size = is_over ? -1 : call(stream->descriptor_);
    if (size < 0 && (errno == EAGAIN || errno == EINTR)) {
        ::BIO_set_flags(bio, BIO_FLAGS_SHOULD_RETRY | direction);
    }
    return static_cast<int>(size);
}

const BIO_METHOD* PostClient::Stream::bio_method() noexcept {
    static const BIO_METHOD* const method = [] {
        BIO_METHOD* const made = ::BIO_meth_new(::BIO_get_new_index() | BIO_TYPE_SOURCE_SINK, "post");
        ::BIO_meth_set_read(made, [](BIO* bio, char* to, int size) {
            return through_bio(bio, BIO_FLAGS_READ, [=](int descriptor) {
                return ::recv(descriptor, to, static_cast<std::size_t>(size), 0);
            });
        });
        ::BIO_meth_set_write(made, [](BIO* bio, const char* from, int size) {
            return through_bio(bio, BIO_FLAGS_WRITE, [=](int descriptor) {
                return ::send(descriptor, from, static_cast<std::size_t>(size), MSG_NOSIGNAL);
            });
        });
        ::BIO_meth_set_ctrl(
            made, [](BIO*, int command, long, void*) -> long { return command == BIO_CTRL_FLUSH ? 1 : 0; });
        return made;
    }();
    return method;
}

Result PostClient::Stream::start_tls(ssl_ctx_st* context, const std::string& host) {
    ssl_ = ::SSL_new(context);
    BIO* const bio = ssl_ == nullptr ? nullptr : ::BIO_new(bio_method());
    if (bio == nullptr) {
        return tl::unexpected(std::string("TLS: no memory"));
    }
    ::BIO_set_data(bio, this);
    ::BIO_set_init(bio, 1);
    ::SSL_set_bio(ssl_, bio, bio);
    // A certificate is for the address where that is what was asked for (RFC 9110 section 4.3.5), and SNI
    // is for names alone (RFC 6066 section 3).
    ::SSL_set_hostflags(ssl_, X509_CHECK_FLAG_NO_PARTIAL_WILDCARDS);
    const bool is_address = ::X509_VERIFY_PARAM_set1_ip_asc(::SSL_get0_param(ssl_), host.c_str()) == 1;
    const bool is_named =
        is_address || (::SSL_set1_host(ssl_, host.c_str()) == 1 && set_server_name(ssl_, host));
    if (!is_named) {
        return tl::unexpected(std::string("TLS: no memory"));
    }
    const auto done = transfer(Direction::in, [this] { return judge(::SSL_connect(ssl_)); });
    if (!done) {
        return tl::unexpected(done.error());
    }
    return *done == 0 ? tl::unexpected(std::string("TLS: the connection was closed")) : Result{};
}

// --- the client

/// Whom to trust; made once, since it reads a file of all authorities.
struct PostClient::Context {
    explicit Context(const std::string& ca_file) : native(::SSL_CTX_new(::TLS_client_method())) {
        if (native == nullptr) {
            return;
        }
        ::SSL_CTX_set_min_proto_version(native, TLS1_2_VERSION);
        ::SSL_CTX_set_options(native, SSL_OP_NO_RENEGOTIATION);
        ::SSL_CTX_set_verify(native, SSL_VERIFY_PEER, nullptr);
        ::SSL_CTX_set_mode(native, SSL_MODE_ENABLE_PARTIAL_WRITE | SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER);
        const bool is_read = ca_file.empty() ? ::SSL_CTX_set_default_verify_paths(native) == 1
                                             : ::SSL_CTX_load_verify_file(native, ca_file.c_str()) == 1;
        if (!is_read) {
            fault = "cannot read certificates: " + (ca_file.empty() ? "the system's" : ca_file);
        }
    }
    ~Context() { ::SSL_CTX_free(native); }
    Context(const Context&) = delete;
    Context& operator=(const Context&) = delete;

    SSL_CTX* const native;
    std::string fault;
};

PostClient::PostClient(WebhookUrl url, const std::string& ca_file, milliseconds timeout)
    : url_(std::move(url)),
      timeout_(timeout),
      bell_(::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK)),
      context_(url_.is_tls ? std::make_unique<Context>(ca_file) : nullptr) {}

PostClient::~PostClient() {
    stream_.reset();
    ::close(bell_);
}

void PostClient::cancel() noexcept {
    is_cancelled_ = true;
    ::eventfd_write(bell_, 1);
}

tl::expected<PostClient::Answer, std::string> PostClient::post(const Headers& headers,
                                                               const std::string& body) {
    const auto deadline = Clock::now() + timeout_;
    std::string request = "POST " + url_.target + " HTTP/1.1\r\nHost: " + url_.authority +
                          "\r\nContent-Length: " + std::to_string(body.size()) + "\r\n";
    for (const auto& [name, value] : headers) {
        request.append(name).append(": ").append(value).append("\r\n");
    }
    request.append("\r\n").append(body);
    if (stream_ != nullptr && stream_->is_quiet()) {
        stream_->set_deadline(deadline);
        auto attempt = ask(request);
        // The receiver may have closed a kept connection in the same moment.
        if (attempt.answer || !attempt.is_unheard || Clock::now() >= deadline) {
            return std::move(attempt.answer);
        }
    }
    if (auto done = connect(deadline); !done) {
        return tl::unexpected(std::move(done.error()));
    }
    return ask(request).answer;
}

Result PostClient::connect(Clock::time_point deadline) {
    stream_.reset();
    if (context_ != nullptr && (context_->native == nullptr || !context_->fault.empty())) {
        return tl::unexpected("TLS: " + (context_->native == nullptr ? "no memory" : context_->fault));
    }
    addrinfo hints{};
    hints.ai_socktype = SOCK_STREAM;
    hints.ai_flags = AI_NUMERICSERV;
    addrinfo* found = nullptr;
    const int resolved =
        ::getaddrinfo(url_.host.c_str(), std::to_string(url_.port).c_str(), &hints, &found);
    const std::unique_ptr<addrinfo, FreeAddresses> addresses(resolved == 0 ? found : nullptr);
    if (resolved != 0) {
        return tl::unexpected("cannot resolve " + url_.host + ": " + ::gai_strerror(resolved));
    }
    int left = 0;
    for (const addrinfo* one = addresses.get(); one != nullptr; one = one->ai_next) {
        ++left;
    }
    Result done;
    for (const addrinfo* one = addresses.get(); one != nullptr; one = one->ai_next, --left) {
        const int descriptor =
            ::socket(one->ai_family, one->ai_socktype | SOCK_CLOEXEC | SOCK_NONBLOCK, one->ai_protocol);
        if (descriptor < 0) {
            done = tl::unexpected(std::string("cannot connect: ") + std::strerror(errno));
            continue;
        }
        const int on = 1;
        ::setsockopt(descriptor, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
        auto stream = std::make_unique<Stream>(descriptor, bell_, is_cancelled_);
        // A share of the time for each address that is left, so that one that is silent leaves some.
        const auto now = Clock::now();
        stream->set_deadline(now + (deadline - now) / left);
        done = stream->connect(*one);
        if (!done) {
            continue;
        }
        stream->set_deadline(deadline);
        if (context_ != nullptr) {
            done = stream->start_tls(context_->native, url_.host);
        }
        if (done) {
            stream_ = std::move(stream);
        }
        return done;
    }
    return done;
}

/// Sends the request and reads the answer; keeps the connection or gives it up.
PostClient::Attempt PostClient::ask(const std::string& request) {
    std::unique_ptr<Stream> stream = std::move(stream_);
    if (auto done = stream->send(request); !done) {
        return {tl::unexpected(std::move(done.error())), true};
    }
    std::string input;
    bool is_unheard = true;
    const auto receive = [&] {
        auto received = stream->receive(input);
        is_unheard &= !received || *received == 0;
        return received;
    };
    const auto head = read_answer_head(input, receive);
    if (!head) {
        return {tl::unexpected(head.error()), is_unheard};
    }
    const auto size = head->body_size();
    bool is_kept = size && *size <= answer_body_size_max && !head->is_closing && !head->start.is_http_1_0;
    while (is_kept && input.size() < *size) {
        const auto received = receive();
        is_kept = received && *received != 0;
    }
    if (is_kept && input.size() == *size) {
        stream_ = std::move(stream);
    }
    return {Answer{head->start.status, head->retry_after}, false};
}

}  // namespace tickwire::service
