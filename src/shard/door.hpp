// The way into a shard for other threads: connections accepted or handed over, requests of the service,
// and the wish that it stops.
#pragma once

#include <atomic>
#include <functional>
#include <memory>
#include <mutex>
#include <utility>

#include "shard/mailbox.hpp"
#include "uring/backend.hpp"

namespace tickwire::shard {

class Control;
/// Something to ask or tell a shard, on its thread, at the end of a slot. May allocate; must not throw.
using Request = std::function<void(Control&)>;

/// One for each shard, made before any of them runs and kept until all have ended.
class Door {
  public:
    void hand_over(MovedConnection moved) {
        mailbox_.put(std::move(moved));
        wake();
    }
    void pass_on(AcceptedConnection accepted) {
        accepted_.put(accepted);
        wake();
    }
    /// Answered at the end of a slot; never, where the shard ends first: it is destroyed then.
    void ask(Request request) {
        requests_.put(std::move(request));
        wake();
    }
    void ask_to_stop() {
        is_stop_asked_.store(true, std::memory_order_release);
        wake();
    }
    bool is_stop_asked() const noexcept { return is_stop_asked_.load(std::memory_order_acquire); }
    Mailbox<MovedConnection>& mailbox() noexcept { return mailbox_; }
    Mailbox<AcceptedConnection>& accepted() noexcept { return accepted_; }
    Mailbox<Request>& requests() noexcept { return requests_; }

    /// Called by the shard: from now on it can be woken, or, with null, no more.
    void set_backend(uring::Backend* backend) {
        const std::lock_guard lock(mutex_);
        backend_ = backend;
        if (backend_ != nullptr) {
            backend_->wake();  // somebody may have come before
        }
    }

  private:
    void wake() {
        const std::lock_guard lock(mutex_);
        if (backend_ != nullptr) {
            backend_->wake();
        }
    }

    Mailbox<MovedConnection> mailbox_;
    Mailbox<AcceptedConnection> accepted_;
    Mailbox<Request> requests_;
    std::atomic<bool> is_stop_asked_{false};
    std::mutex mutex_;
    uring::Backend* backend_ = nullptr;
};

}  // namespace tickwire::shard
