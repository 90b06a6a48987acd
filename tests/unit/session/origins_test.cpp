#include "session/origins.hpp"

#include <gtest/gtest.h>

namespace tickwire::session {
namespace {

bool fits(const std::string& pattern, const std::string& origin) {
    const auto parsed = OriginPattern::parse(pattern);
    EXPECT_TRUE(parsed) << pattern << ": " << parsed.error();
    return parsed && parsed->fits(origin);
}

TEST(Origins, one_origin_is_scheme_host_and_port) {
    EXPECT_TRUE(fits("https://game.example", "https://game.example"));
    EXPECT_TRUE(fits("HTTPS://Game.Example", "https://game.example"));
    EXPECT_TRUE(fits("https://game.example", "https://GAME.example"));
    EXPECT_TRUE(fits("http://localhost:8080", "http://localhost:8080"));
    EXPECT_TRUE(fits("http://[::1]:8080", "http://[::1]:8080"));
    EXPECT_TRUE(fits("capacitor://localhost", "capacitor://localhost"));
    EXPECT_TRUE(fits("null", "null"));
    EXPECT_TRUE(fits("chrome-extension://abcdefgh", "chrome-extension://abcdefgh"));
    EXPECT_TRUE(fits("web+game.v2://9.example", "web+game.v2://9.example"));
    for (const char* const other :
         {"http://game.example", "https://game.example:8443", "https://game.example.evil.test",
          "https://evil-game.example", "https://a.game.example", "https://game.example/", "game.example",
          "null", ""}) {
        EXPECT_FALSE(fits("https://game.example", other)) << other;
    }
}

TEST(Origins, a_wildcard_is_every_name_below_and_not_the_name_itself) {
    EXPECT_TRUE(fits("https://*.game.example", "https://eu.game.example"));
    EXPECT_TRUE(fits("https://*.game.example", "https://a.b.game.example"));
    EXPECT_TRUE(fits("https://*.game.example:8443", "https://eu.game.example:8443"));
    for (const char* const other :
         {"https://game.example", "https://.game.example", "http://eu.game.example",
          "https://eu.game.example:8443", "https://evilgame.example", "https://eu.game.example.evil.test",
          "https://evil.test/.game.example", "https://evil.test:1.game.example",
          "https://user@evil.game.example", "https://", ""}) {
        EXPECT_FALSE(fits("https://*.game.example", other)) << other;
    }
}

TEST(Origins, what_is_no_origin_is_refused_with_a_reason) {
    for (const char* const wrong :
         {"", "*", "game.example", "https://", "https://game.example/", "https://game.example/path",
          "https://*", "https://*game.example", "https://a.*.example", "https://game example", "://x",
          "https://game.example:443", "http://game.example:80", "https://user@game.example",
          "ht_tp://game.example", "https ://game.example", "{://x", "https://game{example",
          "https://game;example"}) {
        const auto parsed = OriginPattern::parse(wrong);
        ASSERT_FALSE(parsed) << wrong;
        EXPECT_NE(parsed.error().find("is not an origin"), std::string::npos);
    }
}

TEST(Origins, without_a_list_all_may_and_with_one_only_those_in_it) {
    Origins origins;
    EXPECT_TRUE(origins.admit("https://anything.test"));
    EXPECT_TRUE(origins.admit(""));
    origins.allowed.push_back(*OriginPattern::parse("https://game.example"));
    origins.allowed.push_back(*OriginPattern::parse("https://*.game.example"));
    EXPECT_TRUE(origins.admit("https://game.example"));
    EXPECT_TRUE(origins.admit("https://eu.game.example"));
    EXPECT_FALSE(origins.admit("https://other.test"));
    EXPECT_TRUE(origins.admit("")) << "native clients send none";
    origins.is_required = true;
    EXPECT_FALSE(origins.admit(""));
}

}  // namespace
}  // namespace tickwire::session
