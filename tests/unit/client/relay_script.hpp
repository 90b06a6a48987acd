// The relay's side of a conversation, written by hand: an HTTP answer, frames, and a handler that writes
// down what a client tells.
#pragma once

#include <gtest/gtest.h>

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "tickwire/client.hpp"
#include "tickwire/websocket.hpp"
#include "wire/http.hpp"

namespace tickwire::test {

using ByteString = std::vector<std::uint8_t>;
using client::Time;

inline void append(ByteString& to, std::string_view text) {
    to.insert(to.end(), text.begin(), text.end());
}

inline ByteString server_frame(websocket::Opcode opcode, std::span<const std::uint8_t> payload) {
    ByteString frame(websocket::server_header_size_max);
    frame.resize(websocket::encode_server_header(opcode, payload.size(), frame.data()));
    frame.insert(frame.end(), payload.begin(), payload.end());
    return frame;
}
inline ByteString text_frame(std::string_view text) {
    return server_frame(websocket::Opcode::text,
                        {reinterpret_cast<const std::uint8_t*>(text.data()), text.size()});
}
inline ByteString binary_frame(const ByteString& payload) {
    return server_frame(websocket::Opcode::binary, payload);
}

/// Everything in order, as lines.
class Diary final : public client::Handler {
  public:
    std::vector<std::string> lines;
    std::vector<client::Ended> ends;

    void on_welcome(const client::Welcome& welcome) override {
        lines.push_back("welcome " + std::to_string(welcome.player) +
                        (welcome.is_same_slot ? " same" : "") + (welcome.is_recovered ? " recovered" : "") +
                        " properties " + std::string(welcome.properties));
    }
    void on_notice(const client::Notice& notice) override {
        lines.push_back("notice " + std::to_string(notice.index()));
    }
    void on_state(const client::StateView& state) override {
        lines.push_back("state " + std::to_string(state.player) + " seq " + std::to_string(state.seq) +
                        " wait " + std::to_string(state.wait) + " " +
                        std::string(state.bytes.begin(), state.bytes.end()));
    }
    void on_tick(const client::Tick& tick) override {
        lines.push_back("tick " + std::to_string(tick.number) + (tick.is_keyframe ? " keyframe" : ""));
    }
    void on_event(const client::Event& event) override {
        lines.push_back("event " + std::to_string(event.number) + " from " + std::to_string(event.from) +
                        " " + std::string(event.body.begin(), event.body.end()));
    }
    void on_pong(const client::Pong& pong) override {
        lines.push_back("pong " + std::to_string(pong.round_trip.count() / 1000) + " us");
    }
    void on_ended(const client::Ended& ended) override {
        ends.push_back(ended);
        lines.push_back("ended " + std::string(client::describe(ended.fault)) + " " +
                        std::to_string(ended.code) + " " + std::string(ended.reason) +
                        (ended.may_retry ? " retry" : " final"));
    }
};

inline std::string welcome_text(std::string_view more = R"("resume":"token-a","event":0,"events_taken":0)",
                                std::string_view player = "1") {
    return R"({"op":"welcome","protocol":1,"features":[],"server":"s","match":"m","player":)" +
           std::string(player) + R"(,"role":")" + (player == "65535" ? "spectator" : "player") +
           R"(","host":0,"epoch":1,"locked":false,"tick":100,"tick_hz":30,)" + std::string(more) +
           R"(,"resume_ms":20000,"spectators":0,"limits":{"state_bytes":1024,"event_bytes":16384,"json_bytes":16384,)"
           R"("messages_per_second":240,"bytes_per_second":262144,"json_per_second":10},)"
           R"("players":[{"player":1,"name":"Ann","away":false},{"player":0,"name":"Bo","away":true}],)"
           R"("properties":{"map": [1, 2.50 ]},"properties_version":3})";
}

/// One client, and what it sends taken apart.
class Conversation {
  public:
    explicit Conversation(Diary& diary) : client(environment, diary) {}

    client::Environment environment{7};
    client::Client client;

    /// Connects, and answers the upgrade.
    void open(Time now = {}) {
        ASSERT_TRUE(client.connect({"example.org", "m"}, {"Ann", client::Role::player, {}}, now));
        answer_upgrade(now);
    }
    void answer_upgrade(Time now = {}) {
        ByteString answer = upgrade_answer();
        client.receive(answer, now);
    }
    /// The 101 that fits the request that the client has just queued.
    ByteString upgrade_answer() {
        ByteString request;
        client.take_output(request);
        const auto parsed = wire::parse_request(request);
        EXPECT_TRUE(parsed && parsed->has_value());
        ByteString answer(wire::response_head_size_max);
        answer.resize(wire::encode_upgrade_response((*parsed)->request, answer.data()));
        path = std::string((*parsed)->request.path);
        return answer;
    }
    void join(Time now = {}) {
        open(now);
        receive(text_frame(welcome_text()), now);
    }
    void receive(ByteString bytes, Time now = {}) { client.receive(bytes, now); }

    /// The messages that the client queued since the last call: text as it is, binary as hex, control
    /// frames by opcode.
    std::vector<std::string> sent() {
        ByteString output;
        client.take_output(output);
        websocket::HeapBufferSource heap;
        websocket::Reader reader(websocket::Role::server, {}, heap);
        std::span<std::uint8_t> input = output;
        std::vector<std::string> messages;
        while (true) {
            const auto next = reader.next(input);
            EXPECT_TRUE(next.has_value());
            if (!next || !next->has_value()) {
                return messages;
            }
            messages.push_back(shown(**next));
        }
    }

    std::string path;

  private:
    static std::string shown(const websocket::Message& message) {
        if (message.opcode == websocket::Opcode::text) {
            return {message.payload.begin(), message.payload.end()};
        }
        std::string text = message.opcode == websocket::Opcode::binary  ? ""
                           : message.opcode == websocket::Opcode::close ? "close "
                           : message.opcode == websocket::Opcode::pong  ? "pong "
                                                                        : "ping ";
        for (const std::uint8_t byte : message.payload) {
            constexpr std::string_view digits = "0123456789abcdef";
            text += digits[byte >> 4];
            text += digits[byte & 15];
        }
        return text;
    }
};

}  // namespace tickwire::test
