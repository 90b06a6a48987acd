// The control parser and writer against proto/vectors/control.json.
#include <gtest/gtest.h>

#include <map>
#include <optional>

#include "vector_file.hpp"
#include "wire/control.hpp"
#include "wire/json_text.hpp"

namespace tickwire::test {
namespace {

using simdjson::dom::array;
using simdjson::dom::object;
using wire::PlayerNumber;

template <typename T>
std::optional<T> optional_field(Element object, std::string_view key) {
    const Element value = field(object, key);
    return value.is_null()
               ? std::nullopt
               : std::optional<T>(
                     T(get<std::conditional_t<std::is_integral_v<T>, std::uint64_t, std::string_view>>(
                         value)));
}

std::string input_text(Element entry) {
    if (!has_field(entry, "hex")) {
        return text(entry, "json");
    }
    const ByteString raw = bytes(entry, "hex");
    return {raw.begin(), raw.end()};
}

// --- from clients

void check_join(Element entry) {
    wire::ControlParser parser;
    const auto join = parser.parse_join(input_text(entry));
    if (has_field(entry, "close")) {
        const std::map<unsigned, wire::JoinFault> faults{{1007, wire::JoinFault::not_json},
                                                         {1002, wire::JoinFault::not_join},
                                                         {1008, wire::JoinFault::bad_value}};
        ASSERT_FALSE(join);
        EXPECT_EQ(join.error(), faults.at(number<unsigned>(entry, "close")));
        return;
    }
    ASSERT_TRUE(join);
    const Element message = field(entry, "message");
    EXPECT_EQ(join->name, text(message, "name"));
    EXPECT_EQ(join->role, text(message, "role") == "player" ? wire::Role::player : wire::Role::spectator);
    EXPECT_EQ(join->ticket, optional_field<std::string>(message, "ticket"));
    EXPECT_EQ(join->resume, optional_field<std::string>(message, "resume"));
    EXPECT_EQ(join->seen_event, optional_field<std::uint32_t>(message, "seen_event"));
}

struct RequestChecker {
    Element message;

    void operator()(const wire::SetProperties& request) const {
        EXPECT_EQ(text(message, "op"), "properties");
        EXPECT_EQ(request.if_version, optional_field<std::uint64_t>(message, "if_version"));
        const auto set = get<array>(message, "set");
        ASSERT_EQ(request.set.size(), set.size());
        for (std::size_t index = 0; index < set.size(); ++index) {
            const Element expected = set.at(index).value_unsafe();
            EXPECT_EQ(request.set[index].key, text(expected, "key"));
            EXPECT_EQ(request.set[index].json, optional_field<std::string>(expected, "json").value_or(""));
        }
    }
    void operator()(const wire::SetRate& request) const {
        EXPECT_EQ(text(message, "op"), "rate");
        EXPECT_EQ(request.divisor, number<unsigned>(message, "divisor"));
    }
    void operator()(const wire::SetVisible& request) const {
        EXPECT_EQ(text(message, "op"), "visible");
        EXPECT_EQ(request.is_visible, get<bool>(message, "visible"));
    }
    void operator()(const wire::Leave&) const { EXPECT_EQ(text(message, "op"), "leave"); }
    void operator()(const wire::Lock& request) const {
        EXPECT_EQ(text(message, "op"), "lock");
        EXPECT_EQ(request.is_locked, get<bool>(message, "locked"));
    }
    void operator()(const wire::Kick& request) const {
        EXPECT_EQ(text(message, "op"), "kick");
        EXPECT_EQ(request.player, number<PlayerNumber>(message, "player"));
        EXPECT_EQ(request.reason, text(message, "reason"));
    }
    void operator()(const wire::NameHost& request) const {
        EXPECT_EQ(text(message, "op"), "host");
        EXPECT_EQ(request.player, number<PlayerNumber>(message, "player"));
    }
};

void check_request(Element entry) {
    wire::ControlParser parser;
    const auto request = parser.parse_request(input_text(entry));
    if (has_field(entry, "close")) {
        EXPECT_EQ(number<unsigned>(entry, "close"), 1007U);
        ASSERT_FALSE(request);
        EXPECT_EQ(request.error().fault, wire::RequestFault::not_json);
    } else if (has_field(entry, "error")) {
        ASSERT_FALSE(request);
        const bool is_unknown_op = text(entry, "error") == "unknown_op";
        EXPECT_EQ(request.error().fault,
                  is_unknown_op ? wire::RequestFault::unknown_op : wire::RequestFault::bad_request);
        EXPECT_EQ(request.error().id, optional_field<std::uint64_t>(entry, "id"));
        EXPECT_FALSE(request.error().message.empty());
    } else {
        ASSERT_TRUE(request) << request.error().message;
        EXPECT_EQ(request->id, optional_field<std::uint64_t>(entry, "id"));
        std::visit(RequestChecker{field(entry, "message")}, request->request);
    }
}

// --- from the relay

/// A member of an object in raw text: its key, and its value as it stands there.
struct RawMember {
    std::string key;
    std::string_view json;
};

std::vector<RawMember> raw_members(object from, std::string_view raw) {
    std::vector<RawMember> members;
    wire::RawValues values(raw);
    for (const auto& member : from) {
        members.push_back({std::string(member.key), values.next()});
    }
    return members;
}

/// The raw text of the object `name` in the message whose text is `raw`, member by member.
std::vector<RawMember> raw_members_of(Element message, std::string_view raw, std::string_view name) {
    for (const RawMember& member : raw_members(get<object>(message), raw)) {
        if (member.key == name) {
            return raw_members(get<object>(message, name), member.json);
        }
    }
    return {};
}

wire::Limits limits_of(Element limits) {
    return {number<std::uint32_t>(limits, "state_bytes"),
            number<std::uint32_t>(limits, "event_bytes"),
            number<std::uint32_t>(limits, "json_bytes"),
            number<std::uint32_t>(limits, "messages_per_second"),
            number<std::uint32_t>(limits, "bytes_per_second"),
            number<std::uint32_t>(limits, "json_per_second")};
}

void write_welcome(Element message, std::string_view raw, std::string& out) {
    std::vector<wire::RosterEntry> players;
    for (const Element player : get<array>(message, "players")) {
        players.push_back({number<PlayerNumber>(player, "player"), get<std::string_view>(player, "name"),
                           get<bool>(player, "away"), has_field(player, "plain")});
    }
    const auto members = raw_members_of(message, raw, "properties");
    std::vector<wire::PropertyView> properties;
    for (const RawMember& member : members) {
        properties.push_back({member.key, member.json});
    }
    wire::Welcome welcome{};
    welcome.server = get<std::string_view>(message, "server");
    welcome.match = get<std::string_view>(message, "match");
    welcome.player = number<PlayerNumber>(message, "player");
    welcome.role = text(message, "role") == "player" ? wire::Role::player : wire::Role::spectator;
    welcome.host = optional_field<PlayerNumber>(message, "host");
    welcome.epoch = number<std::uint32_t>(message, "epoch");
    welcome.is_locked = get<bool>(message, "locked");
    welcome.tick = number<std::uint32_t>(message, "tick");
    welcome.tick_hz = number<std::uint32_t>(message, "tick_hz");
    welcome.event = number<std::uint32_t>(message, "event");
    welcome.events_taken = number<std::uint32_t>(message, "events_taken");
    welcome.resume = has_field(message, "resume") ? get<std::string_view>(message, "resume") : "";
    welcome.resume_ms = number<std::uint32_t>(message, "resume_ms");
    welcome.is_recovered = get<bool>(message, "recovered");
    welcome.spectators = number<std::uint32_t>(message, "spectators");
    welcome.limits = limits_of(field(message, "limits"));
    welcome.properties_version = number<std::uint64_t>(message, "properties_version");
    wire::write_welcome(welcome, players, properties, out);
}

void write_properties(Element message, std::string_view raw, std::string& out) {
    std::vector<wire::PropertySet> set;
    for (const RawMember& member : raw_members_of(message, raw, "set")) {
        set.push_back({member.key, member.json == "null" ? "" : std::string(member.json)});
    }
    wire::write_properties(number<std::uint64_t>(message, "version"), set,
                           number<PlayerNumber>(message, "by"), out);
}

void write_error(Element message, std::string& out) {
    using Code = wire::ControlErrorCode;
    std::optional<std::uint64_t> id;
    std::optional<std::uint64_t> version;
    if (has_field(message, "id")) {
        id = number<std::uint64_t>(message, "id");
    }
    if (has_field(message, "version")) {
        version = number<std::uint64_t>(message, "version");
    }
    for (const Code code : {Code::unknown_op, Code::bad_request, Code::forbidden, Code::no_such_player,
                            Code::version, Code::too_large}) {
        if (wire::name_of(code) == text(message, "code")) {
            wire::write_error(code, get<std::string_view>(message, "message"), id, version, out);
        }
    }
}

void check_written(Element entry) {
    const std::map<std::string, wire::LeftReason> left_reasons{{"left", wire::LeftReason::left},
                                                               {"closed", wire::LeftReason::closed},
                                                               {"timeout", wire::LeftReason::timeout},
                                                               {"kicked", wire::LeftReason::kicked}};
    const std::map<std::string, wire::RateReason> rate_reasons{{"asked", wire::RateReason::asked},
                                                               {"slow", wire::RateReason::slow},
                                                               {"hidden", wire::RateReason::hidden},
                                                               {"recovered", wire::RateReason::recovered}};
    const Element message = field(entry, "message");
    const std::string raw = text(entry, "json");
    const std::string op = text(message, "op");
    const auto player = [&] { return number<PlayerNumber>(message, "player"); };
    std::string out = "before ";
    if (op == "welcome") {
        write_welcome(message, raw, out);
    } else if (op == "joined") {
        wire::write_joined(player(), text(message, "name"), has_field(message, "plain"), out);
    } else if (op == "left") {
        wire::write_left(player(), left_reasons.at(text(message, "reason")), has_field(message, "plain"),
                         out);
    } else if (op == "away") {
        wire::write_away(player(), out);
    } else if (op == "back") {
        wire::write_back(player(), out);
    } else if (op == "host") {
        wire::write_host(optional_field<PlayerNumber>(message, "player"),
                         number<std::uint32_t>(message, "epoch"), out);
    } else if (op == "properties") {
        write_properties(message, raw, out);
    } else if (op == "locked") {
        wire::write_locked(get<bool>(message, "locked"), out);
    } else if (op == "rate") {
        wire::write_rate(number<std::uint32_t>(message, "divisor"),
                         rate_reasons.at(text(message, "reason")), out);
    } else if (op == "drain") {
        wire::write_drain(number<std::uint32_t>(message, "reconnect_ms"), text(message, "url"), out);
    } else if (op == "ok") {
        wire::write_ok(number<std::uint64_t>(message, "id"), out);
    } else {
        ASSERT_EQ(op, "error");
        write_error(message, out);
    }
    EXPECT_EQ(out, "before " + raw);
}

TEST(ControlVectors, each_reads_or_is_written_as_it_says) {
    for_each_case("control.json", [](Element entry) {
        if (text(entry, "from") == "server") {
            check_written(entry);
        } else if (text(entry, "as") == "first") {
            check_join(entry);
        } else {
            ASSERT_EQ(text(entry, "as"), "request");
            check_request(entry);
        }
    });
}

}  // namespace
}  // namespace tickwire::test
