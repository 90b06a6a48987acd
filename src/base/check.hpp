// Assertions that stay on in release: for our own bugs only. A peer's bytes are never asserted, they are
// checked and answered with a close code.
#pragma once

#include <source_location>

namespace tickwire::base {

/// Prints where and what, and aborts: the supervisor restarts us. Never returns.
[[noreturn]] void fail_check(const char* what, const std::source_location& where) noexcept;

/// Stops the process unless `holds`. `what` says which promise was broken.
inline void check(bool holds, const char* what,
                  const std::source_location& where = std::source_location::current()) noexcept {
    if (!holds) [[unlikely]] {
        fail_check(what, where);
    }
}

}  // namespace tickwire::base
