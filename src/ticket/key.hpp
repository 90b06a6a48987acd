// One key that signs or verifies tickets: OpenSSL's EVP behind the three algorithms of JOSE (RFC 7518,
// RFC 8037) that the relay takes. A key knows its algorithm, so a token cannot choose another for it.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <tl/expected.hpp>

struct evp_pkey_st;

namespace tickwire::ticket {

enum class Algorithm : std::uint8_t {
    hs256,  ///< HMAC with SHA-256: whoever verifies can sign
    es256,  ///< ECDSA on P-256 with SHA-256; the signature is r and s, 32 bytes each
    eddsa,  ///< Ed25519
};
/// As in a token's header: "HS256", "ES256", "EdDSA".
std::string_view name_of(Algorithm algorithm) noexcept;
std::optional<Algorithm> algorithm_of(std::string_view name) noexcept;

/// RFC 7518 section 3.2: no shorter than the hash.
inline constexpr std::size_t secret_size_min = 32;

/// Immutable and shared by all threads.
class Key {
  public:
    /// A secret for HS256: any bytes, at least secret_size_min of them.
    static tl::expected<Key, std::string> from_secret(std::string_view secret);
    /// A file that verifies: a public key in PEM, or else a secret, without the file's last line end. What
    /// holds a key in another form is never a secret: see key_form.hpp.
    static tl::expected<Key, std::string> from_verifying_text(std::string_view text);
    /// A file that signs: a private key in PEM, or else a secret.
    static tl::expected<Key, std::string> from_signing_text(std::string_view text);
    /// PEM of a public key: P-256 or Ed25519.
    static tl::expected<Key, std::string> from_public_pem(std::string_view pem);
    /// PEM of a private key of the same kinds: it signs and verifies.
    static tl::expected<Key, std::string> from_private_pem(std::string_view pem);
    /// The parts of a JSON Web Key: a point of P-256, 32 bytes for each coordinate.
    static tl::expected<Key, std::string> from_p256_point(std::string_view x, std::string_view y);
    static tl::expected<Key, std::string> from_ed25519(std::string_view x);
    /// A new one, of the system's generator. A secret is text: 256 bits as base64url.
    static Key generate(Algorithm algorithm);

    Algorithm algorithm() const noexcept { return algorithm_; }

    /// Whether `signature` is this key's over `message`. ES256 costs about 100 us, EdDSA as much, HS256 2.
    bool verify(std::string_view message, std::string_view signature) const noexcept;
    /// The signature in the form of JOSE. Empty for a public key.
    std::string sign(std::string_view message) const;

    /// As a file holds it: the secret's bytes, or PEM.
    std::string private_text() const;
    /// PEM; empty for a secret, which has no public half.
    std::string public_text() const;

  private:
    using Handle = std::shared_ptr<evp_pkey_st>;

    Key(Algorithm algorithm, Handle pair, std::string secret) noexcept
        : algorithm_(algorithm), pair_(std::move(pair)), secret_(std::move(secret)) {}
    static tl::expected<Key, std::string> of_pair(Handle pair);
    bool verify_pair(std::string_view message, std::string_view signature) const noexcept;

    Algorithm algorithm_;
    Handle pair_;         ///< null for HS256
    std::string secret_;  ///< empty but for HS256
};

}  // namespace tickwire::ticket
