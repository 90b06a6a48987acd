// Assertions that stay on in release: for our own bugs only. A peer's bytes are never asserted, they are
// checked and answered with a close code.
#pragma once

namespace tickwire::base {

/// Prints where and what, and aborts: the supervisor restarts us. Never returns.
[[noreturn]] void fail_check(const char* what, const char* file, unsigned line) noexcept;

/// Stops the process unless `holds`. `what` says which promise was broken.
/// (The builtins are std::source_location's: clang 14 does not find that in GCC 12's library.)
inline void check(bool holds, const char* what, const char* file = __builtin_FILE(),
                  unsigned line = __builtin_LINE()) noexcept {
    if (!holds) [[unlikely]] {
        fail_check(what, file, line);
    }
}

}  // namespace tickwire::base
