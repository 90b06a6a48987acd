#include "ticket/key.hpp"

#include <openssl/bio.h>
#include <openssl/core_names.h>
#include <openssl/crypto.h>
#include <openssl/ec.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <openssl/param_build.h>
#include <openssl/pem.h>
#include <openssl/rand.h>

#include <array>

#include "base/check.hpp"
#include "ticket/base64url.hpp"
#include "ticket/key_form.hpp"

namespace tickwire::ticket {
namespace {

constexpr std::size_t coordinate_size = 32;  // of P-256
constexpr std::size_t signature_size = 64;   // of ES256 and of Ed25519
constexpr std::size_t mac_size = 32;

template <typename T, void (*release)(T*)>
struct Releaser {
    void operator()(T* object) const noexcept { release(object); }
};
void free_bio(BIO* bio) noexcept {
    BIO_free(bio);
}
using DigestContext = std::unique_ptr<EVP_MD_CTX, Releaser<EVP_MD_CTX, EVP_MD_CTX_free>>;
using KeyContext = std::unique_ptr<EVP_PKEY_CTX, Releaser<EVP_PKEY_CTX, EVP_PKEY_CTX_free>>;
using Signature = std::unique_ptr<ECDSA_SIG, Releaser<ECDSA_SIG, ECDSA_SIG_free>>;
using Bio = std::unique_ptr<BIO, Releaser<BIO, free_bio>>;

/// OpenSSL keeps its complaints for each thread until somebody takes them. What is asked here is answered
/// by a value, and nobody else should find what is left.
struct QuietErrors {
    QuietErrors() noexcept = default;
    ~QuietErrors() { ERR_clear_error(); }
    QuietErrors(const QuietErrors&) = delete;
    QuietErrors& operator=(const QuietErrors&) = delete;
};

const unsigned char* bytes_of(std::string_view text) noexcept {
    return reinterpret_cast<const unsigned char*>(text.data());
}
unsigned char* bytes_of(std::string& text) noexcept {
    return reinterpret_cast<unsigned char*>(text.data());
}

std::shared_ptr<EVP_PKEY> own(EVP_PKEY* pair) {
    return {pair, EVP_PKEY_free};
}

/// A password would be asked for at the terminal.
int refuse_password(char*, int, int, void*) {
    return -1;
}

/// r and s as the DER that EVP wants; empty where they are not what a signature can be.
std::string der_of(std::string_view raw) {
    BIGNUM* const r = BN_bin2bn(bytes_of(raw), coordinate_size, nullptr);
    BIGNUM* const s = BN_bin2bn(bytes_of(raw) + coordinate_size, coordinate_size, nullptr);
    const Signature pair(ECDSA_SIG_new());
    if (pair == nullptr || ECDSA_SIG_set0(pair.get(), r, s) != 1) {
        BN_free(r);
        BN_free(s);
        return {};
    }
    const int size = i2d_ECDSA_SIG(pair.get(), nullptr);
    std::string der(size > 0 ? static_cast<std::size_t>(size) : 0, '\0');
    unsigned char* to = bytes_of(der);
    i2d_ECDSA_SIG(pair.get(), &to);
    return der;
}

std::string raw_of(std::string_view der) {
    const unsigned char* from = bytes_of(der);
    const Signature pair(d2i_ECDSA_SIG(nullptr, &from, static_cast<long>(der.size())));
    std::string raw(signature_size, '\0');
    const bool is_written =
        pair != nullptr &&
        BN_bn2binpad(ECDSA_SIG_get0_r(pair.get()), bytes_of(raw), coordinate_size) == coordinate_size &&
        BN_bn2binpad(ECDSA_SIG_get0_s(pair.get()), bytes_of(raw) + coordinate_size, coordinate_size) ==
            coordinate_size;
    base::check(is_written, "Key: a signature of P-256 is two numbers of 32 bytes");
    return raw;
}

std::array<unsigned char, mac_size> mac_of(std::string_view secret, std::string_view message) noexcept {
    std::array<unsigned char, mac_size> mac{};
    unsigned size = 0;
    base::check(HMAC(EVP_sha256(), secret.data(), static_cast<int>(secret.size()), bytes_of(message),
                     message.size(), mac.data(), &size) != nullptr &&
                    size == mac_size,
                "Key: HMAC with SHA-256");
    return mac;
}

const EVP_MD* digest_of(Algorithm algorithm) noexcept {
    return algorithm == Algorithm::es256 ? EVP_sha256() : nullptr;  // Ed25519 has its own inside
}

std::string text_of(BIO* bio) {
    char* text = nullptr;
    const long size = BIO_get_mem_data(bio, &text);
    return {text, static_cast<std::size_t>(size)};
}

}  // namespace

std::string_view name_of(Algorithm algorithm) noexcept {
    switch (algorithm) {
        case Algorithm::hs256:
            return "HS256";
        case Algorithm::es256:
            return "ES256";
        case Algorithm::eddsa:
            return "EdDSA";
    }
    return {};
}

std::optional<Algorithm> algorithm_of(std::string_view name) noexcept {
    for (const Algorithm algorithm : {Algorithm::hs256, Algorithm::es256, Algorithm::eddsa}) {
        if (name == name_of(algorithm)) {
            return algorithm;
        }
    }
    return std::nullopt;
}

tl::expected<Key, std::string> Key::from_secret(std::string_view secret) {
    if (secret.size() < secret_size_min) {
        return tl::unexpected("a secret of " + std::to_string(secret.size()) + " bytes; HS256 needs " +
                              std::to_string(secret_size_min) + " or more");
    }
    return Key(Algorithm::hs256, nullptr, std::string(secret));
}

namespace {

std::string_view without_line_end(std::string_view text) noexcept {
    if (text.ends_with('\n')) {
        text.remove_suffix(text.ends_with("\r\n") ? 2 : 1);
    }
    return text;
}

/// A file that is not PEM.
tl::expected<Key, std::string> secret_of(std::string_view text, KeyForm form) {
    switch (form) {
        case KeyForm::json:
            return tl::unexpected(std::string(
                "is JSON, and no secret: give a JSON Web Key Set, {\"keys\":[...]}, with ticket-jwks"));
        case KeyForm::der:
            return tl::unexpected(
                std::string("is a key or a certificate in DER, and no secret: give a public key in PEM"));
        case KeyForm::openssh:
            return tl::unexpected(std::string("is a public key of OpenSSH, and no secret: give it in PEM"));
        case KeyForm::pem:
        case KeyForm::secret:
            break;
    }
    return Key::from_secret(without_line_end(text));
}

}  // namespace

tl::expected<Key, std::string> Key::from_verifying_text(std::string_view text) {
    const KeyForm form = form_of(text);
    if (form != KeyForm::pem) {
        return secret_of(text, form);
    }
    if (text.find("PRIVATE KEY-----") != text.npos) {
        return tl::unexpected(std::string("holds a private key: give the relay the public one"));
    }
    return from_public_pem(text);
}

tl::expected<Key, std::string> Key::from_signing_text(std::string_view text) {
    const KeyForm form = form_of(text);
    return form == KeyForm::pem ? from_private_pem(text) : secret_of(text, form);
}

tl::expected<Key, std::string> Key::of_pair(Handle pair) {
    if (pair != nullptr && EVP_PKEY_is_a(pair.get(), "ED25519") == 1) {
        return Key(Algorithm::eddsa, std::move(pair), {});
    }
    std::array<char, 32> group{};
    if (pair != nullptr && EVP_PKEY_is_a(pair.get(), "EC") == 1 &&
        EVP_PKEY_get_group_name(pair.get(), group.data(), group.size(), nullptr) == 1 &&
        std::string_view(group.data()) == SN_X9_62_prime256v1) {
        return Key(Algorithm::es256, std::move(pair), {});
    }
    return tl::unexpected(std::string("a key that is neither P-256 nor Ed25519"));
}

tl::expected<Key, std::string> Key::from_public_pem(std::string_view pem) {
    const QuietErrors quiet;
    const Bio bio(BIO_new_mem_buf(pem.data(), static_cast<int>(pem.size())));
    EVP_PKEY* const pair = PEM_read_bio_PUBKEY(bio.get(), nullptr, refuse_password, nullptr);
    if (pair == nullptr) {
        return tl::unexpected(std::string("no public key in PEM"));
    }
    return of_pair(own(pair));
}

tl::expected<Key, std::string> Key::from_private_pem(std::string_view pem) {
    const QuietErrors quiet;
    const Bio bio(BIO_new_mem_buf(pem.data(), static_cast<int>(pem.size())));
    EVP_PKEY* const pair = PEM_read_bio_PrivateKey(bio.get(), nullptr, refuse_password, nullptr);
    if (pair == nullptr) {
        return tl::unexpected(std::string("no private key in PEM (one with a password is none)"));
    }
    return of_pair(own(pair));
}

tl::expected<Key, std::string> Key::from_p256_point(std::string_view x, std::string_view y) {
    const QuietErrors quiet;
    if (x.size() != coordinate_size || y.size() != coordinate_size) {
        return tl::unexpected(std::string("coordinates of P-256 have 32 bytes"));
    }
    std::string point("\x04");  // SEC 1 section 2.3.3: uncompressed
    point.append(x).append(y);
    std::string group(SN_X9_62_prime256v1);
    const std::array parameters{
        OSSL_PARAM_construct_utf8_string(OSSL_PKEY_PARAM_GROUP_NAME, group.data(), group.size()),
        OSSL_PARAM_construct_octet_string(OSSL_PKEY_PARAM_PUB_KEY, point.data(), point.size()),
        OSSL_PARAM_construct_end()};
    const KeyContext context(EVP_PKEY_CTX_new_from_name(nullptr, "EC", nullptr));
    EVP_PKEY* pair = nullptr;
    if (context == nullptr || EVP_PKEY_fromdata_init(context.get()) != 1 ||
        EVP_PKEY_fromdata(context.get(), &pair, EVP_PKEY_PUBLIC_KEY,
                          const_cast<OSSL_PARAM*>(parameters.data())) != 1) {
        return tl::unexpected(std::string("x and y are no point of P-256"));
    }
    return of_pair(own(pair));
}

tl::expected<Key, std::string> Key::from_ed25519(std::string_view x) {
    const QuietErrors quiet;
    EVP_PKEY* const pair =
        x.size() == 32 ? EVP_PKEY_new_raw_public_key(EVP_PKEY_ED25519, nullptr, bytes_of(x), x.size())
                       : nullptr;
    if (pair == nullptr) {
        return tl::unexpected(std::string("a public key of Ed25519 has 32 bytes"));
    }
    return of_pair(own(pair));
}

Key Key::generate(Algorithm algorithm) {
    switch (algorithm) {
        case Algorithm::hs256: {
            std::string secret(secret_size_min, '\0');
            base::check(RAND_bytes(bytes_of(secret), static_cast<int>(secret.size())) == 1,
                        "Key: random bytes");
            return {algorithm, nullptr, encode_base64url(secret)};
        }
        case Algorithm::es256:
            return {algorithm, own(EVP_EC_gen(SN_X9_62_prime256v1)), {}};
        case Algorithm::eddsa:
            return {algorithm, own(EVP_PKEY_Q_keygen(nullptr, nullptr, "ED25519")), {}};
    }
    base::check(false, "Key: an algorithm");
    return {algorithm, nullptr, {}};
}

bool Key::verify(std::string_view message, std::string_view signature) const noexcept {
    if (algorithm_ == Algorithm::hs256) {
        const auto mac = mac_of(secret_, message);
        return signature.size() == mac.size() &&
               CRYPTO_memcmp(mac.data(), signature.data(), mac.size()) == 0;
    }
    return signature.size() == signature_size && verify_pair(message, signature);
}

bool Key::verify_pair(std::string_view message, std::string_view signature) const noexcept {
    const QuietErrors quiet;
    const std::string der = algorithm_ == Algorithm::es256 ? der_of(signature) : std::string(signature);
    const DigestContext context(EVP_MD_CTX_new());
    return context != nullptr && !der.empty() &&
           EVP_DigestVerifyInit(context.get(), nullptr, digest_of(algorithm_), nullptr, pair_.get()) == 1 &&
           EVP_DigestVerify(context.get(), bytes_of(der), der.size(), bytes_of(message), message.size()) ==
               1;
}

std::string Key::sign(std::string_view message) const {
    const QuietErrors quiet;
    if (algorithm_ == Algorithm::hs256) {
        const auto mac = mac_of(secret_, message);
        return {reinterpret_cast<const char*>(mac.data()), mac.size()};
    }
    const DigestContext context(EVP_MD_CTX_new());
    std::size_t size = 0;
    if (context == nullptr ||
        EVP_DigestSignInit(context.get(), nullptr, digest_of(algorithm_), nullptr, pair_.get()) != 1 ||
        EVP_DigestSign(context.get(), nullptr, &size, bytes_of(message), message.size()) != 1) {
        return {};
    }
    std::string signature(size, '\0');
    if (EVP_DigestSign(context.get(), bytes_of(signature), &size, bytes_of(message), message.size()) != 1) {
        return {};
    }
    signature.resize(size);
    return algorithm_ == Algorithm::es256 ? raw_of(signature) : signature;
}

std::string Key::private_text() const {
    if (algorithm_ == Algorithm::hs256) {
        return secret_;
    }
    const QuietErrors quiet;
    const Bio bio(BIO_new(BIO_s_mem()));
    base::check(
        PEM_write_bio_PrivateKey(bio.get(), pair_.get(), nullptr, nullptr, 0, nullptr, nullptr) == 1,
        "Key: a private key as PEM");
    return text_of(bio.get());
}

std::string Key::public_text() const {
    if (algorithm_ == Algorithm::hs256) {
        return {};
    }
    const Bio bio(BIO_new(BIO_s_mem()));
    base::check(PEM_write_bio_PUBKEY(bio.get(), pair_.get()) == 1, "Key: a public key as PEM");
    return text_of(bio.get());
}

}  // namespace tickwire::ticket
