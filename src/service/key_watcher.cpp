#include "service/key_watcher.hpp"

#include <pthread.h>
#include <spdlog/spdlog.h>
#include <sys/stat.h>

#include <chrono>
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

}  // namespace

KeyWatcher::KeyWatcher(ticket::KeySources sources, OnChange on_change)
    : sources_(std::move(sources)), on_change_(std::move(on_change)), seen_(fingerprint()), thread_([this] {
          ::pthread_setname_np(::pthread_self(), "ticket-keys");
          run();
      }) {}

KeyWatcher::~KeyWatcher() {
    {
        const std::lock_guard lock(mutex_);
        is_stopping_ = true;
    }
    stopped_.notify_one();
    thread_.join();
}

std::string KeyWatcher::fingerprint() const {
    std::string all;
    for (const ticket::KeySources::File& file : sources_.files) {
        all += fingerprint_of(file.path);
    }
    for (const std::string& path : sources_.jwks_files) {
        all += fingerprint_of(path);
    }
    return all;
}

void KeyWatcher::run() {
    std::unique_lock lock(mutex_);
    while (!stopped_.wait_for(lock, std::chrono::seconds(1), [this] { return is_stopping_; })) {
        const std::string now = fingerprint();
        if (now != seen_) {
            seen_ = now;
            reload();
        }
    }
}

void KeyWatcher::reload() {
    auto keys = ticket::KeySet::load(sources_);
    if (!keys) {
        spdlog::warn("ticket keys have changed and cannot be used, the old ones stay: {}", keys.error());
        return;
    }
    spdlog::info("ticket keys have changed: {} now", (*keys)->count());
    on_change_(std::move(*keys));
}

}  // namespace tickwire::service
