// Oracle: a control message is taken the same twice; what it holds keeps to the limits of
// proto/protocol.md; and properties that are told on come back as they were written: the relay's own JSON,
// read as a request again, sets the same keys to the same bytes.
//
// Input: the text of a message.
#include <simdjson.h>

#include <string>
#include <variant>

#include "fuzz.hpp"
#include "wire/control.hpp"
#include "wire/utf8.hpp"

namespace {

using namespace tickwire;
using fuzz::require;

wire::ControlParser parser;

bool same(const std::vector<wire::PropertySet>& left, const std::vector<wire::PropertySet>& right) {
    if (left.size() != right.size()) {
        return false;
    }
    for (std::size_t index = 0; index < left.size(); ++index) {
        if (left[index].key != right[index].key || left[index].json != right[index].json) {
            return false;
        }
    }
    return true;
}

/// As a client that reads what the relay says.
simdjson::dom::element read_back(simdjson::dom::parser& reader, const std::string& text) {
    simdjson::dom::element message;
    require(reader.parse(text).get(message) == simdjson::SUCCESS, "the relay writes JSON");
    return message;
}

void check_join(const wire::Join& join) {
    require(join.name.size() <= protocol::name_size_max, "a name of at most 64 bytes");
    require(wire::is_valid_utf8(base::as_bytes(join.name)), "a name in UTF-8");
    std::string text;
    wire::write_joined(7, join.name, false, text);
    simdjson::dom::parser reader;
    std::string_view name;
    require(read_back(reader, text)["name"].get(name) == simdjson::SUCCESS && name == join.name,
            "a name comes through as it was given");
}

void check_properties(const wire::SetProperties& request) {
    std::string text;
    wire::write_properties(8, request.set, 3, text);
    // Not read by simdjson: "\\ud800" alone is JSON (RFC 8259 section 8.2) and comes back as written, but
    // simdjson is stricter.
    const auto again = parser.parse_request(text);
    require(again.has_value(), "properties as the relay tells them are a request again");
    const auto* const set = std::get_if<wire::SetProperties>(&again->request);
    require(set != nullptr && same(set->set, request.set), "and set the same");
}

void check_request(const wire::ControlRequest& request) {
    require(!request.id || *request.id < (std::uint64_t{1} << 53U), "an id below 2^53");
    if (const auto* const set = std::get_if<wire::SetProperties>(&request.request)) {
        check_properties(*set);
    } else if (const auto* const rate = std::get_if<wire::SetRate>(&request.request)) {
        require(rate->divisor == 1 || rate->divisor == 2 || rate->divisor == 4 || rate->divisor == 8,
                "a divisor of 1, 2, 4 or 8");
    } else if (const auto* const kick = std::get_if<wire::Kick>(&request.request)) {
        require(kick->reason.size() <= protocol::kick_reason_size_max, "a reason of at most 120 bytes");
        require(wire::is_valid_utf8(base::as_bytes(kick->reason)), "a reason in UTF-8");
    }
}

void check_error(const wire::RequestError& error) {
    std::string text;
    wire::write_error(wire::ControlErrorCode::bad_request, error.message, error.id, {}, text);
    simdjson::dom::parser reader;
    read_back(reader, text);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    const std::string text(reinterpret_cast<const char*>(data), size);
    const auto join = parser.parse_join(text);
    const auto request = parser.parse_request(text);
    if (join) {
        check_join(*join);
    }
    if (request) {
        check_request(*request);
    } else if (request.error().fault != wire::RequestFault::not_json) {
        check_error(request.error());
    }
    const bool is_json = request || request.error().fault != wire::RequestFault::not_json;
    require(is_json == (join || join.error() != wire::JoinFault::not_json),
            "JSON or not, for both the same");
    const auto again = parser.parse_request(text);
    require(again.has_value() == request.has_value(), "the same twice");
    return 0;
}
