// The listeners of all shards, opened from what the operator wrote.
#pragma once

#include <string>
#include <tl/expected.hpp>
#include <vector>

#include "service/config.hpp"
#include "shard/shard.hpp"

namespace tickwire::service {

/// Owns the listening descriptors of the process; closes them at its end, and removes its unix sockets.
class Listeners {
  public:
    /// Opens each address once for every shard (SO_REUSEPORT), a unix socket once for all. The error is one
    /// line that says what and where.
    static tl::expected<Listeners, std::string> open(const ServeConfig& config, std::uint32_t shard_count);
    Listeners(Listeners&&) noexcept = default;
    Listeners& operator=(Listeners&&) = delete;
    ~Listeners();

    const std::vector<shard::Listener>& of_shard(std::uint32_t shard) const { return by_shard_[shard]; }
    /// `listening ws://127.0.0.1:8080` and so on, in the order of the settings.
    const std::vector<std::string>& lines() const noexcept { return lines_; }

  private:
    Listeners() = default;
    tl::expected<void, std::string> open_one(const std::string& address, shard::ListenerKind kind,
                                             const ServeConfig& config);

    std::vector<std::vector<shard::Listener>> by_shard_;
    std::vector<int> descriptors_;
    std::vector<std::string> unix_paths_;
    std::vector<std::string> lines_;
};

}  // namespace tickwire::service
