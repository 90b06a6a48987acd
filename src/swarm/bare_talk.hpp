// No protocol at all, for the floor (bench/relay/floor): what a state would weigh in the neutral format
// goes out, and frames of a known size come in, whose byte i is i.
#pragma once

#include <optional>
#include <vector>

#include "swarm/talk.hpp"

namespace tickwire::swarm {

class BareTalk final : public Talk {
  public:
    BareTalk(Crowd& crowd, client::Handler& handler, const Speaker& speaker)
        : crowd_(crowd), handler_(handler), player_(speaker.player) {}

    void begin(client::Time now) override;
    void receive(base::MutableBytes bytes, client::Time now) override;
    void lose_connection() override;
    bool has_output() const noexcept override { return !output_.empty(); }
    void take_output(std::vector<std::uint8_t>& into) noexcept override { into.swap(output_); }
    client::Time next_deadline() const noexcept override { return client::Time::max(); }
    void pass_time(client::Time /*now*/) override {}
    std::uint16_t send_state(client::Bytes state, client::Time now) override;
    bool send_event(const protocol::Event& /*event*/, client::Time /*now*/) override { return false; }
    /// The floor answers nothing.
    void send_ping(client::Time /*now*/) override {}
    void close(std::uint16_t code, std::string_view reason) override;
    client::Phase phase() const noexcept override { return phase_; }
    client::PlayerNumber player() const noexcept override { return player_; }
    std::uint32_t tick_hz() const noexcept override;
    std::optional<client::StateView> state_of(client::PlayerNumber /*player*/) const noexcept override {
        return std::nullopt;
    }

  private:
    Crowd& crowd_;
    client::Handler& handler_;
    std::vector<std::uint8_t> output_;
    std::uint32_t received_size_ = 0;  // of the frame that is arriving
    std::uint32_t number_ = 0;
    std::uint32_t tick_count_ = 0;
    client::PlayerNumber player_;
    client::Phase phase_ = client::Phase::idle;
};

}  // namespace tickwire::swarm
