// What a connection is to send: its outbox, a buffer that it shares with others, and the bytes in flight.
// Knows TLS, but no frames and no sockets.
#pragma once

#include <cstddef>
#include <cstdint>

#include "base/bytes.hpp"
#include "base/shared_buffer.hpp"
#include "tickwire/websocket.hpp"
#include "tls/tls_engine.hpp"

namespace tickwire::session {

/// Bytes that grow in a buffer of a source. Empty, it holds nothing.
class ByteQueue {
  public:
    /// False, and nothing is appended, where the source has no room.
    bool append(base::Bytes bytes, websocket::BufferSource& source) noexcept;
    /// Room for `size` more bytes, to be kept by commit(); empty where the source has none.
    base::MutableBytes room(std::size_t size, websocket::BufferSource& source) noexcept;
    void commit(std::size_t size) noexcept { used_ += static_cast<std::uint32_t>(size); }
    void release(websocket::BufferSource& source) noexcept;

    base::Bytes bytes() const noexcept { return {start_, used_}; }
    base::MutableBytes mutable_bytes() const noexcept { return {start_, used_}; }
    bool empty() const noexcept { return used_ == 0; }
    std::size_t size() const noexcept { return used_; }
    void drop_first(std::size_t size) noexcept;

  private:
    std::uint8_t* start_ = nullptr;
    std::uint32_t capacity_ = 0;
    std::uint32_t used_ = 0;
};

/// Plaintext waits, ciphertext does not: what is queued can still be dropped, because a TLS record is made
/// only when it is sent.
///
/// At most one send is in flight. Order on the wire: sealed (a handshake flight, an alert), the outbox, the
/// shared buffer.
class Outgoing {
  public:
    explicit Outgoing(websocket::BufferSource& source) noexcept : source_(&source) {}
    ~Outgoing();
    Outgoing(const Outgoing&) = delete;
    Outgoing& operator=(const Outgoing&) = delete;

    /// Queues behind all that is queued. False where the pool has no room: the stream has a hole then, so
    /// the connection must end.
    bool append(base::Bytes bytes) noexcept;
    /// Queues a header and what follows it as one.
    bool append(base::Bytes header, base::Bytes payload) noexcept;
    /// Queues a reference. False as for append().
    bool append_shared(const base::SharedBuffer& shared) noexcept;
    /// Forgets what is queued in plaintext; what is in flight or sealed goes out.
    void drop_queued() noexcept;

    /// What is queued, and what will be, lives in another source from now on. False where that has no room:
    /// the connection must end.
    bool move_to(websocket::BufferSource& source) noexcept;

    bool is_empty() const noexcept { return outbox_.empty() && !shared_ && sealed_.empty(); }
    bool is_in_flight() const noexcept { return is_in_flight_; }
    std::size_t queued_size() const noexcept { return outbox_.size() + shared_.bytes().size(); }
    /// What this connection keeps from being freed: queued, sealed and in flight. A shared buffer counts
    /// whole for each who holds it, for it lives as long as the slowest of them.
    std::size_t held_size() const noexcept {
        return queued_size() + sealed_.size() + in_flight_.size() + in_flight_shared_.bytes().size();
    }

    /// All that is queued, as bytes for the wire: encrypted where `engine` is not null. They hold until
    /// end_send(). Empty where encrypting failed. Not while a send is in flight.
    base::Bytes begin_send(tls::TlsEngine* engine) noexcept;
    void end_send() noexcept;

    /// Where the engine puts what it must say by itself.
    class Sealed final : public tls::CiphertextSink {
      public:
        explicit Sealed(Outgoing& outgoing) noexcept : outgoing_(outgoing) {}
        base::MutableBytes room(std::size_t size) noexcept override;
        void commit(std::size_t size) noexcept override;

      private:
        Outgoing& outgoing_;
    };

  private:
    websocket::BufferSource* source_;
    websocket::BufferSource* in_flight_source_ = nullptr;
    ByteQueue outbox_;
    ByteQueue sealed_;
    ByteQueue in_flight_;
    base::SharedBuffer shared_;
    base::SharedBuffer in_flight_shared_;
    bool is_in_flight_ = false;
};

}  // namespace tickwire::session
