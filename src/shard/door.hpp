// The way into a shard for other threads: connections handed over, and the wish that it stops.
#pragma once

#include <atomic>
#include <mutex>
#include <utility>

#include "shard/mailbox.hpp"
#include "uring/backend.hpp"

namespace tickwire::shard {

/// One for each shard, made before any of them runs and kept until all have ended.
class Door {
  public:
    void hand_over(MovedConnection moved) {
        mailbox_.put(std::move(moved));
        wake();
    }
    void ask_to_stop() {
        is_stop_asked_.store(true, std::memory_order_release);
        wake();
    }
    bool is_stop_asked() const noexcept { return is_stop_asked_.load(std::memory_order_acquire); }
    Mailbox& mailbox() noexcept { return mailbox_; }

    /// Called by the shard: from now on it can be woken, or, with null, no more.
    void set_backend(uring::Backend* backend) {
        const std::lock_guard lock(mutex_);
        backend_ = backend;
    }

  private:
    void wake() {
        const std::lock_guard lock(mutex_);
        if (backend_ != nullptr) {
            backend_->wake();
        }
    }

    Mailbox mailbox_;
    std::atomic<bool> is_stop_asked_{false};
    std::mutex mutex_;
    uring::Backend* backend_ = nullptr;
};

}  // namespace tickwire::shard
