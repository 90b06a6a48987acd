// The reader over buffers of masked frames as games send them: 48 bytes of binary, 1, 3 or 10 to a buffer.
// Reading unmasks in place, so each round first copies the buffer; `copy` is that copy alone, to subtract.
#include <benchmark/benchmark.h>

#include <algorithm>
#include <vector>

#include "tickwire/websocket.hpp"

namespace tickwire::websocket {
namespace {

constexpr std::size_t payload_size = 48;

std::vector<std::uint8_t> make_frames(Opcode opcode, std::int64_t count, std::size_t size) {
    const std::vector<std::uint8_t> payload(size, 'a');
    std::vector<std::uint8_t> frames;
    for (std::int64_t i = 0; i < count; ++i) {
        std::vector<std::uint8_t> frame(client_header_size_max + size);
        frame.resize(encode_client_frame(opcode, payload, {0x37, 0xfa, 0x21, 0x3d}, frame.data()));
        frames.insert(frames.end(), frame.begin(), frame.end());
    }
    return frames;
}

void set_items(benchmark::State& state) {
    state.SetItemsProcessed(static_cast<std::int64_t>(state.iterations()) * state.range(0));
}

void take_all(Reader& reader, std::span<std::uint8_t> input) {
    while (true) {
        const auto result = reader.next(input);
        if (!result || !*result) {
            break;
        }
        benchmark::DoNotOptimize((*result)->payload.data());
    }
}

void read_frames(benchmark::State& state, Opcode opcode, std::size_t size) {
    const std::vector<std::uint8_t> frames = make_frames(opcode, state.range(0), size);
    std::vector<std::uint8_t> buffer(frames.size());
    HeapBufferSource source;
    Reader reader(Role::server, {}, source);
    for (auto _ : state) {
        std::copy(frames.begin(), frames.end(), buffer.begin());
        take_all(reader, buffer);
        benchmark::ClobberMemory();
    }
    set_items(state);
}

void copy_frames(benchmark::State& state) {
    const std::vector<std::uint8_t> frames = make_frames(Opcode::binary, state.range(0), payload_size);
    std::vector<std::uint8_t> buffer(frames.size());
    for (auto _ : state) {
        std::copy(frames.begin(), frames.end(), buffer.begin());
        benchmark::DoNotOptimize(buffer.data());
        benchmark::ClobberMemory();
    }
    set_items(state);
}

/// The slow path: each message is cut in its middle.
void read_cut_frames(benchmark::State& state) {
    const std::vector<std::uint8_t> frames = make_frames(Opcode::binary, state.range(0), payload_size);
    std::vector<std::uint8_t> buffer(frames.size());
    const std::size_t frame_size = frames.size() / static_cast<std::size_t>(state.range(0));
    HeapBufferSource source;
    Reader reader(Role::server, {}, source);
    for (auto _ : state) {
        std::copy(frames.begin(), frames.end(), buffer.begin());
        for (std::size_t at = 0; at < buffer.size();) {
            const std::size_t end = std::min(buffer.size(), at == 0 ? frame_size / 2 : at + frame_size);
            take_all(reader, std::span{buffer}.subspan(at, end - at));
            at = end;
        }
        benchmark::ClobberMemory();
    }
    set_items(state);
}

BENCHMARK(copy_frames)->Arg(1)->Arg(3)->Arg(10);
BENCHMARK_CAPTURE(read_frames, binary, Opcode::binary, payload_size)->Arg(1)->Arg(3)->Arg(10);
BENCHMARK_CAPTURE(read_frames, text, Opcode::text, payload_size)->Arg(1)->Arg(3)->Arg(10);
BENCHMARK_CAPTURE(read_frames, binary_1k, Opcode::binary, std::size_t{1024})->Arg(1)->Arg(3);
BENCHMARK(read_cut_frames)->Arg(1)->Arg(3)->Arg(10);

}  // namespace
}  // namespace tickwire::websocket
