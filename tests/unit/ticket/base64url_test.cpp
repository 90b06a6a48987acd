#include "ticket/base64url.hpp"

#include <gtest/gtest.h>

namespace tickwire::ticket {
namespace {

TEST(Base64url, reads_what_it_writes_at_every_length_and_byte) {
    std::string bytes;
    for (int byte = 0; byte < 256; ++byte) {
        const std::string text = encode_base64url(bytes);
        EXPECT_EQ(decode_base64url(text), bytes) << text;
        bytes.push_back(static_cast<char>(byte));
    }
}

TEST(Base64url, writes_the_vectors_of_rfc_4648_without_padding) {
    EXPECT_EQ(encode_base64url(""), "");
    EXPECT_EQ(encode_base64url("f"), "Zg");
    EXPECT_EQ(encode_base64url("fo"), "Zm8");
    EXPECT_EQ(encode_base64url("foobar"), "Zm9vYmFy");
    EXPECT_EQ(encode_base64url("\xfb\xff"), "-_8");
}

TEST(Base64url, refuses_all_but_the_one_spelling) {
    for (const char* const wrong :
         {"Zg==", "Zg=", "Z", "Zm9vY", "Zm 8", "Zm8\n", "+_8A", "/_8A", "Zh", "Zm9", "Zg.", "\xc3\xa9"}) {
        EXPECT_FALSE(decode_base64url(wrong)) << wrong;
    }
}

}  // namespace
}  // namespace tickwire::ticket
