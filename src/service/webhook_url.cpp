#include "service/webhook_url.hpp"

#include <arpa/inet.h>

#include <algorithm>
#include <charconv>

#include "wire/http_head.hpp"

namespace tickwire::service {
namespace {

/// More than any that is meant; far below what a receiver takes as a request's head.
constexpr std::size_t url_size_max = 2048;
/// Of a name and of a part of it (RFC 1035 section 2.3.4).
constexpr std::size_t name_size_max = 253;
constexpr std::size_t label_size_max = 63;

bool is_address(int family, const std::string& text) {
    in6_addr address{};
    return ::inet_pton(family, text.c_str(), &address) == 1;
}

/// Letters, digits, hyphens and, since people use them, underscores.
bool is_label(std::string_view label) {
    return !label.empty() && label.size() <= label_size_max && std::ranges::all_of(label, [](char letter) {
        return wire::is_alphanumeric(letter) || letter == '-' || letter == '_';
    });
}

bool is_number(std::string_view label) {
    return std::ranges::all_of(label, wire::is_digit) || label.starts_with("0x") || label.starts_with("0X");
}

/// A name or an IPv4 address. What ends in a number is an address, in four parts: resolvers know other
/// spellings of those (127.1, 0x7f000001), and nobody means one.
bool is_host(const std::string& host) {
    std::string_view last;
    for (std::size_t at = 0; at <= host.size();) {
        const std::size_t dot = std::min(host.find('.', at), host.size());
        last = std::string_view(host).substr(at, dot - at);
        if (!is_label(last)) {
            return false;
        }
        at = dot + 1;
    }
    return is_number(last) ? is_address(AF_INET, host) : host.size() <= name_size_max;
}

}  // namespace

tl::expected<WebhookUrl, std::string> WebhookUrl::parse(std::string_view text) {
    const auto refuse = [text](const char* why) {
        return tl::unexpected("'" + std::string(text.substr(0, url_size_max)) +
                              "' is no URL for webhooks: " + why);
    };
    if (text.size() > url_size_max) {
        return refuse("it is longer than 2048 characters");
    }
    const bool is_visible =
        std::ranges::all_of(text, [](char letter) { return letter > ' ' && letter < 0x7f; });
    if (!is_visible || text.find('#') != text.npos) {
        return refuse("it has a fragment, or characters that are to be escaped");
    }
    WebhookUrl url;
    url.is_tls = text.starts_with("https://");
    if (!url.is_tls && !text.starts_with("http://")) {
        return refuse("it begins neither with https:// nor with http://");
    }
    const std::size_t begin = text.find("//") + 2;
    const std::size_t end = std::min(text.find_first_of("/?", begin), text.size());
    url.authority = text.substr(begin, end - begin);
    url.target = (text.substr(end).starts_with('/') ? "" : "/") + std::string(text.substr(end));
    if (url.authority.find('@') != std::string::npos) {
        return refuse("it names a user: the secret signs what is sent");
    }
    const bool is_bracketed = url.authority.starts_with('[');
    const std::size_t host_end = is_bracketed ? url.authority.find(']') : url.authority.find(':');
    url.host = url.authority.substr(is_bracketed ? 1 : 0, host_end - (is_bracketed ? 1 : 0));
    if (is_bracketed ? host_end == std::string::npos || !is_address(AF_INET6, url.host)
                     : !is_host(url.host)) {
        return refuse("its host is no name, IPv4 address or [IPv6 address]");
    }
    const std::size_t rest_begin = std::min(host_end, url.authority.size()) + (is_bracketed ? 1 : 0);
    const std::string_view rest = std::string_view(url.authority).substr(rest_begin);
    url.port = url.is_tls ? 443 : 80;
    if (!rest.empty()) {
        const auto [parsed, error] = std::from_chars(rest.data() + 1, rest.data() + rest.size(), url.port);
        if (rest.front() != ':' || error != std::errc{} || parsed != rest.data() + rest.size() ||
            url.port == 0) {
            return refuse("its port is no number from 1 to 65535");
        }
    }
    return url;
}

std::string WebhookUrl::name() const {
    return (is_tls ? "https://" : "http://") + authority + target.substr(0, target.find('?'));
}

}  // namespace tickwire::service
