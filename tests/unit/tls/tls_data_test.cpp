#include <openssl/ssl.h>

#include "tls_fixture.hpp"

namespace tickwire::tls {
namespace {

std::string pattern(std::size_t size) {
    std::string text(size, '\0');
    for (std::size_t index = 0; index < size; ++index) {
        text[index] = static_cast<char>('a' + (index * 7 + index / 251) % 26);
    }
    return text;
}

/// Each test runs over TLS 1.2 and 1.3.
class TlsData : public testing::TestWithParam<int> {
  protected:
    void SetUp() override {
        auto client_side = client_context();
        SSL_CTX_set_max_proto_version(client_side->native(), GetParam());
        both = std::make_unique<Conversation>(server_context(certificate), client_side);
        ASSERT_TRUE(both->shake_hands());
    }
    std::string server_reads(std::size_t part_size = SIZE_MAX) {
        return both->read_all(*both->server, both->to_server, both->to_client, part_size);
    }
    std::string client_reads(std::size_t part_size = SIZE_MAX) {
        return both->read_all(*both->client, both->to_client, both->to_server, part_size);
    }

    TestCertificate certificate;
    std::unique_ptr<Conversation> both;
};

TEST_P(TlsData, goes_both_ways) {
    ASSERT_EQ(both->client->write(base::as_bytes("ping"), both->to_server), TlsStatus::ok);
    EXPECT_EQ(server_reads(), "ping");
    ASSERT_EQ(both->server->write(base::as_bytes("pong"), both->to_client), TlsStatus::ok);
    EXPECT_EQ(client_reads(), "pong");
    EXPECT_EQ(both->last, TlsStatus::starved);
}

TEST_P(TlsData, any_split_of_the_bytes_gives_the_same_text) {
    for (std::size_t part_size = 1; part_size < 160; ++part_size) {
        std::string expected;
        for (const std::size_t size : {1U, 20U, 48U, 3U}) {
            const std::string text = pattern(size);
            ASSERT_EQ(both->client->write(base::as_bytes(text), both->to_server), TlsStatus::ok);
            expected += text;
        }
        ASSERT_EQ(server_reads(part_size), expected) << "in parts of " << part_size;
    }
}

TEST_P(TlsData, what_openssl_took_in_moves_with_the_engine) {
    ASSERT_EQ(both->client->write(base::as_bytes("first"), both->to_server), TlsStatus::ok);
    ASSERT_EQ(both->client->write(base::as_bytes("second"), both->to_server), TlsStatus::ok);
    std::uint8_t plaintext[100];
    std::size_t size = 0;
    {
        const std::vector<std::uint8_t> ciphertext = both->to_server.take();
        base::Bytes input(ciphertext);
        ASSERT_EQ(both->server->read(input, plaintext, size, both->to_client), TlsStatus::ok);
        EXPECT_TRUE(input.empty());  // read ahead: both records are inside
    }
    base::Bytes none;
    ASSERT_EQ(both->server->read(none, plaintext, size, both->to_client), TlsStatus::ok);
    EXPECT_EQ(base::as_text({plaintext, size}), "second");
    EXPECT_EQ(both->server->read(none, plaintext, size, both->to_client), TlsStatus::starved);
}

TEST_P(TlsData, plaintext_for_which_there_was_no_room_comes_with_the_next_call) {
    ASSERT_EQ(both->client->write(base::as_bytes("abcdef"), both->to_server), TlsStatus::ok);
    const std::vector<std::uint8_t> ciphertext = both->to_server.take();
    base::Bytes input(ciphertext);
    std::string text;
    std::uint8_t one[1];
    std::size_t size = 0;
    while (both->server->read(input, one, size, both->to_client) == TlsStatus::ok) {
        text += static_cast<char>(one[0]);
    }
    EXPECT_EQ(text, "abcdef");
}

TEST_P(TlsData, a_large_text_goes_in_records_of_16_kib) {
    const std::string text = pattern(300'000);
    ASSERT_EQ(both->server->write(base::as_bytes(text), both->to_client), TlsStatus::ok);
    EXPECT_LE(both->to_client.size(), sealed_size_max(text.size()));
    EXPECT_TRUE(client_reads(4000) == text);
}

TEST_P(TlsData, a_tick_is_one_record) {
    for (const std::size_t size : {1U, 100U, 4096U, 16384U}) {
        ASSERT_EQ(both->server->write(base::as_bytes(pattern(size)), both->to_client), TlsStatus::ok);
        const base::Bytes record = both->to_client.bytes();
        EXPECT_EQ(record.size(), 5U + 256U * record[3] + record[4]);
        EXPECT_LE(record.size(), sealed_size_max(size));
        both->to_client.take();
    }
}

TEST_P(TlsData, nothing_written_is_nothing_sent) {
    EXPECT_EQ(both->server->write({}, both->to_client), TlsStatus::ok);
    EXPECT_EQ(both->to_client.size(), 0U);
}

TEST_P(TlsData, without_room_the_writing_fails_for_good) {
    const std::string text = pattern(5000);
    both->to_client.limit = 1000;
    EXPECT_EQ(both->server->write(base::as_bytes(text), both->to_client), TlsStatus::failed);
    both->to_client.limit = SIZE_MAX;
    EXPECT_EQ(both->server->write(base::as_bytes("x"), both->to_client), TlsStatus::failed);
    EXPECT_EQ(both->to_client.size(), 0U);
}

TEST_P(TlsData, close_notify_is_told_after_the_last_text) {
    ASSERT_EQ(both->client->write(base::as_bytes("bye"), both->to_server), TlsStatus::ok);
    both->client->close(both->to_server);
    EXPECT_EQ(server_reads(), "bye");
    EXPECT_EQ(both->last, TlsStatus::closed);
    base::Bytes none;
    std::uint8_t plaintext[10];
    std::size_t size = 0;
    EXPECT_EQ(both->server->read(none, plaintext, size, both->to_client), TlsStatus::closed);
    both->server->close(both->to_client);
    client_reads();
    EXPECT_EQ(both->last, TlsStatus::closed);
}

TEST_P(TlsData, a_record_that_was_tampered_with_fails_with_an_alert) {
    ASSERT_EQ(both->client->write(base::as_bytes("genuine"), both->to_server), TlsStatus::ok);
    std::vector<std::uint8_t> ciphertext = both->to_server.take();
    ciphertext.back() ^= 1;
    base::Bytes input(ciphertext);
    std::uint8_t plaintext[100];
    std::size_t size = 0;
    EXPECT_EQ(both->server->read(input, plaintext, size, both->to_client), TlsStatus::failed);
    EXPECT_GT(both->to_client.size(), 0U);
    client_reads();
    EXPECT_EQ(both->last, TlsStatus::failed);
}

INSTANTIATE_TEST_SUITE_P(Version, TlsData, testing::Values(TLS1_2_VERSION, TLS1_3_VERSION),
                         [](const auto& instance) {
                             return instance.param == TLS1_2_VERSION ? "tls_1_2" : "tls_1_3";
                         });

/// The engine offers no key updates: a client of our own, over OpenSSL's memory BIOs, does.
class TlsKeyUpdate : public testing::Test {
  protected:
    void SetUp() override {
        SSL_set_bio(client, in, out);
        SSL_set_connect_state(client);
        for (int round = 0; round < 4; ++round) {
            exchange();
        }
        ASSERT_TRUE(server->is_handshake_done());
    }
    void TearDown() override { SSL_free(client); }

    /// What the client has to say goes to the server as one, and the answer comes back.
    void exchange() {
        char unexpected[10];
        if (SSL_do_handshake(client) == 1) {
            SSL_read(client, unexpected, sizeof unexpected);
        }
        char* data = nullptr;
        const long size = BIO_ctrl(out, BIO_CTRL_INFO, 0, &data);
        const std::string bytes(data, static_cast<std::size_t>(size));
        static_cast<void>(BIO_ctrl(out, BIO_CTRL_RESET, 0, nullptr));
        base::Bytes input = base::as_bytes(bytes);
        Wire answers;
        std::uint8_t plaintext[100];
        std::size_t count = 0;
        if (!server->is_handshake_done()) {
            last = server->handshake(input, answers);
        }
        while (server->is_handshake_done()) {
            last = server->read(input, plaintext, count, answers);
            text.append(reinterpret_cast<const char*>(plaintext), count);
            if (last != TlsStatus::ok) {
                break;
            }
        }
        unread = input.size();
        BIO_write(in, answers.bytes().data(), static_cast<int>(answers.size()));
    }
    void update(int type) {
        ASSERT_EQ(SSL_key_update(client, type), 1);
        ASSERT_EQ(SSL_do_handshake(client), 1);
    }

    TestCertificate certificate;
    std::shared_ptr<TlsContext> client_side = client_context();
    SSL* client = SSL_new(client_side->native());
    BIO* in = BIO_new(BIO_s_mem());
    BIO* out = BIO_new(BIO_s_mem());
    std::unique_ptr<TlsEngine> server =
        TlsEngine::create(server_context(certificate), TlsEngine::Side::server);
    TlsStatus last = TlsStatus::ok;
    std::string text;
    std::size_t unread = 0;
};

TEST_F(TlsKeyUpdate, is_answered_and_the_reading_goes_on) {
    update(SSL_KEY_UPDATE_REQUESTED);
    ASSERT_EQ(SSL_write(client, "after", 5), 5);
    exchange();
    exchange();
    EXPECT_EQ(text, "after");
    Wire reply;
    ASSERT_EQ(server->write(base::as_bytes("too"), reply), TlsStatus::ok);
    BIO_write(in, reply.bytes().data(), static_cast<int>(reply.size()));
    char read[10] = {};
    EXPECT_EQ(SSL_read(client, read, sizeof read), 3);
    EXPECT_STREQ(read, "too");
}

TEST_F(TlsKeyUpdate, comes_so_many_times_and_no_more) {
    int count = 0;
    while (last == TlsStatus::starved && count < 2000) {
        ++count;
        update(SSL_KEY_UPDATE_REQUESTED);
        exchange();
    }
    EXPECT_EQ(last, TlsStatus::failed);
    EXPECT_EQ(server->failure(), "too many key updates or alerts");
    EXPECT_GE(count, 200);
    EXPECT_LE(count, 500);
}

TEST_F(TlsKeyUpdate, too_many_in_one_read_are_not_all_read) {
    for (int count = 0; count < 2000; ++count) {
        update(SSL_KEY_UPDATE_NOT_REQUESTED);
    }
    exchange();
    EXPECT_EQ(last, TlsStatus::failed);
    EXPECT_GT(unread, 20'000U) << "of 54 KB";
}

}  // namespace
}  // namespace tickwire::tls
