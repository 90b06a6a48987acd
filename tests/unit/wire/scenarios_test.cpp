// proto/vectors/scenarios.json, followed by a client that is no more than the decoders, apply_delta() and
// the rules of proto/protocol.md section 4.
#include <gtest/gtest.h>

#include <map>
#include <set>

#include "tickwire/protocol.hpp"
#include "vector_file.hpp"

namespace tickwire::test {
namespace {

using simdjson::dom::array;
using simdjson::dom::object;

struct ReceivedEvent {
    std::uint32_t number;
    std::uint16_t from;
    std::uint8_t kind;
    ByteString body;
    friend bool operator==(const ReceivedEvent&, const ReceivedEvent&) = default;
};

/// What a client knows. It grows by receive() and is compared with a step's `after`.
class ScenarioClient {
  public:
    std::uint16_t player = 0;
    std::uint32_t tick = 0;
    std::uint32_t seen_event = 0;
    std::set<std::uint16_t> players;
    std::map<std::uint16_t, ByteString> states;
    std::vector<ReceivedEvent> events;  // of the last message

    void receive_text(const std::string& json) {
        events.clear();
        simdjson::dom::parser parser;
        Element message;
        ASSERT_EQ(parser.parse(json).get(message), simdjson::SUCCESS);
        const std::string op = has_field(message, "op") ? text(message, "op") : "";
        if (op == "welcome") {
            on_welcome(message);
        } else if (op == "joined") {
            EXPECT_TRUE(players.insert(number<std::uint16_t>(message, "player")).second);
        } else if (op == "left") {
            EXPECT_EQ(players.erase(number<std::uint16_t>(message, "player")), 1U);
            states.erase(number<std::uint16_t>(message, "player"));
        }
    }

    void receive_binary(const ByteString& message) {
        events.clear();
        if (auto tick_reader = protocol::TickReader::open(message)) {
            on_tick(*tick_reader);
        } else if (auto events_reader = protocol::EventsReader::open(message)) {
            on_events(*events_reader);
        } else {
            EXPECT_EQ(tick_reader.error(), protocol::Error::unknown_type);
        }
    }

  private:
    void on_welcome(Element message) {
        player = number<std::uint16_t>(message, "player");
        tick = number<std::uint32_t>(message, "tick");
        states.clear();
        players.clear();
        for (const Element entry : get<array>(message, "players")) {
            players.insert(number<std::uint16_t>(entry, "player"));
        }
        if (!get<bool>(message, "recovered")) {
            seen_event = number<std::uint32_t>(message, "event");
        }
    }

    void on_tick(protocol::TickReader& reader) {
        if (reader.header().is_keyframe) {
            states.clear();
        }
        tick = reader.header().tick;
        while (const auto entry = reader.next()) {
            EXPECT_TRUE(players.contains(entry->player)) << "a state before its joined";
            if (entry->is_delta) {
                ASSERT_TRUE(states.contains(entry->player)) << "a delta without a baseline";
                EXPECT_LT(entry->body.size(), states[entry->player].size());
                EXPECT_TRUE(protocol::apply_delta(states[entry->player], entry->body));
            } else {
                states[entry->player].assign(entry->body.begin(), entry->body.end());
            }
        }
        EXPECT_TRUE(reader.is_valid());
    }

    void on_events(protocol::EventsReader& reader) {
        while (const auto entry = reader.next()) {
            EXPECT_GT(entry->number, seen_event);
            seen_event = entry->number;
            const bool is_for_others = (entry->kind & 3) == static_cast<int>(protocol::Target::others);
            const bool is_own = entry->from == player && player != protocol::nobody;
            if (!is_own || !is_for_others) {
                events.push_back(
                    {entry->number, entry->from, entry->kind, {entry->body.begin(), entry->body.end()}});
            }
        }
        EXPECT_TRUE(reader.is_valid());
    }
};

void expect_after(const ScenarioClient& client, Element after) {
    EXPECT_EQ(client.player, number<std::uint16_t>(after, "player"));
    EXPECT_EQ(client.tick, number<std::uint32_t>(after, "tick"));
    EXPECT_EQ(client.seen_event, number<std::uint32_t>(after, "seen_event"));
    std::set<std::uint16_t> players;
    for (const Element player : get<array>(after, "players")) {
        players.insert(static_cast<std::uint16_t>(get<std::uint64_t>(player)));
    }
    EXPECT_EQ(client.players, players);
    std::map<std::uint16_t, ByteString> states;
    for (const auto& state : get<object>(after, "states")) {
        states[static_cast<std::uint16_t>(std::stoul(std::string(state.key)))] = bytes(state.value);
    }
    EXPECT_EQ(client.states, states);
    std::vector<ReceivedEvent> events;
    for (const Element event : get<array>(after, "events")) {
        const auto kind = number<std::uint8_t>(event, "kind");
        EXPECT_EQ((kind & 4) != 0, get<bool>(event, "text"));
        events.push_back({number<std::uint32_t>(event, "number"), number<std::uint16_t>(event, "from"),
                          kind, bytes(event, "body")});
    }
    EXPECT_EQ(client.events, events);
}

TEST(Scenarios, a_client_ends_each_step_with_what_it_should_know) {
    for_each_case("scenarios.json", [](Element scenario) {
        ScenarioClient client;
        const auto steps = get<array>(scenario, "steps");
        EXPECT_GT(steps.size(), 0U);
        for (const Element step : steps) {
            SCOPED_TRACE(text(step, "step"));
            const Element receive = field(step, "receive");
            if (has_field(receive, "text")) {
                client.receive_text(text(receive, "text"));
            } else {
                client.receive_binary(bytes(receive, "binary"));
            }
            expect_after(client, field(step, "after"));
        }
    });
}

}  // namespace
}  // namespace tickwire::test
