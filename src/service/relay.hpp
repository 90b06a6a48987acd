// The relay as a process: checks what it runs on, opens listeners, starts one thread per shard, waits for
// signals, and brings it all to an end.
#pragma once

#include "service/config_sources.hpp"

namespace tickwire::service {

/// What main() returns.
enum ExitCode : int {
    exit_done = 0,
    exit_no_io_uring = 1,  ///< the kernel does not allow what the relay needs
    exit_bad_setting = 2,  ///< an option, a file or an address
};

/// Runs until SIGTERM or SIGINT, or the end of a drain. Listener lines go to standard output, logs to
/// standard error. `sources` are asked again at SIGHUP.
int run_relay(const ConfigSources& sources, const ResolvedConfig& resolved);

/// Whether a file is good: its settings, and the files that it names. What is good and yet unwise is a line
/// each.
tl::expected<std::vector<std::string>, std::string> check_config_file(const std::string& file);

}  // namespace tickwire::service
