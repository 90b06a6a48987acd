// Events that the relay has not acknowledged: sent again where a resumed slot did not take them.
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

#include "tickwire/protocol.hpp"

namespace tickwire::client {

/// Invariant: events number taken_ + 1 to taken_ + count() of this slot, oldest first, together size_
/// bytes.
class EventBacklog {
  public:
    static constexpr std::size_t size_max = 256 * 1024;

    bool has_room(std::size_t size) const noexcept { return size_ + size <= size_max; }
    void push(protocol::Bytes message) {
        messages_.emplace_back(message.begin(), message.end());
        size_ += message.size();
    }
    /// `taken`: how many events the relay has taken from this slot.
    void acknowledge(std::uint32_t taken) {
        const std::uint32_t newly = taken - taken_;
        if (newly > messages_.size()) {
            return;  // not of this slot's events, or an old receipt
        }
        for (std::uint32_t index = 0; index < newly; ++index) {
            size_ -= messages_[index].size();
        }
        messages_.erase(messages_.begin(), messages_.begin() + newly);
        taken_ = taken;
    }
    /// Only the low 16 bits are told.
    void acknowledge_low(std::uint16_t taken) {
        acknowledge(taken_ + static_cast<std::uint16_t>(taken - static_cast<std::uint16_t>(taken_)));
    }
    /// A new slot.
    void reset(std::uint32_t taken) {
        messages_.clear();
        size_ = 0;
        taken_ = taken;
    }

    std::size_t count() const noexcept { return messages_.size(); }
    const std::vector<std::vector<std::uint8_t>>& messages() const noexcept { return messages_; }

  private:
    std::vector<std::vector<std::uint8_t>> messages_;
    std::size_t size_ = 0;
    std::uint32_t taken_ = 0;
};

}  // namespace tickwire::client
