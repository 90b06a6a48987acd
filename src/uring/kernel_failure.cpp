#include "uring/kernel_failure.hpp"

#include <cstdio>
#include <source_location>

#include "base/check.hpp"

namespace tickwire::uring {

void fail_operation(const char* operation, int result) noexcept {
    char what[96];
    std::snprintf(what, sizeof what, "io_uring: %s failed with errno %d", operation, -result);
    base::fail_check(what, std::source_location::current());
}

}  // namespace tickwire::uring
