// Notices that files have changed: looks at them every second, on a thread of its own, and says so when one
// has, and when it has stayed as it is for another look. Used for ticket keys and for certificates.
#pragma once

#include <condition_variable>
#include <functional>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

namespace tickwire::service {

/// Polls rather than asks inotify: a mounted secret changes by a link that moves, several folders up, and a
/// file on a network is changed by others; one stat() a second and file sees all of these. The second look
/// lets a chain and its key, or what a program writes bit by bit, change as one.
class FileWatcher {
  public:
    /// `on_change` is called on the watcher's thread, which has this name (15 characters at most). What
    /// cannot be read counts as a state of its own, so a file may come later.
    FileWatcher(const char* thread_name, std::vector<std::string> paths, std::function<void()> on_change);
    ~FileWatcher();
    FileWatcher(const FileWatcher&) = delete;
    FileWatcher& operator=(const FileWatcher&) = delete;

    /// After it nothing more is told.
    void stop();
    /// From now on these, as they are now.
    void watch(std::vector<std::string> paths);
    /// These, as nobody has read them: they are told of as if they had just changed.
    void watch_unread(std::vector<std::string> paths);

  private:
    void run();

    const std::function<void()> on_change_;
    std::mutex mutex_;
    std::vector<std::string> paths_;
    std::string known_;  ///< what tells one state of the files from another: of the last one that was told
    std::string seen_;   ///< of the last look
    std::condition_variable stopped_;
    bool is_stopping_ = false;
    std::thread thread_;
};

}  // namespace tickwire::service
