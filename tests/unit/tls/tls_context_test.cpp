#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/ssl.h>
#include <unistd.h>

#include <fstream>
#include <iterator>
#include <string>

#include "tls_fixture.hpp"

namespace tickwire::tls {
namespace {

std::string error_of(const std::string& certificate_file, const std::string& key_file) {
    const auto context = TlsContext::for_server(certificate_file, key_file);
    return context.has_value() ? "no error" : context.error();
}

TEST(TlsContext, takes_a_certificate_and_its_key) {
    const TestCertificate certificate;
    EXPECT_EQ(error_of(certificate.certificate_file(), certificate.key_file()), "no error");
}

TEST(TlsContext, names_the_file_that_cannot_be_read) {
    const TestCertificate certificate;
    EXPECT_EQ(error_of("/nowhere/c.pem", certificate.key_file()),
              "cannot read /nowhere/c.pem: No such file or directory");
    EXPECT_EQ(error_of(certificate.certificate_file(), "/nowhere/k.pem"),
              "cannot read /nowhere/k.pem: No such file or directory");
}

TEST(TlsContext, refuses_more_certificates_than_a_handshake_can_send) {
    const TestCertificate certificate;
    std::ifstream file(certificate.certificate_file());
    const std::string pem{std::istreambuf_iterator<char>(file), {}};
    std::string chain;
    while (chain.size() < 20'000) {
        chain += pem;
    }
    EXPECT_EQ(error_of(certificate.write("long.pem", chain), certificate.key_file()), "no error");
    const std::string bundle = certificate.write("bundle.pem", chain + chain);
    EXPECT_NE(error_of(bundle, certificate.key_file()).find("bytes of certificates, of at most 18000"),
              std::string::npos);
}

TEST(TlsContext, names_the_file_that_holds_something_else) {
    const TestCertificate certificate;
    const std::string other = certificate.write("other.pem", "hello\n");
    EXPECT_TRUE(error_of(other, certificate.key_file())
                    .starts_with(other + " holds no usable PEM certificate chain"));
    EXPECT_TRUE(
        error_of(certificate.certificate_file(), other).starts_with(other + " holds no usable PEM key"));
    const std::string cut = certificate.write("cut.pem", "-----BEGIN CERTIFICATE-----\nAAAA\n");
    EXPECT_TRUE(
        error_of(cut, certificate.key_file()).starts_with(cut + " holds no usable PEM certificate chain"));
}

TEST(TlsContext, says_which_key_does_not_belong_to_which_certificate) {
    const TestCertificate first;
    const TestCertificate second;
    EXPECT_EQ(error_of(first.certificate_file(), second.key_file()),
              "the key in " + second.key_file() + " does not belong to the certificate in " +
                  first.certificate_file());
}

TEST(TlsContext, a_key_of_another_kind_does_not_belong_either) {
    const TestCertificate certificate;
    EVP_PKEY* const rsa = EVP_RSA_gen(2048);
    const std::string file = certificate.write("rsa.pem", "");
    std::FILE* const stream = std::fopen(file.c_str(), "w");
    PEM_write_PrivateKey(stream, rsa, nullptr, nullptr, 0, nullptr, nullptr);
    std::fclose(stream);
    EVP_PKEY_free(rsa);
    EXPECT_TRUE(error_of(certificate.certificate_file(), file)
                    .starts_with("the key in " + file + " does not belong"));
}

TEST(TlsContext, does_not_ask_for_a_passphrase) {
    const TestCertificate certificate;
    EVP_PKEY* const key = EVP_EC_gen("P-256");
    const std::string file = certificate.write("secret.pem", "");
    std::FILE* const stream = std::fopen(file.c_str(), "w");
    unsigned char passphrase[] = "secret";
    PEM_write_PrivateKey(stream, key, EVP_aes_128_cbc(), passphrase, 6, nullptr, nullptr);
    std::fclose(stream);
    EVP_PKEY_free(key);
    EXPECT_NE(error_of(certificate.certificate_file(), file).find("a key with a passphrase is none"),
              std::string::npos);
    // Where there is a terminal OpenSSL's own callback would ask there.
    EXPECT_NE(SSL_CTX_get_default_passwd_cb(server_context(certificate)->native()), nullptr);
}

TEST(TlsContext, has_the_policy_that_was_asked_for) {
    const TestCertificate certificate;
    EXPECT_EQ(SSL_CTX_get_min_proto_version(server_context(certificate)->native()), TLS1_2_VERSION);
    const auto strict = server_context(certificate, MinimumVersion::tls_1_3);
    EXPECT_EQ(SSL_CTX_get_min_proto_version(strict->native()), TLS1_3_VERSION);
    EXPECT_EQ(SSL_CTX_get_min_proto_version(client_context()->native()), TLS1_2_VERSION);
    EXPECT_EQ(SSL_CTX_get_max_early_data(strict->native()), 0U);
    EXPECT_EQ(SSL_CTX_get_num_tickets(strict->native()), 1U);
}

}  // namespace
}  // namespace tickwire::tls
