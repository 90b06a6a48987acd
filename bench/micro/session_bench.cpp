// The way of a new connection: the request that asks for an upgrade, and the hand-over to another shard
// when its match lives there. Beside them what cannot be spared: the accept value's SHA-1.
#include <benchmark/benchmark.h>

#include <optional>
#include <string>

#include "session/session.hpp"
#include "shard/mailbox.hpp"

namespace tickwire::session {
namespace {

const std::string request =
    "GET /v1/match/arena-7 HTTP/1.1\r\nHost: game.example.org\r\nConnection: keep-alive, Upgrade\r\n"
    "Pragma: no-cache\r\nCache-Control: no-cache\r\nUser-Agent: Mozilla/5.0 (X11; Linux x86_64) "
    "AppleWebKit/537.36 (KHTML, like Gecko) Chrome/142.0.0.0 Safari/537.36\r\nUpgrade: websocket\r\n"
    "Origin: https://game.example.org\r\nSec-WebSocket-Version: 13\r\nAccept-Encoding: gzip, deflate, br, "
    "zstd\r\n"
    "Accept-Language: en-US,en;q=0.9\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n"
    "Sec-WebSocket-Extensions: permessage-deflate; client_max_window_bits\r\n"
    "Sec-WebSocket-Protocol: tickwire.v1\r\n\r\n";

void parse_upgrade(benchmark::State& run) {
    std::array<std::uint8_t, wire::response_head_size_max> response{};
    for (auto _ : run) {
        const auto parsed = wire::parse_request(base::as_bytes(request));
        benchmark::DoNotOptimize(wire::route_path((*parsed)->request.path));
        benchmark::DoNotOptimize(wire::encode_upgrade_response((*parsed)->request, response.data()));
        benchmark::ClobberMemory();
    }
    run.SetBytesProcessed(run.iterations() * static_cast<std::int64_t>(request.size()));
}
BENCHMARK(parse_upgrade)->Name("upgrade/parse_and_answer");

void accept_value(benchmark::State& run) {
    for (auto _ : run) {
        benchmark::DoNotOptimize(websocket::accept_value("dGhlIHNhbXBsZSBub25jZQ=="));
    }
}
BENCHMARK(accept_value)->Name("upgrade/accept_value");

enum class Way : std::uint8_t { stays, moves };

/// A shard that takes every upgrade, or sends it on its way.
class Shard final : public Host {
  public:
    explicit Shard(Way way)
        : pool_(std::size_t{64} << 20),
          scratch_(std::size_t{17} * 1024),
          environment_{pool_, heap_, parser_, scratch_, make_ping_frame(pool_), options_, counters_, *this},
          way_(way) {}

    Environment& environment() noexcept { return environment_; }

    void on_upgrade(Session& session, const wire::HttpRequest& asked,
                    const wire::RoutedPath& route) override {
        std::array<std::uint8_t, wire::response_head_size_max> response{};
        const std::size_t size = wire::encode_upgrade_response(asked, response.data());
        const Upgrade upgrade{Lane::game,
                              std::string(route.match),
                              {},
                              std::string(base::as_text(base::Bytes(response).first(size)))};
        if (way_ == Way::moves) {
            session.start_move(upgrade);
        } else {
            session.accept_upgrade(upgrade, {});
        }
    }
    bool on_proxy_header(Session& /*session*/, const wire::ProxyHeader& /*header*/) override {
        return true;
    }
    void on_page_request(Session& /*session*/, const wire::HttpRequest& /*request*/) override {}
    void on_join(Session& /*session*/, const wire::Join& /*join*/) override {}
    void on_plain_join(Session& /*session*/) override {}
    std::unique_ptr<tls::TlsEngine> make_engine() override { return nullptr; }
    bool on_state(Session& /*session*/, const protocol::State& /*state*/) override { return true; }
    bool on_event(Session& /*session*/, const protocol::Event& /*event*/) override { return true; }
    void on_ping(Session& /*session*/, const protocol::Ping& /*ping*/) override {}
    void on_resync(Session& /*session*/) override {}
    void on_plain_message(Session& /*session*/, base::Bytes /*body*/, bool /*is_text*/) override {}
    void on_request(Session& /*session*/, const wire::ControlRequest& /*request*/) override {}
    void on_bad_request(Session& /*session*/, const wire::RequestError& /*error*/) override {}
    void on_fault(Session& /*session*/, const Fault& /*fault*/) override {}
    void on_end(Session& /*session*/, SessionEnd /*end*/) override {}
    void on_attention(Session& /*session*/) override {}

  private:
    base::BufferPool pool_;
    websocket::HeapBufferSource heap_;
    wire::ControlParser parser_;
    std::vector<std::uint8_t> scratch_;
    SessionOptions options_;
    SessionCounters counters_;
    Environment environment_;
    Way way_;
};

/// A connection from its first byte to the 101, where it was accepted or, by way of the mailbox, elsewhere:
/// the difference is what a hand-over costs, system calls apart.
void connect(benchmark::State& run, Way way) {
    Shard acceptor(way);
    Shard owner(Way::stays);
    shard::Mailbox<shard::MovedConnection> mailbox;
    for (auto _ : run) {
        std::string bytes = request;
        std::optional<Session> session(std::in_place, acceptor.environment(), Transport::clear,
                                       base::Time{});
        session->receive({reinterpret_cast<std::uint8_t*>(bytes.data()), bytes.size()}, {});
        if (way == Way::moves) {
            mailbox.put({.descriptor = 3, .peer = {}, .session = session->take_moved()});
            for (shard::MovedConnection& moved : mailbox.take_all()) {
                session.emplace(owner.environment(), moved.session, base::Time{});
                session->resume_moved(moved.session, {});
            }
        }
        benchmark::DoNotOptimize(session->begin_send({}).data());
        session->end_send(true, {});
    }
}
BENCHMARK_CAPTURE(connect, stays, Way::stays)->Name("hand_over/none");
BENCHMARK_CAPTURE(connect, moves, Way::moves)->Name("hand_over/by_mailbox");

}  // namespace
}  // namespace tickwire::session
