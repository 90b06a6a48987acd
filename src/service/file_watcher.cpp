#include "service/file_watcher.hpp"

#include <pthread.h>
#include <sys/stat.h>

#include <chrono>
#include <cstdint>
#include <utility>

namespace tickwire::service {
namespace {

std::string fingerprint_of(const std::string& path) {
    struct stat status {};
    if (::stat(path.c_str(), &status) != 0) {
        return "none;";
    }
    std::string text;
    for (const auto part :
         {static_cast<std::int64_t>(status.st_dev), static_cast<std::int64_t>(status.st_ino),
          static_cast<std::int64_t>(status.st_size), static_cast<std::int64_t>(status.st_mtim.tv_sec),
          static_cast<std::int64_t>(status.st_mtim.tv_nsec)}) {
        text += std::to_string(part) + ",";
    }
    return text + ";";
}

std::string fingerprint_of(const std::vector<std::string>& paths) {
    std::string all;
    for (const std::string& path : paths) {
        all += fingerprint_of(path);
    }
    return all;
}

}  // namespace

FileWatcher::FileWatcher(const char* thread_name, std::vector<std::string> paths,
                         std::function<void()> on_change)
    : on_change_(std::move(on_change)),
      paths_(std::move(paths)),
      known_(fingerprint_of(paths_)),
      seen_(known_),
      thread_([this, thread_name] {
          ::pthread_setname_np(::pthread_self(), thread_name);
          run();
      }) {}

FileWatcher::~FileWatcher() {
    stop();
}

void FileWatcher::stop() {
    {
        const std::lock_guard lock(mutex_);
        is_stopping_ = true;
    }
    stopped_.notify_one();
    if (thread_.joinable()) {
        thread_.join();
    }
}

void FileWatcher::watch(std::vector<std::string> paths) {
    const std::lock_guard lock(mutex_);
    paths_ = std::move(paths);
    known_ = seen_ = fingerprint_of(paths_);
}

void FileWatcher::watch_unread(std::vector<std::string> paths) {
    const std::lock_guard lock(mutex_);
    paths_ = std::move(paths);
    known_ = seen_ = "unread";
}

void FileWatcher::run() {
    std::unique_lock lock(mutex_);
    while (!stopped_.wait_for(lock, std::chrono::seconds(1), [this] { return is_stopping_; })) {
        const std::string before = std::exchange(seen_, fingerprint_of(paths_));
        if (seen_ != known_ && seen_ == before) {
            known_ = seen_;
            lock.unlock();  // on_change_ may call watch()
            on_change_();
            lock.lock();
        }
    }
}

}  // namespace tickwire::service
