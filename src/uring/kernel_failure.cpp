#include "uring/kernel_failure.hpp"

#include <cstdio>
#include <cstdlib>

#include "base/check.hpp"

namespace tickwire::uring {

void fail_operation(const char* operation, int result) noexcept {
    char what[96];
    std::snprintf(what, sizeof what, "io_uring: %s failed with errno %d", operation, -result);
    base::check(false, what);
    std::abort();  // check() did so
}

}  // namespace tickwire::uring
