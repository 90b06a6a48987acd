// Makes tickets: for development, for tests, and as a reference for the game's own server.
#pragma once

#include <string>
#include <string_view>

#include "ticket/grant.hpp"
#include "ticket/key.hpp"

namespace tickwire::ticket {

struct TicketText {
    Grant grant;
    std::string match;  ///< a name, or a prefix and `*`
    std::string audience;
    std::int64_t not_before = 0;  ///< 0: none
};

/// The claims as JSON.
std::string claims_of(const TicketText& ticket);

/// A token over `claims`; `key_id` may be empty.
std::string mint(const Key& key, std::string_view key_id, std::string_view claims);

}  // namespace tickwire::ticket
