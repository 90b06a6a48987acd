#include "ticket/verifier.hpp"

#include <simdjson.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <optional>
#include <utility>

#include "ticket/base64url.hpp"
#include "tickwire/protocol.hpp"
#include "wire/control_fields.hpp"

namespace tickwire::ticket {
namespace {

using simdjson::dom::element;
using simdjson::dom::object;

/// Fields of a header or of claims. More than a ticket has need of, and few enough to compare each with
/// each.
constexpr std::size_t field_count_max = 64;
/// Seconds; beyond it a double is no whole number any more.
constexpr double time_max = 9'007'199'254'740'992.0;

struct Parts {
    std::string_view header;
    std::string_view claims;
    std::string_view signature;
    std::string_view signed_part;  ///< header, dot, claims
};

std::optional<Parts> split(std::string_view token) {
    const std::size_t first = token.find('.');
    const std::size_t second = first == token.npos ? token.npos : token.find('.', first + 1);
    if (second == token.npos || token.find('.', second + 1) != token.npos) {
        return std::nullopt;
    }
    return Parts{token.substr(0, first), token.substr(first + 1, second - first - 1),
                 token.substr(second + 1), token.substr(0, second)};
}

/// RFC 7515 section 4 and RFC 7519 section 4: two readers must not see two things.
bool has_unique_keys(object from) {
    std::array<std::string_view, field_count_max> seen;
    std::size_t count = 0;
    for (const auto& [key, value] : from) {
        static_cast<void>(value);
        if (count == seen.size() ||
            std::find(seen.begin(), seen.begin() + count, key) != seen.begin() + count) {
            return false;
        }
        seen[count++] = key;
    }
    return true;
}

bool is_type_of_ticket(std::string_view type) noexcept {
    constexpr std::string_view wanted = "jwt";
    return std::equal(type.begin(), type.end(), wanted.begin(), wanted.end(), [](char left, char right) {
        return (left >= 'A' && left <= 'Z' ? static_cast<char>(left - 'A' + 'a') : left) == right;
    });
}

struct Header {
    std::string algorithm;
    std::string key_id;
};

tl::expected<Header, Fault> read_header(object from) {
    wire::Fields fields(from);
    const auto algorithm = fields.text("alg");
    const auto key_id = fields.text("kid");
    const auto type = fields.text("typ");
    // `crit` names extensions that must be understood (RFC 7515 section 4.1.11), and none is.
    if (fields.has_fault() || !algorithm || !has_unique_keys(from) || fields.any("crit") ||
        (type && !is_type_of_ticket(*type))) {
        return tl::unexpected(Fault::malformed);
    }
    return Header{*algorithm, key_id.value_or("")};
}

/// RFC 7519 section 2, NumericDate: a number of seconds, perhaps with a fraction. `fault` where it is
/// anything else.
std::optional<double> read_time(wire::Fields& fields, std::string_view key, bool& fault) {
    const auto value = fields.any(key);
    if (!value) {
        return std::nullopt;
    }
    double time = 0;
    if (value->get(time) != simdjson::SUCCESS || !(time >= 0) || time > time_max) {
        fault = true;
        return std::nullopt;
    }
    return time;
}

/// RFC 7519 section 4.1.3: a string, or an array of them; whoever is not in it must refuse.
tl::expected<void, Fault> judge_audience(wire::Fields& fields, std::string_view wanted) {
    const auto claim = fields.any("aud");
    if (!claim) {
        return wanted.empty() ? tl::expected<void, Fault>() : tl::unexpected(Fault::audience);
    }
    std::string_view one;
    if (claim->get(one) == simdjson::SUCCESS) {
        return !wanted.empty() && one == wanted ? tl::expected<void, Fault>()
                                                : tl::unexpected(Fault::audience);
    }
    simdjson::dom::array several;
    if (claim->get(several) != simdjson::SUCCESS) {
        return tl::unexpected(Fault::bad_claim);
    }
    for (const element item : several) {
        if (item.get(one) == simdjson::SUCCESS && !wanted.empty() && one == wanted) {
            return {};
        }
    }
    return tl::unexpected(Fault::audience);
}

/// A count from `low` to `high`; `fault` where the claim is there and is anything else.
std::optional<std::uint32_t> read_count(wire::Fields& fields, std::string_view key, std::uint32_t low,
                                        std::uint32_t high, bool& fault) {
    const auto value = fields.integer(key, high);
    if (value && *value < low) {
        fault = true;
    }
    return value ? std::optional(static_cast<std::uint32_t>(*value)) : std::nullopt;
}

/// The member's own limits, in an object of their own. The bounds are those of the settings.
bool read_limits(wire::Fields& claims, Grant& grant) {
    const auto claim = claims.any("limits");
    if (!claim) {
        return true;
    }
    object from;
    if (claim->get(from) != simdjson::SUCCESS || !has_unique_keys(from)) {
        return false;
    }
    bool fault = false;
    wire::Fields fields(from);
    grant.state_bytes = read_count(fields, "state_bytes", 6, 32767, fault);
    grant.event_bytes = read_count(fields, "event_bytes", 4, 65535, fault);
    grant.messages_per_second = read_count(fields, "messages_per_second", 1, 100'000, fault);
    return !fault && !fields.has_fault();
}

tl::expected<Grant, Fault> read_claims(object from, const Policy& policy, std::string_view match,
                                       std::int64_t now) {
    if (!has_unique_keys(from)) {
        return tl::unexpected(Fault::malformed);
    }
    wire::Fields fields(from);
    bool fault = false;
    const auto expires = read_time(fields, "exp", fault);
    const auto not_before = read_time(fields, "nbf", fault);
    const auto pattern = fields.text("match");
    if (fault || fields.has_fault() || !expires || !pattern) {
        return tl::unexpected(Fault::bad_claim);
    }
    if (static_cast<double>(now - leeway_s) >= *expires) {
        return tl::unexpected(Fault::expired);
    }
    if (not_before && static_cast<double>(now + leeway_s) < *not_before) {
        return tl::unexpected(Fault::not_yet_valid);
    }
    if (const auto judged = judge_audience(fields, policy.audience); !judged) {
        return tl::unexpected(judged.error());
    }
    if (!match_fits(*pattern, match)) {
        return tl::unexpected(Fault::other_match);
    }
    Grant grant;
    grant.expires = static_cast<std::int64_t>(std::ceil(*expires));
    const auto role = fields.text("role");
    grant.name = fields.text("name", protocol::name_size_max);
    grant.subject = fields.text("sub", subject_size_max).value_or("");
    grant.is_host = fields.flag("host").value_or(false);
    grant.match_size = read_count(fields, "match_size", 1, 65535, fault);
    grant.tick_hz = read_count(fields, "tick_hz", 1, 128, fault);
    grant.id = fields.text("jti", id_size_max).value_or("");
    grant.is_single_use = fields.flag("single_use").value_or(false) || policy.is_single_use;
    const bool are_limits_fine = read_limits(fields, grant);
    if (fault || fields.has_fault() || !are_limits_fine || (grant.is_single_use && grant.id.empty()) ||
        (role && *role != "player" && *role != "spectator")) {
        return tl::unexpected(Fault::bad_claim);
    }
    if (role) {
        grant.role = *role == "player" ? wire::Role::player : wire::Role::spectator;
    }
    return grant;
}

}  // namespace

std::string_view describe(Fault fault) noexcept {
    switch (fault) {
        case Fault::missing:
            return "ticket missing";
        case Fault::too_long:
            return "ticket too long";
        case Fault::malformed:
            return "ticket malformed";
        case Fault::algorithm:
            return "ticket of a wrong algorithm";
        case Fault::unknown_key:
            return "ticket of an unknown key";
        case Fault::bad_signature:
            return "ticket with a wrong signature";
        case Fault::expired:
            return "ticket expired";
        case Fault::not_yet_valid:
            return "ticket not valid yet";
        case Fault::audience:
            return "ticket for another audience";
        case Fault::other_match:
            return "ticket for another match";
        case Fault::other_role:
            return "ticket for another role";
        case Fault::bad_claim:
            return "ticket with a wrong claim";
        case Fault::used:
            return "ticket used already";
    }
    return {};
}

bool match_fits(std::string_view pattern, std::string_view match) noexcept {
    if (pattern.ends_with('*')) {
        pattern.remove_suffix(1);
        return match.starts_with(pattern);
    }
    return match == pattern;
}

struct Verifier::Parser {
    simdjson::dom::parser parser;

    /// The object, which holds until the next call; empty where the text is none.
    std::optional<object> parse(std::string_view base64) {
        const auto text = decode_base64url(base64);
        object from;
        if (!text || parser.parse(*text).get(from) != simdjson::SUCCESS) {
            return std::nullopt;
        }
        return from;
    }
};

Verifier::Verifier(Policy policy, std::shared_ptr<const KeySet> keys)
    : policy_(std::move(policy)), keys_(std::move(keys)), parser_(std::make_unique<Parser>()) {}

Verifier::~Verifier() = default;

tl::expected<Grant, Fault> Verifier::verify(std::string_view token, std::string_view match,
                                            std::int64_t now) {
    if (token.size() > token_size_max) {
        return tl::unexpected(Fault::too_long);
    }
    const auto parts = split(token);
    if (!parts) {
        return tl::unexpected(Fault::malformed);
    }
    const auto header_object = parser_->parse(parts->header);
    if (!header_object) {
        return tl::unexpected(Fault::malformed);
    }
    const auto header = read_header(*header_object);
    if (!header) {
        return tl::unexpected(header.error());
    }
    const auto algorithm = algorithm_of(header->algorithm);
    if (!algorithm) {
        return tl::unexpected(Fault::algorithm);
    }
    const Key* const key = keys_->find(header->key_id);
    if (key == nullptr) {
        return tl::unexpected(Fault::unknown_key);
    }
    if (key->algorithm() != *algorithm) {
        return tl::unexpected(Fault::algorithm);
    }
    const auto signature = decode_base64url(parts->signature);
    if (!signature) {
        return tl::unexpected(Fault::malformed);
    }
    if (!key->verify(parts->signed_part, *signature)) {
        return tl::unexpected(Fault::bad_signature);
    }
    const auto claims = parser_->parse(parts->claims);
    if (!claims) {
        return tl::unexpected(Fault::malformed);
    }
    return read_claims(*claims, policy_, match, now);
}

}  // namespace tickwire::ticket
