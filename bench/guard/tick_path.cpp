// A fixed script through the production shard, its sessions and its matches, without a kernel: four matches
// of 16, 16, 16 and 4 players, of whom each sends a state per tick and some an event now and then.
// `bench/guard/run` counts the instructions of play() under callgrind.
#include <array>
#include <cstdio>
#include <cstring>
#include <string>

#include "script_backend.hpp"
#include "shard/shard.hpp"
#include "tickwire/protocol.hpp"
#include "tickwire/websocket.hpp"

namespace tickwire::guard {
namespace {

constexpr std::array<std::uint32_t, 4> match_sizes{16, 16, 16, 4};
constexpr std::uint32_t tick_count = 60;
constexpr std::size_t state_size = 48;

class CountingTokens final : public match::TokenSource {
  public:
    match::ResumeToken next_token() noexcept override {
        match::ResumeToken token{};
        token.fill('A');
        std::snprintf(token.data(), token.size(), "token%08u", ++count_);
        return token;
    }

  private:
    unsigned count_ = 0;
};

std::vector<std::uint8_t> frame_of(websocket::Opcode opcode, base::Bytes payload) {
    std::vector<std::uint8_t> frame(websocket::client_header_size_max + payload.size());
    frame.resize(websocket::encode_client_frame(opcode, payload, {0, 0, 0, 0}, frame.data()));
    return frame;
}

/// Half of it changes with each tick, the rest once in 30: deltas as a game's.
std::vector<std::uint8_t> make_state(std::uint32_t connection, std::uint32_t tick) {
    std::array<std::uint8_t, state_size> bytes{};
    for (std::size_t index = 0; index < state_size; ++index) {
        const std::uint32_t beat = index < state_size / 2 ? tick : tick / 30;
        bytes[index] = static_cast<std::uint8_t>(connection * 7 + index * 13 + beat * 31);
    }
    std::array<std::uint8_t, protocol::state_header_size + state_size> message{};
    const std::size_t size =
        protocol::encode_state({static_cast<std::uint16_t>(tick + 1), 0, bytes}, message.data());
    return frame_of(websocket::Opcode::binary, base::Bytes(message).first(size));
}

std::vector<std::uint8_t> make_event(std::uint32_t connection) {
    const std::array<std::uint8_t, 16> body{static_cast<std::uint8_t>(connection)};
    std::array<std::uint8_t, protocol::event_header_size + 16> message{};
    const std::size_t size =
        protocol::encode_event({{.target = protocol::Target::everyone}, 0, body}, message.data());
    return frame_of(websocket::Opcode::binary, base::Bytes(message).first(size));
}

std::vector<std::uint8_t> bytes_of(const std::string& text) {
    return {text.begin(), text.end()};
}

struct Script {
    shard::Shard& shard;
    std::vector<std::uint32_t> match_of;                    // by connection
    std::vector<std::vector<std::vector<Arrival>>> inputs;  // by tick and slot

    void join_all() {
        for (std::uint32_t match = 0; match < match_sizes.size(); ++match) {
            match_of.insert(match_of.end(), match_sizes[match], match);
        }
        const auto count = static_cast<std::uint32_t>(match_of.size());
        stage().connections_to_accept = count;
        shard.step();
        for (std::uint32_t connection = 0; connection < count; ++connection) {
            stage().arrivals.push_back(
                {connection,
                 bytes_of("GET /v1/match/guard" + std::to_string(match_of[connection]) +
                          " HTTP/1.1\r\nHost: relay\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
                          "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n"
                          "Sec-WebSocket-Version: 13\r\n"
                          "Sec-WebSocket-Protocol: tickwire.v1\r\n\r\n")});
            shard.step();
            stage().arrivals.push_back(
                {connection,
                 frame_of(websocket::Opcode::text, base::as_bytes(R"({"op":"join","name":"Ann"})"))});
            shard.step();
        }
        for (int step = 0; step < 200; ++step) {
            shard.step();  // what joining left behind goes out
        }
    }

    /// Made before anything is counted.
    void prepare(std::uint32_t slots_per_tick) {
        inputs.resize(tick_count);
        for (std::uint32_t tick = 0; tick < tick_count; ++tick) {
            inputs[tick].resize(slots_per_tick);
            for (std::uint32_t connection = 0; connection < match_of.size(); ++connection) {
                auto& slot = inputs[tick][(connection * 5 + match_of[connection]) % slots_per_tick];
                slot.push_back({connection, make_state(connection, tick), true});
                if ((connection + tick) % 97 == 0) {
                    slot.push_back({connection, make_event(connection)});
                }
            }
        }
    }

    [[gnu::noinline]] void play() {
        for (auto& tick : inputs) {
            for (auto& slot : tick) {
                stage().arrivals.swap(slot);
                shard.step();
            }
        }
    }
};

int run() {
    shard::Directory directory(1, {.connection_count_max = 1000, .match_count_max = 100, .address = {}});
    shard::Door door;
    std::array<shard::Door*, 1> doors{&door};
    CountingTokens tokens;
    shard::ShardOptions options;
    options.connection_count_max = 1000;
    options.match_count_max = 100;
    options.pool_size_max = std::size_t{1} << 26;
    shard::ShardSetting setting;
    setting.listeners = {{0, shard::ListenerKind::plain}};
    setting.directory = &directory;
    setting.doors = doors;
    setting.tokens = &tokens;
    auto shard = shard::Shard::create(options, setting);
    if (!shard) {
        return 1;
    }
    Script script{**shard, {}, {}};
    script.join_all();
    constexpr std::uint32_t slots_per_tick = 17;  // of at most 2 ms, at 30 Hz
    script.prepare(slots_per_tick);
    const auto before = (*shard)->counters();
    const std::uint64_t sends_before = stage().sends;
    script.play();
    const auto& after = (*shard)->counters();
    const std::uint64_t tick_messages = after.matches.tick_messages - before.matches.tick_messages;
    std::printf(
        "sends %llu\ntick_messages %llu\nstates %llu\nevents %llu\nskipped %llu\n",
        static_cast<unsigned long long>(stage().sends - sends_before),
        static_cast<unsigned long long>(tick_messages),
        static_cast<unsigned long long>(after.matches.states_taken - before.matches.states_taken),
        static_cast<unsigned long long>(after.matches.events_taken - before.matches.events_taken),
        static_cast<unsigned long long>(after.matches.skipped_busy + after.matches.skipped_lagging));
    std::fflush(stdout);
    std::_Exit(0);  // the shard's end would close members, of which the script knows nothing
}

}  // namespace
}  // namespace tickwire::guard

int main() {
    return tickwire::guard::run();
}
