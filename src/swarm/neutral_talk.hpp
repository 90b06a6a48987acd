// The neutral format, for servers that are no tickwire relay but do the same job (bench/README.md): a state
// is a binary message, `u16 player, u32 number, bytes`; what a server sends on each tick is a binary
// message of such states, one behind the other. Socket.IO and Colyseus carry the same bytes in envelopes of
// their own.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "swarm/talk.hpp"
#include "tickwire/websocket.hpp"

namespace tickwire::swarm {

/// The header of a state in the neutral format, little-endian: u16 player, u32 number.
inline constexpr std::size_t neutral_header_size = 6;

/// Writes a state in the neutral format at `to` (neutral_header_size + state.size() bytes); its size.
std::size_t encode_neutral_state(client::PlayerNumber player, std::uint32_t number, client::Bytes state,
                                 std::uint8_t* to) noexcept;

class NeutralTalk final : public Talk {
  public:
    NeutralTalk(Crowd& crowd, client::Handler& handler, const Speaker& speaker);

    void begin(client::Time now) override;
    void receive(base::MutableBytes bytes, client::Time now) override;
    void lose_connection() override;
    bool has_output() const noexcept override { return !output_.empty(); }
    void take_output(std::vector<std::uint8_t>& into) noexcept override { into.swap(output_); }
    client::Time next_deadline() const noexcept override { return client::Time::max(); }
    void pass_time(client::Time /*now*/) override {}
    std::uint16_t send_state(client::Bytes state, client::Time now) override;
    bool send_event(const protocol::Event& /*event*/, client::Time /*now*/) override { return false; }
    void send_ping(client::Time now) override;
    void close(std::uint16_t code, std::string_view reason) override;
    client::Phase phase() const noexcept override { return phase_; }
    client::PlayerNumber player() const noexcept override { return speaker_.player; }
    std::uint32_t tick_hz() const noexcept override;
    std::optional<client::StateView> state_of(client::PlayerNumber /*player*/) const noexcept override {
        return std::nullopt;
    }

  private:
    std::string request_target() const;
    base::MutableBytes take_upgrade_answer(base::MutableBytes bytes);
    void take_message(const websocket::Message& message, client::Time now);
    void take_text(std::string_view text);
    void take_binary(client::Bytes message);
    void take_states(client::Bytes states);
    void take_pong(client::Bytes payload, client::Time now);
    void join();
    void send_frame(websocket::Opcode opcode, client::Bytes payload);
    void send_text(std::string_view text);
    void end(client::Fault fault, std::uint16_t code, std::string_view reason);

    Crowd& crowd_;
    client::Handler& handler_;
    Speaker speaker_;
    std::string key_;                 // until the upgrade is answered
    std::vector<std::uint8_t> held_;  // an answer that is not whole yet
    std::optional<websocket::Reader> reader_;
    std::vector<std::uint8_t> output_;
    std::uint32_t number_ = 0;
    std::uint32_t tick_count_ = 0;
    client::Phase phase_ = client::Phase::idle;
};

}  // namespace tickwire::swarm
