// Where a match puts what its members are to get: the one thing that it knows of connections. The shard
// implements it over sessions; tests implement it over vectors.
#pragma once

#include <cstdint>
#include <string_view>

#include "base/bytes.hpp"
#include "base/shared_buffer.hpp"
#include "base/slot_pool.hpp"
#include "base/token_bucket.hpp"
#include "tickwire/protocol.hpp"
#include "tickwire/websocket.hpp"
#include "wire/control.hpp"

namespace tickwire::match {

/// A connection, as the shard names it.
using Connection = base::Handle;

enum class LinkState : std::uint8_t {
    idle,     ///< nothing in flight, nothing queued
    pending,  ///< bytes are queued and leave at the end of this slot; more may be appended to that send
    busy,     ///< a send is in flight: what is queued now waits for its end
};

/// The views are good for the length of the call.
struct PlayerSlot {
    std::string_view match;
    protocol::PlayerNumber player;
    std::string_view name;
    std::string_view subject;  ///< as its ticket had it
    bool is_plain;
};

/// Calls never come back into the match: an outbox that overflows, say, is told later, by
/// Match::disconnect(). Calls for a connection that was closed are ignored.
class Outlet {
  public:
    /// A hint: the connection is asked about soon, so what it is made of may be fetched into the cache.
    virtual void on_upcoming(Connection /*connection*/) noexcept {}
    virtual LinkState link_state(Connection connection) noexcept = 0;
    /// What is left of its rates. Asked of a player's connection before the match forgets it: its next one
    /// goes on with them.
    virtual base::RateBuckets rates(Connection connection) noexcept = 0;
    /// Queues one WebSocket frame for this connection alone; `payload` is copied. Past its byte limit the
    /// connection is closed with 4101.
    virtual void queue_frame(Connection connection, websocket::Opcode opcode,
                             base::Bytes payload) noexcept = 0;
    /// Queues whole WebSocket frames that others get too, behind what is queued. Not for a busy link.
    virtual void send_shared(Connection connection, const base::SharedBuffer& frames) noexcept = 0;
    /// Closes after what is queued. The match has forgotten the member: no disconnect() follows.
    virtual void close(Connection connection, std::uint16_t code, std::string_view reason) noexcept = 0;
    /// A player's slot has begun, or ended: for accounts that are kept outside of the match. Not told of
    /// spectators, nor of a player that is away or comes back.
    virtual void on_player_joined(const PlayerSlot& slot, Connection connection) noexcept = 0;
    virtual void on_player_left(const PlayerSlot& slot, wire::LeftReason reason) noexcept = 0;

  protected:
    ~Outlet() = default;
};

}  // namespace tickwire::match
