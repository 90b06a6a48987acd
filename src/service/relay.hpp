// The relay as a process: checks what it runs on, opens listeners, starts one thread per shard, waits for a
// signal, and brings it all to an end.
#pragma once

#include "service/config.hpp"

namespace tickwire::service {

/// What main() returns.
enum ExitCode : int {
    exit_done = 0,
    exit_no_io_uring = 1,  ///< the kernel does not allow what the relay needs
    exit_bad_setting = 2,  ///< an option, a file or an address
};

/// Runs until SIGTERM or SIGINT. Listener lines go to standard output, logs to standard error.
int run_relay(const ServeConfig& config);

}  // namespace tickwire::service
