#include "base/check.hpp"

#include <cstdio>
#include <cstdlib>

namespace tickwire::base {

void fail_check(const char* what, const char* file, unsigned line) noexcept {
    std::fprintf(stderr, "tickwire: broken promise at %s:%u: %s\n", file, line, what);
    std::abort();
}

}  // namespace tickwire::base
