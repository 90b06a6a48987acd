#include "session/origins.hpp"

#include <algorithm>

namespace tickwire::session {
namespace {

char lower(char c) noexcept {
    return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
}

/// Browsers write origins in lower case (WHATWG URL, "serialisation of an origin"); others may not.
bool equals(std::string_view lowered, std::string_view text) noexcept {
    return std::equal(lowered.begin(), lowered.end(), text.begin(), text.end(),
                      [](char left, char right) { return left == lower(right); });
}

bool is_scheme(std::string_view text) noexcept {
    return !text.empty() && std::all_of(text.begin(), text.end(), [](char c) {
        return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '+' || c == '-' || c == '.';
    });
}

/// A host with perhaps a port. Browsers leave out a scheme's own port, so one that is written never fits.
bool is_host(std::string_view text, std::string_view scheme) noexcept {
    const bool has_own_port =
        (scheme == "https" && text.ends_with(":443")) || (scheme == "http" && text.ends_with(":80"));
    return !text.empty() && !has_own_port && std::all_of(text.begin(), text.end(), [](char c) {
        return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') ||
               std::string_view("-._:[]").find(c) != std::string_view::npos;
    });
}

}  // namespace

tl::expected<OriginPattern, std::string> OriginPattern::parse(std::string_view text) {
    OriginPattern pattern;
    pattern.exact_.resize(text.size());
    std::transform(text.begin(), text.end(), pattern.exact_.begin(), lower);
    if (pattern.exact_ == "null") {
        return pattern;
    }
    const std::size_t colon = pattern.exact_.find("://");
    const std::string_view lowered = pattern.exact_;
    const std::string_view scheme = lowered.substr(0, std::min(colon, lowered.size()));
    std::string_view host = colon == lowered.npos ? std::string_view() : lowered.substr(colon + 3);
    const bool has_wildcard = host.starts_with("*.");
    if (has_wildcard) {
        host.remove_prefix(2);
    }
    if (!is_scheme(scheme) || !is_host(host, scheme)) {
        return tl::unexpected("'" + std::string(text) +
                              "' is not an origin: https://game.example, https://*.game.example, "
                              "http://localhost:8080 (without path, and without the scheme's own port)");
    }
    if (has_wildcard) {
        pattern.suffix_ = "." + std::string(host);
        pattern.exact_.resize(colon + 3);
    }
    return pattern;
}

bool OriginPattern::fits(std::string_view origin) const noexcept {
    if (suffix_.empty()) {
        return equals(exact_, origin);
    }
    if (origin.size() <= exact_.size() + suffix_.size()) {
        return false;
    }
    const std::string_view name =
        origin.substr(exact_.size(), origin.size() - exact_.size() - suffix_.size());
    return equals(exact_, origin.substr(0, exact_.size())) &&
           equals(suffix_, origin.substr(origin.size() - suffix_.size())) &&
           name.find_first_of("/:@") == name.npos;
}

bool Origins::admit(std::string_view origin) const noexcept {
    if (allowed.empty()) {
        return true;
    }
    if (origin.empty()) {
        return !is_required;
    }
    return std::any_of(allowed.begin(), allowed.end(),
                       [origin](const OriginPattern& pattern) { return pattern.fits(origin); });
}

}  // namespace tickwire::session
