// A target with bugs put in on purpose: an oracle that does not hold, and a read too far. The fuzzer must
// find them and the replay must fail on them, or a clean run of the others means nothing.
#include "fuzz.hpp"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    if (size < 4 || data[0] != 't' || data[1] != 'i' || data[2] != 'c' || data[3] != 'k') {
        return 0;
    }
    if (size == 5) {
        const volatile std::uint8_t beyond = data[size];  // NOLINT: on purpose
        return beyond == 0 ? 0 : 0;
    }
    tickwire::fuzz::require(size < 6, "shorter than six");
    return 0;
}
