// Where webhooks are posted to, taken apart and judged strictly: what one reader of a URL takes for the
// host and another for a user is refused here, at the start.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <tl/expected.hpp>

namespace tickwire::service {

/// `https://backend.example/hooks?of=tickwire`
struct WebhookUrl {
    bool is_tls = false;
    std::string host;  ///< a name, an IPv4 address, or an IPv6 address without its brackets
    std::uint16_t port = 0;
    std::string authority;  ///< host and port as they were written: what `Host` says
    std::string target;     ///< path and query

    /// The error is what is wrong.
    static tl::expected<WebhookUrl, std::string> parse(std::string_view text);
    /// For people: without the query, which may hold a secret.
    std::string name() const;
};

}  // namespace tickwire::service
