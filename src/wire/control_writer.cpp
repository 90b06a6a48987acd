// What the relay says in JSON (proto/protocol.md sections 2 and 5). The text is minified, its fields in the
// order of the specification.
#include "wire/control.hpp"
#include "wire/json_writer.hpp"

namespace tickwire::wire {
namespace {

std::string_view name_of(Role role) noexcept {
    return role == Role::player ? "player" : "spectator";
}

std::string_view name_of(LeftReason reason) noexcept {
    switch (reason) {
        case LeftReason::left:
            return "left";
        case LeftReason::closed:
            return "closed";
        case LeftReason::timeout:
            return "timeout";
        case LeftReason::kicked:
            break;
    }
    return "kicked";
}

std::string_view name_of(RateReason reason) noexcept {
    switch (reason) {
        case RateReason::asked:
            return "asked";
        case RateReason::slow:
            return "slow";
        case RateReason::hidden:
            return "hidden";
        case RateReason::recovered:
            break;
    }
    return "recovered";
}

void append_limits(const Limits& limits, std::string& out) {
    JsonObject object(out);
    object.number("state_bytes", limits.state_bytes);
    object.number("event_bytes", limits.event_bytes);
    object.number("json_bytes", limits.json_bytes);
    object.number("messages_per_second", limits.messages_per_second);
    object.number("bytes_per_second", limits.bytes_per_second);
    object.number("json_per_second", limits.json_per_second);
}

void append_roster(const std::vector<RosterEntry>& players, std::string& out) {
    out += '[';
    for (std::size_t index = 0; index < players.size(); ++index) {
        if (index > 0) {
            out += ',';
        }
        JsonObject object(out);
        object.number("player", players[index].player);
        object.text("name", players[index].name);
        object.flag("away", players[index].is_away);
        if (players[index].is_plain) {
            object.flag("plain", true);
        }
    }
    out += ']';
}

void append_properties(const std::vector<PropertyView>& properties, std::string& out) {
    JsonObject object(out);
    for (const PropertyView& property : properties) {
        object.json(property.key, property.json);
    }
}

}  // namespace

std::string_view name_of(ControlErrorCode code) noexcept {
    switch (code) {
        case ControlErrorCode::unknown_op:
            return "unknown_op";
        case ControlErrorCode::bad_request:
            return "bad_request";
        case ControlErrorCode::forbidden:
            return "forbidden";
        case ControlErrorCode::no_such_player:
            return "no_such_player";
        case ControlErrorCode::version:
            return "version";
        case ControlErrorCode::too_large:
            break;
    }
    return "too_large";
}

void write_welcome(const Welcome& welcome, const std::vector<RosterEntry>& players,
                   const std::vector<PropertyView>& properties, std::string& out) {
    JsonObject object(out, "welcome");
    object.number("protocol", protocol::version);
    object.json("features", "[]");
    object.text("server", welcome.server);
    object.text("match", welcome.match);
    object.number("player", welcome.player);
    object.text("role", name_of(welcome.role));
    object.number_or_null("host", welcome.host);
    object.number("epoch", welcome.epoch);
    object.flag("locked", welcome.is_locked);
    object.number("tick", welcome.tick);
    object.number("tick_hz", welcome.tick_hz);
    object.number("event", welcome.event);
    object.number("events_taken", welcome.events_taken);
    if (!welcome.resume.empty()) {
        object.text("resume", welcome.resume);
    }
    object.number("resume_ms", welcome.resume_ms);
    object.flag("recovered", welcome.is_recovered);
    object.number("spectators", welcome.spectators);
    append_limits(welcome.limits, object.key("limits"));
    append_roster(players, object.key("players"));
    append_properties(properties, object.key("properties"));
    object.number("properties_version", welcome.properties_version);
}

void write_joined(PlayerNumber player, std::string_view name, bool is_plain, std::string& out) {
    JsonObject object(out, "joined");
    object.number("player", player);
    object.text("name", name);
    if (is_plain) {
        object.flag("plain", true);
    }
}

void write_left(PlayerNumber player, LeftReason reason, bool is_plain, std::string& out) {
    JsonObject object(out, "left");
    object.number("player", player);
    object.text("reason", name_of(reason));
    if (is_plain) {
        object.flag("plain", true);
    }
}

void write_away(PlayerNumber player, std::string& out) {
    JsonObject(out, "away").number("player", player);
}

void write_back(PlayerNumber player, std::string& out) {
    JsonObject(out, "back").number("player", player);
}

void write_host(std::optional<PlayerNumber> player, std::uint32_t epoch, std::string& out) {
    JsonObject object(out, "host");
    object.number_or_null("player", player);
    object.number("epoch", epoch);
}

void write_properties(std::uint64_t new_version, const std::vector<PropertySet>& set, PlayerNumber by,
                      std::string& out) {
    JsonObject object(out, "properties");
    object.number("version", new_version);
    {
        JsonObject set_object(object.key("set"));
        for (const PropertySet& property : set) {
            set_object.json(property.key, property.json.empty() ? "null" : std::string_view(property.json));
        }
    }
    object.number("by", by);
}

void write_locked(bool is_locked, std::string& out) {
    JsonObject(out, "locked").flag("locked", is_locked);
}

void write_rate(std::uint32_t divisor, RateReason reason, std::string& out) {
    JsonObject object(out, "rate");
    object.number("divisor", divisor);
    object.text("reason", name_of(reason));
}

void write_drain(std::uint32_t reconnect_ms, std::string_view url, std::string& out) {
    JsonObject object(out, "drain");
    object.number("reconnect_ms", reconnect_ms);
    object.text("url", url);
}

void write_ok(std::uint64_t id, std::string& out) {
    JsonObject(out, "ok").number("id", id);
}

void write_error(ControlErrorCode code, std::string_view message, std::optional<std::uint64_t> id,
                 std::optional<std::uint64_t> properties_version, std::string& out) {
    JsonObject object(out, "error");
    object.text("code", name_of(code));
    object.text("message", message);
    if (id) {
        object.number("id", *id);
    }
    if (properties_version) {
        object.number("version", *properties_version);
    }
}

}  // namespace tickwire::wire
