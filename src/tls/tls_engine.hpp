// TLS as a function of bytes, for both sides: ciphertext in, plaintext out, and the other way. OpenSSL
// behind a BIO over the caller's buffers; no sockets, no growing memory BIOs.
//
// A TlsContext is shared by the connections of one shard and reloaded by swapping it; a TlsEngine is one
// connection's and moves between shards at hand-over.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <tl/expected.hpp>
#include <vector>

#include "base/bytes.hpp"
#include "tls/cipher_memory.hpp"
#include "tls/ticket_keys.hpp"

struct ssl_ctx_st;
struct ssl_st;
struct ssl_session_st;

namespace tickwire::tls {

enum class MinimumVersion : std::uint8_t { tls_1_2, tls_1_3 };

/// Certificates, keys and policy. TLS 1.2 with ECDHE and AEAD, and 1.3; ALPN http/1.1 alone; no
/// renegotiation, no compression, no early data; at most one session ticket.
class TlsContext {
  public:
    /// PEM files: a certificate chain and its key. The error is one line that names the file, and says
    /// where a key does not match.
    static tl::expected<std::shared_ptr<TlsContext>, std::string> for_server(
        const std::string& certificate_file, const std::string& key_file,
        MinimumVersion minimum_version = MinimumVersion::tls_1_2);
    /// Several certificates: the client's server name chooses the first that is for it, and where none is,
    /// or no name is given, the first of all. Tickets are sealed with `tickets`.
    struct Files {
        std::string certificate;
        std::string key;
    };
    static tl::expected<std::shared_ptr<TlsContext>, std::string> for_server(
        const std::vector<Files>& files, std::shared_ptr<TicketKeys> tickets,
        MinimumVersion minimum_version = MinimumVersion::tls_1_2);
    enum class Verify : std::uint8_t { nothing, system_roots };
    static tl::expected<std::shared_ptr<TlsContext>, std::string> for_client(Verify verify);
    ~TlsContext();
    TlsContext(const TlsContext&) = delete;
    TlsContext& operator=(const TlsContext&) = delete;

    ssl_ctx_st* native() const noexcept { return context_; }

  private:
    explicit TlsContext(ssl_ctx_st* context) noexcept : context_(context) {}
    static int choose_by_name(ssl_st* ssl, int* alert, void* self);
    ssl_ctx_st* context_;
    std::vector<ssl_ctx_st*> others_;  ///< of the second certificate and those after it
    std::shared_ptr<TicketKeys> tickets_;
};

/// Where an engine puts ciphertext to send: memory that grows by asking. The engine's caller owns it.
class CiphertextSink {
  public:
    /// Room for `size` more bytes at the end of what is queued, or an empty span: then the connection
    /// fails.
    virtual base::MutableBytes room(std::size_t size) noexcept = 0;
    /// The first `size` bytes of that room hold ciphertext now.
    virtual void commit(std::size_t size) noexcept = 0;

  protected:
    ~CiphertextSink() = default;
};

enum class TlsStatus : std::uint8_t {
    ok,       ///< progress; for read(): plaintext was written
    starved,  ///< all input is used up; more is needed
    closed,   ///< the peer's close_notify
    failed,  ///< a protocol error, no room, or more key updates and alerts than anybody needs; an alert may
             ///< have been committed: send it and close
};

/// One TLS connection. Its memory when idle is about 14 KB (SSL_MODE_RELEASE_BUFFERS).
class TlsEngine {
  public:
    enum class Side : std::uint8_t { server, client };
    /// What a client may come back with, for a handshake without certificates.
    using Session = std::shared_ptr<ssl_session_st>;
    /// `server_name`: SNI for a client; empty for none. `session`: the client's, of a connection before;
    /// may be null. Null only where memory is out, or the context is null.
    static std::unique_ptr<TlsEngine> create(const std::shared_ptr<TlsContext>& context, Side side,
                                             const std::string& server_name = {},
                                             const Session& session = {});
    ~TlsEngine();
    TlsEngine(const TlsEngine&) = delete;
    TlsEngine& operator=(const TlsEngine&) = delete;

    /// Drives the handshake with what `input` holds (advanced past what was used). ok: it is finished, and
    /// `input` may have application data left.
    TlsStatus handshake(base::Bytes& input, CiphertextSink& sink) noexcept;
    bool is_handshake_done() const noexcept;

    /// Decrypts from `input` (advanced past what was used) into `to`; `size` is the plaintext written.
    /// Call until starved. A session ticket or key update that OpenSSL answers goes to `sink`.
    TlsStatus read(base::Bytes& input, base::MutableBytes to, std::size_t& size,
                   CiphertextSink& sink) noexcept;

    /// Encrypts all of `plaintext` into `sink`, in records of at most 16 KiB (a tick of up to 4 KiB is
    /// one record).
    TlsStatus write(base::Bytes plaintext, CiphertextSink& sink) noexcept;

    /// Asks the cache for what the next read() or write() will touch, some 40 lines of OpenSSL's: cold when
    /// a member's next message comes, and otherwise fetched one behind the other. For a server's engine
    /// that has shaken hands; the engine itself had better be in the cache.
    enum class Direction : std::uint8_t { reads, writes };
    void prefetch(Direction direction) const noexcept;

    /// What went wrong, in OpenSSL's words; empty where it has none.
    std::string_view failure() const noexcept;

    /// Part of a record has come and the rest has not: the engine holds a buffer of 17 KB for it.
    bool has_unfinished_record() const noexcept;

    /// Queues close_notify.
    void close(CiphertextSink& sink) noexcept;

    /// Input that OpenSSL has taken in but not decrypted, or decrypted but not handed out, stays inside
    /// the engine and moves with it.
    bool was_resumed() const noexcept;
    /// A client's; null where the server gave no ticket.
    Session session() const noexcept;
    std::string_view version() const noexcept;

  private:
    struct Transport;
    TlsEngine() = default;
    ssl_st* ssl_ = nullptr;
    std::shared_ptr<TlsContext> context_;
    std::unique_ptr<Transport> transport_;
    CipherMemory ciphers_{};  ///< after the handshake: for writing, for reading
};

/// Bytes of ciphertext that `plaintext_size` bytes may become, at most.
constexpr std::size_t sealed_size_max(std::size_t plaintext_size) noexcept {
    return plaintext_size + (plaintext_size / 16384 + 1) * 64;
}

}  // namespace tickwire::tls
