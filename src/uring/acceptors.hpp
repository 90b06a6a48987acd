// The listeners that a backend accepts on: one multishot accept each, armed again where it ended.
#pragma once

#include <array>
#include <cstdint>
#include <optional>

#include "uring/backend.hpp"
#include "uring/ring.hpp"

namespace tickwire::uring {

/// Owned by the backend. At most `count_max` listeners: the game's, the admin's, those inherited.
class Acceptors {
  public:
    static constexpr std::uint32_t count_max = 16;
    /// Descriptors have run out: whoever closes one needs a moment, and asking at once would spin.
    static constexpr base::Duration pause = std::chrono::milliseconds(100);

    Acceptors(Ring& ring, Counters& counters) noexcept : ring_(ring), counters_(counters) {}

    void add(std::uint32_t listener, int descriptor) noexcept;
    void stop() noexcept;
    /// A completion of the accept of that index. A connection goes to `events`.
    void on_completion(std::uint32_t index, const io_uring_cqe& completion, Events& events) noexcept;

    /// When the first pause ends, if there is one.
    std::optional<base::Time> next_retry() const noexcept;
    void retry(base::Time now) noexcept;

  private:
    enum class State : std::uint8_t { unused, armed, paused, stopping };
    struct Acceptor {
        State state = State::unused;
        std::uint32_t listener = 0;
        int descriptor = -1;
        base::Time retry_at{};
    };

    void arm(std::uint32_t index) noexcept;

    Ring& ring_;
    Counters& counters_;
    std::array<Acceptor, count_max> acceptors_{};
    std::uint32_t paused_count_ = 0;
};

}  // namespace tickwire::uring
