// Makes the relay treat this kernel as a poorer one: for tests on the machines that there are, and for an
// operator who suspects a feature of his.
#pragma once

#include <string>
#include <tl/expected.hpp>

#include "uring/backend.hpp"

namespace tickwire::service {

/// From the environment: TICKWIRE_BUFFERS=classic or classic:COUNTxSIZE (COUNT a power of two: as
/// before 6.12, with so small a ring), TICKWIRE_WAIT=relative (as before 6.12). Or why a value is none.
tl::expected<void, std::string> apply_kernel_overrides(uring::Options& options);

}  // namespace tickwire::service
