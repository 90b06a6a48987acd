#include "uring/kernel_release.hpp"

#include <sys/utsname.h>

#include <charconv>

namespace tickwire::uring {

KernelRelease parse_kernel_release(std::string_view text) noexcept {
    KernelRelease release;
    const char* const end = text.data() + text.size();
    const auto major = std::from_chars(text.data(), end, release.major_number);
    if (major.ec != std::errc{} || major.ptr == end || *major.ptr != '.') {
        return {};
    }
    const auto minor = std::from_chars(major.ptr + 1, end, release.minor_number);
    return minor.ec == std::errc{} ? release : KernelRelease{};
}

KernelRelease kernel_release() noexcept {
    utsname name{};
    return uname(&name) == 0 ? parse_kernel_release(name.release) : KernelRelease{};
}

std::string kernel_release_text() {
    utsname name{};
    return uname(&name) == 0 ? name.release : "?";
}

}  // namespace tickwire::uring
