// Fetching into the cache what is to be touched soon: a member's memory is cold when its next message
// comes, a tick later, and the hardware cannot guess which is next.
#pragma once

#include <cstddef>

namespace tickwire::base {

/// A hint: `from` need not be valid.
inline void prefetch(const void* from, std::size_t size) noexcept {
    constexpr std::size_t line_size = 64;
    for (std::size_t at = 0; at < size; at += line_size) {
        __builtin_prefetch(static_cast<const char*>(from) + at);
    }
}

}  // namespace tickwire::base
