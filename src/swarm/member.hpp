// One connection of the swarm: a socket's channel, TLS where asked for, the conversation above them, what
// it sends, and the checks on what it receives.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <vector>

#include "swarm/crowd.hpp"
#include "swarm/sent_states.hpp"
#include "swarm/talk.hpp"

namespace tickwire::swarm {

/// Lives for the run; its index is its channel. A spectator that has joined holds no buffers.
class Member final : public client::Handler {
  public:
    /// How it takes part.
    enum class Part : std::uint8_t {
        player,  ///< sends a state with each period, and some events
        still,   ///< a player that sends one state and then none
        silent,  ///< a player that sends nothing
        spectator,
    };

    /// How its network is.
    struct Network {
        bool is_slow = false;  ///< it reads only every half second
        bool is_cut = false;   ///< its connection ends without a word now and then
    };

    Member(Crowd& crowd, std::uint32_t index, std::uint32_t room, Part part, Network network);
    Member(const Member&) = delete;
    Member& operator=(const Member&) = delete;

    // --- from the backend
    void start_connecting();
    void on_connected(uring::SendResult result);
    void on_received(base::MutableBytes bytes);
    void on_receive_ended();
    void on_sent(uring::SendResult result);
    void on_closed();

    // --- from the swarm
    void send_state();
    void send_event();
    void send_probe();
    /// PINGs that are due, the next read of a slow member, the next cut.
    void pass_time();
    /// Asks for a sign of life: a PONG, counted in Crowd::answer_count.
    void ask();
    void leave();
    /// The relay has not answered the close: ends the connection.
    void cut();
    /// Accounts for the states that are still in the ring.
    void count_rest();

    bool sends_states() const noexcept { return part_ == Part::player || part_ == Part::still; }
    Part part() const noexcept { return part_; }
    bool is_joined() const noexcept { return talk_->phase() == client::Phase::joined; }
    const SentStates* sent() const noexcept { return sent_ ? &*sent_ : nullptr; }
    base::Duration take_phase_shift() noexcept { return std::exchange(phase_shift_, {}); }

    /// Whether it holds the last state of every member of its room; `detail` says of whom not.
    bool holds_last_states(std::string& detail) const;
    /// How many events that were for it never came.
    std::uint64_t missing_event_count() const;

    // --- client::Handler
    void on_welcome(const client::Welcome& welcome) override;
    void on_notice(const client::Notice& notice) override;
    void on_state(const client::StateView& state) override;
    void on_tick(const client::Tick& tick) override;
    void on_event(const client::Event& event) override;
    void on_pong(const client::Pong& pong) override;
    void on_ended(const client::Ended& ended) override;

  private:
    enum class Link : std::uint8_t { unused, connecting, handshake, open, closing, closed };

    /// What it remembers of each player of its room.
    struct Known {
        std::uint32_t state = 0;   ///< number of the newest state received
        std::uint32_t events = 0;  ///< received in order
    };

    class Sealed;

    Room& room() noexcept { return crowd_.rooms[room_]; }
    const Room& room() const noexcept { return crowd_.rooms[room_]; }
    Member* member_of(client::PlayerNumber player) const noexcept;
    std::string describe() const;
    Known& known(client::PlayerNumber player);
    bool events_reach(const Member& receiver) const noexcept;

    void receive_tls(base::MutableBytes bytes);
    void flush();
    void close_channel();
    bool comes_back() const noexcept { return crowd_.options.comes_back || network_.is_cut; }
    /// Of a member that comes back: connects anew when it is time.
    void return_later();
    void plan_cut() noexcept;
    void begin_talk();
    void account(const SentStates::Place& place) noexcept;
    void learn_phase(const client::StateView& own) noexcept;

    Crowd& crowd_;
    std::unique_ptr<Talk> talk_;
    std::unique_ptr<tls::TlsEngine> tls_;
    tls::TlsEngine::Session tls_session_;  ///< of the connection before
    std::vector<std::uint8_t> sealed_;
    std::vector<std::uint8_t> in_flight_;
    std::optional<SentStates> sent_;
    std::vector<Known> known_;  // by player number
    std::uint32_t index_;
    std::uint32_t room_;
    std::uint32_t events_sent_ = 0;
    std::uint32_t last_tick_ = 0;
    std::uint32_t divisor_ = 1;
    base::Time next_read_{};  // of a slow member
    base::Time next_cut_ = base::Time::max();
    // Of one that comes back; the first three while it is on its way.
    std::optional<base::Time> gone_since_;
    base::Time connect_at_ = base::Time::max();
    base::Duration reconnect_{};  ///< its slot, as `drain` tells
    client::PlayerNumber player_before_ = protocol::nobody;
    base::Duration phase_shift_{};
    Part part_;
    Network network_;
    Link link_ = Link::unused;
    bool is_sending_ = false;
    bool is_keyframe_due_ = true;
    bool is_asked_ = false;
    bool has_joined_ = false;
};

}  // namespace tickwire::swarm
