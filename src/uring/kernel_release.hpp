// The release of the running kernel, for messages and for choices of speed; what works is found by trying.
#pragma once

#include <compare>
#include <string>
#include <string_view>

namespace tickwire::uring {

struct KernelRelease {
    int major_number = 0;
    int minor_number = 0;
    friend auto operator<=>(const KernelRelease&, const KernelRelease&) = default;
};

/// Of uname(2)'s `6.1.0-18-amd64`; 0.0 where it begins otherwise.
KernelRelease parse_kernel_release(std::string_view text) noexcept;
KernelRelease kernel_release() noexcept;
/// As uname(2) has it.
std::string kernel_release_text();

}  // namespace tickwire::uring
