// Each unmask kernel over the sizes of games' messages and of bulk, beside memcpy as the floor.
#include <benchmark/benchmark.h>

#include <cstring>
#include <string>
#include <vector>

#include "wire/unmask.hpp"

namespace tickwire::wire {
namespace {

constexpr MaskKey key{0x37, 0xfa, 0x21, 0x3d};
// A payload follows a header of six bytes: never aligned.
constexpr std::size_t header_size = 6;

void set_bytes(benchmark::State& state) {
    state.SetBytesProcessed(static_cast<std::int64_t>(state.iterations()) * state.range(0));
}

void run_kernel(benchmark::State& state, UnmaskFunction function) {
    const auto size = static_cast<std::size_t>(state.range(0));
    std::vector<std::uint8_t> bytes(header_size + size);
    for (auto _ : state) {
        function(bytes.data() + header_size, size, key);
        benchmark::ClobberMemory();
    }
    set_bytes(state);
}

void run_memcpy(benchmark::State& state) {
    const auto size = static_cast<std::size_t>(state.range(0));
    std::vector<std::uint8_t> from(header_size + size);
    std::vector<std::uint8_t> to(header_size + size);
    for (auto _ : state) {
        std::memcpy(to.data() + header_size, from.data() + header_size, size);
        benchmark::DoNotOptimize(to.data());
        benchmark::ClobberMemory();
    }
    set_bytes(state);
}

void choose_sizes(benchmark::internal::Benchmark* run) {
    for (const std::int64_t size : {16, 24, 48, 64, 100, 200, 1024, 16384, 65536}) {
        run->Arg(size);
    }
}

const bool is_registered = [] {
    benchmark::RegisterBenchmark("unmask/memcpy", run_memcpy)->Apply(choose_sizes);
    for (const UnmaskKernel& kernel : unmask_kernels()) {
        if (kernel.is_supported()) {
            const std::string name = "unmask/" + std::string(kernel.name);
            benchmark::RegisterBenchmark(name.c_str(), run_kernel, kernel.function)->Apply(choose_sizes);
        }
    }
    return true;
}();

}  // namespace
}  // namespace tickwire::wire
