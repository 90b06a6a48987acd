// What one player sent of late: the bytes to compare with, when they went out, and how many got them.
#pragma once

#include <cstdint>
#include <cstring>
#include <optional>
#include <vector>

#include "base/bytes.hpp"
#include "base/time.hpp"
#include "swarm/movement.hpp"

namespace tickwire::swarm {

/// States are numbered from 1; the wire carries the low 16 bits. Those older than the ring are made again.
///
/// Invariant: place n % depth belongs to state n for the newest `depth` states.
class SentStates {
  public:
    static constexpr std::uint32_t depth = 64;  // two seconds at 30 Hz

    struct Place {
        base::Time sent{};
        std::uint32_t delivered_count = 0;
    };

    SentStates(const MovementSetting& setting, std::uint32_t member, std::size_t state_size)
        : setting_(&setting),
          member_(member),
          state_size_(state_size),
          bytes_(depth * state_size),
          places_(depth) {}

    /// The state under the next number. What its place held before is told by oldest(), first.
    base::Bytes make_next(base::Time now) noexcept {
        ++count_;
        places_[count_ % depth] = {now, 0};
        make_state(*setting_, member_, count_, room(count_));
        return room(count_);
    }
    /// The one that make_next() will overwrite.
    std::optional<Place> oldest() const noexcept {
        return count_ >= depth ? std::optional(places_[(count_ + 1) % depth]) : std::nullopt;
    }

    std::uint32_t count() const noexcept { return count_; }
    std::uint32_t state_size() const noexcept { return static_cast<std::uint32_t>(state_size_); }
    const std::vector<Place>& places() const noexcept { return places_; }

    /// The number that the wire's 16 bits mean: the newest that has them. 0: there is none.
    std::uint32_t number_of(std::uint16_t seq) const noexcept {
        const auto behind = static_cast<std::uint16_t>(static_cast<std::uint16_t>(count_) - seq);
        return behind < count_ ? count_ - behind : 0;
    }
    bool equals(std::uint32_t number, base::Bytes bytes) const noexcept {
        if (bytes.size() != state_size_) {
            return false;
        }
        if (count_ - number < depth) {
            return state_size_ == 0 ||
                   std::memcmp(bytes.data(), &bytes_[number % depth * state_size_], state_size_) == 0;
        }
        std::vector<std::uint8_t> again(state_size_);
        make_state(*setting_, member_, number, again);
        return std::memcmp(bytes.data(), again.data(), state_size_) == 0;
    }
    /// Null where it is older than the ring.
    Place* place_of(std::uint32_t number) noexcept {
        return count_ - number < depth ? &places_[number % depth] : nullptr;
    }

  private:
    base::MutableBytes room(std::uint32_t number) noexcept {
        return base::MutableBytes(bytes_).subspan(number % depth * state_size_, state_size_);
    }

    const MovementSetting* setting_;
    std::uint32_t member_;
    std::size_t state_size_;
    std::uint32_t count_ = 0;
    std::vector<std::uint8_t> bytes_;
    std::vector<Place> places_;
};

}  // namespace tickwire::swarm
