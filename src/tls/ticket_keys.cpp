#include "tls/ticket_keys.hpp"

#include <openssl/core_names.h>
#include <openssl/evp.h>
#include <openssl/params.h>
#include <openssl/rand.h>
#include <openssl/ssl.h>

#include <algorithm>

namespace tickwire::tls {
namespace {

bool make_key(TicketKeys::Key& key) {
    const auto fill = [](auto& bytes) {
        return RAND_priv_bytes(bytes.data(), static_cast<int>(bytes.size())) == 1;
    };
    return fill(key.name) && fill(key.cipher) && fill(key.mac);
}

bool set_mac(EVP_MAC_CTX* mac, TicketKeys::Key key) {
    char digest[] = "SHA256";
    const OSSL_PARAM parameters[] = {
        OSSL_PARAM_construct_octet_string(OSSL_MAC_PARAM_KEY, key.mac.data(), key.mac.size()),
        OSSL_PARAM_construct_utf8_string(OSSL_MAC_PARAM_DIGEST, digest, 0), OSSL_PARAM_construct_end()};
    return EVP_MAC_CTX_set_params(mac, parameters) == 1;
}

// SSL_CTX_set_tlsext_ticket_key_evp_cb(3): 1 goes on, 2 goes on and renews the ticket, 0 is a full
// handshake, below 0 is an error.
int on_ticket(SSL* ssl, unsigned char* name, unsigned char* iv, EVP_CIPHER_CTX* cipher, EVP_MAC_CTX* mac,
              int is_sealing) {
    const auto* const keys = static_cast<const TicketKeys*>(SSL_CTX_get_app_data(SSL_get_SSL_CTX(ssl)));
    const std::shared_ptr<const TicketKeys::Set> set = keys->set();
    if (is_sealing != 0) {
        const TicketKeys::Key& key = set->current;
        std::copy(key.name.begin(), key.name.end(), name);
        const bool is_done =
            RAND_bytes(iv, EVP_CIPHER_get_iv_length(EVP_aes_256_cbc())) == 1 &&
            EVP_EncryptInit_ex(cipher, EVP_aes_256_cbc(), nullptr, key.cipher.data(), iv) == 1 &&
            set_mac(mac, key);
        return is_done ? 1 : -1;
    }
    const auto is_named = [name](const TicketKeys::Key& key) {
        return std::equal(key.name.begin(), key.name.end(), name);
    };
    if (!is_named(set->current) && !is_named(set->previous)) {
        return 0;
    }
    const bool is_current = is_named(set->current);
    const TicketKeys::Key& key = is_current ? set->current : set->previous;
    const bool is_done =
        EVP_DecryptInit_ex(cipher, EVP_aes_256_cbc(), nullptr, key.cipher.data(), iv) == 1 &&
        set_mac(mac, key);
    // Browsers use a ticket of TLS 1.3 once (RFC 8446 appendix C.4), so each visit earns the next one.
    const bool is_renewed = !is_current || SSL_version(ssl) == TLS1_3_VERSION;
    return !is_done ? -1 : is_renewed ? 2 : 1;
}

}  // namespace

std::shared_ptr<TicketKeys> TicketKeys::create() {
    std::shared_ptr<TicketKeys> keys(new TicketKeys());
    // Twice, so that there is a previous one: of a key that nobody ever saw.
    return keys->rotate() && keys->rotate() ? keys : nullptr;
}

bool TicketKeys::rotate() {
    auto next = std::make_shared<Set>();
    if (!make_key(next->current)) {
        return false;
    }
    if (const auto old = set()) {
        next->previous = old->current;
    }
    set_.store(std::move(next));
    return true;
}

void TicketKeys::restore(const Set& set) {
    set_.store(std::make_shared<Set>(set));
}

void TicketKeys::use(ssl_ctx_st* context) noexcept {
    SSL_CTX_set_app_data(context, this);
    SSL_CTX_set_tlsext_ticket_key_evp_cb(context, on_ticket);
}

}  // namespace tickwire::tls
