// Oracle: every kernel that this CPU runs gives what one loop over bytes gives, and touches nothing else.
//
// Input: the key, one byte of offset, then the payload.
#include <algorithm>
#include <vector>

#include "fuzz.hpp"
#include "wire/unmask.hpp"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    using namespace tickwire;
    if (size < 5) {
        return 0;
    }
    const wire::MaskKey key{data[0], data[1], data[2], data[3]};
    const std::size_t offset = std::min<std::size_t>(data[4] % 64, size - 5);
    const std::vector<std::uint8_t> masked(data + 5, data + size);
    std::vector<std::uint8_t> expected = masked;
    for (std::size_t i = offset; i < expected.size(); ++i) {
        expected[i] ^= key[(i - offset) % 4];
    }
    for (const wire::UnmaskKernel& kernel : wire::unmask_kernels()) {
        if (kernel.is_supported()) {
            std::vector<std::uint8_t> actual = masked;
            kernel.function(actual.data() + offset, actual.size() - offset, key);
            fuzz::require(actual == expected, kernel.name.data());
        }
    }
    return 0;
}
