#include "match/tick_encoder.hpp"

#include <algorithm>
#include <cstddef>
#include <cstring>

#include "base/bytes.hpp"

namespace tickwire::match {
namespace {

using base::Bytes;
using protocol::state_entry_header_size;

/// Writes a TICK behind its header, entry by entry.
class TickWriter {
  public:
    TickWriter(const TickEncoder& tick, std::uint8_t* to) noexcept
        : tick_(tick), begin_(to), to_(to + protocol::tick_header_size) {}

    void put_full(PlayerNumber player, const PlayerState& state) noexcept {
        const Bytes bytes = state.bytes.bytes();
        if (!bytes.empty()) {
            std::memcpy(to_ + state_entry_header_size, bytes.data(), bytes.size());
        }
        finish_entry(player, state, false, bytes.size());
        ++tick_.counters.entries_full;
    }

    void put_changed(PlayerNumber player, const PlayerState& state,
                     const base::SharedBuffer& baseline) noexcept {
        if (baseline) {
            const auto delta = protocol::encode_delta(baseline.bytes(), state.bytes.bytes(),
                                                      to_ + state_entry_header_size);
            if (delta) {
                finish_entry(player, state, true, *delta);
                ++tick_.counters.entries_delta;
                return;
            }
        }
        put_full(player, state);
    }

    std::size_t finish(bool is_keyframe) noexcept {
        protocol::encode_tick_header({is_keyframe, count_, tick_.number}, begin_);
        return static_cast<std::size_t>(to_ - begin_);
    }

  private:
    void finish_entry(PlayerNumber player, const PlayerState& state, bool is_delta,
                      std::size_t body_size) noexcept {
        const std::uint8_t wait = tick_.clock.wait_between(state.arrived, tick_.now);
        protocol::encode_state_entry_header(player, state.seq, wait, is_delta, body_size, to_);
        to_ += state_entry_header_size + body_size;
        ++count_;
    }

    const TickEncoder& tick_;
    std::uint8_t* begin_;
    std::uint8_t* to_;
    std::uint16_t count_ = 0;
};

/// Room for the entries of `players`, whatever comes out; the last one may scribble behind itself.
std::size_t measure(const PlayerSet& players, const StateTable& states) noexcept {
    std::size_t size = protocol::tick_header_size;
    std::size_t scribble = 0;
    players.for_each([&](PlayerNumber player) {
        const std::size_t state_size = states.taken(player).bytes.bytes().size();
        size += state_entry_header_size + state_size;
        scribble = std::max(scribble, protocol::delta_room(state_size) - state_size);
    });
    return size + scribble;
}

}  // namespace

base::SharedBuffer TickEncoder::encode_delta(const RateClass& rate_class) const noexcept {
    auto payload = base::SharedBuffer::create(pool, measure(rate_class.changed(), states));
    if (payload) {
        TickWriter writer(*this, payload.room().data());
        rate_class.changed().for_each([&](PlayerNumber player) {
            writer.put_changed(player, states.taken(player), rate_class.baseline(player));
        });
        payload.set_size(writer.finish(false));
    }
    return payload;
}

base::SharedBuffer TickEncoder::encode_keyframe() const noexcept {
    auto payload = base::SharedBuffer::create(pool, measure(states.players(), states));
    if (payload) {
        TickWriter writer(*this, payload.room().data());
        states.players().for_each(
            [&](PlayerNumber player) { writer.put_full(player, states.taken(player)); });
        payload.set_size(writer.finish(true));
    }
    return payload;
}

}  // namespace tickwire::match
