#include "base/check.hpp"

#include <cstdio>
#include <cstdlib>

namespace tickwire::base {

void fail_check(const char* what, const std::source_location& where) noexcept {
    std::fprintf(stderr, "tickwire: broken promise at %s:%u: %s\n", where.file_name(),
                 static_cast<unsigned>(where.line()), what);
    std::abort();
}

}  // namespace tickwire::base
