// The client's side of the upgrade: the request, and the judgement of the answer (RFC 6455 section 4.1).
#include "tickwire/websocket.hpp"
#include "wire/http_head.hpp"

namespace tickwire::wire {
namespace {

struct Draft {
    StatusLine start;
    bool has_upgrade_websocket = false;
    bool has_connection_upgrade = false;
    bool has_extensions = false;
    std::string_view accept;
    std::string_view subprotocol;
};

Verdict read_status_line(std::string_view line, Draft& draft) noexcept {
    const auto start = parse_status_line(line);
    if (!start) {
        return start.error();
    }
    draft.start = *start;
    return std::nullopt;
}

Verdict read_field(const HeaderField& field, Draft& draft) noexcept {
    const auto is_named = [&field](std::string_view name) {
        return equals_ignoring_case(field.name, name);
    };
    if (is_named("Upgrade")) {
        draft.has_upgrade_websocket |= equals_ignoring_case(field.value, "websocket");
    } else if (is_named("Connection")) {
        draft.has_connection_upgrade |= list_has(field.value, "upgrade");
    } else if (is_named("Sec-WebSocket-Extensions")) {
        draft.has_extensions |= !field.value.empty();
    } else if (is_named("Sec-WebSocket-Accept") || is_named("Sec-WebSocket-Protocol")) {
        std::string_view& to = is_named("Sec-WebSocket-Accept") ? draft.accept : draft.subprotocol;
        if (!to.empty()) {
            return HttpError::malformed;
        }
        to = field.value;
    }
    return std::nullopt;
}

UpgradeAnswer finish(const Draft& draft, std::string_view key, std::size_t size) noexcept {
    const auto expected = websocket::accept_value(key);
    // We offer no extension, so that one in the answer was not asked for.
    const bool is_accepted = draft.start.status == 101 && !draft.start.is_http_1_0 &&
                             draft.has_upgrade_websocket && draft.has_connection_upgrade &&
                             !draft.has_extensions &&
                             draft.accept == std::string_view(expected.data(), expected.size());
    return {draft.start.status, draft.subprotocol, is_accepted, size};
}

}  // namespace

std::size_t encode_upgrade_request(std::string_view host, std::string_view target, std::string_view key,
                                   std::string_view subprotocol, std::uint8_t* to) noexcept {
    return write_parts({"GET ", target,
                        " HTTP/1.1\r\n"
                        "Host: ",
                        host,
                        "\r\n"
                        "Upgrade: websocket\r\n"
                        "Connection: Upgrade\r\n"
                        "Sec-WebSocket-Version: 13\r\n"
                        "Sec-WebSocket-Key: ",
                        key, "\r\n", subprotocol.empty() ? "" : "Sec-WebSocket-Protocol: ", subprotocol,
                        subprotocol.empty() ? "" : "\r\n", "\r\n"},
                       request_head_size_max, to);
}

tl::expected<std::optional<UpgradeAnswer>, HttpError> parse_upgrade_answer(base::Bytes bytes,
                                                                           std::string_view key) noexcept {
    Draft draft;
    HeadProgress progress;
    const auto size = read_head(
        bytes, request_head_size_max, progress,
        [&draft](std::string_view line) { return read_status_line(line, draft); },
        [&draft](const HeaderField& field) { return read_field(field, draft); });
    if (!size) {
        return tl::unexpected(size.error());
    }
    if (*size == 0) {
        return std::nullopt;
    }
    return finish(draft, key, *size);
}

}  // namespace tickwire::wire
