// Tickets as they should be, and as forgers, sloppy issuers and the curious write them.
#include "ticket/verifier.hpp"

#include <gtest/gtest.h>

#include "ticket/base64url.hpp"
#include "ticket/mint.hpp"

namespace tickwire::ticket {
namespace {

constexpr std::int64_t now = 1'800'000'000;

class VerifierTest : public testing::Test {
  protected:
    VerifierTest() {
        auto set = std::make_shared<KeySet>();
        for (const auto& [id, key] : {std::pair{"ec", &ec}, std::pair{"ed", &ed}, std::pair{"mac", &mac}}) {
            EXPECT_TRUE(set->add(id, *key));
        }
        keys = set;
    }

    tl::expected<Grant, Fault> judge(const std::string& token, const std::string& match = "arena-7") {
        return Verifier(policy, keys).verify(token, match, now);
    }
    tl::expected<Grant, Fault> judge_claims(const std::string& claims,
                                            const std::string& match = "arena-7") {
        return judge(mint(ec, "ec", claims), match);
    }
    /// `{"exp":…,"match":"arena-7"` and more claims.
    static std::string claims(const std::string& more = {}) {
        return R"({"exp":)" + std::to_string(now + 60) + R"(,"match":"arena-7")" + more + "}";
    }
    static std::string token_of(const std::string& header, const std::string& body, const Key& key) {
        const std::string text = encode_base64url(header) + "." + encode_base64url(body);
        return text + "." + encode_base64url(key.sign(text));
    }
    void expect_fault(const tl::expected<Grant, Fault>& result, Fault fault, const std::string& what) {
        ASSERT_FALSE(result) << what;
        EXPECT_EQ(describe(result.error()), describe(fault)) << what;
    }

    const Key ec = Key::generate(Algorithm::es256);
    const Key ed = Key::generate(Algorithm::eddsa);
    const Key mac = Key::generate(Algorithm::hs256);
    Policy policy;
    std::shared_ptr<const KeySet> keys;
};

TEST_F(VerifierTest, takes_a_ticket_of_every_algorithm) {
    EXPECT_TRUE(judge(mint(ec, "ec", claims())));
    EXPECT_TRUE(judge(mint(ed, "ed", claims())));
    EXPECT_TRUE(judge(mint(mac, "mac", claims())));
}

TEST_F(VerifierTest, reads_every_claim_that_is_minted) {
    TicketText text;
    text.match = "arena-*";
    text.audience = policy.audience = "game";
    text.not_before = now;
    text.grant.expires = now + 60;
    text.grant.role = wire::Role::spectator;
    text.grant.name = "Ann \"the\" \xc3\xa9";
    text.grant.subject = "user-1";
    text.grant.is_host = true;
    text.grant.state_bytes = 2048;
    text.grant.event_bytes = 4096;
    text.grant.messages_per_second = 60;
    text.grant.match_size = 8;
    text.grant.tick_hz = 20;
    text.grant.id = "id-1";
    text.grant.is_single_use = true;
    const auto grant = judge_claims(claims_of(text));
    ASSERT_TRUE(grant) << describe(grant.error());
    EXPECT_EQ(grant->expires, text.grant.expires);
    EXPECT_EQ(grant->role, text.grant.role);
    EXPECT_EQ(grant->name, text.grant.name);
    EXPECT_EQ(grant->subject, text.grant.subject);
    EXPECT_TRUE(grant->is_host);
    EXPECT_EQ(grant->state_bytes, text.grant.state_bytes);
    EXPECT_EQ(grant->event_bytes, text.grant.event_bytes);
    EXPECT_EQ(grant->messages_per_second, text.grant.messages_per_second);
    EXPECT_EQ(grant->match_size, text.grant.match_size);
    EXPECT_EQ(grant->tick_hz, text.grant.tick_hz);
    EXPECT_EQ(grant->id, text.grant.id);
    EXPECT_TRUE(grant->is_single_use);
}

TEST_F(VerifierTest, leaves_open_what_is_not_claimed) {
    const auto grant = judge_claims(claims());
    ASSERT_TRUE(grant);
    EXPECT_FALSE(grant->role || grant->name || grant->is_host || grant->state_bytes || grant->match_size ||
                 grant->is_single_use);
}

TEST_F(VerifierTest, refuses_unsigned_tickets_in_every_spelling) {
    for (const std::string algorithm : {"none", "None", "NONE", "nOnE", ""}) {
        const std::string text = encode_base64url(R"({"alg":")" + algorithm + R"(","kid":"ec"})") + "." +
                                 encode_base64url(claims()) + ".";
        expect_fault(judge(text), Fault::algorithm, algorithm);
    }
    expect_fault(judge(encode_base64url("{}") + "." + encode_base64url(claims()) + "."), Fault::malformed,
                 "no alg");
    // A good header, and no signature.
    const std::string token = mint(ec, "ec", claims());
    expect_fault(judge(token.substr(0, token.rfind('.') + 1)), Fault::bad_signature, "signature cut off");
}

TEST_F(VerifierTest, a_token_does_not_choose_the_algorithm_of_a_key) {
    // The public key's text as an HMAC secret: whoever knows it could sign.
    const auto forger = Key::from_secret(ec.public_text());
    ASSERT_TRUE(forger);
    expect_fault(judge(mint(*forger, "ec", claims())), Fault::algorithm, "HS256 with the public key");
    expect_fault(judge(mint(ed, "ec", claims())), Fault::algorithm, "EdDSA for ES256");
    expect_fault(judge(token_of(R"({"alg":"ES256","kid":"mac"})", claims(), ec)), Fault::algorithm,
                 "ES256 for a secret");
    expect_fault(judge(token_of(R"({"alg":"RS256","kid":"ec"})", claims(), ec)), Fault::algorithm, "RS256");
    expect_fault(judge(token_of(R"({"alg":"ES256K","kid":"ec"})", claims(), ec)), Fault::algorithm,
                 "ES256K");
    expect_fault(judge(token_of(R"({"alg":"es256","kid":"ec"})", claims(), ec)), Fault::algorithm, "case");
}

TEST_F(VerifierTest, a_token_brings_no_key_of_its_own) {
    const Key own = Key::generate(Algorithm::es256);
    expect_fault(judge(token_of(R"({"alg":"ES256","kid":"ec","jwk":{"kty":"EC"}})", claims(), own)),
                 Fault::bad_signature, "jwk");
    expect_fault(judge(token_of(R"({"alg":"ES256","kid":"own","jku":"http://127.0.0.1/"})", claims(), own)),
                 Fault::unknown_key, "jku");
    expect_fault(judge(token_of(R"({"alg":"ES256","kid":"../../dev/null"})", claims(), own)),
                 Fault::unknown_key, "a path");
}

TEST_F(VerifierTest, needs_a_key_id_where_there_are_several_keys) {
    expect_fault(judge(mint(ec, "", claims())), Fault::unknown_key, "no kid");
    auto one = std::make_shared<KeySet>();
    ASSERT_TRUE(one->add("ec", ec));
    keys = one;
    EXPECT_TRUE(judge(mint(ec, "", claims())));
}

TEST_F(VerifierTest, refuses_every_changed_bit) {
    const std::string token = mint(mac, "mac", claims());
    for (std::size_t at = 0; at < token.size(); ++at) {
        for (const char change : {'\x01', '\x04', '\x20'}) {
            std::string forged = token;
            forged[at] = static_cast<char>(forged[at] ^ change);
            EXPECT_FALSE(judge(forged)) << forged;
        }
    }
}

TEST_F(VerifierTest, refuses_malformed_tokens) {
    const std::string good = mint(ec, "ec", claims());
    const std::string malformed[] = {
        "",
        ".",
        "..",
        "...",
        "a.b",
        "a.b.c.d",
        good + ".",
        "." + good,
        good + "=",
        " " + good,
        good + "\n",
        good.substr(1),
        encode_base64url("7") + ".e30.",
        encode_base64url("[]") + ".e30.",
        encode_base64url(R"({"alg":"ES256")") + ".e30.",
        encode_base64url("{\"alg\":\"\xff\"}") + ".e30.",
        encode_base64url(R"({"alg":7,"kid":"ec"})") + ".e30.",
        encode_base64url(R"({"alg":"ES256","kid":7})") + ".e30.",
        encode_base64url(std::string(2000, '[')) + ".e30.",
        token_of(R"({"alg":"ES256","kid":"ec","crit":["exp"]})", claims(), ec),
        token_of(R"({"alg":"ES256","kid":"ec","crit":["b64"],"b64":false})", claims(), ec),
        token_of(R"({"alg":"ES256","kid":"ec","typ":"at+jwt"})", claims(), ec),
        token_of(R"({"alg":"ES256","alg":"none","kid":"ec"})", claims(), ec),
        mint(ec, "ec", "[]"),
        mint(ec, "ec", "no JSON"),
        mint(ec, "ec", ""),
        mint(ec, "ec", claims(R"(,"match":"*")")),
    };
    for (const std::string& token : malformed) {
        expect_fault(judge(token), Fault::malformed, token);
    }
    EXPECT_TRUE(judge(token_of(R"({"alg":"ES256","kid":"ec","typ":"jwt"})", claims(), ec)));
    EXPECT_TRUE(judge(token_of(R"({"alg":"ES256","kid":"ec","else":[1]})", claims(), ec)));
}

TEST_F(VerifierTest, refuses_what_is_too_long_before_it_looks_inside) {
    expect_fault(judge(std::string(token_size_max + 1, 'A')), Fault::too_long, "a long one");
    const std::string padding(2900, 'x');
    const std::string token = mint(mac, "mac", claims(R"(,"note":")" + padding + '"'));
    ASSERT_LE(token.size(), token_size_max);
    EXPECT_TRUE(judge(token));
    std::string many = R"({"exp":1)";
    for (int field = 0; field < 64; ++field) {
        many += ",\"f" + std::to_string(field) + "\":0";
    }
    expect_fault(judge_claims(many + "}"), Fault::malformed, "65 claims");
}

TEST_F(VerifierTest, has_a_beginning_and_an_end_with_five_seconds_for_clocks) {
    const auto with = [this](const std::string& times) {
        return judge_claims("{" + times + R"(,"match":"arena-7"})");
    };
    const auto at = [](std::int64_t time) { return std::to_string(time); };
    EXPECT_TRUE(with("\"exp\":" + at(now + 1)));
    EXPECT_TRUE(with("\"exp\":" + at(now - leeway_s + 1)));
    EXPECT_TRUE(with("\"exp\":" + at(now) + ".5"));
    expect_fault(with("\"exp\":" + at(now - leeway_s)), Fault::expired, "just over");
    expect_fault(with("\"exp\":0"), Fault::expired, "the epoch");
    EXPECT_TRUE(with("\"exp\":" + at(now + 60) + ",\"nbf\":" + at(now + leeway_s)));
    expect_fault(with("\"exp\":" + at(now + 60) + ",\"nbf\":" + at(now + leeway_s + 1)),
                 Fault::not_yet_valid, "too early");
    for (const std::string wrong : {"\"exp\":-1", "\"exp\":\"1900000000\"", "\"exp\":null", "\"exp\":1e300",
                                    "\"exp\":[1]", "\"nbf\":1", "\"exp\":1900000000,\"nbf\":true"}) {
        expect_fault(with(wrong), Fault::bad_claim, wrong);
    }
}

TEST_F(VerifierTest, takes_no_number_for_a_time_that_is_none) {
    const auto with = [this](const std::string& times) {
        return judge_claims("{" + times + R"(,"match":"arena-7"})");
    };
    const std::string good = "\"exp\":" + std::to_string(now + 60);
    for (const std::string number : {"1e308", "-1e308", "-1", "-0.5", "9007199254740994",
                                     "18446744073709551615", "-9223372036854775808", "1e16"}) {
        expect_fault(with("\"exp\":" + number), Fault::bad_claim, number);
        expect_fault(with(good + ",\"nbf\":" + number), Fault::bad_claim, number);
    }
    for (const std::string number : {"1e309", "18446744073709551616", "-9223372036854775809", "NaN",
                                     "Infinity", "0x7fffffff", "1.", ".5", "+1", "01", "1e", "--1"}) {
        expect_fault(with("\"exp\":" + number), Fault::malformed, number);
        expect_fault(with(good + ",\"nbf\":" + number), Fault::malformed, number);
    }
    for (const std::string number : {"-0.0", "1e-400", "0.99"}) {
        expect_fault(with("\"exp\":" + number), Fault::expired, number);
        EXPECT_TRUE(with(good + ",\"nbf\":" + number)) << number;
    }
    const auto last = with("\"exp\":9007199254740992");
    ASSERT_TRUE(last);
    EXPECT_EQ(last->expires, 9007199254740992);
    EXPECT_EQ(with("\"exp\":" + std::to_string(now) + ".000001")->expires, now + 1) << "never too early";
}

TEST_F(VerifierTest, reads_claims_as_others_do_or_not_at_all) {
    for (const std::string wrong :
         {R"(,"\u0065xp":9000000000)", R"(,"m\u0061tch":"*")", R"(,"x":"\ud800")", ",\"x\":\"\xc0\xaf\"",
          ",\"x\":\"\x01\"", R"(,"x":1,)", R"(} {"match":"*")"}) {
        expect_fault(judge_claims(claims(wrong)), Fault::malformed, wrong);
    }
    expect_fault(judge_claims(R"({"exp":1900000000,"match":"arena-7\u0000x"})"), Fault::other_match, "NUL");
    expect_fault(judge_claims(R"({"exp":1900000000,"match":{"a":"arena-7"}})"), Fault::bad_claim, "nested");
    const auto nested = [](std::size_t depth, char open, char close) {
        return ",\"x\":" + std::string(depth, open) + std::string(depth, close);
    };
    EXPECT_TRUE(judge_claims(claims(nested(1000, '[', ']')))) << "depth costs nothing: no recursion";
    expect_fault(judge_claims(claims(nested(1400, '[', ']'))), Fault::malformed,
                 "deeper than the parser goes");
    expect_fault(judge_claims(claims(nested(1000, '{', '}'))), Fault::malformed, "keys that are none");
    // Not signed at all: what anybody can have parsed.
    for (const std::string& header :
         {std::string(3000, '['), std::string(3000, '{'), std::string(3000, '"'),
          "{\"a\":" + std::string(2900, '['), std::string(3000, '\0')}) {
        expect_fault(judge(encode_base64url(header) + ".e30."), Fault::malformed, header.substr(0, 8));
    }
}

TEST_F(VerifierTest, finds_no_key_by_an_id_that_is_long_or_empty_or_another) {
    for (const std::string& id : {std::string(2900, 'k'), std::string("ec\\u0000"), std::string("EC"),
                                  std::string(" ec"), std::string(2900, ' ')}) {
        expect_fault(judge(token_of(R"({"alg":"ES256","kid":")" + id + "\"}", "{}", ec)),
                     Fault::unknown_key, id.substr(0, 8));
    }
    expect_fault(judge(token_of(R"({"alg":"ES256","kid":"x","kid":"ec"})", claims(), ec)), Fault::malformed,
                 "two");
    expect_fault(judge(token_of(R"({"alg":"ES256","kid":null})", claims(), ec)), Fault::malformed, "null");
    expect_fault(judge(token_of(R"({"alg":"ES256","kid":"ec","k\u0069d":"ed"})", claims(), ec)),
                 Fault::malformed, "two, one escaped");
}

TEST_F(VerifierTest, is_for_the_audience_that_is_set) {
    const auto with = [this](const std::string& audience) {
        return judge_claims(claims(",\"aud\":" + audience));
    };
    expect_fault(with("\"game\""), Fault::audience, "nobody is asked for");
    policy.audience = "game";
    EXPECT_TRUE(with("\"game\""));
    EXPECT_TRUE(with(R"(["shop","game"])"));
    expect_fault(judge_claims(claims()), Fault::audience, "none");
    expect_fault(with("\"Game\""), Fault::audience, "case");
    expect_fault(with("[]"), Fault::audience, "an empty list");
    expect_fault(with(R"([["game"]])"), Fault::audience, "a list in a list");
    expect_fault(with(R"({"game":1})"), Fault::bad_claim, "an object");
    expect_fault(with("null"), Fault::bad_claim, "null");
    expect_fault(with(R"("game\u0000")"), Fault::audience, "NUL");
    expect_fault(with(R"(["shop"],"aud":["game"])"), Fault::malformed, "two");
    std::string crowd = "[";
    for (int count = 0; count < 900; ++count) {
        crowd += "1,";
    }
    EXPECT_TRUE(with(crowd + "\"game\"]"));
    expect_fault(with(R"(["shop",7])"), Fault::audience, "another's");
    expect_fault(with("7"), Fault::bad_claim, "a number");
}

TEST_F(VerifierTest, is_for_one_match_or_for_a_prefix) {
    const auto with = [this](const std::string& pattern, const std::string& match) {
        return judge_claims(R"({"exp":1900000000,"match":")" + pattern + "\"}", match);
    };
    EXPECT_TRUE(with("arena-7", "arena-7"));
    EXPECT_TRUE(with("arena-*", "arena-7"));
    EXPECT_TRUE(with("arena-*", "arena-"));
    EXPECT_TRUE(with("*", "anything"));
    for (const std::string pattern :
         {"arena-8", "arena", "arena-77", "Arena-7", "*arena-7", "a*7", "", "b*"}) {
        expect_fault(with(pattern, "arena-7"), Fault::other_match, pattern);
    }
    expect_fault(judge_claims(R"({"exp":1900000000})"), Fault::bad_claim, "no match");
    expect_fault(judge_claims(R"({"exp":1900000000,"match":["arena-7"]})"), Fault::bad_claim, "a list");
}

TEST_F(VerifierTest, refuses_claims_of_a_wrong_type_or_value) {
    for (const std::string wrong : {R"("role":"host")",
                                    R"("role":7)",
                                    R"("role":null)",
                                    R"("name":7)",
                                    R"("sub":7)",
                                    R"("host":"yes")",
                                    R"("host":1)",
                                    R"("match_size":0)",
                                    R"("match_size":65536)",
                                    R"("match_size":"8")",
                                    R"("tick_hz":0)",
                                    R"("tick_hz":129)",
                                    R"("tick_hz":20.5)",
                                    R"("tick_hz":-1)",
                                    R"("limits":7)",
                                    R"("limits":[])",
                                    R"("limits":{"state_bytes":5})",
                                    R"("limits":{"state_bytes":32768})",
                                    R"("limits":{"event_bytes":3})",
                                    R"("limits":{"event_bytes":65536})",
                                    R"("limits":{"messages_per_second":0})",
                                    R"("limits":{"messages_per_second":"60"})",
                                    R"("limits":{"state_bytes":8,"state_bytes":9})",
                                    R"("jti":7)",
                                    R"("single_use":1)",
                                    R"("single_use":true)"}) {
        expect_fault(judge_claims(claims("," + wrong)), Fault::bad_claim, wrong);
    }
    expect_fault(judge_claims(claims(",\"name\":\"" + std::string(65, 'n') + "\"")), Fault::bad_claim,
                 "a long name");
    expect_fault(judge_claims(claims(",\"sub\":\"" + std::string(257, 's') + "\"")), Fault::bad_claim,
                 "a long subject");
    expect_fault(judge_claims(claims(",\"jti\":\"" + std::string(257, 'i') + "\"")), Fault::bad_claim,
                 "a long id");
    EXPECT_TRUE(
        judge_claims(claims(R"(,"limits":{"state_bytes":6,"event_bytes":65535,"more":1},"more":{})")));
}

TEST_F(VerifierTest, asks_all_tickets_for_an_id_where_all_are_of_single_use) {
    policy.is_single_use = true;
    expect_fault(judge_claims(claims()), Fault::bad_claim, "no id");
    const auto grant = judge_claims(claims(R"(,"jti":"1")"));
    ASSERT_TRUE(grant);
    EXPECT_TRUE(grant->is_single_use);
}

TEST_F(VerifierTest, goes_on_with_other_keys_when_they_are_set) {
    Verifier verifier(policy, keys);
    const std::string token = mint(ec, "ec", claims());
    EXPECT_TRUE(verifier.verify(token, "arena-7", now));
    auto others = std::make_shared<KeySet>();
    ASSERT_TRUE(others->add("ed", ed));
    verifier.set_keys(others);
    expect_fault(verifier.verify(token, "arena-7", now), Fault::unknown_key, "the key is gone");
    EXPECT_TRUE(verifier.verify(mint(ed, "ed", claims()), "arena-7", now));
}

}  // namespace
}  // namespace tickwire::ticket
