// The strict parser of one request head (RFC 9112), and where its path leads.
#include <algorithm>

#include "wire/http_head.hpp"

namespace tickwire::wire {
namespace {

/// What the end of the head needs to know and HttpRequest does not tell.
struct Draft {
    HttpRequest request;
    bool is_http_1_0 = false;
    bool has_upgrade_websocket = false;
    bool has_connection_upgrade = false;
    bool has_content_length = false;
    bool has_origin = false;
};

/// The origin form alone (RFC 9112 section 3.2.1): the others are for proxies, CONNECT and OPTIONS.
/// Browsers leave more characters unescaped than RFC 3986 allows; no visible one but the fragment's does
/// harm.
bool is_origin_form(std::string_view target) noexcept {
    return target.starts_with('/') &&
           std::ranges::all_of(target, [](char c) { return c > ' ' && c < 0x7f && c != '#'; });
}

/// RFC 3986 section 3.2: a name or address and perhaps a port, without user information.
bool is_host(std::string_view text) noexcept {
    const auto is_host_character = [](char c) {
        return is_alphanumeric(c) ||
               std::string_view("-._~!$&'()*+,;=%:[]").find(c) != std::string_view::npos;
    };
    return !text.empty() && std::ranges::all_of(text, is_host_character);
}

/// Base64 of 16 bytes: 22 characters and "==" (RFC 6455 section 4.1).
bool is_websocket_key(std::string_view text) noexcept {
    const auto is_base64_character = [](char c) { return is_alphanumeric(c) || c == '+' || c == '/'; };
    return text.size() == 24 && text.ends_with("==") &&
           std::ranges::all_of(text.substr(0, 22), is_base64_character);
}

/// "HTTP/1.0" or 1.1. A higher minor version is read as the highest that we know (RFC 9110 section 2.5).
Verdict read_version(std::string_view text, Draft& draft) noexcept {
    const bool is_version = text.size() == 8 && text.starts_with("HTTP/") && is_digit(text[5]) &&
                            text[6] == '.' && is_digit(text[7]);
    if (!is_version) {
        return HttpError::malformed;
    }
    if (text[5] != '1') {
        return HttpError::version_unsupported;
    }
    draft.is_http_1_0 = text[7] == '0';
    draft.request.keep_alive = !draft.is_http_1_0;
    return std::nullopt;
}

Verdict read_request_line(std::string_view line, Draft& draft) noexcept {
    const std::size_t method_end = line.find(' ');
    const std::size_t target_end = line.rfind(' ');
    if (method_end == std::string_view::npos || method_end == target_end) {
        return HttpError::malformed;
    }
    const std::string_view method = line.substr(0, method_end);
    const std::string_view target = line.substr(method_end + 1, target_end - method_end - 1);
    if (!is_token(method)) {
        return HttpError::malformed;
    }
    if (const Verdict verdict = read_version(line.substr(target_end + 1), draft)) {
        return verdict;
    }
    // Before the target is judged: OPTIONS and CONNECT bring forms that are not ours.
    draft.request.is_head = method == "HEAD";
    if (method != "GET" && !draft.request.is_head) {
        return HttpError::method_unsupported;
    }
    if (!is_origin_form(target)) {
        return HttpError::malformed;
    }
    const std::size_t question_mark = target.find('?');
    draft.request.path = target.substr(0, question_mark);
    if (question_mark != std::string_view::npos) {
        draft.request.query = target.substr(question_mark + 1);
    }
    return std::nullopt;
}

/// For a field that may come once and is never empty: two of them are two readers' different opinions.
Verdict read_once(std::string_view value, std::string_view& to, bool is_valid) noexcept {
    if (!to.empty() || !is_valid) {
        return HttpError::malformed;
    }
    to = value;
    return std::nullopt;
}

Verdict read_content_length(std::string_view value, Draft& draft) noexcept {
    const bool is_none = !value.empty() && value.find_first_not_of('0') == std::string_view::npos;
    if (draft.has_content_length || !is_none) {
        return HttpError::malformed;
    }
    draft.has_content_length = true;
    return std::nullopt;
}

Verdict read_origin(std::string_view value, Draft& draft) noexcept {
    if (draft.has_origin) {
        return HttpError::malformed;
    }
    draft.has_origin = true;
    draft.request.origin = value;
    return std::nullopt;
}

Verdict read_subprotocols(std::string_view list, HttpRequest& request) noexcept {
    request.offers_subprotocol = true;
    for (auto item = take_list_item(list); !item.empty(); item = take_list_item(list)) {
        if (!is_token(item)) {
            return HttpError::malformed;
        }
        request.offers_tickwire |= item == "tickwire.v1";  // case counts, RFC 6455 section 1.9
    }
    return std::nullopt;
}

void read_connection(std::string_view list, Draft& draft) noexcept {
    draft.has_connection_upgrade |= list_has(list, "upgrade");
    if (list_has(list, "close")) {
        draft.request.keep_alive = false;
    }
}

void add_forwarded(std::string_view value, ForwardedFor& to) noexcept {
    if (to.count == to.lines.size()) {
        std::move(to.lines.begin() + 1, to.lines.end(), to.lines.begin());
        --to.count;
    }
    to.lines[to.count++] = value;
}

Verdict read_field(const HeaderField& field, Draft& draft) noexcept {
    HttpRequest& request = draft.request;
    const auto is_named = [&field](std::string_view name) {
        return equals_ignoring_case(field.name, name);
    };
    if (is_named("Host")) {
        return read_once(field.value, request.host, is_host(field.value));
    }
    if (is_named("Connection")) {
        read_connection(field.value, draft);
    } else if (is_named("Upgrade")) {
        draft.has_upgrade_websocket |= list_has(field.value, "websocket");
    } else if (is_named("Origin")) {
        return read_origin(field.value, draft);
    } else if (is_named("X-Forwarded-For")) {
        add_forwarded(field.value, request.forwarded_for);
    } else if (is_named("Sec-WebSocket-Key")) {
        return read_once(field.value, request.websocket_key, is_websocket_key(field.value));
    } else if (is_named("Sec-WebSocket-Version")) {
        return read_once(field.value, request.websocket_version, !field.value.empty());
    } else if (is_named("Sec-WebSocket-Protocol")) {
        return read_subprotocols(field.value, request);
    } else if (is_named("Content-Length")) {
        return read_content_length(field.value, draft);
    } else if (is_named("Transfer-Encoding")) {
        return HttpError::malformed;
    }
    return std::nullopt;
}

Verdict finish(Draft& draft) noexcept {
    HttpRequest& request = draft.request;
    if (request.host.empty() && !draft.is_http_1_0) {
        return HttpError::malformed;
    }
    // RFC 6455 section 4.1: an upgrade is a GET of HTTP/1.1 or later.
    request.wants_upgrade = draft.has_upgrade_websocket && draft.has_connection_upgrade &&
                            !draft.is_http_1_0 && !request.is_head;
    return std::nullopt;
}

}  // namespace

std::uint16_t status_of(HttpError error) noexcept {
    switch (error) {
        case HttpError::malformed:
            break;
        case HttpError::head_too_long:
            return 431;
        case HttpError::version_unsupported:
            return 505;
        case HttpError::method_unsupported:
            return 405;
    }
    return 400;
}

tl::expected<std::optional<ParsedRequest>, HttpError> RequestReader::next(
    base::Bytes bytes, std::size_t head_size_max) noexcept {
    Draft draft;
    const auto size = read_head(
        bytes, head_size_max, progress_,
        [&draft](std::string_view line) { return read_request_line(line, draft); },
        [&draft](const HeaderField& field) { return read_field(field, draft); });
    if (!size) {
        return tl::unexpected(size.error());
    }
    if (*size == 0) {
        return std::nullopt;
    }
    if (const Verdict verdict = finish(draft)) {
        return tl::unexpected(*verdict);
    }
    progress_ = {};
    return ParsedRequest{draft.request, *size};
}

tl::expected<std::optional<ParsedRequest>, HttpError> parse_request(base::Bytes bytes,
                                                                    std::size_t head_size_max) noexcept {
    return RequestReader().next(bytes, head_size_max);
}

bool is_match_name(std::string_view name) noexcept {
    constexpr std::size_t match_name_size_max = 64;
    const auto is_name_character = [](char c) {
        return is_alphanumeric(c) || c == '.' || c == '_' || c == '~' || c == '-';
    };
    return !name.empty() && name.size() <= match_name_size_max && name != "." && name != ".." &&
           std::ranges::all_of(name, is_name_character);
}

std::optional<RoutedPath> route_path(std::string_view path) noexcept {
    constexpr std::string_view match_prefix = "/v1/match/";
    if (path == "/v1/echo") {
        return RoutedPath{Route::echo, {}};
    }
    if (!path.starts_with(match_prefix)) {
        return RoutedPath{Route::other, {}};
    }
    const std::string_view name = path.substr(match_prefix.size());
    if (!is_match_name(name)) {
        return std::nullopt;
    }
    return RoutedPath{Route::match, name};
}

}  // namespace tickwire::wire
