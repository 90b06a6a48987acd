// How a connection gets from the shard that accepted it to the one that shakes hands with it, and to the
// one its match lives on, and a request of the service to the shard that answers it. Off the data path: an
// empty mailbox costs its owner one relaxed load a slot.
#pragma once

#include <atomic>
#include <mutex>
#include <utility>
#include <vector>

#include "base/peer_address.hpp"
#include "session/session.hpp"

namespace tickwire::shard {

/// A connection on its way: its descriptor, and all that was known of it. Holds one reference to its match
/// in the directory, and its place among the connections admitted.
struct MovedConnection {
    int descriptor = -1;
    base::PeerAddress peer;
    base::AddressKey address = 0;  ///< what it is charged to
    session::MovedSession session;
};

/// A connection of which no byte was read, and what its listener says of it.
struct AcceptedConnection {
    int descriptor = -1;
    session::Transport transport = session::Transport::clear;
    session::Preamble preamble = session::Preamble::none;
};

/// Any thread puts, its owner takes.
template <typename Mail>
class Mailbox {
  public:
    void put(Mail mail) {
        const std::lock_guard lock(mutex_);
        waiting_.push_back(std::move(mail));
        is_filled_.store(true, std::memory_order_release);
    }
    bool is_empty() const noexcept { return !is_filled_.load(std::memory_order_relaxed); }
    std::vector<Mail> take_all() {
        const std::lock_guard lock(mutex_);
        is_filled_.store(false, std::memory_order_relaxed);
        return std::exchange(waiting_, {});
    }

  private:
    std::mutex mutex_;
    std::vector<Mail> waiting_;
    std::atomic<bool> is_filled_{false};
};

}  // namespace tickwire::shard
