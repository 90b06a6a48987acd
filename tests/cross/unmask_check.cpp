// Compares every unmask kernel that runs here with one loop over bytes. Stands alone, because there is no
// GoogleTest for the foreign CPU that it is built for; see `run` beside it.
#include <cstdio>
#include <vector>

#include "wire/unmask.hpp"

namespace {

using tickwire::wire::MaskKey;
using tickwire::wire::UnmaskKernel;

bool is_right(const UnmaskKernel& kernel, std::size_t size, std::size_t offset, MaskKey key) {
    constexpr std::size_t behind = 64;
    std::vector<std::uint8_t> expected(offset + size + behind);
    for (std::size_t i = 0; i < expected.size(); ++i) {
        expected[i] = static_cast<std::uint8_t>(i * 167 + 13);
    }
    std::vector<std::uint8_t> actual = expected;
    for (std::size_t i = 0; i < size; ++i) {
        expected[offset + i] ^= key[i % 4];
    }
    kernel.function(actual.data() + offset, size, key);
    return actual == expected;
}

bool is_right(const UnmaskKernel& kernel) {
    constexpr MaskKey keys[] = {{0x37, 0xfa, 0x21, 0x3d}, {0, 0, 0, 0}, {0xff, 0, 0x80, 1}};
    for (std::size_t size = 0; size <= 300; ++size) {
        for (std::size_t offset = 0; offset < 17; ++offset) {
            for (const MaskKey& key : keys) {
                if (!is_right(kernel, size, offset, key)) {
                    std::printf("wrong: size %zu offset %zu\n", size, offset);
                    return false;
                }
            }
        }
    }
    return is_right(kernel, 65537, 3, keys[0]);
}

}  // namespace

int main() {
    for (const UnmaskKernel& kernel : tickwire::wire::unmask_kernels()) {
        if (!kernel.is_supported()) {
            continue;
        }
        std::printf("%s: ", kernel.name.data());
        if (!is_right(kernel)) {
            return 1;
        }
        std::printf("OK\n");
    }
    return 0;
}
