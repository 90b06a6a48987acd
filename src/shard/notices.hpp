// What happens to matches and players, told to the service as it happens: fixed-size records in a ring from
// the shard's thread to one reader, who makes webhooks of them. Putting one there copies half a kilobyte;
// it neither allocates, nor locks, nor wakes anybody. What finds the ring full is counted and lost.
#pragma once

#include <algorithm>
#include <array>
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <string_view>
#include <vector>

#include "base/peer_address.hpp"
#include "base/time.hpp"
#include "tickwire/protocol.hpp"
#include "wire/control.hpp"

namespace tickwire::shard {

/// A text of at most `capacity` bytes; longer ones, which no limit lets through, are cut.
template <std::size_t capacity>
class FixedText {
  public:
    void set(std::string_view text) noexcept {
        size_ = std::min(text.size(), capacity);
        std::copy_n(text.begin(), size_, bytes_.begin());
    }
    std::string_view view() const noexcept { return {bytes_.data(), size_}; }

  private:
    std::size_t size_ = 0;
    std::array<char, capacity> bytes_{};
};

struct Notice {
    enum class Kind : std::uint8_t { match_opened, player_joined, player_left, match_closed };
    Kind kind = Kind::match_opened;
    base::Time at{};
    std::uint64_t opening = 0;  ///< tells a match from others of its name: they count on this shard
    FixedText<64> match;
    // Of a player.
    protocol::PlayerNumber player = protocol::nobody;
    bool is_plain = false;
    wire::LeftReason reason = wire::LeftReason::left;
    base::PeerAddress peer;  ///< of one that joined
    FixedText<64> name;
    FixedText<256> subject;  ///< as the ticket had it
};

/// One writer, one reader.
class NoticeRing {
  public:
    /// Read twenty times a second, it holds 20,000 notices a second: more than a shard makes of joins.
    static constexpr std::size_t capacity = 1024;

    NoticeRing() : notices_(capacity) {}

    /// False: full.
    [[nodiscard]] bool put(const Notice& notice) noexcept {
        const std::uint64_t written = written_.load(std::memory_order_relaxed);
        if (written - read_.load(std::memory_order_acquire) == capacity) {
            return false;
        }
        notices_[written % capacity] = notice;
        written_.store(written + 1, std::memory_order_release);
        return true;
    }
    /// Calls `visit` with each that is there, the oldest first.
    template <typename Visit>
    void take_all(const Visit& visit) {
        std::uint64_t read = read_.load(std::memory_order_relaxed);
        for (const std::uint64_t end = written_.load(std::memory_order_acquire); read != end; ++read) {
            visit(notices_[read % capacity]);
            read_.store(read + 1, std::memory_order_release);
        }
    }

  private:
    std::vector<Notice> notices_;
    alignas(64) std::atomic<std::uint64_t> written_{0};
    alignas(64) std::atomic<std::uint64_t> read_{0};
};

}  // namespace tickwire::shard
