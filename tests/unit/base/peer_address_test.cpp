#include "base/peer_address.hpp"

#include <gtest/gtest.h>

namespace tickwire::base {
namespace {

PeerAddress peer(std::string_view text) {
    const auto parsed = PeerAddress::parse(text);
    EXPECT_TRUE(parsed) << text;
    return parsed.value_or(PeerAddress());
}
AddressRange range(std::string_view text) {
    const auto parsed = AddressRange::parse(text);
    EXPECT_TRUE(parsed) << text;
    return parsed.value_or(AddressRange());
}

TEST(PeerAddress, ipv4_is_one_party_for_each_address_however_it_is_written) {
    EXPECT_EQ(peer("192.0.2.1").key(), peer("::ffff:192.0.2.1").key());
    EXPECT_NE(peer("192.0.2.1").key(), peer("192.0.2.2").key());
    EXPECT_EQ(PeerAddress::from_ipv4({192, 0, 2, 1}), peer("192.0.2.1"));
}

TEST(PeerAddress, ipv6_is_one_party_for_each_64) {
    EXPECT_EQ(peer("2001:db8:1:2::1").key(), peer("2001:db8:1:2:ffff:ffff:ffff:ffff").key());
    EXPECT_NE(peer("2001:db8:1:2::1").key(), peer("2001:db8:1:3::1").key());
    EXPECT_NE(peer("2001:db8:1:2::1").key(), 0U);
    EXPECT_NE(peer("::1").key(), 0U) << "loopback is somebody";
    EXPECT_NE(peer("::1").key(), peer("::2").key());
}

TEST(PeerAddress, knows_loopback_and_nobody) {
    for (const char* const loopback : {"127.0.0.1", "127.1.2.3", "::1", "::ffff:127.0.0.1"}) {
        EXPECT_TRUE(peer(loopback).is_loopback()) << loopback;
    }
    EXPECT_FALSE(peer("128.0.0.1").is_loopback());
    EXPECT_FALSE(peer("::2").is_loopback());
    EXPECT_FALSE(PeerAddress().exists());
    for (const char* const wrong : {"", "localhost", "1.2.3", "1.2.3.4:80", "[::1]", "::1%eth0", " 1.2.3.4",
                                    "1.2.3.4.5.6.7.8.9.10.11.12.13.14.15.16.17.18.19.20"}) {
        EXPECT_FALSE(PeerAddress::parse(wrong)) << wrong;
    }
}

TEST(AddressRange, contains_what_shares_its_prefix_to_the_bit) {
    EXPECT_TRUE(range("10.0.0.0/8").contains(peer("10.255.0.1")));
    EXPECT_FALSE(range("10.0.0.0/8").contains(peer("11.0.0.0")));
    EXPECT_TRUE(range("192.0.2.128/25").contains(peer("192.0.2.255")));
    EXPECT_FALSE(range("192.0.2.128/25").contains(peer("192.0.2.127")));
    EXPECT_TRUE(range("192.0.2.1").contains(peer("192.0.2.1")));
    EXPECT_FALSE(range("192.0.2.1").contains(peer("192.0.2.0")));
    EXPECT_TRUE(range("0.0.0.0/0").contains(peer("203.0.113.1")));
    EXPECT_FALSE(range("0.0.0.0/0").contains(peer("2001:db8::1")));
    EXPECT_TRUE(range("2001:db8::/33").contains(peer("2001:db8:7fff::1")));
    EXPECT_FALSE(range("2001:db8::/33").contains(peer("2001:db8:8000::1")));
    EXPECT_FALSE(range("::/0").contains(PeerAddress())) << "nobody is in no range";
    for (const char* const wrong :
         {"10.0.0.0/33", "::/129", "10.0.0.0/", "10.0.0.0/-1", "10.0.0.0/8x", "/8"}) {
        EXPECT_FALSE(AddressRange::parse(wrong)) << wrong;
    }
}

TEST(AddressRules, limit_loopback_of_both_families_where_told_so) {
    AddressRules rules;
    rules.is_loopback_limited = true;
    EXPECT_NE(rules.charged_key(peer("127.0.0.1")), 0U);
    EXPECT_NE(rules.charged_key(peer("::1")), 0U);
}

TEST(AddressRules, exempt_loopback_trusted_proxies_and_unix_sockets) {
    AddressRules rules;
    rules.trusted_proxies = {range("10.0.0.0/8")};
    EXPECT_EQ(rules.charged_key(peer("127.0.0.1")), 0U);
    EXPECT_EQ(rules.charged_key(peer("10.1.2.3")), 0U);
    EXPECT_EQ(rules.charged_key(PeerAddress()), 0U);
    EXPECT_EQ(rules.charged_key(peer("203.0.113.1")), peer("203.0.113.1").key());
    rules.is_loopback_limited = true;
    EXPECT_NE(rules.charged_key(peer("127.0.0.1")), 0U);
}

TEST(AddressRules, believe_only_what_a_trusted_proxy_wrote) {
    AddressRules rules;
    rules.trusted_proxies = {range("10.0.0.0/8")};
    const auto client_of = [&rules](std::vector<std::string_view> lines) {
        const auto client = rules.forwarded_client(lines);
        return client ? client->text() : "nobody";
    };
    EXPECT_EQ(client_of({"203.0.113.1"}), "203.0.113.1");
    EXPECT_EQ(client_of({"198.51.100.1, 203.0.113.1"}), "203.0.113.1") << "the first may be forged";
    EXPECT_EQ(client_of({"203.0.113.1,\t10.0.0.2 , 10.0.0.3"}), "203.0.113.1") << "through three proxies";
    EXPECT_EQ(client_of({"198.51.100.1", "203.0.113.1", "10.0.0.2"}), "203.0.113.1") << "each its own line";
    EXPECT_EQ(client_of({"203.0.113.1, unknown"}), "nobody");
    EXPECT_EQ(client_of({"203.0.113.1", "unknown"}), "nobody");
    for (const char* const list : {"10.0.0.2", "", ", ,"}) {
        EXPECT_EQ(client_of({list}), "nobody") << list;
    }
    EXPECT_EQ(client_of({}), "nobody");
}

TEST(AddressRules, take_a_port_that_a_proxy_wrote_behind_the_address) {
    const AddressRules rules;
    const auto client_of = [&rules](std::string_view line) {
        const auto client = rules.forwarded_client({&line, 1});
        return client ? client->text() : "nobody";
    };
    EXPECT_EQ(client_of("203.0.113.1:4711"), "203.0.113.1");
    EXPECT_EQ(client_of("[2001:db8::1]:4711"), "2001:db8::1");
    EXPECT_EQ(client_of("[2001:db8::1]"), "2001:db8::1");
    EXPECT_EQ(client_of("2001:db8::1"), "2001:db8::1");
    for (const char* const wrong :
         {"[2001:db8::1", "[2001:db8::1]4711", "[]:1", ":", "[", "203.0.113.1:1:2"}) {
        EXPECT_EQ(client_of(wrong), "nobody") << wrong;
    }
}

TEST(AddressRules, trust_unix_sockets_where_told_so) {
    AddressRules rules;
    EXPECT_FALSE(rules.is_trusted(PeerAddress()));
    rules.is_unix_trusted = true;
    EXPECT_TRUE(rules.is_trusted(PeerAddress()));
    EXPECT_FALSE(rules.is_trusted(peer("203.0.113.1")));
}

TEST(PeerAddress, is_written_as_it_is_read) {
    for (const char* const text : {"192.0.2.1", "2001:db8::1", "::1", "255.255.255.255"}) {
        EXPECT_EQ(peer(text).text(), text);
    }
    EXPECT_EQ(peer("::ffff:192.0.2.1").text(), "192.0.2.1");
    EXPECT_EQ(PeerAddress().text(), "");
}

}  // namespace
}  // namespace tickwire::base
