// Sealing and opening one record, as the relay does it, beside the cipher alone: AES-128-GCM over the same
// bytes.
#include <benchmark/benchmark.h>
#include <openssl/evp.h>
#include <openssl/ssl.h>

#include <array>
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

BENCHMARK(seal)->Name("tls/seal")->Apply(choose_sizes);
BENCHMARK(open)->Name("tls/open")->Apply(choose_sizes);
BENCHMARK(seal_bare)->Name("tls/seal_by_the_cipher_alone")->Apply(choose_sizes);

}  // namespace
}  // namespace tickwire::tls
