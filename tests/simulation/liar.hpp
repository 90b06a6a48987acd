// A client that breaks the protocol once, and expects the close code (or the status) that its lie deserves.
#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "client_link.hpp"
#include "stage.hpp"

namespace tickwire::simulation {

enum class LieTime : std::uint8_t {
    at_join,  ///< instead of a join
    as_player,
    as_spectator,
};

class Liar final : public Actor, private LinkOwner {
  public:
    Liar(Stage& stage, Random random, const std::string& match);

    void step() override;
    bool is_done() const override { return is_done_; }
    void retire() override {}

  private:
    void on_open() override;
    void on_message(const websocket::Message& message, const Arrival& arrival) override;
    void lie();
    std::string said() const;
    void judge_end();

    Stage& stage_;
    Random random_;
    std::size_t lie_;
    const TicketOffice::Forgery* forgery_;  ///< its lie is a ticket; null: it is lie_
    std::string match_;
    std::string name_;
    ClientLink link_;
    bool is_done_ = false;
    bool has_lied_ = false;
    std::optional<Time> lie_at_;
    Time lied_at_{};
};

}  // namespace tickwire::simulation
