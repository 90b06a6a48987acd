// Why no ring can be had here, in words that say how to allow it.
#pragma once

#include <optional>
#include <string>

#include "uring/backend.hpp"

namespace tickwire::uring {

/// What surrounds a failed set-up, as far as /proc tells.
struct SetupCircumstances {
    std::optional<int> io_uring_disabled;  ///< sysctl kernel.io_uring_disabled; since 6.6
    bool has_seccomp_filter = false;
    std::string kernel_release;  ///< as uname(2) has it
};

SetupCircumstances read_setup_circumstances();
SetupError explain_setup_error(int error_number, const SetupCircumstances& circumstances);
SetupError explain_setup_error(int error_number);

}  // namespace tickwire::uring
