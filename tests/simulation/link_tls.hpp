// TLS on a virtual client's connection: the production engine in its client's role, record by record, so
// that of each message it is known with which byte on the wire it was complete.
//
// OpenSSL draws its own random numbers, so the bytes differ from run to run. Their number does not (Ed25519
// has signatures of one size, and there are no session tickets), and nothing else goes into a run's hash.
#pragma once

#include <cstdint>
#include <deque>
#include <memory>
#include <string>
#include <vector>

#include "base/bytes.hpp"
#include "tls/tls_engine.hpp"
#include "world.hpp"

namespace tickwire::simulation {

struct TlsContexts {
    std::shared_ptr<tls::TlsContext> server;
    std::shared_ptr<tls::TlsContext> client;
};
/// Made once for all runs. Stops the program where they cannot be.
const TlsContexts& tls_contexts();

/// Owned by its ClientLink.
class LinkTls final : private tls::CiphertextSink {
  public:
    /// What goes on the wire is appended to `wire`.
    LinkTls(World& world, std::vector<std::uint8_t>& wire);

    /// Begins the handshake.
    void start();
    bool is_ready() const noexcept { return engine_->is_handshake_done(); }
    /// Once it is ready: one record for each piece of 16 KiB.
    void seal(base::Bytes plaintext);
    /// Takes what arrived, and appends the plaintext of whole records. Fails the run where it is no TLS.
    void open(base::Bytes arrived, std::vector<std::uint8_t>& plaintext);
    /// How many bytes had come over the wire when the byte of plaintext before `end` was there.
    std::uint64_t wire_end_of(std::uint64_t end);
    /// How many bytes of ciphertext nobody will ask for any more: all before the plaintext at `begin`.
    std::uint64_t wire_begin_of(std::uint64_t begin);

  private:
    struct Record {
        std::uint64_t end;       ///< of its plaintext
        std::uint64_t wire_end;  ///< of its ciphertext
    };

    base::MutableBytes room(std::size_t size) noexcept override;
    void commit(std::size_t size) noexcept override;
    void open_record(base::Bytes record, std::vector<std::uint8_t>& plaintext);

    World& world_;
    std::vector<std::uint8_t>& wire_;
    std::size_t committed_ = 0;
    std::unique_ptr<tls::TlsEngine> engine_;
    std::vector<std::uint8_t> arrived_;  ///< part of a record
    std::uint64_t wire_read_ = 0;
    std::uint64_t read_ = 0;
    std::deque<Record> records_;
    std::uint64_t wire_begin_ = 0;
    bool is_closed_ = false;
};

}  // namespace tickwire::simulation
