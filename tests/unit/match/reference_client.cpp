#include "reference_client.hpp"

#include <gtest/gtest.h>
#include <simdjson.h>

#include <utility>

namespace tickwire::match {

void ReferenceClient::take(const Message& message) {
    const base::Bytes payload = message.payload;
    if (is_plain) {
        log.push_back((message.opcode == websocket::Opcode::text ? "text: " : "binary: ") +
                      std::string(base::as_text(payload)));
        return;
    }
    if (message.opcode == websocket::Opcode::text) {
        take_text(base::as_text(payload));
        return;
    }
    ASSERT_EQ(message.opcode, websocket::Opcode::binary);
    ASSERT_TRUE(is_welcomed) << "welcome comes first";
    ASSERT_FALSE(payload.empty());
    switch (static_cast<protocol::ServerType>(payload[0])) {
        case protocol::ServerType::tick:
            take_tick(payload);
            return;
        case protocol::ServerType::events:
            take_events(payload);
            return;
        case protocol::ServerType::pong: {
            const auto pong = protocol::decode_pong(payload);
            ASSERT_TRUE(pong);
            if (pong->client_time == quiet_ping) {
                return;
            }
            log.push_back("pong " + std::to_string(pong->events_taken) + " " +
                          std::to_string(pong->client_time) + " " + std::to_string(pong->match_time_us));
            return;
        }
    }
    FAIL() << "an unknown message type";
}

void ReferenceClient::take_text(std::string_view text) {
    log.emplace_back(text);
    simdjson::dom::parser parser;
    const simdjson::dom::element json = parser.parse(simdjson::padded_string(text));
    const std::string_view op = json["op"];
    ASSERT_TRUE(is_welcomed || op == "welcome") << text;
    const auto number = [&json](const char* field) {
        return static_cast<std::uint32_t>(std::uint64_t{json[field]});
    };
    const auto about = [&] { return static_cast<PlayerNumber>(number("player")); };
    const auto host_named = [&](const char* field) {
        return json[field].is_null() ? std::nullopt
                                     : std::optional(static_cast<PlayerNumber>(number(field)));
    };
    if (op == "welcome") {
        ASSERT_FALSE(std::exchange(is_welcomed, true)) << "one welcome for a connection";
        player = about();
        newest_tick = number("tick");
        is_recovered = json["recovered"];
        newest_event = number("event");
        events_taken = number("events_taken");
        host = host_named("host");
        epoch = number("epoch");
        if (json["resume"].error() == simdjson::SUCCESS) {
            token = std::string(std::string_view(json["resume"]));
        }
        for (const simdjson::dom::element entry : json["players"]) {
            Peer peer;
            peer.name = std::string(std::string_view(entry["name"]));
            peer.is_away = entry["away"];
            peer.is_plain = entry["plain"].error() == simdjson::SUCCESS;
            peers[static_cast<PlayerNumber>(std::uint64_t{entry["player"]})] = peer;
        }
    } else if (op == "joined") {
        ASSERT_FALSE(peers.contains(about())) << text;
        Peer peer;
        peer.name = std::string(std::string_view(json["name"]));
        peer.is_plain = json["plain"].error() == simdjson::SUCCESS;
        peers[about()] = peer;
    } else if (op == "left") {
        ASSERT_EQ(peers.erase(about()), 1U) << text;
        states.erase(about());
    } else if (op == "away") {
        ASSERT_FALSE(std::exchange(peers.at(about()).is_away, true)) << text;
    } else if (op == "back") {
        ASSERT_TRUE(std::exchange(peers.at(about()).is_away, false) || about() == player) << text;
    } else if (op == "host") {
        ASSERT_EQ(number("epoch"), epoch + 1) << "each change raises the epoch";
        epoch = number("epoch");
        host = host_named("player");
        ASSERT_TRUE(!host || peers.contains(*host));
    } else if (op == "rate") {
        ASSERT_NE(divisor, number("divisor")) << text;
        divisor = number("divisor");
        needs_keyframe = true;
    }
}

void ReferenceClient::take_tick(base::Bytes payload) {
    auto reader = protocol::TickReader::open(payload);
    ASSERT_TRUE(reader);
    const protocol::TickHeader header = reader->header();
    ASSERT_GT(header.tick, newest_tick) << "tick numbers rise";
    newest_tick = header.tick;
    ASSERT_TRUE(header.is_keyframe || !needs_keyframe) << "a keyframe is due";
    ASSERT_TRUE(header.is_keyframe || header.state_count > 0) << "a tick without news";
    needs_keyframe = false;
    ++tick_count;
    keyframe_count += header.is_keyframe ? 1 : 0;
    if (header.is_keyframe) {
        states.clear();
    }
    waits.clear();
    std::string line = (header.is_keyframe ? "keyframe " : "tick ") + std::to_string(header.tick) + ":";
    std::set<PlayerNumber> named;
    while (const auto entry = reader->next()) {
        ASSERT_TRUE(named.insert(entry->player).second) << "one entry for a player";
        ASSERT_TRUE(peers.contains(entry->player))
            << "a state after its player's `left`, or before its `joined`";
        ASSERT_FALSE(peers[entry->player].is_plain);
        std::string& state = states[entry->player];
        if (entry->is_delta) {
            ASSERT_FALSE(header.is_keyframe) << "a keyframe's entries are full";
            ASSERT_FALSE(std::exchange(peers[entry->player].is_fresh, false)) << "the first entry is full";
            ASSERT_LT(entry->body.size(), state.size()) << "a delta is shorter than its state";
            std::vector<std::uint8_t> bytes(state.begin(), state.end());
            if (!entry->body.empty()) {
                ASSERT_TRUE(protocol::apply_delta(bytes, entry->body));
            }
            state.assign(bytes.begin(), bytes.end());
        } else {
            peers[entry->player].is_fresh = false;
            state.assign(base::as_text(entry->body));
        }
        waits.push_back(entry->wait);
        line += " " + std::to_string(entry->player) + (entry->is_delta ? "~" : "=") + state;
    }
    ASSERT_TRUE(reader->is_valid());
    log.push_back(line);
}

void ReferenceClient::take_events(base::Bytes payload) {
    auto reader = protocol::EventsReader::open(payload);
    ASSERT_TRUE(reader);
    ++events_message_count;
    while (const auto entry = reader->next()) {
        // A replay follows `welcome`, whose `event` it does not pass; everything else does.
        ASSERT_TRUE(events.empty() || entry->number > events.back().number) << "numbers rise";
        newest_event = std::max(newest_event, entry->number);
        events.push_back(
            {entry->number, entry->from, entry->kind, std::string(base::as_text(entry->body))});
        log.push_back("event " + std::to_string(entry->number) + " from " + std::to_string(entry->from) +
                      ": " + events.back().body);
    }
    ASSERT_TRUE(reader->is_valid());
}

}  // namespace tickwire::match
