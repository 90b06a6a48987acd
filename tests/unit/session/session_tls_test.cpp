// A session over TLS: the same way from the request to the end, with a real client's engine on the other
// side.
#include "../base/exhaust.hpp"
#include "../tls/tls_fixture.hpp"
#include "session_fixture.hpp"

namespace tickwire::session::test {
namespace {

using std::chrono::seconds;
using Strings = std::vector<std::string>;

class SessionTlsTest : public testing::Test, protected SessionRig {
  protected:
    void SetUp() override {
        transport = Transport::tls;
        tls_context = tls::server_context(certificate);
        open();
        client = tls::TlsEngine::create(tls::client_context(), tls::TlsEngine::Side::client);
    }

    /// What the client has on the wire goes in, and what the session sends comes back, until both are
    /// silent.
    void exchange() {
        while (true) {
            std::vector<std::uint8_t> bytes = to_server.take();
            if (!bytes.empty()) {
                session->receive(bytes, now);
            }
            std::string answer = sent();
            if (bytes.empty() && answer.empty()) {
                return;
            }
            take(answer);
        }
    }
    void take(const std::string& ciphertext) {
        base::Bytes rest = base::as_bytes(ciphertext);
        if (!client->is_handshake_done()) {
            last = client->handshake(rest, to_server);
        }
        std::vector<std::uint8_t> plaintext(20'000);
        while (client->is_handshake_done()) {
            std::size_t size = 0;
            last = client->read(rest, plaintext, size, to_server);
            received.append(plaintext.begin(), plaintext.begin() + static_cast<std::ptrdiff_t>(size));
            if (last != tls::TlsStatus::ok) {
                return;
            }
        }
    }
    void shake_hands() {
        base::Bytes nothing;
        last = client->handshake(nothing, to_server);
        exchange();
        ASSERT_TRUE(client->is_handshake_done());
        ASSERT_EQ(session->phase(), Phase::http);
    }
    void say(const std::string& text) {
        ASSERT_EQ(client->write(base::as_bytes(text), to_server), tls::TlsStatus::ok);
        exchange();
    }

    tls::TestCertificate certificate;
    std::unique_ptr<tls::TlsEngine> client;
    tls::Wire to_server;
    std::string received;
    tls::TlsStatus last = tls::TlsStatus::ok;
};

TEST_F(SessionTlsTest, begins_tls_behind_a_proxy_header_that_may_come_with_its_first_bytes) {
    preamble = Preamble::proxy_header;
    for (const std::size_t cut : {1U, 20U, 43U, 50U}) {
        open();
        told.clear();
        client = tls::TlsEngine::create(tls::client_context(), tls::TlsEngine::Side::client);
        base::Bytes nothing;
        last = client->handshake(nothing, to_server);
        const std::vector<std::uint8_t> hello = to_server.take();
        const std::string stream =
            "PROXY TCP4 203.0.113.7 192.0.2.1 4711 443\r\n" + std::string(hello.begin(), hello.end());
        receive(stream.substr(0, cut));
        EXPECT_EQ(session->phase(), cut < 43 ? Phase::proxy_header : Phase::tls_handshake);
        receive(stream.substr(cut));
        take(sent());
        exchange();
        ASSERT_TRUE(client->is_handshake_done()) << cut;
        EXPECT_EQ(session->phase(), Phase::http);
        EXPECT_EQ(told, (Strings{"proxy for 203.0.113.7"}));
    }
}

TEST_F(SessionTlsTest, joins_and_closes) {
    shake_hands();
    say(upgrade_request("/v1/match/arena", "tickwire.v1") + text_frame(R"({"op":"join","name":"Ann"})"));
    EXPECT_EQ(told, (Strings{"upgrade arena", "join Ann"}));
    EXPECT_TRUE(received.starts_with("HTTP/1.1 101"));
    session->queue_frame(websocket::Opcode::text, base::as_bytes("hello"));
    exchange();
    EXPECT_TRUE(received.ends_with("hello"));
    EXPECT_EQ(counters.handshakes, 1U);
    say(close_frame(1000));
    EXPECT_TRUE(session->is_over());
    EXPECT_EQ(last, tls::TlsStatus::closed) << "close_notify is the last that is said";
}

TEST_F(SessionTlsTest, counts_who_comes_back_with_a_session_ticket) {
    const auto context = tls::client_context();
    tls::TlsEngine::Session ticket;
    for (const std::uint64_t resumed : {0U, 1U}) {
        open();
        client = tls::TlsEngine::create(context, tls::TlsEngine::Side::client, "localhost", ticket);
        shake_hands();
        EXPECT_EQ(counters.handshakes_resumed, resumed);
        ticket = client->session();
        ASSERT_NE(ticket, nullptr);
        say(upgrade_request("/v1/match/arena", "") + close_frame(1000));
        EXPECT_EQ(last, tls::TlsStatus::closed) << "OpenSSL resumes no session that broke off";
    }
    EXPECT_EQ(counters.handshakes, 2U);
}

TEST_F(SessionTlsTest, hints_to_the_cache_change_nothing_at_any_time) {
    const auto hint = [this] {
        session->prefetch_engine();
        session->prefetch_tls(tls::TlsEngine::Direction::reads);
        session->prefetch_tls(tls::TlsEngine::Direction::writes);
    };
    hint();
    base::Bytes nothing;
    last = client->handshake(nothing, to_server);
    std::vector<std::uint8_t> hello = to_server.take();
    session->receive(base::MutableBytes(hello).first(100), now);
    ASSERT_TRUE(session->is_tls());
    ASSERT_EQ(session->phase(), Phase::tls_handshake);
    hint();
    session->receive(base::MutableBytes(hello).subspan(100), now);
    hint();
    take(sent());
    exchange();
    hint();
    say(upgrade_request("/v1/match/arena", "tickwire.v1") + text_frame(R"({"op":"join","name":"Ann"})"));
    hint();
    say(close_frame(1000));
    hint();
    EXPECT_EQ(told, (Strings{"upgrade arena", "join Ann", "end closed"}));
    EXPECT_EQ(last, tls::TlsStatus::closed);
    EXPECT_EQ(counters.protocol_errors, 0U);
}

TEST_F(SessionTlsTest, drops_what_does_not_speak_tls) {
    receive("GET / HTTP/1.1\r\nHost: relay\r\n\r\n");
    EXPECT_TRUE(session->is_over());
    EXPECT_EQ(counters.handshakes_failed, 1U);
}

TEST_F(SessionTlsTest, drops_who_comes_when_there_is_no_certificate_any_more) {
    tls_context = nullptr;
    base::Bytes nothing;
    last = client->handshake(nothing, to_server);
    exchange();
    EXPECT_TRUE(session->is_over());
    EXPECT_EQ(counters.handshakes_failed, 1U);
    EXPECT_EQ(faults, (std::vector<KnownFault>{{Fault::Kind::tls, 0, "no certificate, or no memory"}}));
}

TEST_F(SessionTlsTest, does_not_wait_for_a_handshake_for_ever) {
    now += seconds(10);
    session->on_time(now);
    EXPECT_TRUE(session->is_over());
}

TEST_F(SessionTlsTest, ends_during_a_handshake_when_the_relay_stops) {
    session->shut_down(now);
    EXPECT_TRUE(session->is_over());
}

TEST_F(SessionTlsTest, charges_records_and_not_what_is_in_them) {
    SessionOptions chosen;
    chosen.limits.bytes_per_second = 2000;
    open(chosen);
    shake_hands();
    say(upgrade_request("/v1/match/arena", "tickwire.v1") + text_frame(R"({"op":"join","name":"Ann"})"));
    for (const char byte : binary_frame(event_message(0, std::string(100, 'x')))) {  // 23 bytes for each
        ASSERT_EQ(client->write(base::as_bytes({&byte, 1}), to_server), tls::TlsStatus::ok);
    }
    received.clear();
    exchange();
    EXPECT_EQ(counters.over_byte_rate, 1U);
    EXPECT_TRUE(received.starts_with("\x88")) << "a close frame";
    say(close_frame(4100));
    EXPECT_EQ(last, tls::TlsStatus::closed) << "the stream was read on";
    EXPECT_EQ(counters.protocol_errors, 0U);
}

TEST_F(SessionTlsTest, loses_a_member_whose_records_are_forged) {
    shake_hands();
    say(upgrade_request("/v1/match/arena", "tickwire.v1") + text_frame(R"({"op":"join","name":"Ann"})"));
    told.clear();
    ASSERT_EQ(client->write(base::as_bytes(text_frame("forged")), to_server), tls::TlsStatus::ok);
    std::vector<std::uint8_t> bytes = to_server.take();
    bytes.back() ^= 1U;
    session->receive(bytes, now);
    EXPECT_EQ(told, Strings{"end lost"});
    EXPECT_TRUE(session->is_over());
}

TEST_F(SessionTlsTest, loses_a_member_that_ends_tls_without_a_close_frame) {
    shake_hands();
    say(upgrade_request("/v1/match/arena", "tickwire.v1") + text_frame(R"({"op":"join","name":"Ann"})"));
    told.clear();
    client->close(to_server);
    exchange();
    EXPECT_EQ(told, Strings{"end lost"});
    EXPECT_TRUE(session->is_over());
}

TEST_F(SessionTlsTest, sends_what_is_for_many_with_and_without_what_is_for_one) {
    shake_hands();
    say(upgrade_request("/v1/match/arena", "tickwire.v1") + text_frame(R"({"op":"join","name":"Ann"})"));
    auto shared = base::SharedBuffer::create(pool, 16);
    std::memcpy(shared.room().data(), "\x82\x04tick", 6);
    shared.set_size(6);
    received.clear();
    session->send_shared(shared);
    exchange();
    EXPECT_EQ(received, "\x82\x04tick");
    received.clear();
    session->queue_frame(websocket::Opcode::text, base::as_bytes("own"));
    session->send_shared(shared);
    exchange();
    EXPECT_EQ(received, "\x81\x03own\x82\x04tick");
}

TEST_F(SessionTlsTest, what_cannot_be_sealed_ends_the_session) {
    shake_hands();
    say(upgrade_request("/v1/match/arena", "tickwire.v1") + text_frame(R"({"op":"join","name":"Ann"})"));
    told.clear();
    session->send_shared(environment->ping_frame);
    const auto taken = base::test::exhaust(pool);
    EXPECT_TRUE(session->begin_send(now).empty());
    EXPECT_TRUE(session->is_over());
    EXPECT_EQ(told, Strings{"end lost"});
    for (const base::MutableBytes buffer : taken) {
        pool.release(buffer);
    }
}

TEST_F(SessionTlsTest, a_record_that_is_not_finished_in_time_closes_with_4102) {
    shake_hands();
    say(upgrade_request("/v1/match/arena", "tickwire.v1") + text_frame(R"({"op":"join","name":"Ann"})"));
    ASSERT_EQ(client->write(base::as_bytes(text_frame("late")), to_server), tls::TlsStatus::ok);
    std::vector<std::uint8_t> record = to_server.take();
    received.clear();
    session->receive(base::MutableBytes(record).first(record.size() - 1), now);
    now += seconds(10);
    session->on_time(now);
    exchange();
    ASSERT_GE(received.size(), 4U);
    EXPECT_EQ(received.substr(2, 2), "\x10\x06") << "4102";
    EXPECT_EQ(counters.timeouts_message, 1U);
}

TEST_F(SessionTlsTest, throws_away_the_records_behind_one_that_breaks_the_stream) {
    shake_hands();
    say(upgrade_request("/v1/match/arena", "tickwire.v1") + text_frame(R"({"op":"join","name":"Ann"})"));
    session->close(4002, "kicked", now);
    exchange();
    told.clear();
    const std::uint64_t messages = counters.messages_received;
    for (const std::string& record : {std::string("\x82\x01x", 3), text_frame("behind it")}) {
        ASSERT_EQ(client->write(base::as_bytes(record), to_server), tls::TlsStatus::ok);
    }
    exchange();
    EXPECT_TRUE(session->is_draining());
    EXPECT_EQ(counters.messages_received, messages);
    EXPECT_EQ(told, Strings{});
}

TEST_F(SessionTlsTest, ends_a_broken_stream_with_close_notify_and_drains_without_decrypting) {
    shake_hands();
    say(upgrade_request("/v1/match/arena", "tickwire.v1") + text_frame(R"({"op":"join","name":"Ann"})"));
    say(std::string("\x82\x01x", 3));
    EXPECT_TRUE(session->is_draining());
    EXPECT_EQ(last, tls::TlsStatus::closed);
    receive("neither TLS nor anything else");
    EXPECT_TRUE(session->is_draining());
    EXPECT_EQ(sent(), "") << "nothing may follow the FIN, no alert either";
}

}  // namespace
}  // namespace tickwire::session::test
