#include "ticket/key_set.hpp"

#include <gtest/gtest.h>

#include "ticket/base64url.hpp"

namespace tickwire::ticket {
namespace {

// Public keys of RFC 7517 appendix A.1 and RFC 8037 appendix A.2.
const std::string p256 =
    R"("crv":"P-256","x":"MKBCTNIcKUSDii11ySs3526iDZ8AiTo7Tu6KPAqv7D4","y":"4Etl6SRW2YiLUrN5vfvVHuhp7x8PxltmWWlbbM4IFyM")";
const std::string ed25519 = R"("crv":"Ed25519","x":"11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo")";

std::string jwks(const std::string& keys) {
    return R"({"keys":[)" + keys + "]}";
}
std::string error_of(const tl::expected<void, std::string>& result) {
    return result ? "" : result.error();
}

TEST(KeySet, reads_every_kind_of_a_jwks_and_passes_over_what_it_cannot_use) {
    KeySet set;
    EXPECT_EQ(error_of(set.add_jwks(jwks(
                  R"({"kty":"EC","kid":"a",)" + p256 + R"(,"use":"sig","alg":"ES256"},)" +
                  R"({"kty":"OKP","kid":"b",)" + ed25519 + "}," + R"({"kty":"oct","kid":"c","k":")" +
                  encode_base64url(std::string(32, 'k')) + R"("},)" +
                  R"({"kty":"RSA","kid":"d","n":"AQAB","e":"AQAB"},)" + R"({"kty":"EC","kid":"e",)" + p256 +
                  R"(,"use":"enc"},)" + R"({"kty":"EC","kid":"f",)" + p256 + R"(,"alg":"ECDH-ES"})"))),
              "");
    EXPECT_EQ(set.count(), 3U);
    EXPECT_EQ(set.find("a")->algorithm(), Algorithm::es256);
    EXPECT_EQ(set.find("b")->algorithm(), Algorithm::eddsa);
    EXPECT_EQ(set.find("c")->algorithm(), Algorithm::hs256);
    for (const char* const none : {"d", "e", "f", "A", ""}) {
        EXPECT_EQ(set.find(none), nullptr) << none;
    }
}

TEST(KeySet, without_an_id_the_only_key_is_meant) {
    KeySet set;
    ASSERT_EQ(error_of(set.add_jwks(jwks(R"({"kty":"EC","kid":"a",)" + p256 + "}"))), "");
    EXPECT_EQ(set.find(""), set.find("a"));
    ASSERT_EQ(error_of(set.add_jwks(jwks(R"({"kty":"OKP","kid":"b",)" + ed25519 + "}"))), "");
    EXPECT_EQ(set.find(""), nullptr);
}

TEST(KeySet, says_what_is_wrong_with_a_jwks) {
    const std::pair<std::string, std::string> wrong[] = {
        {"", "JSON Web Key Set"},
        {"[]", "JSON Web Key Set"},
        {R"({"keys":{}})", "JSON Web Key Set"},
        {jwks("7"), "no object"},
        {jwks(""), "has no key"},
        {jwks(R"({"kty":"RSA"})"), "has no key"},
        {jwks(R"({"kty":"oct","kid":"c","k":"c2hvcnQ"})"), "key 'c': a secret of 5 bytes"},
        {jwks(R"({"kty":"EC","kid":"a","crv":"P-256","x":"AA","y":"AA"})"), "key 'a': coordinates"},
        {jwks(R"({"kty":"EC","kid":"a","d":"AA",)" + p256 + "}"), "private key"},
        {jwks(R"({"kty":"EC","kid":"a",)" + p256 + "}," + R"({"kty":"OKP","kid":"a",)" + ed25519 + "}"),
         "a second key with the id 'a'"},
    };
    for (const auto& [json, reason] : wrong) {
        KeySet set;
        EXPECT_NE(error_of(set.add_jwks(json)).find(reason), std::string::npos)
            << json << " gave: " << error_of(set.add_jwks(json));
    }
}

TEST(KeySet, tells_a_public_key_from_a_secret_and_never_takes_a_private_one) {
    const Key pair = Key::generate(Algorithm::es256);
    KeySet set;
    EXPECT_EQ(error_of(set.add_file("public", pair.public_text())), "");
    EXPECT_EQ(set.find("public")->algorithm(), Algorithm::es256);
    EXPECT_EQ(error_of(set.add_file("secret", std::string(40, 's') + "\n")), "");
    EXPECT_EQ(set.find("secret")->private_text(), std::string(40, 's'));
    EXPECT_NE(error_of(set.add_file("private", pair.private_text())).find("private key"),
              std::string::npos);
    EXPECT_NE(error_of(set.add_file("short", "hunter2\n")).find("7 bytes"), std::string::npos);
    EXPECT_NE(error_of(set.add_file("secret", std::string(40, 't'))).find("second key"), std::string::npos);
    EXPECT_EQ(set.count(), 2U);
}

TEST(KeySet, says_where_a_key_in_another_form_belongs) {
    const std::pair<std::string, std::string> wrong[] = {
        {R"({"kty":"OKP","kid":"a",)" + ed25519 + "}", "with ticket-jwks"},
        {jwks(R"({"kty":"EC","kid":"a",)" + p256 + "}"), "with ticket-jwks"},
        {"MCowBQYDK2VwAyEAZf8k4blFbrA3luK/ETnCiSa/9kefRHfA/GL8MV55jHk=\n", "give a public key in PEM"},
        {"ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAILGEn7D8bGAjiMijtjqYJ+9Qps5ThZ+mf/+Lr9Xv4zQm me@host\n",
         "of OpenSSH"},
    };
    for (const auto& [text, reason] : wrong) {
        KeySet set;
        EXPECT_NE(error_of(set.add_file("a", text)).find(reason), std::string::npos) << text;
        EXPECT_EQ(set.count(), 0U);
        EXPECT_FALSE(Key::from_signing_text(text)) << "nor does it sign";
    }
}

TEST(KeySet, names_the_file_that_it_cannot_read) {
    const auto loaded = KeySet::load({{{"a", "/nonexistent/key.pem"}}, {}});
    ASSERT_FALSE(loaded);
    EXPECT_NE(loaded.error().find("cannot read /nonexistent/key.pem"), std::string::npos);
}

TEST(KeySet, has_a_bound) {
    KeySet set;
    for (std::size_t index = 0; index < KeySet::count_max; ++index) {
        ASSERT_EQ(error_of(set.add_file(std::to_string(index), std::string(32, 's'))), "");
    }
    EXPECT_NE(error_of(set.add_file("one more", std::string(32, 's'))), "");
}

}  // namespace
}  // namespace tickwire::ticket
