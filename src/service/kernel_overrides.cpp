#include "service/kernel_overrides.hpp"

#include <bit>
#include <charconv>
#include <cstdlib>
#include <string_view>

namespace tickwire::service {
namespace {

constexpr std::uint32_t buffer_count_max = 32768;  // of a provided-buffer ring (io_uring_register(2))
constexpr std::uint32_t buffer_size_min = 64;
constexpr std::uint32_t buffer_size_max = 65536;  // of one receive (uring/backend.hpp)

std::string_view setting(const char* name) noexcept {
    const char* const value = std::getenv(name);
    return value == nullptr ? std::string_view() : value;
}

bool read_shape(std::string_view text, std::uint32_t& count, std::uint32_t& size) noexcept {
    const char* const end = text.data() + text.size();
    const auto first = std::from_chars(text.data(), end, count);
    if (first.ec != std::errc{} || first.ptr == end || *first.ptr != 'x') {
        return false;
    }
    const auto second = std::from_chars(first.ptr + 1, end, size);
    return second.ec == std::errc{} && second.ptr == end && std::has_single_bit(count) &&
           count <= buffer_count_max && size >= buffer_size_min && size <= buffer_size_max;
}

}  // namespace

tl::expected<void, std::string> apply_kernel_overrides(uring::Options& options) {
    constexpr std::string_view classic = "classic";
    std::string_view buffers = setting("TICKWIRE_BUFFERS");
    if (!buffers.empty()) {
        options.force_classic_buffers = true;
        const bool is_classic = buffers.starts_with(classic);
        buffers.remove_prefix(is_classic ? classic.size() : 0);
        const bool is_shaped =
            buffers.starts_with(':') &&
            read_shape(buffers.substr(1), options.classic_buffer_count, options.classic_buffer_size);
        if (!is_classic || !(buffers.empty() || is_shaped)) {
            return tl::unexpected(
                std::string("TICKWIRE_BUFFERS is neither classic nor classic:COUNTxSIZE, COUNT a "
                            "power of two to 32768, SIZE 64 to 65536"));
        }
    }
    if (const std::string_view wait = setting("TICKWIRE_WAIT"); !wait.empty()) {
        if (wait != "relative") {
            return tl::unexpected(std::string("TICKWIRE_WAIT is not 'relative'"));
        }
        options.force_relative_wait = true;
    }
    return {};
}

}  // namespace tickwire::service
