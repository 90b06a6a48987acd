// The examples of FIPS 180-4 and of RFC 3174, and every size around the padding's borders.
#include "wire/sha1.hpp"

#include <gtest/gtest.h>

#include <string>

namespace tickwire::wire {
namespace {

std::string hex(const Sha1Digest& digest) {
    std::string text;
    for (const std::uint8_t byte : digest) {
        text += "0123456789abcdef"[byte >> 4];
        text += "0123456789abcdef"[byte & 15];
    }
    return text;
}

TEST(Sha1, gives_the_published_digests) {
    struct Example {
        std::string text;
        const char* digest;
    };
    const Example examples[] = {
        {"", "da39a3ee5e6b4b0d3255bfef95601890afd80709"},
        {"abc", "a9993e364706816aba3e25717850c26c9cd0d89d"},
        {"abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq",
         "84983e441c3bd26ebaae4aa1f95129e5e54670f1"},
        {"The quick brown fox jumps over the lazy dog", "2fd4e1c67a2d28fced849ee1bb76e7391b93eb12"},
        {std::string(1000000, 'a'), "34aa973cd4c4daa4f61eeb2bdbad27316534016f"},
    };
    for (const Example& example : examples) {
        EXPECT_EQ(hex(sha1(base::as_bytes(example.text))), example.digest);
    }
}

// Digests of n times 'x' by Python's hashlib.
TEST(Sha1, pads_at_each_border_of_a_block) {
    struct Example {
        std::size_t size;
        const char* digest;
    };
    const Example examples[] = {
        {54, "31045e7bb077ff8d188a776b196b980388735dbb"},
        {55, "cef734ba81a024479e09eb5a75b6ddae62e6abf1"},
        {56, "901305367c259952f4e7af8323f480d59f81335b"},
        {57, "025ecbd5d70f8fb3c5457cd96bab13fda305dc59"},
        {63, "0ddc4e0cccd9a12850deb5abb0853a4425559fec"},
        {64, "bb2fa3ee7afb9f54c6dfb5d021f14b1ffe40c163"},
        {65, "78c741ddc482e4cdf8c474a0876347a0905b6233"},
        {119, "4300320394f7ee239bcdce7d3b8bcee173a0cd5c"},
        {120, "ceb2821639c4b6dcb10bce0e522ca2e608ce056d"},
        {127, "e463484d274607e1897d4099497cbf2aedcf8206"},
        {128, "150fa3fbdc899bd0b8f95a9fb6027f564d953762"},
        {129, "2699b675922cc84a9b0dfd926eb7f8211c78693d"},
    };
    for (const Example& example : examples) {
        EXPECT_EQ(hex(sha1(base::as_bytes(std::string(example.size, 'x')))), example.digest)
            << example.size;
    }
}

}  // namespace
}  // namespace tickwire::wire
