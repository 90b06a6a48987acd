// Each unmask kernel over the sizes of games' messages and of bulk, beside memcpy as the floor.
//
// The rounds go about several payloads. One payload again and again would measure something else: a load
// that spans two stores of the round before waits until both have left the store buffer, and a kernel whose
// tail overlaps would pay 3 to 4 ns for it that no message from a socket costs.
#include <benchmark/benchmark.h>

#include <algorithm>
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

/// Payloads behind one another in the first-level cache, each with its header before it.
class Ring {
  public:
    explicit Ring(std::int64_t size)
        : stride_(header_size + static_cast<std::size_t>(size)),
          count_(std::clamp<std::size_t>(16384 / stride_, 1, 64)),
          bytes_(stride_ * count_) {}
    std::uint8_t* next() {
        index_ = index_ + 1 < count_ ? index_ + 1 : 0;
        return bytes_.data() + index_ * stride_ + header_size;
    }

  private:
    std::size_t stride_;
    std::size_t count_;
    std::size_t index_ = 0;
    std::vector<std::uint8_t> bytes_;
};

void run_kernel(benchmark::State& state, UnmaskFunction function) {
    Ring ring(state.range(0));
    for (auto _ : state) {
        function(ring.next(), static_cast<std::size_t>(state.range(0)), key);
        benchmark::ClobberMemory();
    }
    set_bytes(state);
}

void run_memcpy(benchmark::State& state) {
    Ring from(state.range(0));
    Ring to(state.range(0));
    for (auto _ : state) {
        std::memcpy(to.next(), from.next(), static_cast<std::size_t>(state.range(0)));
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
