// What an operator may ask of the running relay, whoever carries the wish: a signal, the admin interface.
#pragma once

#include <chrono>
#include <cstdint>
#include <string>
#include <tl/expected.hpp>

namespace tickwire::service {

class Shards;
class Webhooks;

struct DrainOptions {
    std::chrono::seconds timeout{300};  ///< then the matches that still run are ended
    std::chrono::seconds window{10};    ///< over which members are told to come back
    std::string url;                    ///< where to; empty: here
};

/// Implemented by the relay. Any thread may call.
class Operations {
  public:
    virtual Shards& shards() = 0;
    /// Reads the settings again. One line of what came of it; an error means that nothing has changed.
    virtual tl::expected<std::string, std::string> reload() = 0;
    /// No new matches; the process ends with the last match, or at the timeout.
    virtual void start_drain(const DrainOptions& options) = 0;
    virtual bool is_ready() const = 0;
    /// False for a level that there is not.
    virtual bool set_log_level(const std::string& level) = 0;
    virtual std::uint32_t connection_count_max() const = 0;
    virtual bool is_debug_allowed() const = 0;
    /// Null where there are none.
    virtual const Webhooks* webhooks() const = 0;

  protected:
    ~Operations() = default;
};

}  // namespace tickwire::service
