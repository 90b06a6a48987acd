// What a run of the swarm is to be.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <tl/expected.hpp>

#include "swarm/movement.hpp"
#include "uring/listener.hpp"

namespace tickwire::swarm {

struct Target {
    uring::Address address;
    std::string host;         ///< the Host header
    std::string server_name;  ///< for TLS; empty where the host is an address
    bool is_tls = false;
    bool is_loopback = false;
};

/// `ws://HOST:PORT`, `wss://HOST:PORT`, `ws+unix:PATH`, `tcp://HOST:PORT` for a bare server; or one line
/// that says what is wrong. A host that is no address is looked up.
tl::expected<Target, std::string> parse_target(std::string_view url);

enum class Trust : std::uint8_t { system_roots, anything };
/// When members send: each at a time of its own, spread over the tick, or just before the tick, as the
/// relay tells by `wait` (protocol.md section 4).
enum class Phases : std::uint8_t { spread, locked };

/// What the server under test speaks.
enum class Protocol : std::uint8_t {
    game,       ///< the relay's own
    neutral,    ///< the neutral format over WebSocket: see neutral_talk.hpp
    socket_io,  ///< the same inside Socket.IO's events
    colyseus,   ///< the same inside a Colyseus room's messages
    bare,       ///< nothing: the floor, see bare_talk.hpp
};

struct SwarmOptions {
    std::string url;
    Protocol protocol = Protocol::game;
    std::uint32_t frame_size = 868;  ///< of what a bare server sends
    Target target;
    std::uint32_t match_count = 1;
    std::uint32_t player_count = 16;    ///< in each match
    std::uint32_t spectator_count = 0;  ///< together
    std::uint32_t state_size = 48;
    double event_rate = 0.1;  ///< by each player that sends, per second
    bool is_idle = false;     ///< players join, and send neither states nor events
    MovementSetting movement;
    Phases phases = Phases::spread;
    double warmup_s = 3;
    double measured_s = 20;
    std::uint32_t connections_per_second = 2000;
    // One in so many, counted match by match; 0: none.
    std::uint32_t slow_every = 0;  ///< reads only every half second
    std::uint32_t cut_every = 0;   ///< its connection ends without a word every two seconds, and it resumes
    bool comes_back = false;       ///< members whose connection ends resume: the server is restarted
    std::uint32_t slot_us = 1000;
    std::string match_prefix = "swarm-";
    Trust trust = Trust::system_roots;

    std::uint32_t connection_count() const noexcept { return match_count * player_count + spectator_count; }
};

}  // namespace tickwire::swarm
