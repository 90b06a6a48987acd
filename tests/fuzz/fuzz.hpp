// What each fuzz target brings and uses. A target is one function over bytes with an oracle besides not
// crashing; it is linked with replay_main.cpp always, and with libFuzzer where the option `fuzzers` is on.
#pragma once

#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <cstdlib>

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size);

namespace tickwire::fuzz {

/// The oracle's verdict. Aborts, which libFuzzer takes for a finding and Meson for a failure.
inline void require(bool holds, const char* what) {
    if (!holds) {
        std::fprintf(stderr, "oracle: %s\n", what);
        std::abort();
    }
}

}  // namespace tickwire::fuzz
