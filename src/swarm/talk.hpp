// What a member speaks with the server under test: the relay's own protocol, or one of those that let the
// same load drive other servers (bench/README.md, "The neutral format"). Bytes in, bytes out, no I/O; what
// happens is told through client::Handler, whoever speaks.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string_view>
#include <vector>

#include "base/bytes.hpp"
#include "tickwire/client.hpp"

namespace tickwire::swarm {

struct Crowd;

/// One connection's conversation. One thread.
class Talk {
  public:
    virtual ~Talk() = default;

    /// The connection stands: begins to speak.
    virtual void begin(client::Time now) = 0;
    /// Bytes that arrived; they are written to.
    virtual void receive(base::MutableBytes bytes, client::Time now) = 0;
    virtual void lose_connection() = 0;
    virtual bool has_output() const noexcept = 0;
    /// As client::Client::take_output().
    virtual void take_output(std::vector<std::uint8_t>& into) noexcept = 0;
    virtual client::Time next_deadline() const noexcept = 0;
    virtual void pass_time(client::Time now) = 0;

    /// The low 16 bits of the state's number: states are counted from 1.
    virtual std::uint16_t send_state(client::Bytes state, client::Time now) = 0;
    /// False where it was not sent: too many are unacknowledged, or the protocol has no events.
    virtual bool send_event(const protocol::Event& event, client::Time now) = 0;
    /// on_pong() answers.
    virtual void send_ping(client::Time now) = 0;
    virtual void close(std::uint16_t code, std::string_view reason) = 0;

    virtual client::Phase phase() const noexcept = 0;
    virtual client::PlayerNumber player() const noexcept = 0;
    virtual std::uint32_t tick_hz() const noexcept = 0;
    /// What it holds of a player; empty also where the protocol keeps no states.
    virtual std::optional<client::StateView> state_of(client::PlayerNumber player) const noexcept = 0;
};

/// Who speaks: fixed for the run.
struct Speaker {
    std::string_view match;
    client::PlayerNumber player;  ///< in its match, where the server does not say; nobody: a spectator
};

/// In the protocol of crowd.options. `handler` and `crowd` outlive it.
std::unique_ptr<Talk> make_talk(Crowd& crowd, client::Handler& handler, const Speaker& speaker);

}  // namespace tickwire::swarm
