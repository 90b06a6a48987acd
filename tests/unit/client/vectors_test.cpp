// proto/vectors/scenarios.json: what a client knows after each message.
#include <gtest/gtest.h>

#include <map>
#include <set>

#include "../wire/vector_file.hpp"
#include "relay_script.hpp"

namespace tickwire::test {
namespace {

using simdjson::dom::array;
using simdjson::dom::object;

struct Told {
    std::uint32_t number;
    std::uint16_t from;
    ByteString body;
    friend bool operator==(const Told&, const Told&) = default;
};

class EventsTold final : public client::Handler {
  public:
    std::vector<Told> events;
    std::vector<std::string> ends;
    void on_event(const client::Event& event) override {
        events.push_back({event.number, event.from, {event.body.begin(), event.body.end()}});
    }
    void on_ended(const client::Ended& ended) override {
        ends.push_back(std::string(client::describe(ended.fault)) + ": " + std::string(ended.reason));
    }
};

/// The upgrade, with a request of which only the key counts.
void open(client::Client& client) {
    ASSERT_TRUE(client.connect({"example.org", "m"}, {}, {}));
    ByteString request;
    client.take_output(request);
    const auto parsed = wire::parse_request(request);
    ByteString answer(wire::response_head_size_max);
    answer.resize(wire::encode_upgrade_response((*parsed)->request, answer.data()));
    client.receive(answer, {});
}

void expect_knowledge(const client::Client& client, Element after) {
    EXPECT_EQ(client.player(), number<std::uint16_t>(after, "player"));
    EXPECT_EQ(client.tick(), number<std::uint32_t>(after, "tick"));
    EXPECT_EQ(client.seen_event(), number<std::uint32_t>(after, "seen_event"));
    std::vector<std::uint64_t> players;
    for (const client::Player& player : client.players()) {
        players.push_back(player.number);
    }
    std::vector<std::uint64_t> wanted_players;
    for (const Element entry : get<array>(after, "players")) {
        wanted_players.push_back(get<std::uint64_t>(entry));
    }
    EXPECT_EQ(players, wanted_players);
    std::map<std::string, ByteString> states;
    for (std::uint32_t player = 0; player < 65535; ++player) {
        if (const auto state = client.state_of(static_cast<std::uint16_t>(player))) {
            states[std::to_string(player)] = {state->bytes.begin(), state->bytes.end()};
        }
    }
    std::map<std::string, ByteString> wanted_states;
    for (const auto& entry : get<object>(after, "states")) {
        wanted_states[std::string(entry.key)] = bytes(entry.value);
    }
    EXPECT_EQ(states, wanted_states);
}

TEST(ClientVectors, follow_every_scenario) {
    for_each_case("scenarios.json", [](Element scenario) {
        EventsTold told;
        client::Environment environment(1);
        client::Client client(environment, told);
        open(client);
        bool is_first = true;
        for (const Element step : get<array>(scenario, "steps")) {
            SCOPED_TRACE(text(step, "step"));
            const Element receive = field(step, "receive");
            const bool is_text = has_field(receive, "text");
            ByteString frame = is_text ? text_frame(get<std::string_view>(receive, "text"))
                                       : binary_frame(bytes(receive, "binary"));
            if (!is_first && is_text &&
                get<std::string_view>(receive, "text").find(R"("op":"welcome")") !=
                    std::string_view::npos) {
                client.lose_connection();
                open(client);
                told.ends.clear();
            }
            is_first = false;
            told.events.clear();
            client.receive(frame, {});
            EXPECT_EQ(told.ends, std::vector<std::string>{});
            const Element after = field(step, "after");
            expect_knowledge(client, after);
            std::vector<Told> wanted;
            for (const Element event : get<array>(after, "events")) {
                wanted.push_back({number<std::uint32_t>(event, "number"),
                                  number<std::uint16_t>(event, "from"), bytes(event, "body")});
            }
            EXPECT_EQ(told.events, wanted);
        }
    });
}

}  // namespace
}  // namespace tickwire::test
