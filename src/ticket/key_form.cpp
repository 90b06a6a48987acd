#include "ticket/key_form.hpp"

#include <openssl/decoder.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/x509.h>
#include <simdjson.h>

#include <memory>
#include <string>

#include "ticket/base64url.hpp"

namespace tickwire::ticket {
namespace {

bool contains(std::string_view text, std::string_view part) noexcept {
    return text.find(part) != text.npos;
}

/// UTF-16, as PowerShell writes it, becomes ASCII where it holds nothing else; byte order marks go, too.
std::string readable(std::string_view text) {
    std::string out(text);
    std::erase(out, '\0');
    out.erase(0, out.find_first_not_of("\xef\xbb\xbf\xff\xfe \t\r\n"));
    return out;
}

/// Each JSON Web Key has `kty`, also in what is no JSON: half a file, a line for each key.
bool is_json(const std::string& text) {
    simdjson::dom::parser parser;
    simdjson::dom::element root;
    return contains(text, "\"kty\"") ||
           (parser.parse(text).get(root) == simdjson::SUCCESS && (root.is_object() || root.is_array()));
}

/// A line of authorized_keys or known_hosts too: each key's base64 begins with the length of its type's
/// name, so with three bytes of 0.
bool is_openssh(std::string_view text) noexcept {
    return contains(text, "---- BEGIN SSH2 ") ||
           (contains(text, " AAAA") && (contains(text, "ssh-") || contains(text, "ecdsa-sha2-")));
}

/// Whether it begins with a key of any kind that OpenSSL knows, or with a certificate.
bool is_der(std::string_view bytes) {
    const auto* from = reinterpret_cast<const unsigned char*>(bytes.data());
    const auto* key_at = from;
    std::size_t size = bytes.size();
    EVP_PKEY* pair = nullptr;
    OSSL_DECODER_CTX* const decoder =
        OSSL_DECODER_CTX_new_for_pkey(&pair, "DER", nullptr, nullptr, 0, nullptr, nullptr);
    const bool is_key = decoder != nullptr && OSSL_DECODER_from_data(decoder, &key_at, &size) == 1;
    OSSL_DECODER_CTX_free(decoder);
    EVP_PKEY_free(pair);
    X509* const certificate = d2i_X509(nullptr, &from, static_cast<long>(bytes.size()));
    X509_free(certificate);
    ERR_clear_error();
    return is_key || certificate != nullptr;
}

/// The body of a PEM file, as consoles of identity providers show it.
bool is_der_in_base64(std::string text) {
    std::erase_if(text, [](char letter) { return contains("= \t\r\n", {&letter, 1}); });
    for (char& letter : text) {
        letter = letter == '+' ? '-' : letter == '/' ? '_' : letter;
    }
    const auto bytes = decode_base64url(text);
    return bytes && is_der(*bytes);
}

}  // namespace

KeyForm form_of(std::string_view text) {
    const std::string plain = readable(text);
    if (contains(plain, "-----BEGIN ")) {
        return KeyForm::pem;
    }
    if (is_openssh(plain)) {
        return KeyForm::openssh;
    }
    if (is_json(plain)) {
        return KeyForm::json;
    }
    return is_der(text) || is_der_in_base64(plain) ? KeyForm::der : KeyForm::secret;
}

}  // namespace tickwire::ticket
