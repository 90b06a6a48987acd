// encode_delta() and apply_delta() over state sizes and shares of changed bytes. Each iteration takes the
// next of 64 pairs of states, so that branches cannot be learnt by heart.
#include <benchmark/benchmark.h>

#include <array>
#include <cstring>
#include <random>
#include <vector>

#include "tickwire/protocol.hpp"

namespace tickwire::protocol {
namespace {

using ByteString = std::vector<std::uint8_t>;

constexpr std::size_t pair_count = 64;

enum class Change : std::int64_t { none, few, half, all };

struct Pair {
    ByteString baseline;
    ByteString state;
    ByteString delta;  // empty where none pays
};

/// Few: one byte in sixteen on average, at least one. All: no delta pays, and finding that out is the cost.
Pair make_pair(std::size_t size, Change change, std::mt19937& random) {
    Pair pair{ByteString(size), {}, ByteString(delta_room(size))};
    for (auto& byte : pair.baseline) {
        byte = static_cast<std::uint8_t>(random());
    }
    pair.state = pair.baseline;
    const auto touch = [&](std::size_t index) {
        pair.state[index] = static_cast<std::uint8_t>(~pair.state[index]);
    };
    if (change == Change::few) {
        touch(random() % size);
    }
    for (std::size_t index = 0; index < size; ++index) {
        if (change == Change::all || (change == Change::half && random() % 2 == 0) ||
            (change == Change::few && random() % 16 == 0)) {
            if (pair.state[index] == pair.baseline[index]) {
                touch(index);
            }
        }
    }
    pair.delta.resize(encode_delta(pair.baseline, pair.state, pair.delta.data()).value_or(0));
    return pair;
}

std::vector<Pair> make_pairs(const benchmark::State& run) {
    std::mt19937 random(1);
    std::vector<Pair> pairs;
    for (std::size_t index = 0; index < pair_count; ++index) {
        pairs.push_back(
            make_pair(static_cast<std::size_t>(run.range(0)), static_cast<Change>(run.range(1)), random));
    }
    return pairs;
}

void report(benchmark::State& run) {
    constexpr std::array names{"none", "few", "half", "all"};
    run.SetBytesProcessed(run.iterations() * run.range(0));
    run.SetLabel(names[static_cast<std::size_t>(run.range(1))]);
}

void encode(benchmark::State& run) {
    const std::vector<Pair> pairs = make_pairs(run);
    ByteString room(delta_room(static_cast<std::size_t>(run.range(0))));
    std::size_t next = 0;
    for (auto _ : run) {
        const Pair& pair = pairs[next++ % pair_count];
        benchmark::DoNotOptimize(encode_delta(pair.baseline, pair.state, room.data()));
        benchmark::ClobberMemory();
    }
    report(run);
}

void apply(benchmark::State& run) {
    std::vector<Pair> pairs = make_pairs(run);
    std::size_t next = 0;
    for (auto _ : run) {
        Pair& pair = pairs[next++ % pair_count];
        benchmark::DoNotOptimize(apply_delta(pair.baseline, pair.delta));
        benchmark::ClobberMemory();
    }
    report(run);
}

/// The limit: the state read, and as much written.
void copy(benchmark::State& run) {
    const std::vector<Pair> pairs = make_pairs(run);
    ByteString room(delta_room(static_cast<std::size_t>(run.range(0))));
    std::size_t next = 0;
    for (auto _ : run) {
        const Pair& pair = pairs[next++ % pair_count];
        std::memcpy(room.data(), pair.state.data(), pair.state.size());
        benchmark::ClobberMemory();
    }
    run.SetBytesProcessed(run.iterations() * run.range(0));
}

BENCHMARK(copy)->Name("delta/memcpy")->ArgsProduct({{16, 48, 200, 1024}, {0}});
BENCHMARK(encode)->Name("delta/encode")->ArgsProduct({{16, 48, 200, 1024}, {0, 1, 2, 3}});
BENCHMARK(apply)->Name("delta/apply")->ArgsProduct({{16, 48, 200, 1024}, {0, 1, 2}});

}  // namespace
}  // namespace tickwire::protocol
