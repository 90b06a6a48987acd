// Session tickets across rotations: plain OpenSSL clients, which keep what they are given and bring it
// back.
#include "tls/ticket_keys.hpp"

#include <openssl/ssl.h>

#include <utility>

#include "tls_fixture.hpp"

namespace tickwire::tls {
namespace {

using Session = std::unique_ptr<SSL_SESSION, decltype(&SSL_SESSION_free)>;
using Ssl = std::unique_ptr<SSL, decltype(&SSL_free)>;

Session no_session() {
    return {nullptr, &SSL_SESSION_free};
}

struct Visit {
    bool is_resumed = false;
    Session session = no_session();  ///< for the next one
};

class TicketKeysTest : public testing::TestWithParam<int> {
  protected:
    std::shared_ptr<TlsContext> server() {
        auto context =
            TlsContext::for_server({{certificate.certificate_file(), certificate.key_file()}}, keys);
        EXPECT_TRUE(context) << context.error();
        return *context;
    }
    /// Shakes hands over a pipe of memory, and takes the ticket that comes after.
    Visit visit(const std::shared_ptr<TlsContext>& to, SSL_SESSION* session) {
        const Ssl client(SSL_new(client_side->native()), &SSL_free);
        const Ssl server_end(SSL_new(to->native()), &SSL_free);
        SSL_set_max_proto_version(client.get(), GetParam());
        BIO* of_client = nullptr;
        BIO* of_server = nullptr;
        EXPECT_EQ(BIO_new_bio_pair(&of_client, 65536, &of_server, 65536), 1);
        SSL_set_bio(client.get(), of_client, of_client);
        SSL_set_bio(server_end.get(), of_server, of_server);
        SSL_set_connect_state(client.get());
        SSL_set_accept_state(server_end.get());
        if (session != nullptr) {
            EXPECT_EQ(SSL_set_session(client.get(), session), 1);
        }
        for (int round = 0; round < 10; ++round) {
            SSL_do_handshake(client.get());
            SSL_do_handshake(server_end.get());
        }
        EXPECT_TRUE(SSL_is_init_finished(client.get()) && SSL_is_init_finished(server_end.get()));
        char nothing = 0;
        SSL_read(client.get(), &nothing, 1);  // of TLS 1.3: the ticket comes behind the handshake
        // Without it OpenSSL takes the end for a failure, and the session for no longer good.
        SSL_set_shutdown(client.get(), SSL_SENT_SHUTDOWN | SSL_RECEIVED_SHUTDOWN);
        return {SSL_session_reused(server_end.get()) == 1,
                Session(SSL_get1_session(client.get()), &SSL_SESSION_free)};
    }

    TestCertificate certificate;
    std::shared_ptr<TicketKeys> keys = TicketKeys::create();
    std::shared_ptr<TlsContext> client_side = client_context();
};

TEST_P(TicketKeysTest, a_ticket_is_good_for_the_context_before_and_after_a_reload) {
    const auto before = server();
    const auto after = server();
    const Visit first = visit(before, nullptr);
    EXPECT_FALSE(first.is_resumed);
    EXPECT_TRUE(visit(after, first.session.get()).is_resumed);
}

TEST_P(TicketKeysTest, a_ticket_is_good_for_one_rotation_and_then_no_more) {
    const auto to = server();
    const Visit once = visit(to, nullptr);
    const Visit twice = visit(to, nullptr);
    ASSERT_TRUE(keys->rotate());
    EXPECT_TRUE(visit(to, once.session.get()).is_resumed) << "the previous key opens";
    ASSERT_TRUE(keys->rotate());
    EXPECT_FALSE(visit(to, twice.session.get()).is_resumed) << "the one before it does not";
}

TEST_P(TicketKeysTest, who_comes_once_in_each_rotation_resumes_for_ever) {
    const auto to = server();
    Visit last = visit(to, nullptr);
    for (int rotation = 0; rotation < 4; ++rotation) {
        ASSERT_TRUE(keys->rotate());
        last = visit(to, last.session.get());
        EXPECT_TRUE(last.is_resumed) << rotation;
    }
}

TEST_P(TicketKeysTest, other_keys_open_nothing) {
    const Visit first = visit(server(), nullptr);
    keys = TicketKeys::create();
    EXPECT_FALSE(visit(server(), first.session.get()).is_resumed);
}

INSTANTIATE_TEST_SUITE_P(Versions, TicketKeysTest, testing::Values(TLS1_2_VERSION, TLS1_3_VERSION));

}  // namespace
}  // namespace tickwire::tls
