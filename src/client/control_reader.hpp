// What the relay says in JSON (proto/protocol.md sections 2 and 5), taken apart by simdjson.
#pragma once

#include <memory>
#include <optional>
#include <string_view>
#include <variant>
#include <vector>

#include "tickwire/client.hpp"

namespace tickwire::client {

/// `welcome`, and what of it the client keeps.
struct WelcomeMessage {
    Welcome welcome;          ///< is_same_slot is not set
    std::string_view resume;  ///< empty: none
    std::vector<Player> players;
};
/// An `op` of a later version, or none: to be ignored.
struct UnknownMessage {};
using ControlMessage = std::variant<UnknownMessage, WelcomeMessage, Notice>;

/// Holds simdjson's parser and its memory: one for the clients of a thread.
class ControlReader {
  public:
    ControlReader();
    ~ControlReader();
    ControlReader(const ControlReader&) = delete;
    ControlReader& operator=(const ControlReader&) = delete;

    /// Empty where the text is no JSON object, or a field that its `op` must have is missing or of a wrong
    /// type. Views hold until the next call and as long as `text`. Of two fields of one name the
    /// first counts; unknown ones are ignored.
    std::optional<ControlMessage> read(std::string_view text);

  private:
    struct State;
    std::unique_ptr<State> state_;
};

}  // namespace tickwire::client
