#include "client/control_reader.hpp"

#include <simdjson.h>

#include <algorithm>
#include <limits>
#include <string>

#include "wire/json_text.hpp"

namespace tickwire::client {
namespace {

using simdjson::dom::array;
using simdjson::dom::element;
using simdjson::dom::object;

/// The fields of one object. What must be there and is not, or is of a wrong type, is remembered: a message
/// reads all its fields and asks once.
class Fields {
  public:
    explicit Fields(object from) noexcept : object_(from) {}

    std::string_view text(std::string_view key) noexcept { return must<std::string_view>(key); }
    bool flag(std::string_view key) noexcept { return must<bool>(key); }
    template <typename Integer>
    Integer number(std::string_view key) noexcept {
        return fitted<Integer>(must<std::uint64_t>(key));
    }
    object child(std::string_view key) noexcept { return must<object>(key); }
    array list(std::string_view key) noexcept { return must<array>(key); }

    /// Null and absent are the same.
    template <typename Integer>
    std::optional<Integer> maybe_number(std::string_view key) noexcept {
        const auto value = maybe<std::uint64_t>(key);
        return value ? std::optional(fitted<Integer>(*value)) : std::nullopt;
    }
    std::string_view maybe_text(std::string_view key) noexcept {
        return maybe<std::string_view>(key).value_or("");
    }
    bool maybe_flag(std::string_view key) noexcept { return maybe<bool>(key).value_or(false); }

    bool has_fault() const noexcept { return has_fault_; }

  private:
    template <typename Integer>
    Integer fitted(std::uint64_t value) noexcept {
        has_fault_ = has_fault_ || value > std::numeric_limits<Integer>::max();
        return static_cast<Integer>(value);
    }

    template <typename T>
    T must(std::string_view key) noexcept {
        T value{};
        if (object_.at_key(key).get(value) != simdjson::SUCCESS) {
            has_fault_ = true;
            return T{};
        }
        return value;
    }

    template <typename T>
    std::optional<T> maybe(std::string_view key) noexcept {
        element found;
        if (object_.at_key(key).get(found) != simdjson::SUCCESS || found.is_null()) {
            return std::nullopt;
        }
        T value{};
        if (found.get(value) != simdjson::SUCCESS) {
            has_fault_ = true;
            return std::nullopt;
        }
        return value;
    }

    object object_;
    bool has_fault_ = false;
};

/// The value of `key` as it stands in the text of `from`.
std::string_view raw_value(object from, std::string_view text, std::string_view key) noexcept {
    wire::RawValues values(text.substr(wire::skip_json_space(text, 0)));
    for (const auto& field : from) {
        const std::string_view raw = values.next();
        if (field.key == key) {
            return raw;
        }
    }
    return {};
}

Limits read_limits(object from, bool& has_fault) {
    Fields fields(from);
    Limits limits;
    limits.state_bytes = fields.number<std::uint32_t>("state_bytes");
    limits.event_bytes = fields.number<std::uint32_t>("event_bytes");
    limits.json_bytes = fields.number<std::uint32_t>("json_bytes");
    limits.messages_per_second = fields.number<std::uint32_t>("messages_per_second");
    limits.bytes_per_second = fields.number<std::uint32_t>("bytes_per_second");
    limits.json_per_second = fields.number<std::uint32_t>("json_per_second");
    has_fault = has_fault || fields.has_fault();
    return limits;
}

std::vector<Player> read_players(array from, bool& has_fault) {
    std::vector<Player> players;
    players.reserve(from.size());
    for (const element entry : from) {
        object member;
        if (entry.get(member) != simdjson::SUCCESS) {
            has_fault = true;
            break;
        }
        Fields fields(member);
        Player player{fields.number<PlayerNumber>("player"), fields.maybe_flag("away"),
                      fields.maybe_flag("plain"), std::string(fields.text("name"))};
        has_fault = has_fault || fields.has_fault();
        players.push_back(std::move(player));
    }
    std::sort(players.begin(), players.end(),
              [](const Player& left, const Player& right) { return left.number < right.number; });
    return players;
}

std::optional<ControlMessage> read_welcome(object from, Fields& fields, std::string_view text) {
    WelcomeMessage message{};
    Welcome& welcome = message.welcome;
    bool has_fault = false;
    welcome.server = fields.maybe_text("server");
    welcome.match = fields.maybe_text("match");
    welcome.player = fields.number<PlayerNumber>("player");
    const std::string_view role = fields.text("role");
    welcome.role = role == "spectator" ? Role::spectator : Role::player;
    welcome.host = fields.maybe_number<PlayerNumber>("host");
    welcome.epoch = fields.number<std::uint32_t>("epoch");
    welcome.is_locked = fields.maybe_flag("locked");
    welcome.tick = fields.number<std::uint32_t>("tick");
    welcome.tick_hz = fields.number<std::uint32_t>("tick_hz");
    welcome.event = fields.number<std::uint32_t>("event");
    welcome.events_taken = fields.number<std::uint32_t>("events_taken");
    welcome.resume_ms = fields.maybe_number<std::uint32_t>("resume_ms").value_or(0);
    welcome.is_recovered = fields.maybe_flag("recovered");
    welcome.spectator_count = fields.maybe_number<std::uint32_t>("spectators").value_or(0);
    message.resume = fields.maybe_text("resume");
    const object limits = fields.child("limits");
    const array players = fields.list("players");
    if (fields.has_fault()) {
        return std::nullopt;
    }
    welcome.limits = read_limits(limits, has_fault);
    message.players = read_players(players, has_fault);
    welcome.properties = raw_value(from, text, "properties");
    welcome.properties_version = fields.maybe_number<std::uint64_t>("properties_version").value_or(0);
    if (has_fault || fields.has_fault() || (role != "player" && role != "spectator") ||
        welcome.tick_hz == 0) {
        return std::nullopt;
    }
    return message;
}

std::optional<Notice> read_notice(std::string_view op, object from, Fields& fields, std::string_view text) {
    if (op == "joined") {
        return Joined{fields.number<PlayerNumber>("player"), fields.text("name"),
                      fields.maybe_flag("plain")};
    }
    if (op == "left") {
        return Left{fields.number<PlayerNumber>("player"), fields.maybe_text("reason")};
    }
    if (op == "away") {
        return Away{fields.number<PlayerNumber>("player")};
    }
    if (op == "back") {
        return Back{fields.number<PlayerNumber>("player")};
    }
    if (op == "host") {
        return HostChanged{fields.maybe_number<PlayerNumber>("player"),
                           fields.number<std::uint32_t>("epoch")};
    }
    if (op == "properties") {
        fields.child("set");
        return PropertiesSet{fields.number<std::uint64_t>("version"), raw_value(from, text, "set"),
                             fields.maybe_number<PlayerNumber>("by")};
    }
    if (op == "locked") {
        return Locked{fields.flag("locked")};
    }
    if (op == "rate") {
        return RateChanged{fields.number<std::uint32_t>("divisor"), fields.maybe_text("reason")};
    }
    if (op == "drain") {
        return Drain{fields.number<std::uint32_t>("reconnect_ms"), fields.maybe_text("url")};
    }
    if (op == "ok") {
        return Granted{fields.number<std::uint64_t>("id")};
    }
    if (op == "error") {
        return Refused{fields.text("code"), fields.maybe_text("message"),
                       fields.maybe_number<std::uint64_t>("id"),
                       fields.maybe_number<std::uint64_t>("version")};
    }
    return std::nullopt;
}

}  // namespace

/// simdjson wants room behind the last byte, so it reads a copy.
struct ControlReader::State {
    simdjson::dom::parser parser;
    std::string copy;

    std::optional<object> parse(std::string_view text) {
        copy.assign(text);
        copy.resize(text.size() + simdjson::SIMDJSON_PADDING);
        element document;
        auto error = parser.parse(copy.data(), text.size(), false).get(document);
        if (error != simdjson::SUCCESS && wire::soften_json({copy.data(), text.size()})) {
            error = parser.parse(copy.data(), text.size(), false).get(document);
        }
        object found;
        if (error != simdjson::SUCCESS || document.get(found) != simdjson::SUCCESS) {
            return std::nullopt;
        }
        return found;
    }
};

ControlReader::ControlReader() : state_(std::make_unique<State>()) {}
ControlReader::~ControlReader() = default;

std::optional<ControlMessage> ControlReader::read(std::string_view text) {
    const std::optional<object> from = state_->parse(text);
    if (!from) {
        return std::nullopt;
    }
    Fields fields(*from);
    const std::string_view op = fields.maybe_text("op");
    if (fields.has_fault()) {
        return UnknownMessage{};
    }
    if (op == "welcome") {
        return read_welcome(*from, fields, text);
    }
    const std::optional<Notice> notice = read_notice(op, *from, fields, text);
    if (fields.has_fault()) {
        return std::nullopt;
    }
    return notice ? ControlMessage(*notice) : ControlMessage(UnknownMessage{});
}

}  // namespace tickwire::client
