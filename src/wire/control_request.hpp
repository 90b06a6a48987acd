// One request of the game lane, after its `op` and `id` were read. Used by the control parser alone.
#pragma once

#include <simdjson.h>

#include <string_view>
#include <tl/expected.hpp>

#include "wire/control.hpp"
#include "wire/control_fields.hpp"

namespace tickwire::wire {

/// What is wrong with a request, for a person to read; null where there is no such op.
using RequestFaultText = const char*;

/// The request that `op` names, out of `from`, whose fields are `fields` and whose text is `text`.
tl::expected<Request, RequestFaultText> read_request(std::string_view op, simdjson::dom::object from,
                                                     Fields& fields, std::string_view text);

}  // namespace tickwire::wire
