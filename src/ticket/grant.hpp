// What a ticket says: the claims of proto/protocol.md section 2, read and checked; and why one is refused.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "wire/control.hpp"

namespace tickwire::ticket {

/// Bytes of a token. In a URL it shares 8 KiB with the rest of the request's head.
inline constexpr std::size_t token_size_max = 4096;
inline constexpr std::size_t subject_size_max = 256;
inline constexpr std::size_t id_size_max = 256;
/// Between the clocks of the relay and of whoever signs.
inline constexpr std::int64_t leeway_s = 5;

enum class Fault : std::uint8_t {
    missing,
    too_long,
    malformed,  ///< not three parts of base64url, not JSON, a header that asks for what we do not know
    algorithm,  ///< "none", another than the key's, or one that is not ours
    unknown_key,
    bad_signature,
    expired,
    not_yet_valid,
    audience,
    other_match,
    other_role,
    bad_claim,  ///< one of the wrong type or value
    used,       ///< of single use, and used
};
/// For the close reason.
std::string_view describe(Fault fault) noexcept;

/// Claims of a ticket that is good. What is absent is not claimed.
struct Grant {
    std::int64_t expires = 0;  ///< Unix time
    std::optional<wire::Role> role;
    std::optional<std::string> name;
    std::string subject;  ///< `sub`
    bool is_host = false;
    // Of this member alone.
    std::optional<std::uint32_t> state_bytes;
    std::optional<std::uint32_t> event_bytes;
    std::optional<std::uint32_t> messages_per_second;
    // Of the match, where this ticket opens it.
    std::optional<std::uint32_t> match_size;
    std::optional<std::uint32_t> tick_hz;
    std::string id;              ///< `jti`
    bool is_single_use = false;  ///< it then has an id
};

}  // namespace tickwire::ticket
