// Oracle: a relay that lies cannot bring the native client to anything but an end, told once; what it tells
// its handler is the same however the bytes are cut; and its players are in rising order.
//
// Input: one byte of options, one that seeds the cuts, then what the relay sends behind its 101: a stream
// of frames as it is, or (option 1) messages, each behind a byte for its kind and one for its length.
#include <array>
#include <string>
#include <vector>

#include "base/bytes.hpp"
#include "fuzz.hpp"
#include "tickwire/client.hpp"
#include "tickwire/websocket.hpp"
#include "wire/http.hpp"

namespace {

using namespace tickwire;
using client::Time;
using fuzz::require;

constexpr std::size_t stream_size_max = 4096;
constexpr std::string_view welcome =
    R"({"op":"welcome","protocol":1,"features":[],"server":"s","match":"m","player":1,"role":"player","host":0,)"
    R"("epoch":1,"locked":false,"tick":100,"tick_hz":30,"resume":"t","event":0,"events_taken":0,"resume_ms":20000,)"
    R"("spectators":0,"limits":{"state_bytes":1024,"event_bytes":16384,"json_bytes":16384,)"
    R"("messages_per_second":240,"bytes_per_second":262144,"json_per_second":10},"players":)"
    R"([{"player":0,"name":"Bo","away":true},{"player":1,"name":"Ann","away":false}],"properties":{},)"
    R"("properties_version":0})";

class Diary final : public client::Handler {
  public:
    std::string text;
    int ends = 0;

    void on_welcome(const client::Welcome& told) override {
        note("welcome " + std::to_string(told.player));
    }
    void on_notice(const client::Notice& told) override { note("notice " + std::to_string(told.index())); }
    void on_state(const client::StateView& told) override {
        note("state " + std::to_string(told.player) + std::string(told.bytes.begin(), told.bytes.end()));
    }
    void on_tick(const client::Tick& told) override { note("tick " + std::to_string(told.number)); }
    void on_event(const client::Event& told) override {
        note("event " + std::to_string(told.number) + std::string(told.body.begin(), told.body.end()));
    }
    void on_pong(const client::Pong& /*told*/) override { note("pong"); }
    void on_ended(const client::Ended& told) override {
        ++ends;
        note("ended " + std::string(client::describe(told.fault)) + std::to_string(told.code));
    }

  private:
    void note(const std::string& line) {
        require(ends == 0 || line.starts_with("ended"), "nothing is told behind the end");
        text += line + "\n";
    }
};

void add_frame(std::string& to, websocket::Opcode opcode, std::string_view payload) {
    std::array<std::uint8_t, websocket::server_header_size_max> header;
    const std::size_t size = websocket::encode_server_header(opcode, payload.size(), header.data());
    to += std::string(base::as_text({header.data(), size})) + std::string(payload);
}

/// The stream of frames that the input means.
std::string stream_of(std::uint8_t options, std::string_view input) {
    std::string stream;
    if ((options & 2) == 0) {
        add_frame(stream, websocket::Opcode::text, welcome);
    }
    if ((options & 1) == 0) {
        return stream + std::string(input);
    }
    while (input.size() >= 2) {
        const auto kind = static_cast<std::uint8_t>(input[0]);
        const std::size_t size =
            std::min<std::size_t>(static_cast<std::uint8_t>(input[1]), input.size() - 2);
        constexpr std::array opcodes{websocket::Opcode::binary, websocket::Opcode::text,
                                     websocket::Opcode::ping};
        add_frame(stream, opcodes[kind % opcodes.size()],
                  input.substr(2, std::min<std::size_t>(size, websocket::control_size_max)));
        input.remove_prefix(2 + size);
    }
    return stream;
}

std::string run(std::string stream, bool is_whole, std::uint64_t seed) {
    client::Environment environment(7);
    Diary diary;
    client::Client client(environment, diary);
    require(client.connect({"relay.example", "m"}, {"Ann", client::Role::player, {}}, {}), "a good target");
    std::vector<std::uint8_t> request;
    client.take_output(request);
    const auto parsed = wire::parse_request(request);
    require(parsed && *parsed, "the client's request is one");
    std::array<std::uint8_t, wire::response_head_size_max> answer;
    const std::size_t answer_size = wire::encode_upgrade_response((*parsed)->request, answer.data());
    stream = std::string(base::as_text({answer.data(), answer_size})) + stream;
    for (std::size_t begin = 0; begin < stream.size() && client.phase() != client::Phase::over;) {
        seed = seed * 6364136223846793005U + 1442695040888963407U;  // Knuth's constants
        std::string part = stream.substr(begin, is_whole ? stream.size() : 1 + (seed >> 58U));
        begin += part.size();
        client.receive({reinterpret_cast<std::uint8_t*>(part.data()), part.size()}, Time{});
        std::vector<std::uint8_t> output;
        client.take_output(output);
    }
    int previous = -1;
    for (const client::Player& player : client.players()) {
        require(player.number > previous, "players in rising order");
        previous = player.number;
    }
    client.lose_connection();
    require(diary.ends == 1, "one end");
    return diary.text;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    if (size < 2) {
        return 0;
    }
    const std::string_view input(reinterpret_cast<const char*>(data) + 2,
                                 std::min(size - 2, stream_size_max));
    const std::string stream = stream_of(data[0], input);
    require(run(stream, true, 0) == run(stream, false, data[1]), "other cuts tell the same");
    return 0;
}
