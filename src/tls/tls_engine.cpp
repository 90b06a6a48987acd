#include "tls/tls_engine.hpp"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <openssl/bio.h>
#include <openssl/err.h>
#include <openssl/ssl.h>

#include <algorithm>
#include <cstring>
#include <span>
#include <utility>

#include "base/check.hpp"
#include "base/prefetch.hpp"
#include "tls/record_allocator.hpp"

namespace tickwire::tls {
namespace {

// Key updates, alerts and refused renegotiations: OpenSSL 3.0 takes any number of them, and a key update
// that wants an answer costs 20 us. Programs send one after 2^24 records, if ever: 200 of them are for as
// long as anybody plays. With its answer one is seven of OpenSSL's steps.
constexpr std::uint32_t own_step_count_max = 200 * 7;
// It is between two of these that a connection ends for it: 2 KB are 75 key updates, or 1.5 ms.
constexpr std::size_t input_slice_size = 2048;
// A ClientHello may announce 131 KB, for which OpenSSL takes 175 KB at its first bytes. These are for one
// of 36 KB; with a ticket and post-quantum keys it has 4 KB. For our own certificates it doubles what it
// has, and takes a third more: chain_size_max in tls_context.cpp fits whatever the hello.
constexpr std::size_t server_block_size_max = 48 * 1024;

}  // namespace

/// The other side of OpenSSL's BIO: the caller's buffers, for as long as a call lasts.
///
/// Invariant: outside of a call both pointers are null, so the engine may be moved between threads.
struct TlsEngine::Transport {
    base::Bytes* input = nullptr;
    CiphertextSink* sink = nullptr;
    /// OpenSSL must not be called again after an error of its own.
    bool is_broken = false;
    unsigned long error = 0;  ///< the one that broke it, as OpenSSL numbers them
    /// What OpenSSL did for TLS alone, since the handshake.
    std::uint32_t own_step_count = 0;
    bool is_over_steps() const noexcept { return own_step_count > own_step_count_max; }

    static BIO_METHOD* method();
    static int read(BIO* bio, char* to, int size);
    static int write(BIO* bio, const char* from, int size);
    static long control(BIO* bio, int command, long number, void* pointer);
    static void count_step(const SSL* ssl, int where, int result);

    /// Lends the buffers to OpenSSL for a scope.
    class Lease {
      public:
        Lease(Transport& transport, base::Bytes* input, CiphertextSink& sink) noexcept
            : transport_(transport) {
            transport_.input = input;
            transport_.sink = &sink;
            // SSL_get_error() looks at the thread's queue, whoever filled it. Looking is cheap, clearing is
            // not.
            if (ERR_peek_error() != 0) {
                ERR_clear_error();
            }
        }
        ~Lease() {
            transport_.input = nullptr;
            transport_.sink = nullptr;
        }
        Lease(const Lease&) = delete;
        Lease& operator=(const Lease&) = delete;

      private:
        Transport& transport_;
    };

    /// What a call of OpenSSL that did not succeed means.
    TlsStatus status_of(const SSL* ssl, int result) noexcept;
};

int TlsEngine::Transport::read(BIO* bio, char* to, int size) {
    auto& transport = *static_cast<Transport*>(BIO_get_data(bio));
    BIO_clear_retry_flags(bio);
    if (transport.input == nullptr || transport.input->empty()) {
        BIO_set_retry_read(bio);
        return -1;
    }
    if (transport.is_over_steps()) {
        return -1;  // no retry: the connection fails
    }
    const std::size_t count =
        std::min({transport.input->size(), static_cast<std::size_t>(size), input_slice_size});
    std::memcpy(to, transport.input->data(), count);
    *transport.input = transport.input->subspan(count);
    return static_cast<int>(count);
}

int TlsEngine::Transport::write(BIO* bio, const char* from, int size) {
    auto& transport = *static_cast<Transport*>(BIO_get_data(bio));
    BIO_clear_retry_flags(bio);
    const auto count = static_cast<std::size_t>(size);
    if (transport.sink == nullptr) {
        return -1;
    }
    const base::MutableBytes room = transport.sink->room(count);
    if (room.size() < count) {
        return -1;  // no retry: a stream with a gap is of no use
    }
    std::memcpy(room.data(), from, count);
    transport.sink->commit(count);
    return size;
}

long TlsEngine::Transport::control(BIO*, int command, long, void*) {
    return command == BIO_CTRL_FLUSH ? 1 : 0;
}

void TlsEngine::Transport::count_step(const SSL* ssl, int /*where*/, int /*result*/) {
    ++static_cast<Transport*>(BIO_get_data(SSL_get_rbio(ssl)))->own_step_count;
}

BIO_METHOD* TlsEngine::Transport::method() {
    static BIO_METHOD* const made = [] {
        BIO_METHOD* const bio_method = BIO_meth_new(BIO_get_new_index() | BIO_TYPE_SOURCE_SINK, "tickwire");
        base::check(bio_method != nullptr, "TlsEngine: memory for a BIO method");
        BIO_meth_set_read(bio_method, read);
        BIO_meth_set_write(bio_method, write);
        BIO_meth_set_ctrl(bio_method, control);
        return bio_method;
    }();
    return made;
}

TlsStatus TlsEngine::Transport::status_of(const SSL* ssl, int result) noexcept {
    switch (SSL_get_error(ssl, result)) {
        case SSL_ERROR_WANT_READ:
            return TlsStatus::starved;
        case SSL_ERROR_ZERO_RETURN:
            return TlsStatus::closed;
        default:
            is_broken = true;
            error = ERR_peek_error();
            ERR_clear_error();
            return TlsStatus::failed;
    }
}

namespace {

/// RFC 6066: SNI carries names alone.
bool is_numeric(const std::string& host) noexcept {
    in6_addr address;
    return inet_pton(AF_INET, host.c_str(), &address) == 1 ||
           inet_pton(AF_INET6, host.c_str(), &address) == 1;
}

bool set_peer_name(SSL* ssl, const std::string& name) {
    if (name.empty()) {
        return true;
    }
    if (is_numeric(name)) {
        return X509_VERIFY_PARAM_set1_ip_asc(SSL_get0_param(ssl), name.c_str()) == 1;
    }
    // SSL_set_tlsext_host_name() without its old-style cast; the name is copied.
    const long is_set = SSL_ctrl(ssl, SSL_CTRL_SET_TLSEXT_HOSTNAME, TLSEXT_NAMETYPE_host_name,
                                 const_cast<char*>(name.c_str()));
    return is_set == 1 && SSL_set1_host(ssl, name.c_str()) == 1;
}

}  // namespace

std::unique_ptr<TlsEngine> TlsEngine::create(const std::shared_ptr<TlsContext>& context, Side side,
                                             const std::string& server_name, const Session& session) {
    if (context == nullptr) {
        return nullptr;
    }
    std::unique_ptr<TlsEngine> engine(new TlsEngine);
    engine->context_ = context;
    engine->transport_ = std::make_unique<Transport>();
    engine->ssl_ = SSL_new(context->native());
    BIO* const bio = BIO_new(Transport::method());
    if (engine->ssl_ == nullptr || bio == nullptr) {
        BIO_free(bio);
        return nullptr;
    }
    BIO_set_data(bio, engine->transport_.get());
    BIO_set_init(bio, 1);
    SSL_set_bio(engine->ssl_, bio, bio);
    switch (side) {
        case Side::server:
            SSL_set_accept_state(engine->ssl_);
            break;
        case Side::client:
            SSL_set_connect_state(engine->ssl_);
            if (!set_peer_name(engine->ssl_, server_name)) {
                return nullptr;
            }
            if (session != nullptr) {
                SSL_set_session(engine->ssl_, session.get());
            }
            break;
    }
    return engine;
}

TlsEngine::~TlsEngine() {
    SSL_free(ssl_);
}

TlsStatus TlsEngine::handshake(base::Bytes& input, CiphertextSink& sink) noexcept {
    if (transport_->is_broken) {
        return TlsStatus::failed;
    }
    const Transport::Lease lease(*transport_, &input, sink);
    const CipherWatch watch(ciphers_);
    const BlockLimit limit(SSL_is_server(ssl_) == 1 ? server_block_size_max : SIZE_MAX);
    const int result = SSL_do_handshake(ssl_);
    if (result != 1) {
        return transport_->status_of(ssl_, result);
    }
    SSL_set_info_callback(ssl_, Transport::count_step);
    if (SSL_version(ssl_) < TLS1_3_VERSION) {
        // A server of 1.3 turns to the keys for reading last, one of 1.2 to those for writing.
        std::swap(ciphers_.contexts[0], ciphers_.contexts[1]);
        std::swap(ciphers_.states[0], ciphers_.states[1]);
    }
    return TlsStatus::ok;
}

bool TlsEngine::is_handshake_done() const noexcept {
    return SSL_is_init_finished(ssl_) == 1;
}

TlsStatus TlsEngine::read(base::Bytes& input, base::MutableBytes to, std::size_t& size,
                          CiphertextSink& sink) noexcept {
    base::check(!to.empty(), "TlsEngine::read: room for plaintext");
    size = 0;
    if (transport_->is_broken) {
        return TlsStatus::failed;
    }
    // The last of the calls "until starved", mostly: nothing came and nothing is kept.
    if (input.empty() && SSL_has_pending(ssl_) == 0 &&
        (SSL_get_shutdown(ssl_) & SSL_RECEIVED_SHUTDOWN) == 0) {
        return TlsStatus::starved;
    }
    const Transport::Lease lease(*transport_, &input, sink);
    const int result = SSL_read_ex(ssl_, to.data(), to.size(), &size);
    return result == 1 ? TlsStatus::ok : transport_->status_of(ssl_, result);
}

TlsStatus TlsEngine::write(base::Bytes plaintext, CiphertextSink& sink) noexcept {
    if (transport_->is_broken) {
        return TlsStatus::failed;
    }
    const Transport::Lease lease(*transport_, nullptr, sink);
    while (!plaintext.empty()) {
        std::size_t size = 0;
        const int result = SSL_write_ex(ssl_, plaintext.data(), plaintext.size(), &size);
        if (result != 1) {
            transport_->status_of(ssl_, result);
            transport_->is_broken = true;  // part of a record may be in the sink
            return TlsStatus::failed;
        }
        plaintext = plaintext.subspan(size);
    }
    return TlsStatus::ok;
}

namespace {

/// What of OpenSSL's connection a record touches: offset and size of each part, in bytes. Those of 3.0 on
/// 64-bit machines (valgrind --tool=lackey --trace-mem=yes of SSL_read() and SSL_write() shows them); of
/// another version some of the hints are in vain.
struct Part {
    std::uint16_t offset;
    std::uint16_t size;
};
constexpr Part record_parts[] = {{0, 170},  {384, 60},  {736, 8},   {1216, 8},  {2120, 80},
                                 {2328, 8}, {2536, 64}, {3168, 64}, {7336, 104}};
constexpr Part read_parts[] = {{4776, 60}};
constexpr Part write_parts[] = {{2716, 4}, {2980, 4}, {3240, 48}, {7504, 24}};

void prefetch_parts(const ssl_st* ssl, std::span<const Part> parts) noexcept {
    for (const Part part : parts) {
        base::prefetch(reinterpret_cast<const char*>(ssl) + part.offset, part.size);
    }
}

}  // namespace

void TlsEngine::prefetch(Direction direction) const noexcept {
    const bool reads = direction == Direction::reads;
    __builtin_prefetch(transport_.get());
    prefetch_parts(ssl_, record_parts);
    prefetch_parts(ssl_, reads ? std::span<const Part>(read_parts) : std::span<const Part>(write_parts));
    const std::size_t which = reads ? 1 : 0;
    base::prefetch(ciphers_.contexts[which], cipher_context_size());
    base::prefetch(ciphers_.states[which], cipher_state_size());
}

std::string_view TlsEngine::failure() const noexcept {
    if (transport_->is_over_steps()) {
        return "too many key updates or alerts";
    }
    const char* const reason = ERR_reason_error_string(transport_->error);
    return reason == nullptr ? std::string_view() : reason;
}

bool TlsEngine::has_unfinished_record() const noexcept {
    return SSL_has_pending(ssl_) == 1;
}

void TlsEngine::close(CiphertextSink& sink) noexcept {
    if (transport_->is_broken || !is_handshake_done()) {
        return;
    }
    const Transport::Lease lease(*transport_, nullptr, sink);
    SSL_shutdown(ssl_);
    ERR_clear_error();
}

bool TlsEngine::was_resumed() const noexcept {
    return SSL_session_reused(ssl_) == 1;
}

TlsEngine::Session TlsEngine::session() const noexcept {
    const SSL_SESSION* const session = SSL_get0_session(ssl_);
    if (session == nullptr || SSL_SESSION_is_resumable(session) == 0) {
        return nullptr;
    }
    // A copy: OpenSSL spoils its own where a connection ends without our close_notify.
    return {SSL_SESSION_dup(session), &SSL_SESSION_free};
}

std::string_view TlsEngine::version() const noexcept {
    return SSL_get_version(ssl_);
}

}  // namespace tickwire::tls
