// Control JSON: off the tick's path, but a reconnect storm is a storm of joins.
#include <benchmark/benchmark.h>
#include <simdjson.h>

#include <string>

#include "wire/control.hpp"

namespace tickwire::wire {
namespace {

void parse_join(benchmark::State& run) {
    const std::string text =
        R"({"op":"join","name":"Ann","role":"player","resume":"0123456789abcdef0123456789abcdef","seen_event":1234})";
    ControlParser parser;
    for (auto _ : run) {
        benchmark::DoNotOptimize(parser.parse_join(text));
    }
    run.SetBytesProcessed(run.iterations() * static_cast<std::int64_t>(text.size()));
}
BENCHMARK(parse_join)->Name("control/parse_join");

/// The limit: the JSON parser alone, over the same text.
void parse_json_alone(benchmark::State& run) {
    const simdjson::padded_string text(std::string_view(
        R"({"op":"join","name":"Ann","role":"player","resume":"0123456789abcdef0123456789abcdef","seen_event":1234})"));
    simdjson::dom::parser parser;
    for (auto _ : run) {
        benchmark::DoNotOptimize(parser.parse(text).error());
    }
    run.SetBytesProcessed(run.iterations() * static_cast<std::int64_t>(text.size()));
}
BENCHMARK(parse_json_alone)->Name("control/parse_join_by_simdjson_alone");

/// A ticket of the usual size for ES256.
void parse_join_with_ticket(benchmark::State& run) {
    const std::string text = R"({"op":"join","name":"Ann","ticket":")" + std::string(400, 'x') + R"("})";
    ControlParser parser;
    for (auto _ : run) {
        benchmark::DoNotOptimize(parser.parse_join(text));
    }
    run.SetBytesProcessed(run.iterations() * static_cast<std::int64_t>(text.size()));
}
BENCHMARK(parse_join_with_ticket)->Name("control/parse_join_with_ticket");

void parse_properties(benchmark::State& run) {
    const std::string text =
        R"({"op":"properties","id":7,"set":{"map":"arena","round":3,"teams":[[0,1],[2,3]],"options":{"fog":true}}})";
    ControlParser parser;
    for (auto _ : run) {
        benchmark::DoNotOptimize(parser.parse_request(text));
    }
    run.SetBytesProcessed(run.iterations() * static_cast<std::int64_t>(text.size()));
}
BENCHMARK(parse_properties)->Name("control/parse_properties");

/// The worst that fits 16 KiB: one huge number makes the parser read everything twice.
void parse_hostile_properties(benchmark::State& run) {
    std::string text = R"({"op":"properties","set":{"":1e999)";
    for (int key = 0; text.size() < 16000; ++key) {
        text += ",\"" + std::to_string(key) + "\":0";
    }
    text += "}}";
    ControlParser parser;
    for (auto _ : run) {
        benchmark::DoNotOptimize(parser.parse_request(text));
    }
    run.SetBytesProcessed(run.iterations() * static_cast<std::int64_t>(text.size()));
}
BENCHMARK(parse_hostile_properties)->Name("control/parse_hostile_properties");

void write_welcome_of_16(benchmark::State& run) {
    Welcome welcome{};
    welcome.server = "tickwire/0.1.0";
    welcome.match = "arena-7";
    welcome.resume = "0123456789abcdef0123456789abcdef";
    std::vector<RosterEntry> players;
    for (PlayerNumber player = 0; player < 16; ++player) {
        players.push_back({player, "a usual name", false, false});
    }
    std::string out;
    for (auto _ : run) {
        out.clear();
        write_welcome(welcome, players, {}, out);
        benchmark::DoNotOptimize(out.data());
    }
    run.SetBytesProcessed(run.iterations() * static_cast<std::int64_t>(out.size()));
}
BENCHMARK(write_welcome_of_16)->Name("control/write_welcome_of_16");

}  // namespace
}  // namespace tickwire::wire
