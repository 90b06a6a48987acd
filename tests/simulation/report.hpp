// How a run that fails says so: the seed, the virtual time, what broke, and the command that repeats it.
// Also for asserts of the relay and for sanitizers.
#pragma once

#include <cstdint>
#include <string>

#include "base/time.hpp"

namespace tickwire::simulation {

/// Catches aborts from here on. `command` repeats one seed when the seed is put behind it.
void report_aborts(std::string command);
void report_seed(std::uint64_t seed) noexcept;
void report_time(base::Time now) noexcept;
[[noreturn]] void report_failure(const std::string& what);

}  // namespace tickwire::simulation
