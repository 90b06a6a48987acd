// The log: one line for each thing that an operator must know, as text, as JSON, or with fields to the
// journal. What came from peers is escaped in each.
#pragma once

#include <string>

namespace tickwire::service {

/// To be called once, before anything is logged. `format`: auto, text, json or journal; auto is journal
/// where standard error leads there.
void start_log(const std::string& format, const std::string& level);
/// False for a level that there is not.
bool set_log_level(const std::string& level);

}  // namespace tickwire::service
