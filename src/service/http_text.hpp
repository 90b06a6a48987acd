// The parts of HTTP that have no socket in them: one request head, judged strictly by the wire layer's
// rules for lines and fields, and percent-encoding. Used by both ends of the admin interface.
#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>
#include <tl/expected.hpp>
#include <utility>
#include <vector>

#include "wire/http.hpp"

namespace tickwire::service {

/// One request of the admin interface, copied out of the bytes that it came in.
struct HttpRequest {
    using Pair = std::pair<std::string, std::string>;

    std::string method;
    std::string path;                   ///< as it was sent, neither decoded nor normalised
    std::vector<std::string> segments;  ///< of the path, each decoded: `/v1/a%20b` has "v1" and "a b"
    std::vector<Pair> parameters;       ///< of the query, decoded
    std::vector<Pair> headers;
    bool is_http_1_0 = false;  ///< of who knows no 1xx (RFC 9110 section 10.1.1)
    std::size_t content_size = 0;
    bool expects_continue = false;  ///< the body is not sent before `100 Continue`
    std::string body;

    /// The first of that name; null: none.
    const std::string* parameter(std::string_view name) const;
    /// The first of that name, in any case; null: none.
    const std::string* header(std::string_view name) const;
    std::string_view header_or_empty(std::string_view name) const;
};

struct ParsedHttpRequest {
    HttpRequest request;
    std::size_t head_size;  ///< what follows is the body
};

/// The request head at the start of `bytes`; empty where it is not whole yet: come back with what has come
/// since and the same `progress`. The error is the status of
/// the answer: 400, 411 (a body of no given length), 431, 505. Two of a field that is trusted are
/// malformed: readers could take either.
tl::expected<std::optional<ParsedHttpRequest>, int> parse_http_request(std::string_view bytes,
                                                                       std::size_t head_size_max,
                                                                       wire::HeadProgress& progress);

/// Empty where a `%` is not followed by two digits. `+` stays what it is.
std::optional<std::string> percent_decode(std::string_view text);
/// For a path's segment or a query: all but RFC 3986's unreserved characters are encoded.
std::string percent_encode(std::string_view text);

}  // namespace tickwire::service
