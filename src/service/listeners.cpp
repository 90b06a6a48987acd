#include "service/listeners.hpp"

#include <sys/socket.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>

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

}  // namespace

tl::expected<Listeners, std::string> Listeners::open(const ServeConfig& config, std::uint32_t shard_count) {
    Listeners listeners;
    listeners.by_shard_.resize(shard_count);
    for (const std::string& address : config.listen) {
        if (auto done = listeners.open_one(address, shard::ListenerKind::plain, config); !done) {
            return tl::unexpected(std::move(done.error()));
        }
    }
    for (const std::string& address : config.tls_listen) {
        if (auto done = listeners.open_one(address, shard::ListenerKind::tls, config); !done) {
            return tl::unexpected(std::move(done.error()));
        }
    }
    return listeners;
}

tl::expected<void, std::string> Listeners::open_one(const std::string& text, shard::ListenerKind kind,
                                                    const ServeConfig& config) {
    auto address = uring::parse_address(text);
    if (!address) {
        return tl::unexpected(std::move(address.error()));
    }
    if (!address->is_unix() && is_taken(*address)) {
        return tl::unexpected(text + ": somebody listens there already");
    }
    uring::SocketOptions options;
    options.send_buffer_size = config.send_buffer_bytes;
    options.congestion_control = config.congestion_control;
    for (std::size_t shard = 0; shard < by_shard_.size(); ++shard) {
        if (address->is_unix() && shard != 0) {
            by_shard_[shard].push_back({descriptors_.back(), kind});
            continue;
        }
        const auto descriptor = uring::open_listener(*address, options);
        if (!descriptor) {
            return tl::unexpected(descriptor.error());
        }
        descriptors_.push_back(*descriptor);
        by_shard_[shard].push_back({*descriptor, kind});
        if (shard == 0) {
            address = uring::bound_address(*descriptor);  // where port 0 was asked for, the others follow
        }
    }
    const std::string bound = uring::format_address(*address);
    const std::string scheme = kind == shard::ListenerKind::tls ? "wss" : "ws";
    if (address->is_unix()) {
        const std::string path = text.substr(std::string_view("unix:").size());
        unix_paths_.push_back(path);
        lines_.push_back("listening " + scheme + "+unix:" + path);
    } else {
        lines_.push_back("listening " + scheme + "://" + bound);
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
