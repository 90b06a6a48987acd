// The fields of one JSON object from a client, each read with its type and bound. Used by the control
// parser's sources alone.
#pragma once

#include <simdjson.h>

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "tickwire/protocol.hpp"

namespace tickwire::wire {

inline constexpr std::uint64_t integer_max = (std::uint64_t{1} << 53) - 1;  ///< of ids and versions
inline constexpr std::uint64_t player_max = protocol::nobody - 1;

/// Reads the fields of one object; of two with one key the first counts. A field of the wrong type or value
/// is remembered, so that a request reads all its fields and asks once.
class Fields {
  public:
    explicit Fields(simdjson::dom::object from) noexcept : object_(from) {}

    std::optional<simdjson::dom::element> any(std::string_view key) const noexcept {
        simdjson::dom::element value;
        if (object_.at_key(key).get(value) != simdjson::SUCCESS) {
            return std::nullopt;
        }
        return value;
    }

    std::optional<std::string> text(std::string_view key, std::size_t size_max = std::string::npos) {
        const auto value = take<std::string_view>(key);
        if (value && value->size() > size_max) {
            has_fault_ = true;
            return std::nullopt;
        }
        return value ? std::optional<std::string>(*value) : std::nullopt;
    }

    /// 7 is an integer, and 7.0 and 7e0 are not.
    std::optional<std::uint64_t> integer(std::string_view key, std::uint64_t maximum) noexcept {
        const auto value = take<std::uint64_t>(key);
        if (value && *value > maximum) {
            has_fault_ = true;
            return std::nullopt;
        }
        return value;
    }

    std::optional<protocol::PlayerNumber> player(std::string_view key) noexcept {
        const auto value = integer(key, player_max);
        return value ? std::optional<protocol::PlayerNumber>(static_cast<protocol::PlayerNumber>(*value))
                     : std::nullopt;
    }

    std::optional<bool> flag(std::string_view key) noexcept { return take<bool>(key); }

    bool has_fault() const noexcept { return has_fault_; }

  private:
    template <typename T>
    std::optional<T> take(std::string_view key) noexcept {
        const std::optional<simdjson::dom::element> found = any(key);
        T value{};
        if (!found) {
            return std::nullopt;
        }
        if (found->get(value) != simdjson::SUCCESS) {
            has_fault_ = true;
            return std::nullopt;
        }
        return value;
    }

    simdjson::dom::object object_;
    bool has_fault_ = false;
};

}  // namespace tickwire::wire
