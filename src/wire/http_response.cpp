// The few answers that the relay gives over HTTP.
#include <algorithm>
#include <array>
#include <charconv>
#include <iterator>

#include "base/check.hpp"
#include "tickwire/websocket.hpp"
#include "wire/http_head.hpp"

namespace tickwire::wire {
namespace {

constexpr std::size_t detail_size_max = 127;

struct StatusLine {
    std::uint16_t status;
    std::string_view text;
};
constexpr StatusLine status_lines[] = {
    {400, "HTTP/1.1 400 Bad Request\r\n"},
    {403, "HTTP/1.1 403 Forbidden\r\n"},
    {404, "HTTP/1.1 404 Not Found\r\n"},
    {405, "HTTP/1.1 405 Method Not Allowed\r\n"},
    {426, "HTTP/1.1 426 Upgrade Required\r\n"},
    {431, "HTTP/1.1 431 Request Header Fields Too Large\r\n"},
    {503, "HTTP/1.1 503 Service Unavailable\r\n"},
    {505, "HTTP/1.1 505 HTTP Version Not Supported\r\n"},
};

std::string_view status_line(std::uint16_t status) noexcept {
    const auto* const line = std::ranges::find(status_lines, status, &StatusLine::status);
    base::check(line != std::end(status_lines), "encode_refusal: a status that the relay uses");
    return line->text;
}

/// The fields that a status must bring (RFC 9110 sections 15.5.6 and 15.5.22), `Connection` included.
std::string_view extra_fields(std::uint16_t status, bool keep_alive) noexcept {
    switch (status) {
        case 405:
            return keep_alive ? "Allow: GET, HEAD\r\n" : "Allow: GET, HEAD\r\nConnection: close\r\n";
        case 426:
            return keep_alive ? "Upgrade: websocket\r\nSec-WebSocket-Version: 13\r\nConnection: Upgrade\r\n"
                              : "Upgrade: websocket\r\nSec-WebSocket-Version: 13\r\nConnection: close, "
                                "Upgrade\r\n";
        default:
            return keep_alive ? "" : "Connection: close\r\n";
    }
}

/// A number as text, on the stack.
class Decimal {
  public:
    explicit Decimal(std::size_t value) noexcept
        : end_(std::to_chars(digits_.data(), digits_.data() + digits_.size(), value).ptr) {}
    Decimal(const Decimal&) = delete;
    Decimal& operator=(const Decimal&) = delete;
    std::string_view text() const noexcept {
        return {digits_.data(), static_cast<std::size_t>(end_ - digits_.data())};
    }

  private:
    std::array<char, 20> digits_;
    const char* end_;
};

std::size_t write_response(std::initializer_list<std::string_view> parts, std::uint8_t* to) noexcept {
    const std::size_t size = write_parts(parts, response_head_size_max, to);
    base::check(size != 0, "HTTP answer: within response_head_size_max");
    return size;
}

std::string_view refusal_detail(const HttpRequest& request) noexcept {
    if (!request.wants_upgrade) return "This is a WebSocket address.\n";
    if (request.websocket_version != "13") return "WebSocket version 13 is spoken here.\n";
    if (request.websocket_key.empty()) return "Sec-WebSocket-Key is missing.\n";
    return "Of subprotocols, only tickwire.v1 is spoken here.\n";
}

}  // namespace

std::uint16_t judge_upgrade(const HttpRequest& request) noexcept {
    if (!request.wants_upgrade || request.websocket_version != "13") {
        return 426;
    }
    if (request.websocket_key.empty() || (request.offers_subprotocol && !request.offers_tickwire)) {
        return 400;
    }
    return 101;
}

std::size_t encode_upgrade_response(const HttpRequest& request, std::uint8_t* to) noexcept {
    const std::uint16_t status = judge_upgrade(request);
    if (status != 101) {
        return encode_refusal(status, refusal_detail(request), request.keep_alive, request.is_head, to);
    }
    const auto accept = websocket::accept_value(request.websocket_key);
    return write_response({"HTTP/1.1 101 Switching Protocols\r\n"
                           "Upgrade: websocket\r\n"
                           "Connection: Upgrade\r\n"
                           "Sec-WebSocket-Accept: ",
                           {accept.data(), accept.size()},
                           "\r\n",
                           request.offers_tickwire ? "Sec-WebSocket-Protocol: tickwire.v1\r\n" : "",
                           "\r\n"},
                          to);
}

std::size_t encode_refusal(std::uint16_t status, std::string_view detail, bool keep_alive, bool is_head,
                           std::uint8_t* to) noexcept {
    base::check(detail.size() <= detail_size_max, "encode_refusal: a short detail");
    return write_response({status_line(status),
                           "Content-Type: text/plain; charset=utf-8\r\n"
                           "Content-Length: ",
                           Decimal(detail.size()).text(), "\r\n", extra_fields(status, keep_alive), "\r\n",
                           is_head ? std::string_view() : detail},
                          to);
}

std::size_t encode_asset_head(std::string_view content_type, std::size_t content_size, bool keep_alive,
                              std::uint8_t* to) noexcept {
    return write_response(
        {"HTTP/1.1 200 OK\r\n"
         "Content-Type: ",
         content_type,
         "\r\n"
         "X-Content-Type-Options: nosniff\r\n"
         "Content-Length: ",
         Decimal(content_size).text(), "\r\n", keep_alive ? "" : "Connection: close\r\n", "\r\n"},
        to);
}

}  // namespace tickwire::wire
