// Public keys in every form that operators have them in: none may become a secret of HS256, which all who
// know the key would share.
#include "ticket/key_form.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <string>

#include "ticket/base64url.hpp"
#include "ticket/key.hpp"

namespace tickwire::ticket {
namespace {

// Made by OpenSSL 3.0: base64 of DER.
constexpr std::string_view p256_public =
    "MFkwEwYHKoZIzj0CAQYIKoZIzj0DAQcDQgAEhHc0tPy6MepmyLQZPzHoD0eG8g0rbryn3NOQYBZxamMbE56yQ/+OFOzpJ7mjSs8y"
    "xVrNj1HlQe9lo4V0gC0HCg==";
constexpr std::string_view ed25519_public = "MCowBQYDK2VwAyEAZf8k4blFbrA3luK/ETnCiSa/9kefRHfA/GL8MV55jHk=";
constexpr std::string_view rsa_public =
    "MIGfMA0GCSqGSIb3DQEBAQUAA4GNADCBiQKBgQC/6Uh6ru9R5EwkXDoH92lODK4Qsq5NZ2dnmPl/XTL1ERwxalwQS9kurMeZSFxz"
    "lkn/1KW3k/6qhHbzHh2KEZ1GWBqBieERtZ94VFHouRlDlPLLkq8bSdQupugiEy98Ovybq6rvmljsY1+sRviBbztK9g6Zh6TklVYm"
    "JCGNX0KTCQIDAQAB";
constexpr std::string_view rsa_public_pkcs1 =
    "MIGJAoGBAL/pSHqu71HkTCRcOgf3aU4MrhCyrk1nZ2eY+X9dMvURHDFqXBBL2S6sx5lIXHOWSf/UpbeT/qqEdvMeHYoRnUZYGoGJ"
    "4RG1n3hUUei5GUOU8suSrxtJ1C6m6CITL3w6/Jurqu+aWOxjX6xG+IFvO0r2DpmHpOSVViYkIY1fQpMJAgMBAAE=";
constexpr std::string_view p256_private =
    "MHcCAQEEIEczdynbIZ20md7b1jh4UtFd9Ima0d3dvEBf8tFVFRCvoAoGCCqGSM49AwEHoUQDQgAEhHc0tPy6MepmyLQZPzHoD0eG"
    "8g0rbryn3NOQYBZxamMbE56yQ/+OFOzpJ7mjSs8yxVrNj1HlQe9lo4V0gC0HCg==";
constexpr std::string_view certificate =
    "MIIBbDCCAROgAwIBAgIUQKAH2NoTUBC4166nAEdhfCWTkAwwCgYIKoZIzj0EAwIwDDEKMAgGA1UEAwwBeDAeFw0yNjExMzAxODU5"
    "MzdaFw0zNjExMjcxODU5MzdaMAwxCjAIBgNVBAMMAXgwWTATBgcqhkjOPQIBBggqhkjOPQMBBwNCAASEdzS0/Lox6mbItBk/MegP"
    "R4byDStuvKfc05BgFnFqYxsTnrJD/44U7OknuaNKzzLFWs2PUeVB72WjhXSALQcKo1MwUTAdBgNVHQ4EFgQUO8bx+KXF3m+k1uuF"
    "GPfGDfA7bhcwHwYDVR0jBBgwFoAUO8bx+KXF3m+k1uuFGPfGDfA7bhcwDwYDVR0TAQH/BAUwAwEB/zAKBggqhkjOPQQDAgNHADBE"
    "AiAtp61g6LrQ7d1SuUYw6IA1XacFUMLPIMp4M1E1lEcz+AIgTBZZ+Q/5nKuY8hXYL1m1YRM0JaRQpL3ROZcD+9iB67M=";

std::string bytes_of(std::string_view base64) {
    std::string text(base64.substr(0, base64.find('=')));
    std::replace(text.begin(), text.end(), '+', '-');
    std::replace(text.begin(), text.end(), '/', '_');
    return decode_base64url(text).value();
}

TEST(KeyForm, knows_der_of_every_kind_as_bytes_and_as_base64) {
    for (const std::string_view key :
         {p256_public, ed25519_public, rsa_public, rsa_public_pkcs1, p256_private, certificate}) {
        const std::string bytes = bytes_of(key);
        EXPECT_EQ(form_of(bytes), KeyForm::der) << key;
        EXPECT_EQ(form_of(bytes + "\n"), KeyForm::der) << key;
        EXPECT_EQ(form_of(key), KeyForm::der) << key;
        EXPECT_EQ(form_of(encode_base64url(bytes)), KeyForm::der) << key;
        std::string lines(key);
        lines.insert(20, "\r\n");
        EXPECT_EQ(form_of(lines + "\r\n"), KeyForm::der) << key;
    }
}

TEST(KeyForm, knows_json) {
    for (const std::string_view text :
         {R"({"kty":"EC","crv":"P-256"})", R"( {"keys":[]})", "\xef\xbb\xbf{\"issuer\":\"x\"}\n",
          R"([{"k":1}])", "{\"kty\":\"EC\"}\n{\"kty\":\"EC\"}", R"({"kty":"OKP","x":"11qY)"}) {
        EXPECT_EQ(form_of(text), KeyForm::json) << text;
    }
}

TEST(KeyForm, knows_public_keys_of_openssh) {
    for (const std::string_view text :
         {"ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAILGEn7D8bGAjiMijtjqYJ+9Qps5ThZ+mf/+Lr9Xv4zQm me@host\n",
          "ecdsa-sha2-nistp256 AAAAE2VjZHNhLXNoYTItbmlzdHAyNTYAAAAIbmlzdHAyNTYAAABBBA==",
          "# mine\nno-pty ssh-rsa AAAAB3NzaC1yc2EAAAADAQABAAABgQ== me",
          "sk-ssh-ed25519@openssh.com AAAAGnNrLXNzaC1lZDI1NTE5QG9wZW5zc2guY29tAAAAIA==",
          "---- BEGIN SSH2 PUBLIC KEY ----\nAAAAC3NzaC1lZDI1NTE5AAAAILGEn7D8bGAjiMijtjqYJ\n"}) {
        EXPECT_EQ(form_of(text), KeyForm::openssh) << text;
    }
}

TEST(KeyForm, knows_pem_also_in_utf_16) {
    const std::string pem = Key::generate(Algorithm::es256).public_text();
    EXPECT_EQ(form_of(pem), KeyForm::pem);
    EXPECT_EQ(form_of("a comment before\n" + pem), KeyForm::pem);
    std::string wide = "\xff\xfe";
    for (const char letter : pem) {
        wide += {letter, '\0'};
    }
    EXPECT_EQ(form_of(wide), KeyForm::pem);
    EXPECT_FALSE(Key::from_verifying_text(wide));
}

TEST(KeyForm, leaves_secrets_alone) {
    EXPECT_EQ(form_of(""), KeyForm::secret);
    EXPECT_EQ(form_of(" \n"), KeyForm::secret);
    for (const std::string_view text :
         {"correct horse battery staple, and more of it", "{not json, but quite a good secret of 40 bytes}",
          "0T0123456789abcdef0123456789abcdef", "\"a JSON string is a secret like any other\"",
          "ssh-ed25519 is what this secret is about, it says"}) {
        EXPECT_EQ(form_of(text), KeyForm::secret) << text;
    }
    for (int count = 0; count < 20; ++count) {
        const std::string text = Key::generate(Algorithm::hs256).private_text();
        ASSERT_EQ(form_of(text), KeyForm::secret) << text;
        ASSERT_EQ(form_of(bytes_of(text)), KeyForm::secret) << text;
    }
}

}  // namespace
}  // namespace tickwire::ticket
