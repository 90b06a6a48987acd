// One connection of a virtual client: the upgrade, frames out (masked, now and then in fragments), frames
// in. Knows WebSocket, but not the protocol.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "base/bytes.hpp"
#include "link_tls.hpp"
#include "random.hpp"
#include "tickwire/websocket.hpp"
#include "world.hpp"

namespace tickwire::simulation {

/// What is known of the send that carried a message's last byte.
struct Arrival {
    Time send_started{};                ///< when the relay began to send it
    std::uint64_t consumed_before = 0;  ///< how many of our bytes the relay had been given by then
};

class LinkOwner {
  public:
    virtual void on_open() = 0;
    virtual void on_message(const websocket::Message& message, const Arrival& arrival) = 0;

  protected:
    ~LinkOwner() = default;
};

struct LinkTarget {
    int listener = -1;
    std::string path;
    std::string subprotocol;
    bool is_tls = false;
};

/// connecting -> open -> ended, or connecting -> ended.
enum class LinkState : std::uint8_t { connecting, open, ended };

class ClientLink {
  public:
    ClientLink(World& world, Random random, LinkOwner& owner, const LinkTarget& target);
    ClientLink(const ClientLink&) = delete;
    ClientLink& operator=(const ClientLink&) = delete;
    /// Closes in good order where it is not ended.
    ~ClientLink();

    /// Whether anything can be sent: with TLS, the handshake is over.
    bool is_ready() const noexcept { return tls_ == nullptr || tls_->is_ready(); }
    /// Queues one message; returns the offset behind its last byte on the wire. Frames may be sent before
    /// the answer to the upgrade, once the link is ready.
    std::uint64_t send(websocket::Opcode opcode, base::Bytes payload);
    std::uint64_t send_raw(base::Bytes bytes);
    void send_close(std::uint16_t code);
    /// Everything queued is on its way: a browser's bufferedAmount of 0.
    bool is_drained() const noexcept { return queue_.empty(); }

    /// The relay has been given all of it.
    bool is_heard() const noexcept { return is_drained() && socket_->to_server.in_transit() == 0; }

    /// Writes and reads what can be.
    void pump();
    void set_reading(bool is_reading) noexcept { is_reading_ = is_reading; }
    /// At most so many bytes a second; 0: no limit.
    void set_throttle(std::uint32_t bytes_per_second) noexcept {
        bytes_per_second_ = bytes_per_second;
        was_throttled_ = was_throttled_ || bytes_per_second != 0;
    }
    bool was_throttled() const noexcept { return was_throttled_; }

    /// Who is told from now on.
    void set_owner(LinkOwner& owner) noexcept { owner_ = &owner; }
    void reset();
    /// Lets go without a word: neither reads nor writes, and does not close.
    void freeze() noexcept { is_frozen_ = true; }

    LinkState state() const noexcept { return state_; }
    std::uint16_t http_status() const noexcept { return status_; }
    /// Of the relay's close frame; 0 where none came.
    std::uint16_t close_code() const noexcept { return close_code_; }
    Time began_at() const noexcept { return began_at_; }
    /// When the relay began to send its close frame, or else when it closed.
    Time ended_at() const noexcept { return close_code_ != 0 ? closed_at_ : socket_->server_closed_at; }
    bool is_close_sent() const noexcept { return is_close_sent_; }
    /// Its own close frame was not answered in time: the relay does not wait longer for a slow reader to
    /// take what comes before its answer.
    bool was_close_overdue(Duration close_timeout) const noexcept;
    /// The relay cannot send, since what it sent was not taken.
    bool is_path_full() const noexcept { return world_.server_room(*socket_) == 0; }
    /// Bytes were lost on the way: nothing follows from how it ended.
    bool is_faulted() const noexcept { return socket_->is_faulted; }
    Socket& socket() noexcept { return *socket_; }

  private:
    void write();
    void read();
    void read_answer();
    void read_frames();
    void receive(base::Bytes arrived);
    void send_upgrade();
    void take(const websocket::Message& message, std::uint64_t end);
    void end();

    World& world_;
    Time began_at_;
    Random random_;
    LinkOwner* owner_;
    Socket* socket_;
    std::string key_;
    websocket::HeapBufferSource heap_;
    websocket::Reader reader_;
    LinkState state_ = LinkState::connecting;
    std::vector<std::uint8_t> queue_;
    std::uint64_t written_ = 0;
    std::unique_ptr<LinkTls> tls_;  ///< null in the clear
    LinkTarget target_;
    bool is_upgrade_sent_ = false;
    std::vector<std::uint8_t> input_;
    std::uint64_t input_begin_ = 0;  ///< offset of input_'s first byte, of plaintext
    bool is_reading_ = true;
    bool is_frozen_ = false;
    bool is_close_sent_ = false;
    std::uint64_t close_end_ = 0;  ///< behind its close frame on the wire
    std::uint16_t status_ = 0;
    std::uint16_t close_code_ = 0;
    Time closed_at_{};
    std::uint32_t bytes_per_second_ = 0;
    bool was_throttled_ = false;
    double read_allowance_ = 0;
    Time allowance_at_{};
};

}  // namespace tickwire::simulation
