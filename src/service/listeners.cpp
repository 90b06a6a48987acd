#include "service/listeners.hpp"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <spdlog/spdlog.h>
#include <sys/socket.h>
#include <systemd/sd-daemon.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <optional>
#include <string_view>
#include <utility>

#include "service/state_store.hpp"
#include "uring/listener.hpp"

namespace tickwire::service {
namespace {

/// SO_REUSEPORT lets a second relay of the same user onto a port in silence. A socket without it finds out
/// whether somebody listens there already.
bool is_taken(const uring::Address& address) {
    const int probe = ::socket(address.storage.ss_family, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (probe < 0) {
        return false;  // open_listener() will say why
    }
    const int on = 1;
    ::setsockopt(probe, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
    const bool is_refused =
        ::bind(probe, reinterpret_cast<const sockaddr*>(&address.storage), address.size) != 0 &&
        errno == EADDRINUSE;
    ::close(probe);
    return is_refused;
}

/// As the operator writes it.
std::string text_of(const uring::Address& address) {
    const std::string text = uring::format_address(address);
    return address.is_unix() && !text.starts_with("unix:") ? "unix:" + text : text;
}

/// Without privileges a process may choose only what net.ipv4.tcp_allowed_congestion_control lists, which
/// need not hold the kernel's own default. That is no reason not to run: the system's choice is taken then,
/// and the log says so. (A name that does not exist stays an error, told when the listener is opened.)
bool is_forbidden_congestion_control(const std::string& name) {
    const int probe = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    const bool is_forbidden = probe >= 0 && !name.empty() &&
                              ::setsockopt(probe, IPPROTO_TCP, TCP_CONGESTION, name.data(),
                                           static_cast<socklen_t>(name.size())) != 0 &&
                              errno == EPERM;
    if (probe >= 0) {
        ::close(probe);
    }
    return is_forbidden;
}

uring::SocketOptions socket_options(const ServeConfig& config) {
    uring::SocketOptions options;
    options.send_buffer_size = config.send_buffer_bytes;
    options.user_timeout_ms = static_cast<std::uint32_t>(config.user_timeout_s * 1000);
    options.congestion_control = config.congestion_control;
    if (is_forbidden_congestion_control(config.congestion_control)) {
        options.congestion_control.clear();
    }
    return options;
}

constexpr shard::Listener plain{-1, shard::ListenerKind::plain, session::Preamble::none};
constexpr shard::Listener tls{-1, shard::ListenerKind::tls, session::Preamble::none};
constexpr shard::Listener proxy_plain{-1, shard::ListenerKind::plain, session::Preamble::proxy_header};
constexpr shard::Listener proxy_tls{-1, shard::ListenerKind::tls, session::Preamble::proxy_header};

/// Of an inherited descriptor's name.
std::optional<shard::Listener> kind_of(std::string_view name) {
    constexpr std::array<std::pair<std::string_view, shard::Listener>, 4> kinds{
        {{"plain", plain}, {"tls", tls}, {"proxy-plain", proxy_plain}, {"proxy-tls", proxy_tls}}};
    const auto* const found =
        std::find_if(kinds.begin(), kinds.end(), [name](const auto& one) { return one.first == name; });
    return found == kinds.end() ? std::nullopt : std::optional(found->second);
}

shard::Listener with_descriptor(shard::Listener kind, int descriptor) {
    kind.descriptor = descriptor;
    return kind;
}

tl::expected<void, std::string> check_one(const Inherited& inherited, const ServeConfig& config) {
    const auto refuse = [&](const std::string& why) {
        return tl::unexpected("the inherited descriptor '" + inherited.name + "' " + why);
    };
    if (inherited.name == "admin") {
        if (config.admin_token_file.empty() && !uring::bound_address(inherited.descriptor).is_local()) {
            return refuse("listens on " + inherited.address +
                          ", which can be reached from elsewhere: give admin-token-file");
        }
        return {};
    }
    const shard::Listener kind = *kind_of(inherited.name);
    if (kind.kind == shard::ListenerKind::tls && (config.certificate.empty() || config.key.empty())) {
        return refuse("needs a certificate and a key");
    }
    if (kind.preamble == session::Preamble::proxy_header && config.trusted_proxies.empty()) {
        return refuse("needs trusted-proxies: nobody else may connect there");
    }
    return {};
}

}  // namespace

tl::expected<void, std::string> check_inherited(const std::vector<Inherited>& inherited,
                                                const ServeConfig& config) {
    for (const Inherited& one : inherited) {
        if (auto done = check_one(one, config); !done) {
            return done;
        }
    }
    return {};
}

tl::expected<InheritedDescriptors, std::string> take_inherited() {
    char** names = nullptr;
    const int count = ::sd_listen_fds_with_names(1, &names);
    InheritedDescriptors inherited;
    std::string fault;
    for (int index = 0; index < count; ++index) {
        const int descriptor = SD_LISTEN_FDS_START + index;
        const std::string name = names[index];
        std::free(names[index]);
        if (name == stored_state_name) {
            inherited.states.push_back(descriptor);
        } else if (::sd_is_socket(descriptor, AF_UNSPEC, SOCK_STREAM, 1) <= 0) {
            fault = "the inherited descriptor '" + name + "' does not listen";
        } else if (name != "admin" && !kind_of(name)) {
            fault =
                "the inherited descriptor '" + name +
                "' is none of plain, tls, proxy-plain, proxy-tls, admin: set FileDescriptorName= in its "
                "socket unit";
        } else {
            inherited.listeners.push_back({descriptor, name, text_of(uring::bound_address(descriptor))});
        }
    }
    std::free(names);
    if (count < 0) {
        return tl::unexpected("the service manager's descriptors cannot be had: " +
                              std::string(std::strerror(-count)));
    }
    if (!fault.empty()) {
        return tl::unexpected(std::move(fault));
    }
    return inherited;
}

tl::expected<Listeners, std::string> Listeners::open(const ServeConfig& config,
                                                     const std::vector<Inherited>& inherited,
                                                     std::uint32_t shard_count) {
    Listeners listeners;
    listeners.by_shard_.resize(shard_count);
    listeners.inherited_ = inherited;
    if (is_forbidden_congestion_control(config.congestion_control)) {
        spdlog::warn(
            "congestion control {} is not for unprivileged processes here "
            "(net.ipv4.tcp_allowed_congestion_control): the system's is used",
            config.congestion_control);
    }
    if (auto done = check_inherited(inherited, config); !done) {
        return tl::unexpected(std::move(done.error()));
    }
    for (const Inherited& one : inherited) {
        if (auto done = listeners.adopt(one, config); !done) {
            return tl::unexpected(std::move(done.error()));
        }
    }
    const std::array<std::pair<const std::vector<std::string>*, Kind>, 4> settings{
        {{&config.listen, plain},
         {&config.tls_listen, tls},
         {&config.proxy_listen, proxy_plain},
         {&config.proxy_tls_listen, proxy_tls}}};
    for (const auto& [addresses, kind] : settings) {
        for (const std::string& address : *addresses) {
            if (auto done = listeners.open_one(address, kind, config); !done) {
                return tl::unexpected(std::move(done.error()));
            }
        }
    }
    for (const std::string& address : config.admin_listen) {
        if (auto done = listeners.open_admin(address); !done) {
            return tl::unexpected(std::move(done.error()));
        }
    }
    if (listeners.by_shard_.front().empty()) {
        return tl::unexpected(
            std::string("nothing to listen on: give --listen or --tls-listen, or a socket unit"));
    }
    return listeners;
}

bool Listeners::is_inherited(const std::string& address) const {
    const auto parsed = uring::parse_address(address);
    return parsed && std::any_of(inherited_.begin(), inherited_.end(),
                                 [&](const Inherited& one) { return one.address == text_of(*parsed); });
}

/// One descriptor for all shards: each has a multishot accept armed on it. Its socket options are set here,
/// for accepted sockets inherit them; the descriptor is never shut down, since the service manager's copy
/// would be too.
tl::expected<void, std::string> Listeners::adopt(const Inherited& inherited, const ServeConfig& config) {
    if (inherited.name == "admin") {
        const bool is_unix = uring::bound_address(inherited.descriptor).is_unix();
        admin_.push_back({inherited.descriptor, inherited.address, is_unix, true});
        return {};
    }
    const Kind kind = *kind_of(inherited.name);
    if (auto done = uring::configure_listener(inherited.descriptor, socket_options(config)); !done) {
        return done;
    }
    descriptors_.push_back(inherited.descriptor);
    for (auto& of_shard : by_shard_) {
        of_shard.push_back(with_descriptor(kind, inherited.descriptor));
    }
    add_line(kind, inherited.address);
    return {};
}

/// `address`: a unix socket's with `unix:`.
void Listeners::add_line(Kind kind, const std::string& address) {
    const std::string scheme = kind.kind == shard::ListenerKind::tls ? "wss" : "ws";
    const bool is_unix = address.starts_with("unix:");
    lines_.push_back(std::string("listening ") +
                     (kind.preamble == session::Preamble::proxy_header ? "proxy " : "") + scheme +
                     (is_unix ? "+" : "://") + address);
}

tl::expected<void, std::string> Listeners::open_admin(const std::string& text) {
    if (is_inherited(text)) {
        return {};
    }
    const auto address = uring::parse_address(text);
    if (!address) {
        return tl::unexpected("admin " + address.error());
    }
    if (!address->is_unix() && is_taken(*address)) {
        return tl::unexpected(text + ": somebody listens there already");
    }
    uring::SocketOptions options;
    options.send_buffer_size = 0;
    options.defer_accept_s = 0;
    options.congestion_control.clear();
    const auto descriptor = uring::open_listener(*address, options);
    if (!descriptor) {
        return tl::unexpected(descriptor.error());
    }
    const uring::Address bound = uring::bound_address(*descriptor);
    admin_.push_back({*descriptor, text_of(bound), bound.is_unix(), false});
    if (address->is_unix()) {
        unix_paths_.push_back(text.substr(std::string_view("unix:").size()));
    }
    lines_.push_back("listening admin " + std::string(bound.is_unix() ? "" : "http://") + text_of(bound));
    return {};
}

tl::expected<void, std::string> Listeners::open_one(const std::string& text, Kind kind,
                                                    const ServeConfig& config) {
    auto address = uring::parse_address(text);
    if (!address) {
        return tl::unexpected(std::move(address.error()));
    }
    if (is_inherited(text)) {
        return {};
    }
    if (!address->is_unix() && is_taken(*address)) {
        return tl::unexpected(text + ": somebody listens there already");
    }
    const uring::SocketOptions options = socket_options(config);
    for (std::size_t shard = 0; shard < by_shard_.size(); ++shard) {
        if (address->is_unix() && shard != 0) {
            by_shard_[shard].push_back(with_descriptor(kind, descriptors_.back()));
            continue;
        }
        const auto descriptor = uring::open_listener(*address, options);
        if (!descriptor) {
            return tl::unexpected(descriptor.error());
        }
        descriptors_.push_back(*descriptor);
        by_shard_[shard].push_back(with_descriptor(kind, *descriptor));
        if (shard == 0) {
            address = uring::bound_address(*descriptor);  // where port 0 was asked for, the others follow
        }
    }
    if (address->is_unix()) {
        unix_paths_.push_back(text.substr(std::string_view("unix:").size()));
        add_line(kind, text);
    } else {
        add_line(kind, uring::format_address(*address));
    }
    return {};
}

Listeners::~Listeners() {
    for (const int descriptor : descriptors_) {
        ::close(descriptor);
    }
    for (const std::string& path : unix_paths_) {
        ::unlink(path.c_str());
    }
}

}  // namespace tickwire::service
