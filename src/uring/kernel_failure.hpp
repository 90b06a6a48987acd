// An answer of the kernel that only a bug of ours explains (EINVAL, EFAULT, EBADF): stop and say which.
#pragma once

namespace tickwire::uring {

/// `result` as a completion has it: a negative errno.
[[noreturn]] void fail_operation(const char* operation, int result) noexcept;

}  // namespace tickwire::uring
