#include "service/http_text.hpp"

#include <algorithm>
#include <charconv>

#include "wire/http_head.hpp"
#include "wire/utf8.hpp"

namespace tickwire::service {
namespace {

constexpr int malformed = 400;
/// Of a path's segments, and of a query's parameters: no route has more than a third of it, and each takes
/// far more memory than the byte that it may come in.
constexpr std::size_t part_count_max = 16;

bool is_target(std::string_view target) {
    return target.starts_with('/') && std::ranges::all_of(target, [](char letter) {
               return letter > ' ' && letter < 0x7f && letter != '#';
           });
}

bool is_text(std::string_view text) {
    return wire::is_valid_utf8(base::as_bytes(text));
}

bool read_segments(std::string_view path, HttpRequest& request) {
    for (std::size_t at = 1; at <= path.size();) {
        const std::size_t end = std::min(path.find('/', at), path.size());
        auto segment = percent_decode(path.substr(at, end - at));
        if (!segment || request.segments.size() == part_count_max) {
            return false;
        }
        request.segments.push_back(std::move(*segment));
        at = end + 1;
    }
    return true;
}

/// As forms write them: a space is a plus. Decoded they are UTF-8, as what is made of them has to be.
bool read_parameters(std::string_view query, HttpRequest& request) {
    while (!query.empty()) {
        const std::size_t end = std::min(query.find('&'), query.size());
        std::string pair(query.substr(0, end));
        query.remove_prefix(std::min(end + 1, query.size()));
        std::ranges::replace(pair, '+', ' ');
        const std::size_t equals = std::min(pair.find('='), pair.size());
        auto name = percent_decode(std::string_view(pair).substr(0, equals));
        auto value = percent_decode(std::string_view(pair).substr(std::min(equals + 1, pair.size())));
        if (!name || !value || !is_text(*name) || !is_text(*value) ||
            request.parameters.size() == part_count_max) {
            return false;
        }
        request.parameters.emplace_back(std::move(*name), std::move(*value));
    }
    return true;
}

/// 0: go on.
int read_request_line(std::string_view line, HttpRequest& request) {
    const std::size_t method_end = line.find(' ');
    const std::size_t target_end = line.rfind(' ');
    if (method_end == std::string_view::npos || method_end == target_end) {
        return malformed;
    }
    const std::string_view target = line.substr(method_end + 1, target_end - method_end - 1);
    const std::string_view version = line.substr(target_end + 1);
    if (!version.starts_with("HTTP/") || version.size() != 8) {
        return malformed;
    }
    if (version != "HTTP/1.1" && version != "HTTP/1.0") {
        return 505;
    }
    request.is_http_1_0 = version == "HTTP/1.0";
    request.method = line.substr(0, method_end);
    if (!wire::is_token(request.method) || !is_target(target)) {
        return malformed;
    }
    const std::size_t question_mark = std::min(target.find('?'), target.size());
    request.path = target.substr(0, question_mark);
    const std::string_view query = target.substr(std::min(question_mark + 1, target.size()));
    return read_segments(request.path, request) && read_parameters(query, request) ? 0 : malformed;
}

int read_field(const wire::HeaderField& field, HttpRequest& request) {
    const auto is_named = [&field](std::string_view name) {
        return wire::equals_ignoring_case(field.name, name);
    };
    if (is_named("Transfer-Encoding")) {
        return 411;
    }
    const bool is_trusted =
        is_named("Host") || is_named("Origin") || is_named("Authorization") || is_named("Content-Length");
    if (is_trusted && request.header(field.name) != nullptr) {
        return malformed;
    }
    if (is_named("Content-Length")) {
        const char* const end = field.value.data() + field.value.size();
        const auto [rest, error] = std::from_chars(field.value.data(), end, request.content_size);
        if (error != std::errc{} || rest != end) {
            return malformed;
        }
    }
    request.expects_continue |= !request.is_http_1_0 && is_named("Expect") &&
                                wire::equals_ignoring_case(field.value, "100-continue");
    request.headers.emplace_back(field.name, field.value);
    return 0;
}

std::optional<unsigned> hex_digit(char letter) {
    constexpr std::string_view digits = "0123456789abcdef";
    const std::size_t value =
        digits.find(letter >= 'A' && letter <= 'F' ? static_cast<char>(letter | 32) : letter);
    return value == digits.npos ? std::nullopt : std::optional(static_cast<unsigned>(value));
}

}  // namespace

const std::string* HttpRequest::parameter(std::string_view name) const {
    const auto found = std::ranges::find(parameters, name, &Pair::first);
    return found == parameters.end() ? nullptr : &found->second;
}

const std::string* HttpRequest::header(std::string_view name) const {
    const auto found = std::ranges::find_if(
        headers, [name](const Pair& one) { return wire::equals_ignoring_case(one.first, name); });
    return found == headers.end() ? nullptr : &found->second;
}

std::string_view HttpRequest::header_or_empty(std::string_view name) const {
    const std::string* const value = header(name);
    return value == nullptr ? std::string_view{} : *value;
}

tl::expected<std::optional<ParsedHttpRequest>, int> parse_http_request(std::string_view bytes,
                                                                       std::size_t head_size_max,
                                                                       wire::HeadProgress& progress) {
    HttpRequest request;
    int status = 0;
    const auto verdict = [&status](int read) -> wire::Verdict {
        status = read;
        return read == 0 ? std::nullopt : wire::Verdict(wire::HttpError::malformed);
    };
    const auto size = wire::read_head(
        base::as_bytes(bytes), head_size_max, progress,
        [&](std::string_view line) { return verdict(read_request_line(line, request)); },
        [&](const wire::HeaderField& field) { return verdict(read_field(field, request)); });
    if (!size) {
        return tl::unexpected(status != 0 ? status : static_cast<int>(wire::status_of(size.error())));
    }
    if (*size == 0) {
        return std::nullopt;
    }
    return ParsedHttpRequest{std::move(request), *size};
}

std::optional<std::string> percent_decode(std::string_view text) {
    std::string out;
    for (std::size_t at = 0; at < text.size(); ++at) {
        if (text[at] != '%') {
            out += text[at];
            continue;
        }
        const auto high = at + 2 < text.size() ? hex_digit(text[at + 1]) : std::nullopt;
        const auto low = high ? hex_digit(text[at + 2]) : std::nullopt;
        if (!low) {
            return std::nullopt;
        }
        out += static_cast<char>(*high * 16 + *low);
        at += 2;
    }
    return out;
}

std::string percent_encode(std::string_view text) {
    constexpr std::string_view digits = "0123456789ABCDEF";
    std::string out;
    for (const char letter : text) {
        const auto byte = static_cast<unsigned char>(letter);
        if (wire::is_alphanumeric(letter) ||
            std::string_view("-._~").find(letter) != std::string_view::npos) {
            out += letter;
        } else {
            out.append({'%', digits[byte >> 4U], digits[byte & 15U]});
        }
    }
    return out;
}

}  // namespace tickwire::service
