// SHA-1 (FIPS 180-4) for one use alone: the accept value of the WebSocket upgrade, which proves that the
// other side speaks WebSocket and protects nothing. OpenSSL stands above this layer.
#pragma once

#include <array>
#include <cstdint>

#include "base/bytes.hpp"

namespace tickwire::wire {

using Sha1Digest = std::array<std::uint8_t, 20>;

Sha1Digest sha1(base::Bytes bytes) noexcept;

}  // namespace tickwire::wire
