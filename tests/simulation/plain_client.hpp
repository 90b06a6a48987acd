// A client of the plain lane: no SDK, messages in and messages out.
#pragma once

#include <memory>
#include <string>
#include <unordered_map>

#include "client_link.hpp"
#include "stage.hpp"

namespace tickwire::simulation {

class PlainClient final : public Actor, private LinkOwner {
  public:
    PlainClient(Stage& stage, Random random, const std::string& match);

    void step() override;
    bool is_done() const override { return is_done_; }
    void retire() override;

  private:
    void on_open() override {}
    void on_message(const websocket::Message& message, const Arrival& arrival) override;
    [[noreturn]] void fail(const std::string& what) const { stage_.world.fail(slot_.name + ": " + what); }
    void speak();
    void judge_end() const;

    Stage& stage_;
    Random random_;
    Slot& slot_;
    ClientLink link_;
    std::unordered_map<const Slot*, std::size_t> event_indices_;
    bool is_done_ = false;
    Time next_message_{};
    Time leave_at_{};
    Time paused_until_{};
    Time unwell_until_{};
};

}  // namespace tickwire::simulation
