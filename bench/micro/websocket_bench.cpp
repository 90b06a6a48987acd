// The reader over buffers of masked frames as games send them: 48 bytes, 1, 3 or 10 frames to a buffer.
//
// Reading unmasks in place, so that the next reading of a buffer masks it again: nothing needs copying
// between rounds. The key has small bytes, so that text is ASCII both ways. The rounds go about several
// buffers, for the reason given in unmask_bench.cpp.
#include <benchmark/benchmark.h>

#include <algorithm>
#include <cstring>
#include <vector>

#include "tickwire/websocket.hpp"

namespace tickwire::websocket {
namespace {

constexpr std::size_t payload_size = 48;
constexpr std::size_t buffer_count = 32;

using Buffer = std::vector<std::uint8_t>;

Buffer make_frames(Opcode opcode, std::int64_t count, std::size_t size) {
    const Buffer payload(size, 'a');
    Buffer frames;
    for (std::int64_t i = 0; i < count; ++i) {
        Buffer frame(client_header_size_max + size);
        frame.resize(encode_client_frame(opcode, payload, {1, 2, 3, 4}, frame.data()));
        frames.insert(frames.end(), frame.begin(), frame.end());
    }
    return frames;
}

void set_items(benchmark::State& state) {
    state.SetItemsProcessed(static_cast<std::int64_t>(state.iterations()) * state.range(0));
}

std::int64_t take_all(Reader& reader, std::span<std::uint8_t> input) {
    std::int64_t count = 0;
    while (true) {
        const auto result = reader.next(input);
        if (!result || !*result) {
            return count;
        }
        benchmark::DoNotOptimize((*result)->payload.data());
        ++count;
    }
}

void read_frames(benchmark::State& state, Opcode opcode, std::size_t size) {
    std::vector<Buffer> buffers(buffer_count, make_frames(opcode, state.range(0), size));
    HeapBufferSource source;
    Reader reader(Role::server, {}, source);
    std::size_t index = 0;
    for (auto _ : state) {
        if (take_all(reader, buffers[index++ % buffer_count]) != state.range(0)) {
            state.SkipWithError("not all messages came");
            break;
        }
    }
    set_items(state);
}

/// The slow path: each buffer ends in the middle of a message.
void read_cut_frames(benchmark::State& state) {
    // The end of one message, whole ones, and the start of another.
    Buffer frames = make_frames(Opcode::binary, state.range(0), payload_size);
    const auto frame_size = static_cast<std::ptrdiff_t>(frames.size()) / state.range(0);
    std::rotate(frames.begin(), frames.begin() + frame_size / 2, frames.end());
    Buffer start(frames.end() - frame_size / 2, frames.end());
    std::vector<Buffer> buffers(buffer_count, frames);
    HeapBufferSource source;
    Reader reader(Role::server, {}, source);
    take_all(reader, start);
    std::size_t index = 0;
    for (auto _ : state) {
        if (take_all(reader, buffers[index++ % buffer_count]) != state.range(0)) {
            state.SkipWithError("not all messages came");
            break;
        }
    }
    set_items(state);
}

/// The limit: the payloads copied once, frame by frame.
void copy_payloads(benchmark::State& state) {
    const Buffer frames = make_frames(Opcode::binary, state.range(0), payload_size);
    const std::size_t stride = frames.size() / static_cast<std::size_t>(state.range(0));
    std::vector<Buffer> buffers(buffer_count, frames);
    Buffer room(payload_size);
    std::size_t index = 0;
    for (auto _ : state) {
        const Buffer& buffer = buffers[index++ % buffer_count];
        for (std::size_t at = 0; at < buffer.size(); at += stride) {
            std::memcpy(room.data(), &buffer[at + stride - payload_size], payload_size);
            benchmark::ClobberMemory();
        }
    }
    set_items(state);
}

BENCHMARK(copy_payloads)->Name("read_frames/memcpy")->Arg(1)->Arg(3)->Arg(10);
BENCHMARK_CAPTURE(read_frames, binary, Opcode::binary, payload_size)->Arg(1)->Arg(3)->Arg(10);
BENCHMARK_CAPTURE(read_frames, text, Opcode::text, payload_size)->Arg(1)->Arg(3)->Arg(10);
BENCHMARK_CAPTURE(read_frames, binary_1k, Opcode::binary, std::size_t{1024})->Arg(1)->Arg(3);
BENCHMARK(read_cut_frames)->Arg(1)->Arg(3)->Arg(10);

}  // namespace
}  // namespace tickwire::websocket
