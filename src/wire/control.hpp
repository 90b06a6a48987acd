// Control messages: the JSON text of the game lane (proto/protocol.md sections 2 and 5). Parsing checks
// every field; what was ignored was unknown. Writing appends to a std::string: control JSON is off the data
// path and may allocate.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <tl/expected.hpp>
#include <variant>
#include <vector>

#include "base/bytes.hpp"
#include "tickwire/protocol.hpp"

namespace tickwire::wire {

using protocol::PlayerNumber;

/// How deep a client's JSON may nest, its own braces counted: properties go back to clients in as many
/// languages, whose parsers stop at this (.NET) or not much later.
inline constexpr std::size_t control_depth_max = 64;

enum class Role : std::uint8_t { player, spectator };

/// Section 2. Absent strings are empty optionals where absence means something.
struct Join {
    std::string name;
    Role role = Role::player;
    std::optional<std::string> ticket;
    std::optional<std::string> resume;
    std::optional<std::uint32_t> seen_event;
};

/// One key of a `properties` request. `json` is the value as the client wrote it (its own bytes, minified
/// or not); empty: null, which deletes.
struct PropertySet {
    std::string key;
    std::string json;
};
struct SetProperties {
    std::vector<PropertySet> set;
    std::optional<std::uint64_t> if_version;
};
struct SetRate {
    std::uint8_t divisor;  ///< 1, 2, 4 or 8
};
struct SetVisible {
    bool is_visible;
};
struct Leave {};
struct Lock {
    bool is_locked;
};
struct Kick {
    PlayerNumber player;
    std::string reason;  ///< at most 120 bytes
};
struct NameHost {
    PlayerNumber player;
};

using Request = std::variant<SetProperties, SetRate, SetVisible, Leave, Lock, Kick, NameHost>;

/// `error` codes of section 5.
enum class ControlErrorCode : std::uint8_t {
    unknown_op,
    bad_request,
    forbidden,
    no_such_player,
    version,
    too_large
};
constexpr std::size_t control_error_count = 6;
std::string_view name_of(ControlErrorCode code) noexcept;

/// Why the text was not a request. `not_json`: close 1007. The others: an `error` message, with `id` where
/// one could be read.
enum class RequestFault : std::uint8_t { not_json, unknown_op, bad_request };
struct RequestError {
    RequestFault fault;
    std::optional<std::uint64_t> id;
    std::string message;
};
struct ControlRequest {
    Request request;
    std::optional<std::uint64_t> id;  ///< 0 to 2^53 - 1
};

/// Why a first message was not a join. `not_json`: close 1007; `not_join` (another op, or no object): 1002;
/// `bad_value`: 1008.
enum class JoinFault : std::uint8_t { not_json, not_join, bad_value };

/// What an operator may make narrower than the protocol has it.
struct ControlBounds {
    std::size_t name_size_max = protocol::name_size_max;
    std::size_t depth_max = control_depth_max;
};

/// Reads control messages. Holds simdjson's parser and its memory: one for each shard, not thread-safe.
class ControlParser {
  public:
    explicit ControlParser(const ControlBounds& bounds = {});
    ~ControlParser();
    ControlParser(const ControlParser&) = delete;
    ControlParser& operator=(const ControlParser&) = delete;

    /// From the next text on.
    void set_bounds(const ControlBounds& bounds) noexcept;

    /// `text` is the whole message. Duplicate keys: the first counts, of `set` too. Nested deeper than
    /// control_depth_max: bad_value, bad_request (without its id).
    tl::expected<Join, JoinFault> parse_join(std::string_view text);
    /// A well-formed `join` here is a bad_request ("a second join").
    tl::expected<ControlRequest, RequestError> parse_request(std::string_view text);

  private:
    struct State;
    std::unique_ptr<State> state_;
};

// --- what the relay says. Each appends one JSON object to `out`, and escapes every string.

struct RosterEntry {
    PlayerNumber player;
    std::string_view name;
    bool is_away;
    bool is_plain;
};
struct Limits {
    std::uint32_t state_bytes;
    std::uint32_t event_bytes;
    std::uint32_t json_bytes;
    std::uint32_t messages_per_second;
    std::uint32_t bytes_per_second;
    std::uint32_t json_per_second;
    friend bool operator==(const Limits&, const Limits&) = default;
};
struct PropertyView {
    std::string_view key;
    std::string_view json;
};
struct Welcome {
    std::string_view server;
    std::string_view match;
    PlayerNumber player;
    Role role;
    std::optional<PlayerNumber> host;
    std::uint32_t epoch;
    bool is_locked;
    std::uint32_t tick;
    std::uint32_t tick_hz;
    std::uint32_t event;
    std::uint32_t events_taken;
    std::string_view resume;  ///< empty for a spectator: the field is left out
    std::uint32_t resume_ms;
    bool is_recovered;
    std::uint32_t spectators;
    Limits limits;
    std::uint64_t properties_version;
};
/// Roster and properties are given by the caller's containers, entry by entry.
void write_welcome(const Welcome& welcome, const std::vector<RosterEntry>& players,
                   const std::vector<PropertyView>& properties, std::string& out);

enum class LeftReason : std::uint8_t { left, closed, timeout, kicked };
enum class RateReason : std::uint8_t { asked, slow, hidden, recovered };

void write_joined(PlayerNumber player, std::string_view name, bool is_plain, std::string& out);
void write_left(PlayerNumber player, LeftReason reason, bool is_plain, std::string& out);
void write_away(PlayerNumber player, std::string& out);
void write_back(PlayerNumber player, std::string& out);
void write_host(std::optional<PlayerNumber> player, std::uint32_t epoch, std::string& out);
/// A deleted key is written as null. `by` is the setter.
void write_properties(std::uint64_t new_version, const std::vector<PropertySet>& set, PlayerNumber by,
                      std::string& out);
void write_locked(bool is_locked, std::string& out);
void write_rate(std::uint32_t divisor, RateReason reason, std::string& out);
void write_drain(std::uint32_t reconnect_ms, std::string_view url, std::string& out);
void write_ok(std::uint64_t id, std::string& out);
/// `properties_version` only for the code `version`.
void write_error(ControlErrorCode code, std::string_view message, std::optional<std::uint64_t> id,
                 std::optional<std::uint64_t> properties_version, std::string& out);

}  // namespace tickwire::wire
