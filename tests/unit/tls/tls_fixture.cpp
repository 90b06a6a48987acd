#include "tls_fixture.hpp"

#include <openssl/ec.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/ssl.h>
#include <openssl/x509.h>

#include <cstdio>
#include <cstdlib>
#include <filesystem>

namespace tickwire::tls {

TestCertificate::TestCertificate() {
    char name[] = "/tmp/tickwire-tls-XXXXXX";
    EXPECT_NE(mkdtemp(name), nullptr);
    folder_ = name;
    EVP_PKEY* const key = EVP_EC_gen("P-256");
    X509* const certificate = X509_new();
    X509_set_version(certificate, 2);
    ASN1_INTEGER_set(X509_get_serialNumber(certificate), 1);
    X509_gmtime_adj(X509_getm_notBefore(certificate), -60);
    X509_gmtime_adj(X509_getm_notAfter(certificate), 3600);
    X509_set_pubkey(certificate, key);
    X509_NAME* const subject = X509_get_subject_name(certificate);
    X509_NAME_add_entry_by_txt(subject, "CN", MBSTRING_ASC,
                               reinterpret_cast<const unsigned char*>("localhost"), -1, -1, 0);
    X509_set_issuer_name(certificate, subject);
    EXPECT_GT(X509_sign(certificate, key, EVP_sha256()), 0);
    std::FILE* file = std::fopen(certificate_file().c_str(), "w");
    EXPECT_EQ(PEM_write_X509(file, certificate), 1);
    std::fclose(file);
    file = std::fopen(key_file().c_str(), "w");
    EXPECT_EQ(PEM_write_PrivateKey(file, key, nullptr, nullptr, 0, nullptr, nullptr), 1);
    std::fclose(file);
    X509_free(certificate);
    EVP_PKEY_free(key);
}

TestCertificate::~TestCertificate() {
    std::filesystem::remove_all(folder_);
}

std::string TestCertificate::write(const std::string& name, const std::string& text) const {
    const std::string path = folder_ + "/" + name;
    std::FILE* const file = std::fopen(path.c_str(), "w");
    std::fwrite(text.data(), 1, text.size(), file);
    std::fclose(file);
    return path;
}

base::MutableBytes Wire::room(std::size_t size) noexcept {
    if (size_ + size > limit) {
        return {};
    }
    bytes_.resize(std::max(bytes_.size(), size_ + size));
    return {bytes_.data() + size_, size};
}

std::vector<std::uint8_t> Wire::take(std::size_t size_max) {
    const auto count = static_cast<std::ptrdiff_t>(std::min(size_, size_max));
    std::vector<std::uint8_t> taken(bytes_.begin(), bytes_.begin() + count);
    bytes_.erase(bytes_.begin(), bytes_.begin() + count);
    size_ -= static_cast<std::size_t>(count);
    return taken;
}

std::shared_ptr<TlsContext> server_context(const TestCertificate& certificate,
                                           MinimumVersion minimum_version) {
    auto context =
        TlsContext::for_server(certificate.certificate_file(), certificate.key_file(), minimum_version);
    EXPECT_TRUE(context.has_value()) << context.error();
    return *context;
}

std::shared_ptr<TlsContext> client_context() {
    auto context = TlsContext::for_client(TlsContext::Verify::nothing);
    EXPECT_TRUE(context.has_value()) << context.error();
    return *context;
}

Conversation::Conversation(const std::shared_ptr<TlsContext>& server_side,
                           const std::shared_ptr<TlsContext>& client_side)
    : server(TlsEngine::create(server_side, TlsEngine::Side::server)),
      client(TlsEngine::create(client_side, TlsEngine::Side::client, "localhost")) {}

bool Conversation::shake_hands(std::size_t part_size) {
    base::Bytes none;
    if (client->handshake(none, to_server) == TlsStatus::failed) {
        return false;
    }
    while (to_server.size() != 0 || to_client.size() != 0) {
        for (const bool is_to_server : {true, false}) {
            Wire& from = is_to_server ? to_server : to_client;
            TlsEngine& reader = is_to_server ? *server : *client;
            Wire& answers = is_to_server ? to_client : to_server;
            const std::vector<std::uint8_t> part = from.take(part_size);
            base::Bytes input(part);
            if (!reader.is_handshake_done() && reader.handshake(input, answers) == TlsStatus::failed) {
                return false;
            }
            // A session ticket may follow the handshake: it is the reading that takes it in.
            std::uint8_t unexpected[64];
            std::size_t size = 0;
            if (reader.is_handshake_done() &&
                reader.read(input, unexpected, size, answers) == TlsStatus::failed) {
                return false;
            }
            EXPECT_TRUE(input.empty());
            EXPECT_EQ(size, 0U);
        }
    }
    return server->is_handshake_done() && client->is_handshake_done();
}

std::string Conversation::read_all(TlsEngine& reader, Wire& from, Wire& answers, std::size_t part_size) {
    std::string text;
    last = TlsStatus::ok;
    while (from.size() != 0 && last != TlsStatus::failed && last != TlsStatus::closed) {
        const std::vector<std::uint8_t> part = from.take(part_size);
        base::Bytes input(part);
        std::uint8_t plaintext[1000];
        std::size_t size = 0;
        while ((last = reader.read(input, plaintext, size, answers)) == TlsStatus::ok) {
            EXPECT_GT(size, 0U);
            text.append(reinterpret_cast<const char*>(plaintext), size);
        }
        EXPECT_TRUE(last != TlsStatus::starved || input.empty());
    }
    return text;
}

}  // namespace tickwire::tls
