// Ticket keys that follow their files: looks at them every second, on a thread of its own, and hands a new
// set to the shards when one has changed and all can be read. What cannot be read changes nothing.
#pragma once

#include <condition_variable>
#include <functional>
#include <memory>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

#include "ticket/key_set.hpp"

namespace tickwire::service {

/// Polls rather than asks inotify: a mounted secret changes by a link that moves, several folders up, and a
/// file on a network is changed by others; one stat() a second and file sees all of these.
class KeyWatcher {
  public:
    using OnChange = std::function<void(std::shared_ptr<const ticket::KeySet>)>;

    /// `on_change` is called on the watcher's thread.
    KeyWatcher(ticket::KeySources sources, OnChange on_change);
    ~KeyWatcher();
    KeyWatcher(const KeyWatcher&) = delete;
    KeyWatcher& operator=(const KeyWatcher&) = delete;

  private:
    void run();
    /// What tells one state of the files from another.
    std::string fingerprint() const;
    void reload();

    const ticket::KeySources sources_;
    const OnChange on_change_;
    std::string seen_;
    std::mutex mutex_;
    std::condition_variable stopped_;
    bool is_stopping_ = false;
    std::thread thread_;
};

}  // namespace tickwire::service
