#include <gtest/gtest.h>

#include "uring/listener.hpp"

namespace tickwire::uring {
namespace {

TEST(Address, formats_as_it_was_parsed) {
    for (const char* const text : {"127.0.0.1:8080", "0.0.0.0:0", "[::1]:8080", "[::]:65535",
                                   "[2001:db8::5]:443", "unix:/run/tickwire.sock", "unix:relative.sock"}) {
        const auto address = parse_address(text);
        ASSERT_TRUE(address.has_value()) << address.error();
        EXPECT_EQ(format_address(*address), text);
        EXPECT_EQ(address->is_unix(), std::string_view(text).starts_with("unix:"));
    }
}

TEST(Address, tells_whether_only_this_machine_reaches_it) {
    for (const char* const text : {"127.0.0.1:1", "127.9.9.9:1", "[::1]:1", "unix:/run/tickwire.sock"}) {
        EXPECT_TRUE(parse_address(text)->is_local()) << text;
    }
    for (const char* const text :
         {"0.0.0.0:1", "128.0.0.1:1", "10.0.0.1:1", "[::]:1", "[2001:db8::1]:1", "[::ffff:127.0.0.1]:1"}) {
        EXPECT_FALSE(parse_address(text)->is_local()) << text;
    }
}

struct BadAddress {
    std::string text;
    const char* why;
};

TEST(Address, says_what_is_wrong_with_a_bad_one) {
    const BadAddress bad_addresses[] = {
        {"", "a port is missing"},
        {"8080", "a port is missing"},
        {"[::1]", "a port is missing"},
        {"127.0.0.1:", "the port is a number"},
        {"127.0.0.1:65536", "the port is a number"},
        {"127.0.0.1:-1", "the port is a number"},
        {"127.0.0.1:80x", "the port is a number"},
        {"::1:8080", "goes in brackets"},
        {"localhost:8080", "a number, not a name"},
        {":8080", "a number, not a name"},
        {"1.2.3:80", "a number, not a name"},
        {"[::1:8080", "a bracket is not closed"},
        {"[::g]:8080", "no IPv6 address"},
        {"[]:8080", "no IPv6 address"},
        {"unix:", "a path follows"},
        {"unix:" + std::string(108, 'x'), "at most 107 bytes"},
        {std::string("unix:a\0b", 8), "a zero byte"},
    };
    for (const BadAddress& bad : bad_addresses) {
        const auto address = parse_address(bad.text);
        ASSERT_FALSE(address.has_value()) << bad.text;
        EXPECT_NE(address.error().find(bad.why), std::string::npos) << address.error();
        EXPECT_NE(address.error().find("'" + bad.text + "'"), std::string::npos) << address.error();
    }
}

TEST(Address, takes_the_longest_unix_path_that_fits) {
    const std::string text = "unix:" + std::string(107, 'x');
    EXPECT_EQ(format_address(parse_address(text).value()), text);
}

TEST(Address, has_no_family_where_there_is_no_peer) {
    EXPECT_EQ(peer_address(-1).storage.ss_family, AF_UNSPEC);
    EXPECT_EQ(bound_address(-1).storage.ss_family, AF_UNSPEC);
    EXPECT_EQ(format_address(Address{}), "");
}

}  // namespace
}  // namespace tickwire::uring
