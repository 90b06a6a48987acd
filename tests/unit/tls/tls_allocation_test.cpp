// What a TLS connection costs in memory, and that its data path leaves the heap alone.
#include <malloc.h>
#include <openssl/evp.h>

#include <atomic>
#include <cstdio>
#include <cstdlib>

#include "tls/cipher_memory.hpp"
#include "tls/record_allocator.hpp"
#include "tls_fixture.hpp"

// Sanitizers bring an allocator of their own.
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
#define TICKWIRE_COUNTS_ALLOCATIONS 0
#else
#define TICKWIRE_COUNTS_ALLOCATIONS 1
#endif

namespace tickwire::tls {
namespace {

std::atomic<std::size_t> allocation_count = 0;
// Before main(), and so before OpenSSL has taken memory.
const bool is_installed = install_record_allocator();

}  // namespace
}  // namespace tickwire::tls

#if TICKWIRE_COUNTS_ALLOCATIONS
extern "C" {
void* __libc_malloc(std::size_t);
void* __libc_calloc(std::size_t, std::size_t);
void* __libc_realloc(void*, std::size_t);

void* malloc(std::size_t size) {
    ++tickwire::tls::allocation_count;
    return __libc_malloc(size);
}
void* calloc(std::size_t count, std::size_t size) {
    ++tickwire::tls::allocation_count;
    return __libc_calloc(count, size);
}
void* realloc(void* held, std::size_t size) {
    ++tickwire::tls::allocation_count;
    return __libc_realloc(held, size);
}
}
#endif

namespace tickwire::tls {
namespace {

class TlsAllocation : public testing::Test {
  protected:
    void SetUp() override {
        if (!TICKWIRE_COUNTS_ALLOCATIONS) {
            GTEST_SKIP() << "under a sanitizer allocations are not ours to count";
        }
    }
    /// One record from the writer to the reader, out of memory that is there already.
    static void send_record(TlsEngine& writer, TlsEngine& reader, Wire& wire, Wire& answers,
                            std::size_t size) {
        static const std::vector<std::uint8_t> text(16384, 'x');
        static std::vector<std::uint8_t> plaintext(16384);
        wire.clear();
        ASSERT_EQ(writer.write({text.data(), size}, wire), TlsStatus::ok);
        base::Bytes input = wire.bytes();
        std::size_t read_size = 0;
        ASSERT_EQ(reader.read(input, plaintext, read_size, answers), TlsStatus::ok);
        ASSERT_EQ(read_size, size);
        ASSERT_EQ(reader.read(input, plaintext, read_size, answers), TlsStatus::starved);
    }
    TestCertificate certificate;
};

TEST_F(TlsAllocation, records_take_no_memory_from_the_heap) {
    ASSERT_TRUE(is_installed);
    Conversation both(server_context(certificate), client_context());
    ASSERT_TRUE(both.shake_hands());
    both.to_client.reserve(20000);
    both.to_server.reserve(20000);
    for (const std::size_t size : {16384U, 100U}) {  // once, for what is made on first use
        send_record(*both.client, *both.server, both.to_server, both.to_client, size);
        send_record(*both.server, *both.client, both.to_client, both.to_server, size);
    }
    const std::size_t before = allocation_count;
    for (int count = 0; count < 1000; ++count) {
        send_record(*both.client, *both.server, both.to_server, both.to_client, 40);
        send_record(*both.server, *both.client, both.to_client, both.to_server, 700);
    }
    EXPECT_EQ(allocation_count - before, 0U);
}

/// Whether OpenSSL takes it all at the first bytes, and is refused, or as they come, is its affair.
TEST(BlockLimit, takes_no_memory_for_a_hello_that_nobody_sends) {
    ASSERT_TRUE(is_installed);
    const TestCertificate certificate;
    for (const int size : {0x8000, 0x1ffff}) {
        const auto server = TlsEngine::create(server_context(certificate), TlsEngine::Side::server);
        const std::uint8_t hello[] = {0x16,
                                      3,
                                      1,
                                      0,
                                      4,
                                      1,
                                      static_cast<std::uint8_t>(size >> 16),
                                      static_cast<std::uint8_t>(size >> 8),
                                      static_cast<std::uint8_t>(size)};
        base::Bytes input(hello);
        Wire answer;
        const std::int64_t before = held_by_openssl();
        const TlsStatus status = server->handshake(input, answer);
        EXPECT_LT(held_by_openssl() - before, 100'000) << size;
        if (size == 0x8000) {
            EXPECT_EQ(status, TlsStatus::starved);
        }
    }
}

TEST(CipherWatch, tells_what_openssl_takes_for_ciphers_by_its_size) {
    ASSERT_TRUE(is_installed);
    ASSERT_GT(cipher_context_size(), 0U);
    ASSERT_GT(cipher_state_size(), cipher_context_size());
    CipherMemory seen{};
    EVP_CIPHER_CTX* contexts[2];
    {
        const CipherWatch watch(seen);
        for (EVP_CIPHER_CTX*& context : contexts) {
            context = EVP_CIPHER_CTX_new();
            ASSERT_EQ(EVP_EncryptInit_ex(context, EVP_aes_256_gcm(), nullptr, nullptr, nullptr), 1);
        }
    }
    EXPECT_EQ(seen.contexts[0], contexts[0]);
    EXPECT_EQ(seen.contexts[1], contexts[1]);
    EXPECT_NE(seen.states[0], nullptr);
    EXPECT_NE(seen.states[1], nullptr);
    EXPECT_NE(seen.states[0], seen.states[1]);
    for (EVP_CIPHER_CTX* const context : contexts) {
        EVP_CIPHER_CTX_free(context);
    }
    const CipherMemory before = seen;
    EVP_CIPHER_CTX_free(EVP_CIPHER_CTX_new());
    EXPECT_EQ(seen.contexts[1], before.contexts[1]) << "nobody watches any more";
}

TEST_F(TlsAllocation, an_idle_connection_keeps_less_than_16_kib) {
    const auto server_side = server_context(certificate);
    const auto client_side = client_context();
    constexpr std::size_t connection_count = 64;
    std::vector<std::unique_ptr<Conversation>> conversations;
    conversations.reserve(connection_count);
    const auto begin = [&] {
        auto both = std::make_unique<Conversation>(server_side, client_side);
        ASSERT_TRUE(both->shake_hands());
        send_record(*both->client, *both->server, both->to_server, both->to_client, 100);
        send_record(*both->server, *both->client, both->to_client, both->to_server, 100);
        both->client.reset();
        both->to_client = {};
        both->to_server = {};
        conversations.push_back(std::move(both));
    };
    begin();  // for what is made on first use
    malloc_trim(0);
    const std::size_t before = mallinfo2().uordblks;
    while (conversations.size() < connection_count) {
        begin();
    }
    const std::size_t each = (mallinfo2().uordblks - before) / (connection_count - 1);
    std::printf("an idle connection keeps %zu bytes\n", each);
    EXPECT_LT(each, 16384U);
}

}  // namespace
}  // namespace tickwire::tls
