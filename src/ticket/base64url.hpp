// Base64 in its URL alphabet (RFC 4648 section 5), as JOSE writes it: no padding, no white space, one
// spelling for each value.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "base/bytes.hpp"

namespace tickwire::ticket {

/// The bytes; empty where the text is not base64url, or not the one canonical spelling: a token that could
/// be written in two ways would be two tokens.
std::optional<std::string> decode_base64url(std::string_view text);

std::string encode_base64url(std::string_view bytes);

}  // namespace tickwire::ticket
