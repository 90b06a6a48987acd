// The listeners of all shards: those that the service manager handed over, and those that are opened from
// what the operator wrote.
#pragma once

#include <string>
#include <tl/expected.hpp>
#include <vector>

#include "service/config.hpp"
#include "shard/shard.hpp"

namespace tickwire::service {

/// A listening descriptor that was open before the process began (LISTEN_FDS). Its name says what it is
/// for: `plain`, `tls`, `proxy-plain`, `proxy-tls` or `admin`.
struct Inherited {
    int descriptor = -1;
    std::string name;
    std::string address;  ///< as uring::format_address() has it, a unix socket's with `unix:`
};

/// All that was open before the process began.
struct InheritedDescriptors {
    std::vector<Inherited> listeners;
    std::vector<int> states;  ///< what a process before this one stored: see state_store.hpp
};

/// Takes what the service manager passed on, and the variables that say so out of the environment. The
/// error is one line.
tl::expected<InheritedDescriptors, std::string> take_inherited();

/// Whether the settings have all that these need: certificates, trusted proxies, a token. They cannot be
/// given up, so it holds for every reload as for the start. The error is one line.
tl::expected<void, std::string> check_inherited(const std::vector<Inherited>& inherited,
                                                const ServeConfig& config);

/// Owns the listening descriptors of the process; closes them at its end, and removes its unix sockets.
class Listeners {
  public:
    /// Opens each address once for every shard (SO_REUSEPORT), a unix socket once for all, and nothing
    /// where an inherited descriptor listens already: every shard accepts on that. The error is one line
    /// that says what and where.
    static tl::expected<Listeners, std::string> open(const ServeConfig& config,
                                                     const std::vector<Inherited>& inherited,
                                                     std::uint32_t shard_count);
    Listeners(Listeners&&) noexcept = default;
    Listeners& operator=(Listeners&&) = delete;
    ~Listeners();

    const std::vector<shard::Listener>& of_shard(std::uint32_t shard) const { return by_shard_[shard]; }
    /// `listening ws://127.0.0.1:8080` and so on, in the order of the settings.
    const std::vector<std::string>& lines() const noexcept { return lines_; }

    /// The admin interface's: listening, but nobody accepts on them yet. Not of any shard.
    struct Admin {
        int descriptor;
        std::string address;
        bool is_unix;
        bool is_inherited;
    };
    const std::vector<Admin>& admin() const noexcept { return admin_; }

  private:
    Listeners() = default;
    /// What listens there, without its descriptor.
    using Kind = shard::Listener;
    tl::expected<void, std::string> open_one(const std::string& address, Kind kind,
                                             const ServeConfig& config);
    void add_line(Kind kind, const std::string& address);
    tl::expected<void, std::string> open_admin(const std::string& address);
    tl::expected<void, std::string> adopt(const Inherited& inherited, const ServeConfig& config);
    bool is_inherited(const std::string& address) const;

    std::vector<std::vector<shard::Listener>> by_shard_;
    std::vector<int> descriptors_;
    std::vector<std::string> unix_paths_;
    std::vector<std::string> lines_;
    std::vector<Inherited> inherited_;
    std::vector<Admin> admin_;
};

}  // namespace tickwire::service
