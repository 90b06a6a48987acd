// Every kernel that this CPU runs against one loop over bytes, written here.
#include "wire/unmask.hpp"

#include <gtest/gtest.h>

#include <cstdlib>
#include <vector>

namespace tickwire::wire {
namespace {

std::vector<std::uint8_t> pattern(std::size_t size) {
    std::vector<std::uint8_t> bytes(size);
    for (std::size_t i = 0; i < size; ++i) {
        bytes[i] = static_cast<std::uint8_t>(i * 167 + 13);
    }
    return bytes;
}

/// Unmasks `size` bytes at `offset` of a block that ends with them, so that the sanitizer sees a read too
/// far; bytes before them must stay.
void expect_unmasked(const UnmaskKernel& kernel, std::size_t size, std::size_t offset, MaskKey key) {
    std::vector<std::uint8_t> expected = pattern(offset + size);
    std::vector<std::uint8_t> actual = expected;
    for (std::size_t i = 0; i < size; ++i) {
        expected[offset + i] ^= key[i % 4];
    }
    kernel.function(actual.data() + offset, size, key);
    ASSERT_EQ(actual, expected) << kernel.name << " size " << size << " offset " << offset;
}

constexpr MaskKey keys[] = {{0x37, 0xfa, 0x21, 0x3d}, {0, 0, 0, 0}, {0xff, 0, 0x80, 1}, {1, 2, 3, 4}};

TEST(Unmask, gives_the_same_bytes_by_every_kernel) {
    for (const UnmaskKernel& kernel : unmask_kernels()) {
        if (!kernel.is_supported()) {
            continue;
        }
        for (std::size_t size = 0; size <= 300; ++size) {
            for (std::size_t offset = 0; offset < 67; ++offset) {
                expect_unmasked(kernel, size, offset, keys[(size + offset) % std::size(keys)]);
            }
        }
        for (const std::size_t size : {1023U, 1024U, 1025U, 4096U, 65537U}) {
            for (const MaskKey& key : keys) {
                expect_unmasked(kernel, size, size % 5, key);
            }
        }
    }
}

TEST(Unmask, leaves_the_bytes_behind_a_payload_alone) {
    for (const UnmaskKernel& kernel : unmask_kernels()) {
        if (!kernel.is_supported()) {
            continue;
        }
        for (std::size_t size = 0; size <= 300; ++size) {
            std::vector<std::uint8_t> bytes = pattern(size + 128);
            const std::vector<std::uint8_t> before = bytes;
            kernel.function(bytes.data(), size, keys[0]);
            ASSERT_TRUE(std::equal(bytes.begin() + static_cast<std::ptrdiff_t>(size), bytes.end(),
                                   before.begin() + static_cast<std::ptrdiff_t>(size)))
                << kernel.name << " size " << size;
        }
    }
}

TEST(Unmask, undoes_itself) {
    std::vector<std::uint8_t> bytes = pattern(1000);
    unmask(bytes.data(), bytes.size(), keys[0]);
    EXPECT_NE(bytes, pattern(1000));
    unmask(bytes.data(), bytes.size(), keys[0]);
    EXPECT_EQ(bytes, pattern(1000));
}

TEST(Unmask, lists_scalar_last_and_supported) {
    ASSERT_FALSE(unmask_kernels().empty());
    EXPECT_EQ(unmask_kernels().back().name, "scalar");
    EXPECT_TRUE(unmask_kernels().back().is_supported());
}

// The choice is made once in a process, so each wish has a process of its own (gtest's death test).
[[noreturn]] void exit_with_kernel_for(const char* wish) {
    setenv("TICKWIRE_UNMASK", wish, 1);
    std::fprintf(stderr, "<%s>", unmask_kernel().name.data());
    std::exit(0);
}

TEST(UnmaskChoiceDeathTest, obeys_the_environment_where_it_can) {
    GTEST_FLAG_SET(death_test_style, "threadsafe");
    const UnmaskKernel* best = nullptr;
    for (const UnmaskKernel& kernel : unmask_kernels()) {
        if (!kernel.is_supported()) {
            continue;
        }
        best = best == nullptr ? &kernel : best;
        const std::string name(kernel.name);
        EXPECT_EXIT(exit_with_kernel_for(name.c_str()), testing::ExitedWithCode(0), "<" + name + ">");
    }
    const std::string best_name(best->name);
    EXPECT_EXIT(exit_with_kernel_for("abacus"), testing::ExitedWithCode(0), "<" + best_name + ">");
    EXPECT_EXIT(exit_with_kernel_for(""), testing::ExitedWithCode(0), "<" + best_name + ">");
}

}  // namespace
}  // namespace tickwire::wire
