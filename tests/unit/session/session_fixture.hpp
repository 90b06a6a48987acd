// A session alone: bytes go in as a client's, what it says to its host is written down, what it sends is
// taken apart. No shard, no match, no clock but `now`.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "session/session.hpp"
#include "tickwire/websocket.hpp"

namespace tickwire::session::test {

struct ServerFrame {
    websocket::Opcode opcode;
    std::string payload;
};

/// Of unit tests and of a fuzz target, so it knows neither GoogleTest nor libFuzzer.
class SessionRig : protected Host {
  protected:
    explicit SessionRig(std::size_t pool_size = 64 << 20) : pool(pool_size), scratch(17 * 1024) {}
    ~SessionRig() = default;

    /// A session in the clear, which has been sent nothing yet.
    Session& open(const SessionOptions& chosen = {}) {
        options = chosen;
        session.reset();
        environment.emplace(Environment{pool, *echo_heap, parser, scratch, make_ping_frame(pool), options,
                                        counters, *this});
        session = std::make_unique<Session>(*environment, transport, now, preamble);
        session->set_self({7, 1});
        return *session;
    }
    Session& open_game(const SessionOptions& chosen = {}) {
        open(chosen);
        receive(upgrade_request("/v1/match/arena", "tickwire.v1"));
        sent();
        return *session;
    }
    Session& open_joined(const SessionOptions& chosen = {}) {
        open_game(chosen);
        receive(text_frame(R"({"op":"join","name":"Ann"})"));
        return *session;
    }
    Session& open_echo() {
        SessionOptions chosen;
        chosen.is_echo_on = true;
        open(chosen);
        receive(upgrade_request("/v1/echo", ""));
        sent();
        return *session;
    }
    Session& open_plain(const SessionOptions& chosen = {}) {
        open(chosen);
        receive(upgrade_request("/v1/match/arena", ""));
        sent();
        return *session;
    }

    static std::string upgrade_request(const std::string& target, const std::string& subprotocol) {
        return "GET " + target +
               " HTTP/1.1\r\nHost: relay\r\nUpgrade: websocket\r\nConnection: keep-alive, Upgrade\r\n"
               "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n" +
               (subprotocol.empty() ? "" : "Sec-WebSocket-Protocol: " + subprotocol + "\r\n") + "\r\n";
    }
    static std::string frame(websocket::Opcode opcode, const std::string& payload) {
        std::string bytes(websocket::client_header_size_max + payload.size(), '\0');
        const std::size_t size = websocket::encode_client_frame(
            opcode, base::as_bytes(payload), {1, 2, 3, 4}, reinterpret_cast<std::uint8_t*>(bytes.data()));
        bytes.resize(size);
        return bytes;
    }
    static std::string text_frame(const std::string& text) { return frame(websocket::Opcode::text, text); }
    static std::string binary_frame(const std::string& bytes) {
        return frame(websocket::Opcode::binary, bytes);
    }
    static std::string close_frame(std::uint16_t code) {
        return frame(websocket::Opcode::close,
                     {static_cast<char>(code >> 8), static_cast<char>(code & 0xff)});
    }

    /// A member's messages: a state numbered 1, an event to all, a PING.
    static std::string state_message(const std::string& bytes) {
        return std::string("\x01\0\x01\0\0\0", 6) + bytes;
    }
    static std::string event_message(char kind, const std::string& body) {
        return std::string("\x02", 1) + kind + std::string("\0\0", 2) + body;
    }
    static std::string ping_message() { return {"\x03\0\0\0\x2a\0\0\0", 8}; }

    void receive(std::string bytes) {
        session->receive({reinterpret_cast<std::uint8_t*>(bytes.data()), bytes.size()}, now);
    }

    /// All that the session has to send now, as it goes on the wire.
    std::string sent() {
        std::string all;
        while (!session->is_busy()) {
            const base::Bytes bytes = session->begin_send(now);
            if (bytes.empty()) {
                break;
            }
            all += base::as_text(bytes);
            session->end_send(true, now);
        }
        return all;
    }
    std::vector<ServerFrame> sent_frames() {
        std::string bytes = sent();
        websocket::Reader reader(websocket::Role::client, {1U << 24U, 1U << 24U, 1000}, heap);
        std::span<std::uint8_t> input(reinterpret_cast<std::uint8_t*>(bytes.data()), bytes.size());
        std::vector<ServerFrame> frames;
        while (true) {
            const auto next = reader.next(input);
            base::check(next.has_value(), "the session sends frames");
            if (!next || !next->has_value()) {
                return frames;
            }
            frames.push_back({(*next)->opcode, std::string(base::as_text((*next)->payload))});
        }
    }
    /// The code of the close frame that is sent last; 0 where there is none.
    std::uint16_t sent_close_code() {
        const auto frames = sent_frames();
        if (frames.empty() || frames.back().opcode != websocket::Opcode::close) {
            return 0;
        }
        return websocket::parse_close(base::as_bytes(frames.back().payload)).code;
    }

    // Host: writes down what it is told.
    bool on_proxy_header(Session& /*asked*/, const wire::ProxyHeader& header) override {
        told.push_back("proxy for " + (header.source ? header.source->text() : "itself"));
        return accepts;
    }
    void on_upgrade(Session& asked, const wire::HttpRequest& request,
                    const wire::RoutedPath& route) override {
        std::array<std::uint8_t, wire::response_head_size_max> response;
        const std::size_t size = wire::encode_upgrade_response(request, response.data());
        Upgrade upgrade;
        upgrade.response = base::as_text({response.data(), size});
        upgrade.match = route.match;
        upgrade.ticket = request.query;
        upgrade.lane = route.route == wire::Route::echo ? Lane::echo
                       : request.offers_tickwire        ? Lane::game
                                                        : Lane::plain;
        told.push_back("upgrade " + upgrade.match);
        if (moves) {
            asked.start_move(upgrade);
        } else {
            asked.accept_upgrade(upgrade, now);
        }
    }
    void on_page_request(Session& asked, const wire::HttpRequest& request) override {
        told.push_back("page " + std::string(request.path));
        asked.respond("text/plain", base::as_bytes("hello"), request);
    }
    void on_join(Session& asked, const wire::Join& join) override {
        told.push_back("join " + join.name + (asked.ticket().empty() ? "" : " by ") +
                       std::string(asked.ticket()));
        asked.on_joined(join_limits.value_or(options.limits_of(join.role)), join.role, join_rates);
    }
    void on_plain_join(Session& /*asked*/) override { told.push_back("plain join"); }
    std::unique_ptr<tls::TlsEngine> make_engine() override {
        return tls_context == nullptr ? nullptr
                                      : tls::TlsEngine::create(tls_context, tls::TlsEngine::Side::server);
    }
    bool on_state(Session& /*asked*/, const protocol::State& state) override {
        told.push_back("state " + std::string(base::as_text(state.bytes)));
        return accepts;
    }
    bool on_event(Session& /*asked*/, const protocol::Event& event) override {
        told.push_back("event " + std::string(base::as_text(event.body)));
        return accepts;
    }
    void on_ping(Session& /*asked*/, const protocol::Ping& ping) override {
        told.push_back("ping " + std::to_string(ping.client_time));
    }
    void on_resync(Session& /*asked*/) override { told.emplace_back("resync"); }
    void on_plain_message(Session& /*asked*/, base::Bytes body, bool is_text) override {
        told.push_back((is_text ? "text " : "binary ") + std::string(base::as_text(body)));
    }
    void on_request(Session& /*asked*/, const wire::ControlRequest& request) override {
        told.push_back("request " + std::to_string(request.request.index()));
    }
    void on_bad_request(Session& /*asked*/, const wire::RequestError& error) override {
        told.push_back("bad request " + error.message);
    }
    void on_end(Session& /*asked*/, SessionEnd end) override {
        told.emplace_back(end == SessionEnd::closed ? "end closed" : "end lost");
    }
    void on_fault(Session& /*asked*/, const Fault& fault) override {
        faults.push_back({fault.kind, fault.code, std::string(fault.detail)});
    }
    void on_attention(Session& /*asked*/) override { ++attention_count; }

    base::Time now = base::Time(std::chrono::seconds(1000));
    base::BufferPool pool;
    websocket::HeapBufferSource heap;
    websocket::BufferSource* echo_heap = &heap;
    wire::ControlParser parser;
    std::vector<std::uint8_t> scratch;
    SessionOptions options;
    SessionCounters counters;
    std::optional<Environment> environment;
    std::unique_ptr<Session> session;
    std::vector<std::string> told;
    struct KnownFault {
        Fault::Kind kind;
        std::uint16_t code;
        std::string detail;
        friend bool operator==(const KnownFault&, const KnownFault&) = default;
    };
    std::vector<KnownFault> faults;
    std::optional<wire::Limits> join_limits;
    base::RateBuckets join_rates;
    Transport transport = Transport::clear;
    Preamble preamble = Preamble::none;
    std::shared_ptr<tls::TlsContext> tls_context;
    bool accepts = true;
    bool moves = false;
    int attention_count = 0;
};

}  // namespace tickwire::session::test
