// Keys against vectors of the RFCs, and against what a forger would try.
#include "ticket/key.hpp"

#include <gtest/gtest.h>

#include "ticket/base64url.hpp"

namespace tickwire::ticket {
namespace {

std::string bytes_of(std::string_view base64) {
    return decode_base64url(base64).value();
}

// RFC 7515 appendix A.1: HS256.
constexpr std::string_view hs256_secret =
    "AyM1SysPpbyDfgZld3umj1qzKObwVMkoqQ-EstJQLr_T-1qS0gZH75aKtMN3Yj0iPS4hcgUuTwjAzZr1Z9CAow";
constexpr std::string_view rfc_claims =
    "eyJpc3MiOiJqb2UiLA0KICJleHAiOjEzMDA4MTkzODAsDQogImh0dHA6Ly9leGFtcGxlLmNvbS9pc19yb290Ijp0cnVlfQ";

TEST(Key, verifies_the_hs256_example_of_rfc_7515) {
    const auto key = Key::from_secret(bytes_of(hs256_secret));
    ASSERT_TRUE(key) << key.error();
    const std::string message = "eyJ0eXAiOiJKV1QiLA0KICJhbGciOiJIUzI1NiJ9." + std::string(rfc_claims);
    const std::string signature = bytes_of("dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk");
    EXPECT_TRUE(key->verify(message, signature));
    EXPECT_EQ(key->sign(message), signature);
}

// RFC 7515 appendix A.3: ES256.
TEST(Key, verifies_the_es256_example_of_rfc_7515) {
    const auto key = Key::from_p256_point(bytes_of("f83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRVEU"),
                                          bytes_of("x_FEzRu9m36HLN_tue659LNpXW6pCyStikYjKIWI5a0"));
    ASSERT_TRUE(key) << key.error();
    const std::string message = "eyJhbGciOiJFUzI1NiJ9." + std::string(rfc_claims);
    const std::string signature =
        bytes_of("DtEhU3ljbEg8L38VWAfUAqOyKAM6-Xx-F4GawxaepmXFCgfTjDxw5djxLa8ISlSApmWQxfKTUJqPP3-Kg6NU1Q");
    EXPECT_TRUE(key->verify(message, signature));
    EXPECT_FALSE(key->verify(message + "x", signature));
}

// RFC 8037 appendix A.4: Ed25519.
TEST(Key, verifies_the_ed25519_example_of_rfc_8037) {
    const auto key = Key::from_ed25519(bytes_of("11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo"));
    ASSERT_TRUE(key) << key.error();
    const std::string message = "eyJhbGciOiJFZERTQSJ9.RXhhbXBsZSBvZiBFZDI1NTE5IHNpZ25pbmc";
    const std::string signature =
        bytes_of("hgyY0il_MGCjP0JzlnLWG1PPOt7-09PGcvMg3AIbQR6dWbhijcNR4ki4iylGjg5BhVsPt9g7sVvpAr_MuM0KAg");
    EXPECT_TRUE(key->verify(message, signature));
    EXPECT_FALSE(key->verify(message, signature.substr(1) + "x"));
}

class EveryAlgorithm : public testing::TestWithParam<Algorithm> {};

TEST_P(EveryAlgorithm, signs_what_it_verifies_and_nothing_else) {
    const Key key = Key::generate(GetParam());
    const std::string signature = key.sign("message");
    EXPECT_TRUE(key.verify("message", signature));
    EXPECT_FALSE(key.verify("massage", signature));
    EXPECT_FALSE(Key::generate(GetParam()).verify("message", signature));
    for (std::size_t at = 0; at < signature.size(); ++at) {
        std::string forged = signature;
        forged[at] = static_cast<char>(forged[at] ^ 1);
        EXPECT_FALSE(key.verify("message", forged)) << at;
    }
    for (const std::string& wrong :
         {std::string(), signature.substr(1), signature + "x", std::string(64, '\0'), std::string(32, '\0'),
          std::string(64, '\xff')}) {
        EXPECT_FALSE(key.verify("message", wrong)) << wrong.size();
    }
}

TEST_P(EveryAlgorithm, survives_the_way_through_its_files) {
    const Key key = Key::generate(GetParam());
    const std::string signature = key.sign("message");
    if (GetParam() == Algorithm::hs256) {
        EXPECT_TRUE(Key::from_signing_text(key.private_text() + "\n")->verify("message", signature));
        EXPECT_TRUE(Key::from_verifying_text(key.private_text() + "\r\n")->verify("message", signature));
        EXPECT_EQ(key.public_text(), "");
        return;
    }
    const auto again = Key::from_private_pem(key.private_text());
    ASSERT_TRUE(again) << again.error();
    EXPECT_TRUE(key.verify("message", again->sign("message")));
    const auto half = Key::from_public_pem(key.public_text());
    ASSERT_TRUE(half) << half.error();
    EXPECT_EQ(half->algorithm(), GetParam());
    EXPECT_TRUE(half->verify("message", signature));
    EXPECT_EQ(half->sign("message"), "") << "a public key signs nothing";
}

INSTANTIATE_TEST_SUITE_P(Keys, EveryAlgorithm,
                         testing::Values(Algorithm::hs256, Algorithm::es256, Algorithm::eddsa),
                         [](const auto& tested) { return std::string(name_of(tested.param)); });

TEST(Key, an_es256_signature_in_der_is_none_in_a_ticket) {
    // The form that OpenSSL's tools write: 70 to 72 bytes, which begin with a SEQUENCE.
    const Key key = Key::generate(Algorithm::es256);
    const std::string raw = key.sign("message");
    ASSERT_EQ(raw.size(), 64U);
    const auto integer = [](const std::string& half) {
        const std::string padded = (half[0] & 0x80) != 0 ? std::string(1, '\0') + half : half;
        return std::string("\x02") + static_cast<char>(padded.size()) + padded;
    };
    const std::string body = integer(raw.substr(0, 32)) + integer(raw.substr(32));
    EXPECT_FALSE(key.verify("message", "\x30" + std::string(1, static_cast<char>(body.size())) + body));
}

TEST(Key, refuses_what_is_too_weak_or_of_another_kind) {
    EXPECT_FALSE(Key::from_secret(std::string(31, 's')));
    EXPECT_TRUE(Key::from_secret(std::string(32, 's')));
    EXPECT_FALSE(Key::from_public_pem("-----BEGIN PUBLIC KEY-----\nAAAA\n-----END PUBLIC KEY-----\n"));
    EXPECT_FALSE(Key::from_p256_point(std::string(32, '\1'), std::string(32, '\1'))) << "not on the curve";
    EXPECT_FALSE(Key::from_p256_point(std::string(31, '\1'), std::string(32, '\1')));
    EXPECT_FALSE(Key::from_ed25519(std::string(31, '\1')));
    // secp256k1 and X25519: keys of the same families that are not ours.
    constexpr std::string_view k1 =
        "-----BEGIN PUBLIC KEY-----\n"
        "MFYwEAYHKoZIzj0CAQYFK4EEAAoDQgAE0HOZ8niVYTeTbYO33gRXxWF0wiiXSBzn\n"
        "HrKBv755QVGyZKNLwUmKrib08GcSZD+uz0syOWEvlTb0KNiiw6E5rw==\n"
        "-----END PUBLIC KEY-----\n";
    const auto other_curve = Key::from_public_pem(k1);
    ASSERT_FALSE(other_curve);
    EXPECT_NE(other_curve.error().find("neither P-256 nor Ed25519"), std::string::npos)
        << other_curve.error();
}

}  // namespace
}  // namespace tickwire::ticket
