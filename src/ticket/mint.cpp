#include "ticket/mint.hpp"

#include "ticket/base64url.hpp"
#include "wire/json_writer.hpp"

namespace tickwire::ticket {

std::string claims_of(const TicketText& ticket) {
    const Grant& grant = ticket.grant;
    std::string json;
    {
        wire::JsonObject claims(json);
        claims.number("exp", static_cast<std::uint64_t>(grant.expires));
        if (ticket.not_before != 0) {
            claims.number("nbf", static_cast<std::uint64_t>(ticket.not_before));
        }
        claims.text("match", ticket.match);
        if (!ticket.audience.empty()) {
            claims.text("aud", ticket.audience);
        }
        if (grant.role) {
            claims.text("role", *grant.role == wire::Role::player ? "player" : "spectator");
        }
        if (grant.name) {
            claims.text("name", *grant.name);
        }
        if (!grant.subject.empty()) {
            claims.text("sub", grant.subject);
        }
        if (grant.is_host) {
            claims.flag("host", true);
        }
        if (grant.match_size) {
            claims.number("match_size", *grant.match_size);
        }
        if (grant.tick_hz) {
            claims.number("tick_hz", *grant.tick_hz);
        }
        if (grant.state_bytes || grant.event_bytes || grant.messages_per_second) {
            wire::JsonObject limits(claims.key("limits"));
            if (grant.state_bytes) {
                limits.number("state_bytes", *grant.state_bytes);
            }
            if (grant.event_bytes) {
                limits.number("event_bytes", *grant.event_bytes);
            }
            if (grant.messages_per_second) {
                limits.number("messages_per_second", *grant.messages_per_second);
            }
        }
        if (!grant.id.empty()) {
            claims.text("jti", grant.id);
        }
        if (grant.is_single_use) {
            claims.flag("single_use", true);
        }
    }
    return json;
}

std::string mint(const Key& key, std::string_view key_id, std::string_view claims) {
    std::string header;
    {
        wire::JsonObject json(header);
        json.text("alg", name_of(key.algorithm()));
        json.text("typ", "JWT");
        if (!key_id.empty()) {
            json.text("kid", key_id);
        }
    }
    std::string token = encode_base64url(header) + "." + encode_base64url(claims);
    token += "." + encode_base64url(key.sign(token));
    return token;
}

}  // namespace tickwire::ticket
