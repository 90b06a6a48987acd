#include "uring/setup_error.hpp"

#include <cerrno>
#include <cstring>
#include <fstream>

#include "uring/kernel_release.hpp"

namespace tickwire::uring {
namespace {

constexpr KernelRelease oldest_release{6, 1};  // IORING_SETUP_DEFER_TASKRUN

constexpr const char* allow_in_seccomp =
    "a seccomp filter forbids io_uring, as containers do by default; allow io_uring_setup, io_uring_enter "
    "and "
    "io_uring_register (docker run --security-opt seccomp=tools/seccomp/tickwire.json)";

std::string explain_refusal(const SetupCircumstances& circumstances) {
    if (circumstances.io_uring_disabled.value_or(0) == 2) {
        return "sysctl kernel.io_uring_disabled=2 switches io_uring off for everybody; allow it with: "
               "sysctl -w "
               "kernel.io_uring_disabled=0";
    }
    if (circumstances.io_uring_disabled.value_or(0) == 1) {
        return "sysctl kernel.io_uring_disabled=1 allows io_uring to one group alone; run as a member of "
               "the group "
               "in sysctl kernel.io_uring_group, or allow it to all with: sysctl -w "
               "kernel.io_uring_disabled=0";
    }
    if (circumstances.has_seccomp_filter) {
        return allow_in_seccomp;
    }
    return "io_uring is forbidden to this process, by a security module or a sandbox";
}

std::string explain_old_kernel(const SetupCircumstances& circumstances) {
    return "Linux 6.1 or newer is needed, this is " + circumstances.kernel_release;
}

std::string explain(int error_number, const SetupCircumstances& circumstances) {
    const bool is_old = parse_kernel_release(circumstances.kernel_release) < oldest_release;
    switch (error_number) {
        case EPERM:
        case EACCES:
            return explain_refusal(circumstances);
        case ENOSYS:  // some container runtimes answer so for what they filter
            if (is_old) {
                return explain_old_kernel(circumstances);
            }
            return circumstances.has_seccomp_filter
                       ? allow_in_seccomp
                       : "this kernel was built without io_uring (CONFIG_IO_URING)";
        case EINVAL:
            return is_old ? explain_old_kernel(circumstances) : "the kernel knows no such ring (EINVAL)";
        case ENOMEM:
            return "no memory for the ring; check the memory limit of the service or container, and its "
                   "limit on "
                   "locked memory (LimitMEMLOCK, ulimit -l)";
        case EMFILE:
        case ENFILE:
            return "no file descriptors are left; raise LimitNOFILE or ulimit -n";
        default:
            return std::strerror(error_number);
    }
}

}  // namespace

SetupCircumstances read_setup_circumstances() {
    SetupCircumstances circumstances;
    circumstances.kernel_release = kernel_release_text();
    int disabled = 0;
    if (std::ifstream("/proc/sys/kernel/io_uring_disabled") >> disabled) {
        circumstances.io_uring_disabled = disabled;
    }
    std::ifstream status("/proc/self/status");
    std::string word;
    while (status >> word) {
        if (word == "Seccomp:") {
            int mode = 0;
            status >> mode;
            circumstances.has_seccomp_filter = mode != 0;
            break;
        }
    }
    return circumstances;
}

SetupError explain_setup_error(int error_number, const SetupCircumstances& circumstances) {
    return {error_number, "io_uring cannot be used: " + explain(error_number, circumstances)};
}

SetupError explain_setup_error(int error_number) {
    return explain_setup_error(error_number, read_setup_circumstances());
}

}  // namespace tickwire::uring
