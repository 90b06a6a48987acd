// What clients say in JSON (proto/protocol.md sections 2 and 5): from text to a join or a request. simdjson
// validates the whole text; control_fields and control_request take it apart.
#include <simdjson.h>

#include <utility>

#include "wire/control.hpp"
#include "wire/control_fields.hpp"
#include "wire/control_request.hpp"
#include "wire/json_text.hpp"

namespace tickwire::wire {
namespace {

using simdjson::dom::element;
using simdjson::dom::object;

constexpr std::uint64_t event_number_max = 0xffffffff;

tl::unexpected<RequestError> refuse(RequestFault fault, std::optional<std::uint64_t> id,
                                    std::string message) {
    return tl::unexpected(RequestError{fault, id, std::move(message)});
}

}  // namespace

/// simdjson's parser, and the copy of the text that it reads: it wants room behind the last byte.
struct ControlParser::State {
    explicit State(const ControlBounds& chosen) noexcept : bounds(chosen) {}
    ControlBounds bounds;

    enum class Fault : std::uint8_t { not_json, too_deep };

    simdjson::dom::parser parser;
    std::string copy;

    /// The document, valid until the next call.
    tl::expected<element, Fault> parse(std::string_view text) {
        if (text.starts_with("\xef\xbb\xbf")) {
            return tl::unexpected(Fault::not_json);  // a byte order mark, which newer simdjsons skip
        }
        copy.assign(text);
        copy.resize(text.size() + simdjson::SIMDJSON_PADDING);
        element document;
        simdjson::error_code error = read(text.size(), document);
        if (error != simdjson::SUCCESS && soften_json({copy.data(), text.size()})) {
            error = read(text.size(), document);
        }
        if (error == simdjson::DEPTH_ERROR) {
            return tl::unexpected(Fault::too_deep);
        }
        if (error != simdjson::SUCCESS) {
            return tl::unexpected(Fault::not_json);
        }
        if (json_nesting_depth(text) > bounds.depth_max) {
            return tl::unexpected(Fault::too_deep);
        }
        return document;
    }

  private:
    simdjson::error_code read(std::size_t size, element& document) {
        return parser.parse(copy.data(), size, false).get(document);
    }
};

ControlParser::ControlParser(const ControlBounds& bounds) : state_(std::make_unique<State>(bounds)) {
    // simdjson chooses its code for this CPU at its first use, and allocates it: not on the data path,
    // please.
    base::check(simdjson::validate_utf8("", 0), "nothing is valid UTF-8");
}

void ControlParser::set_bounds(const ControlBounds& bounds) noexcept {
    state_->bounds = bounds;
}
ControlParser::~ControlParser() = default;

tl::expected<Join, JoinFault> ControlParser::parse_join(std::string_view text) {
    const auto document = state_->parse(text);
    if (!document) {
        const bool is_deep = document.error() == State::Fault::too_deep;
        return tl::unexpected(is_deep ? JoinFault::bad_value : JoinFault::not_json);
    }
    object from;
    if (document->get(from) != simdjson::SUCCESS) {
        return tl::unexpected(JoinFault::not_join);
    }
    Fields fields(from);
    if (fields.text("op") != "join") {
        return tl::unexpected(JoinFault::not_join);
    }
    Join join;
    join.name = fields.text("name", state_->bounds.name_size_max).value_or("");
    const auto role = fields.text("role").value_or("player");
    join.ticket = fields.text("ticket");
    join.resume = fields.text("resume");
    if (const auto seen_event = fields.integer("seen_event", event_number_max)) {
        join.seen_event = static_cast<std::uint32_t>(*seen_event);
    }
    if (fields.has_fault() || (role != "player" && role != "spectator")) {
        return tl::unexpected(JoinFault::bad_value);
    }
    join.role = role == "player" ? Role::player : Role::spectator;
    return join;
}

tl::expected<ControlRequest, RequestError> ControlParser::parse_request(std::string_view text) {
    const auto document = state_->parse(text);
    if (!document) {
        return document.error() == State::Fault::too_deep
                   ? refuse(RequestFault::bad_request, std::nullopt, "nested too deeply")
                   : refuse(RequestFault::not_json, std::nullopt, "not JSON");
    }
    object from;
    if (document->get(from) != simdjson::SUCCESS) {
        return refuse(RequestFault::bad_request, std::nullopt, "not an object");
    }
    Fields fields(from);
    const auto id = fields.integer("id", integer_max);
    if (fields.has_fault()) {
        return refuse(RequestFault::bad_request, std::nullopt, "id is an integer from 0 to 2^53 - 1");
    }
    const auto op = fields.text("op");
    if (!op) {
        return refuse(RequestFault::bad_request, id, "op is a string");
    }
    auto request = read_request(*op, from, fields, text);
    if (!request) {
        return request.error() != nullptr ? refuse(RequestFault::bad_request, id, request.error())
                                          : refuse(RequestFault::unknown_op, id, "unknown op");
    }
    return ControlRequest{std::move(*request), id};
}

}  // namespace tickwire::wire
