#include "service/admin_client.hpp"

#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <string_view>

#include "service/admin.hpp"
#include "service/config_sources.hpp"
#include "service/http_text.hpp"
#include "uring/listener.hpp"

namespace tickwire::service {
namespace {

constexpr const char* packaged_config = "/etc/tickwire/tickwire.toml";
constexpr const char* packaged_socket = "unix:/run/tickwire/admin.sock";
constexpr long patience_s = 30;

/// Fills in what the command line left out.
tl::expected<AdminTarget, std::string> complete(AdminTarget target) {
    if (target.config_file.empty() && ::access(packaged_config, R_OK) == 0) {
        target.config_file = packaged_config;
    }
    if (target.address.empty() || target.token_file.empty()) {
        const auto resolved = resolve_config({target.config_file, process_environment(), {}});
        if (!resolved) {
            // A relay that runs on the settings before is to be told of broken ones: it says what is wrong.
            target.address = target.address.empty() ? packaged_socket : target.address;
            return target;
        }
        if (target.address.empty()) {
            const auto& listen = resolved->config.admin_listen;
            target.address = listen.empty() ? packaged_socket : listen.front();
        }
        if (target.token_file.empty()) {
            target.token_file = resolved->config.admin_token_file;
        }
    }
    return target;
}

struct Descriptor {
    int value;
    ~Descriptor() {
        if (value >= 0) {
            ::close(value);
        }
    }
};

/// The status and the body of the answer to one request on a connection of its own.
struct Answer {
    int status = 0;
    std::string body;
};

tl::expected<Answer, std::string> talk(const std::string& address, const std::string& request) {
    const auto failed = [&](const char* what) {
        return tl::unexpected("the admin interface at " + address + ": " + what + ": " +
                              std::strerror(errno));
    };
    const auto parsed = uring::parse_address(address);
    if (!parsed) {
        return tl::unexpected(parsed.error());
    }
    const Descriptor descriptor{::socket(parsed->storage.ss_family, SOCK_STREAM | SOCK_CLOEXEC, 0)};
    const timeval patience{patience_s, 0};
    ::setsockopt(descriptor.value, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience);
    if (::connect(descriptor.value, reinterpret_cast<const sockaddr*>(&parsed->storage), parsed->size) !=
        0) {
        return failed("cannot connect");
    }
    for (std::size_t sent = 0; sent < request.size();) {
        const ssize_t size =
            ::send(descriptor.value, request.data() + sent, request.size() - sent, MSG_NOSIGNAL);
        if (size < 0) {
            return failed("cannot send");
        }
        sent += static_cast<std::size_t>(size);
    }
    std::string text;
    char buffer[16384];
    while (true) {
        const ssize_t size = ::recv(descriptor.value, buffer, sizeof buffer, 0);
        if (size < 0) {
            return failed("no answer");
        }
        if (size == 0) {
            break;
        }
        text.append(buffer, static_cast<std::size_t>(size));
    }
    const std::size_t head = text.find("\r\n\r\n");
    if (head == std::string::npos || !text.starts_with("HTTP/1.1 ") || text.size() < 12) {
        return tl::unexpected("the admin interface at " + address + " does not speak HTTP");
    }
    return Answer{std::stoi(text.substr(9, 3)), text.substr(head + 4)};
}

/// What stands after `"error":` in the relay's own answers, which escape little; all of it where there is
/// none.
std::string error_of(const std::string& body) {
    constexpr std::string_view begin = "{\"error\":\"";
    if (!body.starts_with(begin)) {
        return body;
    }
    std::string text;
    for (std::size_t at = begin.size(); at < body.size() && body[at] != '"'; ++at) {
        at += body[at] == '\\' ? 1U : 0U;
        text += at < body.size() ? body[at] : ' ';
    }
    return text;
}

}  // namespace

tl::expected<std::string, std::string> call_admin(const AdminTarget& given, const AdminCall& call) {
    const auto target = complete(given);
    if (!target) {
        return tl::unexpected(target.error());
    }
    std::string request = call.method + " " + call.path + " HTTP/1.1\r\nHost: localhost\r\n" +
                          "Connection: close\r\nContent-Length: 0\r\nX-Tickwire-Admin: tickwire\r\n";
    if (!target->token_file.empty()) {
        const auto token = read_token(target->token_file);
        if (!token) {
            return tl::unexpected(token.error());
        }
        request += "Authorization: Bearer " + *token + "\r\n";
    }
    const auto answer = talk(target->address, request + "\r\n");
    if (!answer) {
        return tl::unexpected(answer.error());
    }
    if (answer->status / 100 != 2) {
        return tl::unexpected(error_of(answer->body));
    }
    return answer->body;
}

}  // namespace tickwire::service
