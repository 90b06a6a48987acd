// The HTTP/1.1 that a WebSocket relay needs: one request head, parsed strictly and bounded, and the few
// answers. Not a web server: a request with a body is refused.
//
// Used by `session` (server side) and by native clients, which check the answer to their upgrade.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string_view>
#include <tl/expected.hpp>

#include "base/bytes.hpp"

namespace tickwire::wire {

/// Bytes of a request head, request line and blank line included.
inline constexpr std::size_t request_head_size_max = 8192;
inline constexpr std::size_t request_header_count_max = 100;

/// Why a request is refused. `malformed` covers all that is not a strict RFC 9112 head: bare LF, obs-fold,
/// spaces before a colon, control characters, two Hosts, no Host, a body (Content-Length over 0 or any
/// Transfer-Encoding), a target that is not a path (the absolute form is for proxies), a second Origin,
/// Sec-WebSocket-Key or -Version, a key that is not base64 of 16 bytes.
enum class HttpError : std::uint8_t { malformed, head_too_long, version_unsupported, method_unsupported };
/// 400, 431, 505, 405.
std::uint16_t status_of(HttpError error) noexcept;

/// X-Forwarded-For, a line for each field in their order: some proxies lengthen the last one's list, others
/// add one. Of more than there is room for the last are kept, which are those nearest to us.
struct ForwardedFor {
    static constexpr std::size_t count_max = 8;
    std::array<std::string_view, count_max> lines{};
    std::size_t count = 0;

    std::span<const std::string_view> all() const noexcept { return std::span(lines).first(count); }
};

/// Where the search for a head's end stands, so that each byte is looked at once, in however small pieces
/// they come. Of one head: the next has its own.
struct HeadProgress {
    std::uint32_t searched = 0;    ///< bytes
    std::uint32_t line_begin = 0;  ///< of the line that is not whole yet
    std::uint32_t line_count = 0;  ///< whole ones
};

/// One request. The views lie in the bytes that it was read from.
struct HttpRequest {
    bool is_head = false;        ///< HEAD; otherwise GET
    bool keep_alive = true;      ///< HTTP/1.1 without `Connection: close`; 1.0 closes
    bool wants_upgrade = false;  ///< `Upgrade: websocket` and `Connection: upgrade`
    std::string_view path;       ///< of the target, neither decoded nor normalised, begins with '/'
    std::string_view query;      ///< after '?', may hold a ticket: never logged
    std::string_view host;
    std::string_view origin;  ///< empty: none sent
    ForwardedFor forwarded_for;
    std::string_view websocket_key;  ///< empty: none; otherwise checked: base64 of 16 bytes
    std::string_view websocket_version;
    bool offers_subprotocol = false;  ///< any Sec-WebSocket-Protocol at all
    bool offers_tickwire = false;     ///< `tickwire.v1` among them
};

struct ParsedRequest {
    HttpRequest request;
    std::size_t size;  ///< bytes of the head; what follows is the next request, or frames
};

/// Reads the requests of a connection one by one.
class RequestReader {
  public:
    /// The request at the start of `bytes`: all that has come behind the request before it. Empty where the
    /// head is not whole yet; a byte that no head has is refused at once, all else when it is. Never reads
    /// past its end. After an error close the connection: where the next request would begin is not known.
    tl::expected<std::optional<ParsedRequest>, HttpError> next(
        base::Bytes bytes, std::size_t head_size_max = request_head_size_max) noexcept;

  private:
    HeadProgress progress_;
};

/// The same where all that will come is there, or little enough to be looked at again.
tl::expected<std::optional<ParsedRequest>, HttpError> parse_request(
    base::Bytes bytes, std::size_t head_size_max = request_head_size_max) noexcept;

/// Where a request leads. `/v1/match/{match}` and `/v1/echo` want an upgrade; anything else is an asset of
/// the demo or 404.
enum class Route : std::uint8_t { match, echo, other };
struct RoutedPath {
    Route route = Route::other;
    std::string_view match;  ///< a valid name where the route is `match`
};
/// Empty for a path below /v1/match/ whose name is not valid: 404.
std::optional<RoutedPath> route_path(std::string_view path) noexcept;

/// 1 to 64 of `A-Z a-z 0-9 . _ ~ -`, but neither `.` nor `..`.
bool is_match_name(std::string_view name) noexcept;

/// The answer to an upgrade request on a route that wants one: 101, or a refusal: 426 with
/// Sec-WebSocket-Version: 13 (no upgrade asked for, version missing or another), 400 (key missing,
/// subprotocols without tickwire.v1). Writes a whole head, or head and short text body, at `to`; returns
/// its size.
inline constexpr std::size_t response_head_size_max = 512;
std::uint16_t judge_upgrade(const HttpRequest& request) noexcept;  ///< 101, 400 or 426
std::size_t encode_upgrade_response(const HttpRequest& request, std::uint8_t* to) noexcept;
/// A refusal or an error: status line, Content-Length, text/plain body `detail` (under 128 bytes), and
/// `Connection: close` where `keep_alive` is false. Statuses: 400 403 404 405 426 431 503 505.
std::size_t encode_refusal(std::uint16_t status, std::string_view detail, bool keep_alive, bool is_head,
                           std::uint8_t* to) noexcept;
/// The head before a body of `content_size` bytes that the caller sends behind it.
std::size_t encode_asset_head(std::string_view content_type, std::size_t content_size, bool keep_alive,
                              std::uint8_t* to) noexcept;

// --- the client's side

/// Writes an upgrade request for `target` (path and query) at `to`, which has room for
/// request_head_size_max; returns its size, 0 where it does not fit. `key` is base64 of 16 random bytes.
/// `subprotocol` may be empty.
std::size_t encode_upgrade_request(std::string_view host, std::string_view target, std::string_view key,
                                   std::string_view subprotocol, std::uint8_t* to) noexcept;

struct UpgradeAnswer {
    std::uint16_t status;
    std::string_view subprotocol;
    bool is_accepted;  ///< 101 with the right Upgrade, Connection and Sec-WebSocket-Accept
    std::size_t size;
};
/// The answer at the start of `bytes`; empty where it is not complete yet.
tl::expected<std::optional<UpgradeAnswer>, HttpError> parse_upgrade_answer(base::Bytes bytes,
                                                                           std::string_view key) noexcept;

}  // namespace tickwire::wire
