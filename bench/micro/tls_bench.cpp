// Sealing and opening one record, as the relay does it, beside the cipher alone: AES-128-GCM over the same
// bytes. A server's part of a handshake, beside the arithmetic that it cannot do without.
#include <benchmark/benchmark.h>
#include <openssl/evp.h>
#include <openssl/ssl.h>

#include <array>
#include <chrono>
#include <memory>
#include <vector>

#include "tls_fixture.hpp"

namespace tickwire::tls {
namespace {

void choose_sizes(benchmark::internal::Benchmark* run) {
    for (const std::int64_t size : {60, 256, 900, 4096, 11000}) {
        run->Arg(size);
    }
}

/// Two engines that have shaken hands, with TLS 1.3's AES-128-GCM, as the cipher below.
class Pair {
  public:
    Pair() {
        auto client_side = client_context();
        SSL_CTX_set_ciphersuites(client_side->native(), "TLS_AES_128_GCM_SHA256");
        conversation_ = std::make_unique<Conversation>(server_context(certificate_), client_side);
        is_ready_ = conversation_->shake_hands();
        conversation_->read_all(*conversation_->client, conversation_->to_client, conversation_->to_server);
    }
    bool is_ready() const { return is_ready_; }
    Conversation& conversation() { return *conversation_; }

  private:
    TestCertificate certificate_;
    std::unique_ptr<Conversation> conversation_;
    bool is_ready_ = false;
};

void seal(benchmark::State& run) {
    Pair pair;
    const std::vector<std::uint8_t> plaintext(static_cast<std::size_t>(run.range(0)), 'x');
    for (auto _ : run) {
        if (!pair.is_ready() ||
            pair.conversation().server->write(plaintext, pair.conversation().to_client) != TlsStatus::ok) {
            run.SkipWithError("cannot seal");
            break;
        }
        pair.conversation().to_client.clear();
    }
    run.SetBytesProcessed(run.iterations() * run.range(0));
}

void open(benchmark::State& run) {
    constexpr int batch = 256;
    Pair pair;
    Conversation& conversation = pair.conversation();
    const std::vector<std::uint8_t> plaintext(static_cast<std::size_t>(run.range(0)), 'x');
    std::vector<std::uint8_t> out(std::size_t{17} * 1024);
    base::Bytes input;
    Wire answers;
    std::vector<std::uint8_t> sealed;
    for (auto _ : run) {
        if (input.empty()) {
            run.PauseTiming();
            for (int record = 0; record < batch; ++record) {
                conversation.client->write(plaintext, conversation.to_server);
            }
            sealed = conversation.to_server.take();
            input = sealed;
            run.ResumeTiming();
        }
        // One record at a time, as they arrive.
        const std::size_t record_size = 5U + (std::size_t{input[3]} << 8 | input[4]);
        base::Bytes record = input.first(record_size);
        std::size_t size = 0;
        if (conversation.server->read(record, out, size, answers) != TlsStatus::ok ||
            size != plaintext.size()) {
            run.SkipWithError("cannot open");
            break;
        }
        input = input.subspan(record_size);
    }
    run.SetBytesProcessed(run.iterations() * run.range(0));
}

void seal_bare(benchmark::State& run) {
    const std::unique_ptr<EVP_CIPHER_CTX, decltype(&EVP_CIPHER_CTX_free)> cipher(EVP_CIPHER_CTX_new(),
                                                                                 EVP_CIPHER_CTX_free);
    const std::array<std::uint8_t, 16> key{1, 2, 3};
    std::array<std::uint8_t, 12> nonce{};
    const std::array<std::uint8_t, 5> header{23, 3, 3};
    std::array<std::uint8_t, 16> tag{};
    const std::vector<std::uint8_t> plaintext(static_cast<std::size_t>(run.range(0)), 'x');
    std::vector<std::uint8_t> out(plaintext.size() + 16);
    EVP_EncryptInit_ex(cipher.get(), EVP_aes_128_gcm(), nullptr, key.data(), nullptr);
    for (auto _ : run) {
        ++nonce[11];
        int size = 0;
        EVP_EncryptInit_ex(cipher.get(), nullptr, nullptr, nullptr, nonce.data());
        EVP_EncryptUpdate(cipher.get(), nullptr, &size, header.data(), static_cast<int>(header.size()));
        EVP_EncryptUpdate(cipher.get(), out.data(), &size, plaintext.data(),
                          static_cast<int>(plaintext.size()));
        EVP_EncryptFinal_ex(cipher.get(), out.data() + size, &size);
        EVP_CIPHER_CTX_ctrl(cipher.get(), EVP_CTRL_GCM_GET_TAG, static_cast<int>(tag.size()), tag.data());
        benchmark::ClobberMemory();
    }
    run.SetBytesProcessed(run.iterations() * run.range(0));
}

/// A server's part of a handshake: its engine is made, answers the hello, takes the client's last flight
/// and goes. `is_resumed`: with the ticket of a connection before, as after a restart of the relay.
void shake_hands(benchmark::State& run, bool is_resumed) {
    const TestCertificate certificate;
    const auto server_side = TlsContext::for_server(
        {{certificate.certificate_file(), certificate.key_file()}}, TicketKeys::create());
    const auto client_side = client_context();
    TlsEngine::Session session;
    if (is_resumed) {
        Conversation before(*server_side, client_side);
        before.shake_hands();
        session = before.client->session();
        before.client->close(before.to_server);  // OpenSSL forgets the session of who goes without a word
    }
    std::vector<std::uint8_t> sent;
    Wire to_server;
    Wire to_client;
    for (auto _ : run) {
        const auto client = TlsEngine::create(client_side, TlsEngine::Side::client, "localhost", session);
        base::Bytes none;
        client->handshake(none, to_server);
        sent = to_server.take();
        base::Bytes input = sent;
        const auto begin = std::chrono::steady_clock::now();
        auto server = TlsEngine::create(*server_side, TlsEngine::Side::server);
        server->handshake(input, to_client);
        const auto answered = std::chrono::steady_clock::now();
        sent = to_client.take();
        input = sent;
        client->handshake(input, to_server);
        sent = to_server.take();
        input = sent;
        const auto went_on_at = std::chrono::steady_clock::now();
        const TlsStatus status = server->handshake(input, to_client);
        const bool is_as_wanted = server->was_resumed() == is_resumed;
        server.reset();
        const auto passed = std::chrono::steady_clock::now() - went_on_at + (answered - begin);
        if (status != TlsStatus::ok || !is_as_wanted) {
            run.SkipWithError("no handshake of that kind");
            break;
        }
        to_client.clear();
        client->close(to_server);
        to_server.clear();
        run.SetIterationTime(std::chrono::duration<double>(passed).count());
    }
}

using Key = std::unique_ptr<EVP_PKEY, decltype(&EVP_PKEY_free)>;

/// What no server does without: a key of its own and the secret that it makes with the client's (X25519).
void agree_bare(benchmark::State& run) {
    const Key theirs(EVP_PKEY_Q_keygen(nullptr, nullptr, "X25519"), EVP_PKEY_free);
    std::array<std::uint8_t, 32> secret{};
    for (auto _ : run) {
        const Key ours(EVP_PKEY_Q_keygen(nullptr, nullptr, "X25519"), EVP_PKEY_free);
        const std::unique_ptr<EVP_PKEY_CTX, decltype(&EVP_PKEY_CTX_free)> context(
            EVP_PKEY_CTX_new(ours.get(), nullptr), EVP_PKEY_CTX_free);
        std::size_t size = secret.size();
        EVP_PKEY_derive_init(context.get());
        EVP_PKEY_derive_set_peer(context.get(), theirs.get());
        if (EVP_PKEY_derive(context.get(), secret.data(), &size) != 1) {
            run.SkipWithError("no secret");
            break;
        }
    }
}

BENCHMARK_CAPTURE(shake_hands, full, false)->Name("tls/handshake_full")->UseManualTime();
BENCHMARK_CAPTURE(shake_hands, resumed, true)->Name("tls/handshake_resumed")->UseManualTime();
BENCHMARK(agree_bare)->Name("tls/handshake_x25519_alone");
BENCHMARK(seal)->Name("tls/seal")->Apply(choose_sizes);
BENCHMARK(open)->Name("tls/open")->Apply(choose_sizes);
BENCHMARK(seal_bare)->Name("tls/seal_by_the_cipher_alone")->Apply(choose_sizes);

}  // namespace
}  // namespace tickwire::tls
