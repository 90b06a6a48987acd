#include <openssl/ssl.h>

#include "tls_fixture.hpp"

namespace tickwire::tls {
namespace {

class TlsHandshake : public testing::Test {
  protected:
    std::shared_ptr<TlsContext> client_limited_to(int version) {
        auto context = client_context();
        SSL_CTX_set_min_proto_version(context->native(), version);
        SSL_CTX_set_max_proto_version(context->native(), version);
        SSL_CTX_set_security_level(context->native(), 0);
        return context;
    }
    TestCertificate certificate;
};

TEST_F(TlsHandshake, speaks_1_3_where_the_client_does) {
    Conversation both(server_context(certificate), client_context());
    ASSERT_TRUE(both.shake_hands());
    EXPECT_EQ(both.server->version(), "TLSv1.3");
    EXPECT_FALSE(both.server->was_resumed());
}

TEST_F(TlsHandshake, speaks_1_2_with_forward_secrecy_and_aead) {
    Conversation both(server_context(certificate), client_limited_to(TLS1_2_VERSION));
    ASSERT_TRUE(both.shake_hands());
    EXPECT_EQ(both.server->version(), "TLSv1.2");
}

TEST_F(TlsHandshake, refuses_1_1_with_an_alert) {
    Conversation both(server_context(certificate), client_limited_to(TLS1_1_VERSION));
    EXPECT_FALSE(both.shake_hands());
    EXPECT_FALSE(both.server->is_handshake_done());
}

TEST_F(TlsHandshake, refuses_1_2_where_1_3_is_the_least) {
    Conversation both(server_context(certificate, MinimumVersion::tls_1_3),
                      client_limited_to(TLS1_2_VERSION));
    EXPECT_FALSE(both.shake_hands());
    EXPECT_GT(both.to_client.size(), 0U);  // the alert
}

TEST_F(TlsHandshake, refuses_ciphers_without_aead_or_forward_secrecy) {
    for (const char* const ciphers :
         {"ECDHE-ECDSA-AES128-SHA256", "ECDHE-ECDSA-AES128-SHA", "AES128-GCM-SHA256"}) {
        auto context = client_limited_to(TLS1_2_VERSION);
        ASSERT_EQ(SSL_CTX_set_cipher_list(context->native(), ciphers), 1);
        Conversation both(server_context(certificate), context);
        EXPECT_FALSE(both.shake_hands()) << ciphers;
    }
}

TEST_F(TlsHandshake, works_in_parts_of_any_size) {
    for (const int version : {TLS1_2_VERSION, TLS1_3_VERSION}) {
        for (const std::size_t part_size : {1U, 2U, 3U, 5U, 6U, 7U, 64U, 100U, 517U, 1000U}) {
            Conversation both(server_context(certificate), client_limited_to(version));
            EXPECT_TRUE(both.shake_hands(part_size)) << version << " in parts of " << part_size;
        }
    }
}

TEST_F(TlsHandshake, garbage_fails_with_an_alert) {
    Conversation both(server_context(certificate), client_context());
    const std::string garbage = "GET / HTTP/1.1\r\nHost: wrong-port\r\n\r\n";
    base::Bytes input = base::as_bytes(garbage);
    EXPECT_EQ(both.server->handshake(input, both.to_client), TlsStatus::failed);
    Conversation other(server_context(certificate), client_context());
    const std::string message("\x16\x03\x01\x00\x05\x02\x00\x00\x01\x00",
                              10);  // a ServerHello for a server
    input = base::as_bytes(message);
    EXPECT_EQ(other.server->handshake(input, other.to_client), TlsStatus::failed);
    ASSERT_EQ(other.to_client.size(), 7U);
    EXPECT_EQ(other.to_client.bytes()[0], 21);  // an alert
}

TEST_F(TlsHandshake, needs_a_context) {
    EXPECT_EQ(TlsEngine::create(nullptr, TlsEngine::Side::server), nullptr);
}

TEST_F(TlsHandshake, a_failure_has_a_reason_in_words) {
    Conversation both(server_context(certificate), client_context());
    EXPECT_EQ(both.server->failure(), "");
    const std::string garbage = "GET / HTTP/1.1\r\nHost: wrong-port\r\n\r\n";
    base::Bytes input = base::as_bytes(garbage);
    EXPECT_EQ(both.server->handshake(input, both.to_client), TlsStatus::failed);
    EXPECT_EQ(both.server->failure(), "http request");
}

TEST_F(TlsHandshake, a_client_comes_back_with_its_session) {
    const auto context = server_context(certificate);
    const auto client = client_context();
    Conversation first(context, client);
    EXPECT_EQ(first.client->session(), nullptr);
    ASSERT_TRUE(first.shake_hands());
    const TlsEngine::Session session = first.client->session();
    ASSERT_NE(session, nullptr);
    first.client.reset();
    Conversation again(context, client);
    again.client = TlsEngine::create(client, TlsEngine::Side::client, "localhost", session);
    ASSERT_TRUE(again.shake_hands());
    EXPECT_TRUE(again.client->was_resumed());
    EXPECT_TRUE(again.server->was_resumed());
}

TEST_F(TlsHandshake, after_a_failure_every_call_fails_and_nothing_more_is_sent) {
    Conversation both(server_context(certificate), client_context());
    const std::string garbage = "GET / HTTP/1.1\r\n\r\n";
    base::Bytes input = base::as_bytes(garbage);
    ASSERT_EQ(both.server->handshake(input, both.to_client), TlsStatus::failed);
    both.to_client.take();
    std::uint8_t plaintext[10];
    std::size_t size = 7;
    EXPECT_EQ(both.server->handshake(input, both.to_client), TlsStatus::failed);
    EXPECT_EQ(both.server->read(input, plaintext, size, both.to_client), TlsStatus::failed);
    EXPECT_EQ(size, 0U);
    EXPECT_EQ(both.server->write(base::as_bytes("x"), both.to_client), TlsStatus::failed);
    both.server->close(both.to_client);
    EXPECT_EQ(both.to_client.size(), 0U);
}

TEST_F(TlsHandshake, fails_where_there_is_no_room_for_the_answer) {
    Conversation both(server_context(certificate), client_context());
    both.to_client.limit = 100;
    EXPECT_FALSE(both.shake_hands());
}

TEST_F(TlsHandshake, application_data_behind_the_last_flight_is_not_lost) {
    Conversation both(server_context(certificate), client_context());
    base::Bytes none;
    ASSERT_EQ(both.client->handshake(none, both.to_server), TlsStatus::starved);
    std::vector<std::uint8_t> flight = both.to_server.take();
    base::Bytes input(flight);
    ASSERT_EQ(both.server->handshake(input, both.to_client), TlsStatus::starved);
    flight = both.to_client.take();
    input = flight;
    ASSERT_EQ(both.client->handshake(input, both.to_server), TlsStatus::ok);
    ASSERT_EQ(both.client->write(base::as_bytes("GET /"), both.to_server), TlsStatus::ok);
    flight = both.to_server.take();  // Finished and the request in one
    input = flight;
    ASSERT_EQ(both.server->handshake(input, both.to_client), TlsStatus::ok);
    std::uint8_t plaintext[100];
    std::size_t size = 0;
    ASSERT_EQ(both.server->read(input, plaintext, size, both.to_client), TlsStatus::ok);
    EXPECT_EQ(base::as_text({plaintext, size}), "GET /");
}

TEST_F(TlsHandshake, picks_http_1_1_out_of_what_a_browser_offers) {
    auto context = client_context();
    const unsigned char offer[] = "\x02h2\x08http/1.1";
    SSL_CTX_set_alpn_protos(context->native(), offer, sizeof offer - 1);
    Conversation both(server_context(certificate), context);
    EXPECT_TRUE(both.shake_hands());
}

TEST_F(TlsHandshake, refuses_a_client_that_speaks_other_protocols_alone) {
    auto context = client_context();
    const unsigned char offer[] = "\x02h2";
    SSL_CTX_set_alpn_protos(context->native(), offer, sizeof offer - 1);
    Conversation both(server_context(certificate), context);
    EXPECT_FALSE(both.shake_hands());
    ASSERT_EQ(both.to_client.size(), 7U);
    EXPECT_EQ(both.to_client.bytes()[6], 120);  // no_application_protocol
}

TEST_F(TlsHandshake, welcomes_a_client_that_offers_no_protocols) {
    auto context = client_context();
    SSL_CTX_set_alpn_protos(context->native(), nullptr, 0);
    Conversation both(server_context(certificate), context);
    EXPECT_TRUE(both.shake_hands());
}

TEST_F(TlsHandshake, a_verifying_client_refuses_a_certificate_of_nobody) {
    auto context = TlsContext::for_client(TlsContext::Verify::system_roots);
    ASSERT_TRUE(context.has_value()) << context.error();
    Conversation both(server_context(certificate), *context);
    EXPECT_FALSE(both.shake_hands());
}

}  // namespace
}  // namespace tickwire::tls
