// The table of unmask kernels and the choice among them.
#include "wire/unmask.hpp"

#include <algorithm>
#include <cstdlib>

#include "wire/unmask_kernels.hpp"

namespace tickwire::wire {
namespace {

bool is_always_supported() noexcept {
    return true;
}

#if defined(__x86_64__)
bool has_avx2() noexcept {
    return __builtin_cpu_supports("avx2") != 0;
}
#endif

constexpr UnmaskKernel kernels[] = {
#if defined(__x86_64__)
    {"avx2", unmask_avx2, has_avx2},
    {"sse2", unmask_sse2, is_always_supported},
#elif defined(__aarch64__)
    {"neon", unmask_neon, is_always_supported},
#endif
    {"scalar", unmask_scalar, is_always_supported},
};

const UnmaskKernel& choose() noexcept {
    const char* const variable = std::getenv("TICKWIRE_UNMASK");
    const std::string_view wanted = variable == nullptr ? "" : variable;
    const auto is_wanted = [wanted](const UnmaskKernel& kernel) {
        return kernel.name == wanted && kernel.is_supported();
    };
    if (const auto* const named = std::ranges::find_if(kernels, is_wanted); named != std::end(kernels)) {
        return *named;
    }
    return *std::ranges::find_if(kernels, [](const UnmaskKernel& kernel) { return kernel.is_supported(); });
}

void choose_and_unmask(std::uint8_t* data, std::size_t size, MaskKey key) noexcept {
    const UnmaskFunction chosen = unmask_kernel().function;
    detail::unmask_function.store(chosen, std::memory_order_relaxed);
    chosen(data, size, key);
}

}  // namespace

constinit std::atomic<UnmaskFunction> detail::unmask_function{choose_and_unmask};

std::span<const UnmaskKernel> unmask_kernels() noexcept {
    return kernels;
}

const UnmaskKernel& unmask_kernel() noexcept {
    static const UnmaskKernel& kernel = choose();
    return kernel;
}

}  // namespace tickwire::wire
