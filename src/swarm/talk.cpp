#include "swarm/talk.hpp"

#include "base/check.hpp"
#include "swarm/bare_talk.hpp"
#include "swarm/crowd.hpp"
#include "swarm/neutral_talk.hpp"

namespace tickwire::swarm {
namespace {

/// The relay's own protocol, as the public client speaks it.
class GameTalk final : public Talk {
  public:
    GameTalk(Crowd& crowd, client::Handler& handler, const Speaker& speaker)
        : client_(crowd.environment, handler), host_(crowd.options.target.host), speaker_(speaker) {}

    void begin(client::Time now) override {
        const client::Join join{
            "swarm",
            speaker_.player == protocol::nobody ? client::Role::spectator : client::Role::player,
            {}};
        const bool is_valid = client_.connect({host_, speaker_.match}, join, now);
        base::check(is_valid, "the swarm's match names are valid");
    }
    void receive(base::MutableBytes bytes, client::Time now) override { client_.receive(bytes, now); }
    void lose_connection() override { client_.lose_connection(); }
    bool has_output() const noexcept override { return client_.has_output(); }
    void take_output(std::vector<std::uint8_t>& into) noexcept override { client_.take_output(into); }
    client::Time next_deadline() const noexcept override { return client_.next_deadline(); }
    void pass_time(client::Time now) override { client_.pass_time(now); }
    std::uint16_t send_state(client::Bytes state, client::Time now) override {
        return client_.send_state(state, now);
    }
    bool send_event(const protocol::Event& event, client::Time now) override {
        return client_.send_event(event, now);
    }
    void send_ping(client::Time now) override { client_.send_ping(now); }
    void close(std::uint16_t code, std::string_view reason) override { client_.close(code, reason); }
    client::Phase phase() const noexcept override { return client_.phase(); }
    client::PlayerNumber player() const noexcept override { return client_.player(); }
    std::uint32_t tick_hz() const noexcept override { return client_.tick_hz(); }
    std::optional<client::StateView> state_of(client::PlayerNumber player) const noexcept override {
        return client_.state_of(player);
    }

  private:
    client::Client client_;
    std::string_view host_;
    Speaker speaker_;
};

}  // namespace

std::unique_ptr<Talk> make_talk(Crowd& crowd, client::Handler& handler, const Speaker& speaker) {
    switch (crowd.options.protocol) {
        case Protocol::game:
            return std::make_unique<GameTalk>(crowd, handler, speaker);
        case Protocol::bare:
            return std::make_unique<BareTalk>(crowd, handler, speaker);
        case Protocol::neutral:
        case Protocol::socket_io:
        case Protocol::colyseus:
            return std::make_unique<NeutralTalk>(crowd, handler, speaker);
    }
    return nullptr;
}

}  // namespace tickwire::swarm
