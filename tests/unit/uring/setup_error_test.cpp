#include "uring/setup_error.hpp"

#include <gtest/gtest.h>

#include <cerrno>

#include "uring/kernel_release.hpp"

namespace tickwire::uring {
namespace {

using testing::Test;

std::string message(int error, const SetupCircumstances& circumstances) {
    return explain_setup_error(error, circumstances).message;
}

bool mentions(const std::string& text, std::string_view part) {
    return text.find(part) != std::string::npos;
}

TEST(SetupError, names_the_sysctl_that_switches_io_uring_off_and_how_to_allow_it) {
    EXPECT_TRUE(mentions(message(EPERM, {2, false, "6.6.1"}), "sysctl -w kernel.io_uring_disabled=0"));
    EXPECT_TRUE(mentions(message(EPERM, {1, true, "6.6.1"}), "kernel.io_uring_group"));
}

TEST(SetupError, names_the_seccomp_filter_and_the_profile_that_allows) {
    EXPECT_TRUE(mentions(message(EPERM, {0, true, "6.6.1"}), "tools/seccomp/tickwire.json"));
    EXPECT_TRUE(mentions(message(EPERM, {std::nullopt, true, "6.1.0"}), "tools/seccomp/tickwire.json"));
    EXPECT_TRUE(mentions(message(ENOSYS, {0, true, "6.6.1"}), "tools/seccomp/tickwire.json"));
}

TEST(SetupError, names_the_kernel_that_is_too_old) {
    EXPECT_TRUE(
        mentions(message(EINVAL, {std::nullopt, false, "5.10.0-28-amd64"}), "this is 5.10.0-28-amd64"));
    EXPECT_TRUE(mentions(message(ENOSYS, {std::nullopt, true, "4.19.0"}), "Linux 6.1 or newer"));
}

TEST(SetupError, says_something_of_every_other_cause) {
    EXPECT_TRUE(mentions(message(EPERM, {0, false, "6.6.1"}), "security module"));
    EXPECT_TRUE(mentions(message(ENOSYS, {0, false, "6.6.1"}), "CONFIG_IO_URING"));
    EXPECT_TRUE(mentions(message(ENOMEM, {0, false, "6.6.1"}), "memory"));
    EXPECT_TRUE(mentions(message(EMFILE, {0, false, "6.6.1"}), "LimitNOFILE"));
    EXPECT_EQ(explain_setup_error(EMFILE).error_number, EMFILE);
}

TEST(KernelRelease, is_read_from_what_uname_says) {
    EXPECT_EQ(parse_kernel_release("6.1.0-18-amd64"), (KernelRelease{6, 1}));
    EXPECT_EQ(parse_kernel_release("6.18.44"), (KernelRelease{6, 18}));
    EXPECT_EQ(parse_kernel_release("6"), KernelRelease{});
    EXPECT_EQ(parse_kernel_release("six.one"), KernelRelease{});
    EXPECT_LT((KernelRelease{6, 4}), (KernelRelease{6, 18}));
    EXPECT_GE(kernel_release(), (KernelRelease{3, 0}));
}

TEST(Probe, sums_up_in_one_line) {
    const auto features = probe_features();
    if (!features) {
        EXPECT_TRUE(mentions(features.error().message, "io_uring cannot be used: "));
        GTEST_SKIP() << features.error().message;
    }
    EXPECT_TRUE(features->has_ring && features->has_defer_taskrun);
    EXPECT_TRUE(mentions(features->summary, "io_uring of Linux "));
    EXPECT_FALSE(mentions(features->summary, "\n"));
    std::printf("%s\n", features->summary.c_str());
}

}  // namespace
}  // namespace tickwire::uring
