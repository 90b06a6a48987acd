// The requests of proto/protocol.md section 5, one function each. simdjson finds the fields; json_text
// finds the bytes of property values as they were written.
#include "wire/control_request.hpp"

#include <set>
#include <utility>

#include "wire/json_text.hpp"

namespace tickwire::wire {
namespace {

using simdjson::dom::object;

/// The members of `set` with their raw values, which begin at `raw_set`; of two with one key the first.
std::vector<PropertySet> read_set(object set, std::string_view raw_set) {
    std::vector<PropertySet> properties;
    std::set<std::string_view> keys;
    RawValues raw_values(raw_set);
    for (const auto& field : set) {
        const std::string_view raw = raw_values.next();
        if (keys.insert(field.key).second) {
            properties.push_back({std::string(field.key), std::string(field.value.is_null() ? "" : raw)});
        }
    }
    return properties;
}

using RequestOrFault = tl::expected<Request, RequestFaultText>;

/// tl::unexpected alone would take the literal for an array.
tl::unexpected<RequestFaultText> bad(RequestFaultText text) {
    return tl::unexpected<RequestFaultText>(text);
}

RequestOrFault read_properties(object from, Fields& fields, std::string_view text) {
    const auto if_version = fields.integer("if_version", integer_max);
    RawValues raw_values(text.substr(skip_json_space(text, 0)));
    for (const auto& field : from) {
        const std::string_view raw = raw_values.next();
        if (field.key != "set") {
            continue;
        }
        object set;
        if (field.value.get(set) != simdjson::SUCCESS || fields.has_fault()) {
            break;
        }
        return SetProperties{read_set(set, raw), if_version};
    }
    return bad("properties: set is an object, if_version an integer");
}

RequestOrFault read_rate(Fields& fields) {
    const auto divisor = fields.integer("divisor", 8);
    if (!divisor || (*divisor != 1 && *divisor != 2 && *divisor != 4 && *divisor != 8)) {
        return bad("rate: divisor is 1, 2, 4 or 8");
    }
    return SetRate{static_cast<std::uint8_t>(*divisor)};
}

RequestOrFault read_visible(Fields& fields) {
    const auto is_visible = fields.flag("visible");
    if (!is_visible) {
        return bad("visible: visible is true or false");
    }
    return SetVisible{*is_visible};
}

RequestOrFault read_lock(Fields& fields) {
    const auto is_locked = fields.flag("locked");
    if (!is_locked) {
        return bad("lock: locked is true or false");
    }
    return Lock{*is_locked};
}

RequestOrFault read_kick(Fields& fields) {
    const auto player = fields.player("player");
    auto reason = fields.text("reason", protocol::kick_reason_size_max);
    if (!player || fields.has_fault()) {
        return bad("kick: player is a player's number, reason at most 120 bytes");
    }
    return Kick{*player, std::move(reason).value_or("")};
}

RequestOrFault read_host(Fields& fields) {
    const auto player = fields.player("player");
    if (!player) {
        return bad("host: player is a player's number");
    }
    return NameHost{*player};
}

}  // namespace

RequestOrFault read_request(std::string_view op, object from, Fields& fields, std::string_view text) {
    if (op == "properties") {
        return read_properties(from, fields, text);
    }
    if (op == "rate") {
        return read_rate(fields);
    }
    if (op == "visible") {
        return read_visible(fields);
    }
    if (op == "leave") {
        return Leave{};
    }
    if (op == "lock") {
        return read_lock(fields);
    }
    if (op == "kick") {
        return read_kick(fields);
    }
    if (op == "host") {
        return read_host(fields);
    }
    if (op == "join") {
        return bad("a second join");
    }
    return bad(nullptr);
}

}  // namespace tickwire::wire
