#include "service/webhook_url.hpp"

#include <gtest/gtest.h>

namespace tickwire::service {
namespace {

std::string read(std::string_view text) {
    const auto url = WebhookUrl::parse(text);
    return url ? (url->is_tls ? "tls " : "") + url->host + " " + std::to_string(url->port) + " " +
                     url->authority + " " + url->target
               : "";
}

TEST(WebhookUrl, is_taken_apart) {
    EXPECT_EQ(read("https://backend.example/hooks?of=tickwire"),
              "tls backend.example 443 backend.example /hooks?of=tickwire");
    EXPECT_EQ(read("http://localhost"), "localhost 80 localhost /");
    EXPECT_EQ(read("http://my_service-1:8080"), "my_service-1 8080 my_service-1:8080 /");
    EXPECT_EQ(read("http://a?b=c"), "a 80 a /?b=c");
    EXPECT_EQ(read("http://127.0.0.1:65535/"), "127.0.0.1 65535 127.0.0.1:65535 /");
    EXPECT_EQ(read("http://3f2a9c0d1b7e"), "3f2a9c0d1b7e 80 3f2a9c0d1b7e /");  // a container's
    EXPECT_EQ(read("http://a.2fa-backend"), "a.2fa-backend 80 a.2fa-backend /");
    EXPECT_EQ(read("https://[::1]/x"), "tls ::1 443 [::1] /x");
    EXPECT_EQ(read("https://[2001:db8::1]:1/x"), "tls 2001:db8::1 1 [2001:db8::1]:1 /x");
    EXPECT_EQ(WebhookUrl::parse("https://a:1/b/c?secret")->name(), "https://a:1/b/c");
}

TEST(WebhookUrl, is_refused_where_readers_may_differ) {
    for (const std::string_view text : {
             "",
             "a",
             "//a",
             "ftp://a/",
             "HTTP://a/",
             "http:/a",
             "http:a",
             "http://",
             "http:///x",
             "http://?x",
             "http://user@a/",
             "http://user:word@a/",
             "http://a@/",
             "http://a/#x",
             "http://a#",
             "http://a b/",
             "http://a/b c",
             "http://a/\t",
             "http://a/\r\nX: y",
             "http://a/\x7f",
             "http://\xc3\xb6/",
             "http://a..b/",
             "http://.a/",
             "http://a./",
             "http://a\\b/",
             "http://a%41/",
             "http://a,b/",
             "http://127.1/",
             "http://0x7f.0x1/",
             "http://0X7F000001/",
             "http://a.0x/",
             "http://256.0.0.1/",
             "http://1/",
             "http://1.2.3.4.5/",
             "http://::1/",
             "http://[::1",
             "http://[]/",
             "http://[1.2.3.4]/",
             "http://[fe80::1%25eth0]/",
             "http://[::1]a/",
             "http://[::1]:/",
             "http://a:/",
             "http://:1/",
             "http://a:0/",
             "http://a:65536/",
             "http://a:+1/",
             "http://a:1:2/",
             "http://a:1x/",
             "http://a:-1/",
         }) {
        EXPECT_FALSE(WebhookUrl::parse(text)) << text;
    }
    EXPECT_FALSE(WebhookUrl::parse("http://a/" + std::string(2048, 'x')));
    EXPECT_FALSE(WebhookUrl::parse("http://" + std::string(64, 'x') + "/"));
    const std::string label = std::string(63, 'x') + ".";
    EXPECT_FALSE(WebhookUrl::parse("http://" + label + label + label + label + "a/"));
}

}  // namespace
}  // namespace tickwire::service
