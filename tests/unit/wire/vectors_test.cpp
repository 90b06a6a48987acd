// The binary codecs against proto/vectors: client.json, server.json, invalid.json, invalid_server.json and
// delta.json, both ways.
#include <gtest/gtest.h>

#include <algorithm>
#include <map>

#include "tickwire/protocol.hpp"
#include "vector_file.hpp"

namespace tickwire::test {
namespace {

using protocol::ClientType;

const std::map<std::string, protocol::Target> targets{{"others", protocol::Target::others},
                                                      {"everyone", protocol::Target::everyone},
                                                      {"host", protocol::Target::host},
                                                      {"player", protocol::Target::player}};
const std::map<std::string, protocol::Purpose> purposes{{"event", protocol::Purpose::event},
                                                        {"request", protocol::Purpose::request},
                                                        {"reply", protocol::Purpose::reply}};

ByteString copy(protocol::Bytes from) {
    return {from.begin(), from.end()};
}

/// What `encode(to)` writes, in room of which the codec must not pass the end.
template <typename Encode>
ByteString encoded(std::size_t room, Encode encode) {
    ByteString out(room);
    out.resize(encode(out.data()));
    return out;
}

// --- client to server

protocol::Kind kind_of(Element message) {
    return {targets.at(text(message, "target")), get<bool>(message, "text"),
            purposes.at(text(message, "purpose"))};
}

void check_state(const protocol::ClientMessage& decoded, Element message, const ByteString& wire) {
    ASSERT_EQ(decoded.type, ClientType::state);
    const ByteString body = bytes(message, "bytes");
    EXPECT_EQ(decoded.state.seq, number<std::uint16_t>(message, "seq"));
    EXPECT_EQ(decoded.state.seen, number<std::uint16_t>(message, "seen"));
    EXPECT_EQ(copy(decoded.state.bytes), body);
    const protocol::State state{number<std::uint16_t>(message, "seq"),
                                number<std::uint16_t>(message, "seen"), body};
    EXPECT_EQ(encoded(wire.size(), [&](auto* to) { return protocol::encode_state(state, to); }), wire);
}

void check_event(const protocol::ClientMessage& decoded, Element message, const ByteString& wire) {
    ASSERT_EQ(decoded.type, ClientType::event);
    const ByteString body = bytes(message, "body");
    const protocol::Kind kind = kind_of(message);
    EXPECT_EQ(decoded.event.kind, kind);
    EXPECT_EQ(protocol::encode_kind(kind), number<std::uint8_t>(message, "kind"));
    EXPECT_EQ(decoded.event.player, number<std::uint16_t>(message, "player"));
    EXPECT_EQ(copy(decoded.event.body), body);
    const protocol::Event event{kind, number<std::uint16_t>(message, "player"), body};
    EXPECT_EQ(encoded(wire.size(), [&](auto* to) { return protocol::encode_event(event, to); }), wire);
}

void check_ping(const protocol::ClientMessage& decoded, Element message, const ByteString& wire) {
    ASSERT_EQ(decoded.type, ClientType::ping);
    const protocol::Ping ping{number<std::uint16_t>(message, "seen"),
                              number<std::uint32_t>(message, "client_time")};
    EXPECT_EQ(decoded.ping.seen, ping.seen);
    EXPECT_EQ(decoded.ping.client_time, ping.client_time);
    EXPECT_EQ(encoded(wire.size(), [&](auto* to) { return protocol::encode_ping(ping, to); }), wire);
}

TEST(Vectors, client_messages_decode_and_encode) {
    for_each_case("client.json", [](Element entry) {
        const ByteString wire = bytes(entry, "hex");
        const Element message = field(entry, "message");
        const auto decoded = protocol::decode_client_message(wire);
        ASSERT_TRUE(decoded) << protocol::describe(decoded.error());
        const std::string type = text(message, "type");
        if (type == "state") {
            check_state(*decoded, message, wire);
        } else if (type == "event") {
            check_event(*decoded, message, wire);
        } else if (type == "ping") {
            check_ping(*decoded, message, wire);
        } else {
            ASSERT_EQ(type, "resync");
            EXPECT_EQ(decoded->type, ClientType::resync);
            EXPECT_EQ(encoded(1, [](auto* to) { return protocol::encode_resync(to); }), wire);
        }
    });
}

TEST(Vectors, malformed_client_messages_are_refused_for_the_right_reason) {
    const std::map<std::string, protocol::Error> reasons{
        {"empty", protocol::Error::empty},
        {"unknown_type", protocol::Error::unknown_type},
        {"unknown_kind", protocol::Error::unknown_kind},
        {"reserved_not_zero", protocol::Error::reserved_not_zero},
        {"wrong_length", protocol::Error::wrong_length}};
    for_each_case("invalid.json", [&](Element entry) {
        const auto decoded = protocol::decode_client_message(bytes(entry, "hex"));
        if (has_field(entry, "context")) {
            EXPECT_TRUE(decoded) << "limits and roles are not the codec's to judge";
            return;
        }
        EXPECT_EQ(number<unsigned>(entry, "close"), 1002U);
        ASSERT_FALSE(decoded);
        EXPECT_EQ(decoded.error(), reasons.at(text(entry, "reason")));
    });
}

// --- server to client

void check_tick(Element message, const ByteString& wire, ByteString& written) {
    auto reader = protocol::TickReader::open(wire);
    ASSERT_TRUE(reader);
    const auto states = get<simdjson::dom::array>(message, "states");
    EXPECT_EQ(reader->header().is_keyframe, get<bool>(message, "keyframe"));
    EXPECT_EQ(reader->header().tick, number<std::uint32_t>(message, "tick"));
    ByteString out(protocol::tick_header_size);
    protocol::encode_tick_header({get<bool>(message, "keyframe"), static_cast<std::uint16_t>(states.size()),
                                  number<std::uint32_t>(message, "tick")},
                                 out.data());
    for (const Element state : states) {
        const auto entry = reader->next();
        ASSERT_TRUE(entry);
        const ByteString body = bytes(state, "body");
        EXPECT_EQ(entry->player, number<std::uint16_t>(state, "player"));
        EXPECT_EQ(entry->seq, number<std::uint16_t>(state, "seq"));
        EXPECT_EQ(entry->wait, number<std::uint8_t>(state, "wait"));
        EXPECT_EQ(entry->is_delta, get<bool>(state, "delta"));
        EXPECT_EQ(copy(entry->body), body);
        const std::size_t start = out.size();
        out.resize(start + protocol::state_entry_header_size);
        protocol::encode_state_entry_header(number<std::uint16_t>(state, "player"),
                                            number<std::uint16_t>(state, "seq"),
                                            number<std::uint8_t>(state, "wait"), get<bool>(state, "delta"),
                                            body.size(), out.data() + start);
        out.insert(out.end(), body.begin(), body.end());
    }
    EXPECT_FALSE(reader->next());
    EXPECT_TRUE(reader->is_valid());
    written = out;
}

void check_events(Element message, const ByteString& wire, ByteString& written) {
    auto reader = protocol::EventsReader::open(wire);
    ASSERT_TRUE(reader);
    const auto events = get<simdjson::dom::array>(message, "events");
    ByteString out(protocol::events_header_size);
    protocol::encode_events_header(static_cast<std::uint16_t>(events.size()), out.data());
    for (const Element event : events) {
        const auto entry = reader->next();
        ASSERT_TRUE(entry);
        const ByteString body = bytes(event, "body");
        EXPECT_EQ(entry->number, number<std::uint32_t>(event, "number"));
        EXPECT_EQ(entry->from, number<std::uint16_t>(event, "from"));
        EXPECT_EQ(entry->kind, number<std::uint8_t>(event, "kind"));
        EXPECT_EQ(copy(entry->body), body);
        const std::size_t start = out.size();
        out.resize(start + protocol::event_entry_header_size + body.size());
        const std::size_t size = protocol::encode_event_entry(
            {number<std::uint32_t>(event, "number"), number<std::uint16_t>(event, "from"),
             number<std::uint8_t>(event, "kind"), body},
            out.data() + start);
        EXPECT_EQ(start + size, out.size());
    }
    EXPECT_FALSE(reader->next());
    EXPECT_TRUE(reader->is_valid());
    written = out;
}

void check_pong(Element message, const ByteString& wire, ByteString& written) {
    const auto pong = protocol::decode_pong(wire);
    ASSERT_TRUE(pong);
    EXPECT_EQ(pong->events_taken, number<std::uint16_t>(message, "taken"));
    EXPECT_EQ(pong->client_time, number<std::uint32_t>(message, "client_time"));
    EXPECT_EQ(std::to_string(pong->match_time_us), text(message, "match_time_us"));
    written.resize(protocol::pong_size);
    protocol::encode_pong(
        {number<std::uint16_t>(message, "taken"), number<std::uint32_t>(message, "client_time"),
         std::stoull(text(message, "match_time_us"))},
        written.data());
}

TEST(Vectors, server_messages_decode_and_encode) {
    for_each_case("server.json", [](Element entry) {
        const ByteString wire = bytes(entry, "hex");
        const Element message = field(entry, "message");
        const std::string type = text(message, "type");
        ByteString written;
        if (type == "tick") {
            check_tick(message, wire, written);
        } else if (type == "events") {
            check_events(message, wire, written);
        } else {
            ASSERT_EQ(type, "pong");
            check_pong(message, wire, written);
        }
        if (!has_field(entry, "decode_only")) {
            EXPECT_EQ(written, wire);
        }
    });
}

enum class Outcome { read, ignored, malformed };

/// What a client makes of a message: it asks each decoder in turn, as it cannot know the type before.
Outcome read_server_message(const ByteString& wire) {
    const auto walk = [](auto& reader) {
        while (reader.next()) {
        }
        return reader.is_valid() ? Outcome::read : Outcome::malformed;
    };
    auto tick = protocol::TickReader::open(wire);
    auto events = protocol::EventsReader::open(wire);
    const auto pong = protocol::decode_pong(wire);
    if (tick) {
        return walk(*tick);
    }
    if (events) {
        return walk(*events);
    }
    if (pong) {
        return Outcome::read;
    }
    const bool is_unknown = tick.error() == protocol::Error::unknown_type &&
                            events.error() == protocol::Error::unknown_type &&
                            pong.error() == protocol::Error::unknown_type;
    return is_unknown ? Outcome::ignored : Outcome::malformed;
}

TEST(Vectors, malformed_server_messages_are_not_read) {
    for_each_case("invalid_server.json", [](Element entry) {
        const Outcome expected =
            text(entry, "outcome") == "ignored" ? Outcome::ignored : Outcome::malformed;
        EXPECT_EQ(read_server_message(bytes(entry, "hex")), expected);
    });
}

// --- deltas

std::optional<ByteString> bytes_or_null(Element entry, std::string_view key) {
    const Element value = field(entry, key);
    return value.is_null() ? std::nullopt : std::optional(bytes(value));
}

/// The body for a receiver that has `baseline`; nothing where the state goes out full.
std::optional<ByteString> delta_between(const ByteString& baseline, const ByteString& state) {
    ByteString room(protocol::delta_room(state.size()));
    const auto size = protocol::encode_delta(baseline, state, room.data());
    if (!size) {
        return std::nullopt;
    }
    room.resize(*size);
    return room;
}

void check_apply(const ByteString& baseline, const ByteString& delta,
                 const std::optional<ByteString>& expected) {
    ByteString state = baseline;
    EXPECT_EQ(protocol::apply_delta(state, delta), expected.has_value());
    EXPECT_EQ(state, expected.value_or(baseline));
}

TEST(Vectors, deltas_encode_and_apply) {
    for_each_case("delta.json", [](Element entry) {
        const auto baseline = bytes_or_null(entry, "baseline");
        const auto state = bytes_or_null(entry, "state");
        if (has_field(entry, "apply")) {
            check_apply(*baseline, bytes(entry, "apply"), state);
            return;
        }
        const auto body = bytes_or_null(entry, "body");
        if (!baseline) {
            EXPECT_FALSE(body);
            return;
        }
        EXPECT_EQ(delta_between(*baseline, *state), body);
        if (body) {
            check_apply(*baseline, *body, state);
        }
    });
}

}  // namespace
}  // namespace tickwire::test
