// Boost.Beast on one thread, in the neutral format.
//
// A tick's message is made once and shared by the writes of all members, each of which Beast gathers with a
// header of its own. One write at a time: a member whose write is in flight loses the tick.
#include <boost/asio.hpp>
#include <boost/asio/ssl.hpp>
#include <boost/beast.hpp>
#include <boost/beast/ssl.hpp>
#include <csignal>
#include <memory>
#include <utility>

#include "../job.hpp"

namespace tickwire::peers {
namespace {

namespace asio = boost::asio;
namespace beast = boost::beast;
namespace http = beast::http;
namespace websocket = beast::websocket;
using boost::system::error_code;
using tcp = asio::ip::tcp;

// One thread, so no strand and no type-erased executor.
using Executor = asio::io_context::executor_type;
using Plain = asio::basic_stream_socket<tcp, Executor>;
using Tls = beast::ssl_stream<Plain>;
using Message = std::shared_ptr<const std::vector<std::uint8_t>>;

/// Lives as long as a handler holds it.
template <typename Stream>
class Connection : public std::enable_shared_from_this<Connection<Stream>> {
  public:
    template <typename... Arguments>
    explicit Connection(Matches<Connection>& matches, Arguments&&... arguments)
        : stream_(std::forward<Arguments>(arguments)...), matches_(matches) {}

    void start() {
        if constexpr (std::is_same_v<Stream, Tls>) {
            stream_.next_layer().async_handshake(asio::ssl::stream_base::server,
                                                 [self = this->shared_from_this()](error_code error) {
                                                     if (!error) {
                                                         self->read_request();
                                                     }
                                                 });
        } else {
            read_request();
        }
    }

    void send(const Message& message) {
        if (is_writing_) {
            return;
        }
        is_writing_ = true;
        stream_.async_write(asio::buffer(*message), [self = this->shared_from_this(), message](
                                                        error_code /*error*/, std::size_t /*size*/) {
            self->is_writing_ = false;  // an error ends the reading too
        });
    }

    std::vector<std::uint8_t> state;
    Match<Connection>* match = nullptr;

  private:
    void read_request() {
        http::async_read(stream_.next_layer(), buffer_, request_,
                         [self = this->shared_from_this()](error_code error, std::size_t /*size*/) {
                             if (!error) {
                                 self->accept();
                             }
                         });
    }

    void accept() {
        stream_.binary(true);
        stream_.auto_fragment(false);
        stream_.read_message_max(64 * 1024);
        stream_.async_accept(request_, [self = this->shared_from_this()](error_code error) {
            if (!error) {
                self->matches_.join(*self,
                                    {self->request_.target().data(), self->request_.target().size()});
                self->request_ = {};
                self->read();
            }
        });
    }

    void read() {
        stream_.async_read(buffer_,
                           [self = this->shared_from_this()](error_code error, std::size_t /*size*/) {
                               if (error) {
                                   self->matches_.leave(*self);
                                   return;
                               }
                               const auto bytes = self->buffer_.cdata();
                               Matches<Connection>::latest(
                                   *self, {static_cast<const std::uint8_t*>(bytes.data()), bytes.size()});
                               self->buffer_.clear();
                               self->read();
                           });
    }

    websocket::stream<Stream, false> stream_;
    beast::flat_buffer buffer_;
    http::request<http::empty_body> request_;
    Matches<Connection>& matches_;
    bool is_writing_ = false;
};

template <typename Stream>
class Server {
  public:
    explicit Server(const Options& options) : options_(options), clock_(options.hz) {
        if (options.has_tls()) {
            tls_.use_certificate_chain_file(options.certificate);
            tls_.use_private_key_file(options.key, asio::ssl::context::pem);
        }
    }

    void run() {
        const tcp::endpoint address(asio::ip::address_v4::loopback(), 0);
        acceptor_.open(address.protocol());
        acceptor_.set_option(tcp::no_delay(true));  // inherited
        acceptor_.bind(address);
        acceptor_.listen(4096);
        tell_listening(options_, acceptor_.local_endpoint().port());
        accept();
        wait();
        stop_.async_wait([this](error_code /*error*/, int /*signal*/) { context_.stop(); });
        context_.run();
    }

  private:
    void accept() {
        acceptor_.async_accept([this](error_code error, Plain socket) {
            if (!error) {
                if constexpr (std::is_same_v<Stream, Tls>) {
                    std::make_shared<Connection<Stream>>(matches_, std::move(socket), tls_)->start();
                } else {
                    std::make_shared<Connection<Stream>>(matches_, std::move(socket))->start();
                }
            }
            accept();
        });
    }

    void wait() {
        timer_.expires_at(clock_.next());
        timer_.async_wait([this](error_code /*error*/) {
            matches_.tick([](Match<Connection<Stream>>& match, auto append) {
                auto message = std::make_shared<std::vector<std::uint8_t>>();
                append(*message);
                for (Connection<Stream>* const member : match.members) {
                    member->send(message);
                }
            });
            wait();
        });
    }

    const Options& options_;
    TickClock clock_;
    Matches<Connection<Stream>> matches_;  // outlives the handlers that the context holds
    asio::io_context context_{1};
    asio::ssl::context tls_{asio::ssl::context::tls_server};
    asio::basic_socket_acceptor<tcp, Executor> acceptor_{context_};
    asio::basic_waitable_timer<std::chrono::steady_clock, asio::wait_traits<std::chrono::steady_clock>,
                               Executor>
        timer_{context_};
    asio::signal_set stop_{context_, SIGTERM, SIGINT};
};

}  // namespace
}  // namespace tickwire::peers

int main(int argument_count, char** arguments) {
    using namespace tickwire::peers;
    const Options options = read_options(argument_count, arguments);
    if (options.has_tls()) {
        Server<Tls>(options).run();
    } else {
        Server<Plain>(options).run();
    }
    return 0;
}
