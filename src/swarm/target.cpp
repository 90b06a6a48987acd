#include <netdb.h>
#include <netinet/in.h>

#include <cstring>
#include <memory>

#include "swarm/options.hpp"

namespace tickwire::swarm {
namespace {

tl::expected<uring::Address, std::string> look_up(const std::string& host, const std::string& port) {
    addrinfo hints{};
    hints.ai_socktype = SOCK_STREAM;
    addrinfo* found = nullptr;
    if (const int error = getaddrinfo(host.c_str(), port.c_str(), &hints, &found); error != 0) {
        return tl::unexpected(host + ": " + gai_strerror(error));
    }
    const std::unique_ptr<addrinfo, decltype(&freeaddrinfo)> owner(found, &freeaddrinfo);
    uring::Address address;
    std::memcpy(&address.storage, found->ai_addr, found->ai_addrlen);
    address.size = found->ai_addrlen;
    return address;
}

}  // namespace

tl::expected<Target, std::string> parse_target(std::string_view url) {
    Target target;
    std::string_view rest;
    if (url.starts_with("ws+unix:")) {
        auto address = uring::parse_address(url.substr(3));
        if (!address) {
            return tl::unexpected(std::string(url) + ": " + address.error());
        }
        target.address = *address;
        target.host = "localhost";
        target.is_loopback = true;
        return target;
    }
    if (url.starts_with("ws://") || url.starts_with("tcp://")) {
        rest = url.substr(url.find("//") + 2);
    } else if (url.starts_with("wss://")) {
        rest = url.substr(6);
        target.is_tls = true;
    } else {
        return tl::unexpected(std::string(url) + ": begins with ws://, wss://, ws+unix: or tcp://");
    }
    if (rest.ends_with('/')) {
        rest.remove_suffix(1);
    }
    if (rest.empty() || rest.find('/') != std::string_view::npos) {
        return tl::unexpected(std::string(url) + ": host and port alone; the paths are the swarm's");
    }
    target.host = rest;
    const std::size_t colon = rest.rfind(':');
    const bool has_port =
        colon != std::string_view::npos && rest.find(']', colon) == std::string_view::npos;
    const std::string host(rest.substr(0, has_port ? colon : rest.size()));
    const std::string port(has_port ? rest.substr(colon + 1) : target.is_tls ? "443" : "80");
    auto address = uring::parse_address(host + ":" + port);
    if (!address) {
        address = look_up(host, port);
        target.server_name = host;
    }
    if (!address) {
        return tl::unexpected(std::string(url) + ": " + address.error());
    }
    target.address = *address;
    target.is_loopback = target.address.is_local();
    return target;
}

}  // namespace tickwire::swarm
