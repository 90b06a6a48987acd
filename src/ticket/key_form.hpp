// What a key's file holds, by its look. HS256 takes any bytes as a secret, so what is meant to be published
// has to be told from one: with a public key as the secret whoever knows it could sign (RFC 8725 section
// 2.1).
#pragma once

#include <cstdint>
#include <string_view>

namespace tickwire::ticket {

enum class KeyForm : std::uint8_t {
    secret,   ///< none of the others
    pem,      ///< of whatever
    json,     ///< a JSON Web Key, a set of them, or another object or array
    der,      ///< a key or a certificate, as bytes or as base64
    openssh,  ///< a public key of OpenSSH or RFC 4716
};

KeyForm form_of(std::string_view text);

}  // namespace tickwire::ticket
