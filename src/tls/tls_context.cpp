// Certificates, keys and the policy of both sides.
#include <openssl/err.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>

#include "tls/tls_engine.hpp"

namespace tickwire::tls {
namespace {

// Forward secrecy and AEAD alone, of 1.3 and of 1.2. AES-128 first, as Mozilla recommends (Server Side TLS
// 5.7, "intermediate"): its key schedule hashes with SHA-256, which processors do, and not with SHA-384.
constexpr const char* ciphers_1_2 = "ECDHE+AESGCM+AES128:ECDHE+AESGCM:ECDHE+CHACHA20";
constexpr const char* ciphers_1_3 =
    "TLS_AES_128_GCM_SHA256:TLS_AES_256_GCM_SHA384:TLS_CHACHA20_POLY1305_SHA256";
// Named, because OpenSSL 3.5 would put a post-quantum group first: 1 KB more and twice the time.
constexpr const char* groups = "X25519:P-256";
constexpr unsigned char protocols[] = {8, 'h', 't', 't', 'p', '/', '1', '.', '1'};
constexpr unsigned char session_context[] = {'t', 'i', 'c', 'k', 'w', 'i', 'r', 'e'};

using ContextPointer = std::unique_ptr<SSL_CTX, decltype(&SSL_CTX_free)>;

tl::unexpected<std::string> refuse(std::string why) {
    ERR_clear_error();
    return tl::unexpected(std::move(why));
}

/// What OpenSSL says of its last failure.
std::string last_error() {
    const char* const reason = ERR_reason_error_string(ERR_peek_last_error());
    return reason != nullptr ? reason : "unknown error";
}

// RFC 7301: a client that offers protocols, and not ours, is told so. One that offers none is welcome.
int select_protocol(SSL*, const unsigned char** selected, unsigned char* selected_size,
                    const unsigned char* offered, unsigned int offered_size, void*) {
    unsigned char* found = nullptr;
    if (SSL_select_next_proto(&found, selected_size, protocols, sizeof protocols, offered, offered_size) !=
        OPENSSL_NPN_NEGOTIATED) {
        return SSL_TLSEXT_ERR_ALERT_FATAL;
    }
    *selected = found;
    return SSL_TLSEXT_ERR_OK;
}

// Without one OpenSSL asks at the terminal, and a service would hang there.
int refuse_passphrase(char*, int, int, void*) {
    return -1;
}

bool set_policy(SSL_CTX* context, MinimumVersion minimum_version) {
    SSL_CTX_set_options(context, SSL_OP_NO_RENEGOTIATION | SSL_OP_NO_COMPRESSION |
                                     SSL_OP_CIPHER_SERVER_PREFERENCE | SSL_OP_PRIORITIZE_CHACHA);
    SSL_CTX_set_mode(context, SSL_MODE_RELEASE_BUFFERS | SSL_MODE_ENABLE_PARTIAL_WRITE |
                                  SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER);
    SSL_CTX_set_read_ahead(context, 1);  // one BIO read takes a record's header and body
    SSL_CTX_set_session_cache_mode(context, SSL_SESS_CACHE_OFF);
    SSL_CTX_set_max_early_data(context, 0);
    SSL_CTX_set_default_passwd_cb(context, refuse_passphrase);
    const int version = minimum_version == MinimumVersion::tls_1_3 ? TLS1_3_VERSION : TLS1_2_VERSION;
    return SSL_CTX_set_min_proto_version(context, version) == 1 &&
           SSL_CTX_set_cipher_list(context, ciphers_1_2) == 1 &&
           SSL_CTX_set_ciphersuites(context, ciphers_1_3) == 1 &&
           SSL_CTX_set1_groups_list(context, groups) == 1;
}

/// Null, or why the file cannot be read.
const char* unreadable(const std::string& file) noexcept {
    return access(file.c_str(), R_OK) == 0 ? nullptr : std::strerror(errno);
}

bool is_mismatch() noexcept {
    const unsigned long error = ERR_peek_last_error();
    return ERR_GET_LIB(error) == ERR_LIB_X509 && (ERR_GET_REASON(error) == X509_R_KEY_VALUES_MISMATCH ||
                                                  ERR_GET_REASON(error) == X509_R_KEY_TYPE_MISMATCH);
}

/// Bytes in DER of the certificate and those that go with it. What OpenSSL takes to send them doubles from
/// the size of the client's hello, and a handshake may take so much and no more (tls_engine.cpp): these fit
/// whatever the hello.
constexpr int chain_size_max = 18'000;

int chain_size(SSL_CTX* context) {
    int size = i2d_X509(SSL_CTX_get0_certificate(context), nullptr);
    STACK_OF(X509)* chain = nullptr;
    SSL_CTX_get0_chain_certs(context, &chain);
    for (int index = 0; index < sk_X509_num(chain); ++index) {
        size += i2d_X509(sk_X509_value(chain, index), nullptr);
    }
    return size;
}

/// Empty, or one line that says what is wrong with which file.
std::string load_files(SSL_CTX* context, const std::string& certificate_file, const std::string& key_file) {
    for (const std::string& file : {certificate_file, key_file}) {
        if (const char* const why = unreadable(file); why != nullptr) {
            return "cannot read " + file + ": " + why;
        }
    }
    if (SSL_CTX_use_certificate_chain_file(context, certificate_file.c_str()) != 1) {
        return certificate_file + " holds no usable PEM certificate chain: " + last_error();
    }
    if (const int size = chain_size(context); size > chain_size_max) {
        return certificate_file + " holds " + std::to_string(size) + " bytes of certificates, of at most " +
               std::to_string(chain_size_max) + ": leave out what is not of the chain";
    }
    const bool has_key = SSL_CTX_use_PrivateKey_file(context, key_file.c_str(), SSL_FILETYPE_PEM) == 1;
    if (!has_key && !is_mismatch()) {
        return key_file + " holds no usable PEM key (a key with a passphrase is none): " + last_error();
    }
    if (!has_key || SSL_CTX_check_private_key(context) != 1) {
        return "the key in " + key_file + " does not belong to the certificate in " + certificate_file;
    }
    return {};
}

/// A server's context for one certificate; or one line that says why not.
tl::expected<ContextPointer, std::string> make_server_context(const TlsContext::Files& files,
                                                              MinimumVersion minimum_version) {
    ContextPointer context(SSL_CTX_new(TLS_server_method()), &SSL_CTX_free);
    if (context == nullptr || !set_policy(context.get(), minimum_version)) {
        return refuse("TLS cannot be set up: " + last_error());
    }
    SSL_CTX_set_alpn_select_cb(context.get(), select_protocol, nullptr);
    SSL_CTX_set_num_tickets(context.get(), 1);
    SSL_CTX_set_session_id_context(context.get(), session_context, sizeof session_context);
    if (std::string why = load_files(context.get(), files.certificate, files.key); !why.empty()) {
        return refuse(std::move(why));
    }
    return context;
}

bool is_for(SSL_CTX* context, const char* name) {
    return X509_check_host(SSL_CTX_get0_certificate(context), name, 0, 0, nullptr) == 1;
}

}  // namespace

TlsContext::~TlsContext() {
    SSL_CTX_free(context_);
    for (ssl_ctx_st* const other : others_) {
        SSL_CTX_free(other);
    }
}

int TlsContext::choose_by_name(ssl_st* ssl, int* /*alert*/, void* self) {
    const auto* const contexts = static_cast<const TlsContext*>(self);
    const char* const name = SSL_get_servername(ssl, TLSEXT_NAMETYPE_host_name);
    if (name == nullptr || is_for(contexts->context_, name)) {
        return SSL_TLSEXT_ERR_OK;
    }
    for (ssl_ctx_st* const other : contexts->others_) {
        if (is_for(other, name)) {
            SSL_set_SSL_CTX(ssl, other);
            break;
        }
    }
    return SSL_TLSEXT_ERR_OK;
}

tl::expected<std::shared_ptr<TlsContext>, std::string> TlsContext::for_server(
    const std::string& certificate_file, const std::string& key_file, MinimumVersion minimum_version) {
    return for_server({{certificate_file, key_file}}, nullptr, minimum_version);
}

tl::expected<std::shared_ptr<TlsContext>, std::string> TlsContext::for_server(
    const std::vector<Files>& files, std::shared_ptr<TicketKeys> tickets, MinimumVersion minimum_version) {
    std::shared_ptr<TlsContext> all;
    for (const Files& one : files) {
        auto context = make_server_context(one, minimum_version);
        if (!context) {
            return tl::unexpected(std::move(context.error()));
        }
        if (tickets != nullptr) {
            tickets->use(context->get());
        }
        if (all == nullptr) {
            all.reset(new TlsContext(context->release()));
        } else {
            all->others_.push_back(context->release());
        }
    }
    if (all == nullptr) {
        return refuse("no certificate");
    }
    all->tickets_ = std::move(tickets);
    if (!all->others_.empty()) {
        SSL_CTX_callback_ctrl(all->context_, SSL_CTRL_SET_TLSEXT_SERVERNAME_CB,
                              reinterpret_cast<void (*)()>(choose_by_name));
        SSL_CTX_set_tlsext_servername_arg(all->context_, all.get());
    }
    return all;
}

tl::expected<std::shared_ptr<TlsContext>, std::string> TlsContext::for_client(Verify verify) {
    ContextPointer context(SSL_CTX_new(TLS_client_method()), &SSL_CTX_free);
    if (context == nullptr || !set_policy(context.get(), MinimumVersion::tls_1_2) ||
        SSL_CTX_set_alpn_protos(context.get(), protocols, sizeof protocols) != 0) {
        return refuse("TLS cannot be set up: " + last_error());
    }
    if (verify == Verify::system_roots) {
        if (SSL_CTX_set_default_verify_paths(context.get()) != 1) {
            return refuse("the system's certificate store cannot be read: " + last_error());
        }
        SSL_CTX_set_verify(context.get(), SSL_VERIFY_PEER, nullptr);
    }
    return std::shared_ptr<TlsContext>(new TlsContext(context.release()));
}

}  // namespace tickwire::tls
