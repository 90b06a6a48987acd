// A client of the game lane, player or spectator, written from proto/protocol.md: it joins, plays, lags, is
// cut, resumes, hides, and leaves. It never breaks the protocol (liar.hpp does).
#pragma once

#include <array>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "client_link.hpp"
#include "member_view.hpp"
#include "stage.hpp"

namespace tickwire::simulation {

enum class Role : std::uint8_t { player, spectator };

class VirtualClient final : public Actor, private LinkOwner {
  public:
    VirtualClient(Stage& stage, Random random, Role role, std::string match);
    ~VirtualClient() override;

    void step() override;
    bool is_done() const override { return is_done_; }
    void retire() override;

    /// At rest: says its last state and event, where it is in play.
    void speak_last();
    /// In play, and since before the others spoke last: it has heard them all.
    bool is_settled() const noexcept { return is_in_play() && was_in_play_at_rest_; }
    MemberView& view() noexcept { return view_; }
    const std::string& name() const noexcept { return who_; }

  private:
    struct Forgets final : LinkOwner {
        void on_open() override {}
        void on_message(const websocket::Message& /*message*/, const Arrival& /*arrival*/) override {}
    };

    // LinkOwner
    void on_open() override;
    void on_message(const websocket::Message& message, const Arrival& arrival) override;

    Time now() const noexcept { return stage_.world.now(); }
    /// Welcome. (Whoever said it leaves gets nothing new.)
    bool is_in_play() const noexcept {
        return !is_done_ && !is_leaving_ && link_ != nullptr && !link_->is_close_sent() &&
               view_.is_welcome();
    }
    [[noreturn]] void fail(const std::string& what) const { stage_.world.fail(who_ + ": " + what); }

    void connect();
    void send_join();
    void on_welcome(const Arrival& arrival);
    void on_link_end();
    void judge_end(std::uint16_t code) const;
    void step_old_links();
    void come_back_later();
    void end_slot();

    void play();
    void report();
    void send_state();
    void send_event();
    void send_event_to(protocol::Target target, PlayerNumber player);
    void send_event_message(const SentEvent& event);
    void send_ping();
    void send_request(const std::string& fields);
    void act();
    void act_as_host();
    void go_on();  ///< while settling: undo what would disturb the rest
    void pause();
    void cut();
    /// The relay has its slot away from then on at the earliest; nothing else may have ended it.
    void note_loss(Time lost);
    void take_over();
    void leave();

    Stage& stage_;
    Random random_;
    Role role_;
    std::string match_;
    std::string who_;
    MemberView view_;
    Slot* slot_ = nullptr;  ///< named in the last join, or resumed
    bool is_resuming_ = false;
    std::unique_ptr<ClientLink> link_;
    std::vector<std::unique_ptr<ClientLink>> old_links_;     ///< taken over
    std::vector<std::unique_ptr<ClientLink>> frozen_links_;  ///< half open
    Forgets forgets_;
    JoinAttempt pending_join_;
    std::string ticket_;                      ///< of the join
    std::optional<Time> window_end_;          ///< its slot lives so long at least
    PlayerNumber player_ = protocol::nobody;  ///< as the last welcome told it
    bool is_join_sent_ = false;
    bool pipelines_join_ = false;
    bool is_done_ = false;
    bool was_in_play_at_rest_ = false;  ///< on this connection
    bool is_leaving_ = false;
    bool is_leaving_or_reloading_ = false;  ///< said so on this connection
    bool is_frozen_ = false;
    bool is_silent_ = false;  ///< paused, and says nothing either
    bool is_hidden_ = false;
    bool is_slow_ = false;  ///< throttled
    std::uint32_t divisor_asked_ = 1;
    Time connect_at_{};
    Time join_at_{};
    Time paused_until_{};
    Time unwell_until_{};  ///< was slow or silent of late: may be closed for it
    Time next_state_{};
    Time next_action_{};
    Time next_request_{};
    Time leave_at_{};
    Duration state_interval_;
    std::optional<std::uint32_t> reported_tick_;
    Time reported_at_{};
    std::vector<std::uint8_t> state_;
};

}  // namespace tickwire::simulation
