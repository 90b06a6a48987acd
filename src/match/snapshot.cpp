#include "match/snapshot.hpp"

#include <algorithm>
#include <utility>
#include <variant>

#include "base/byte_sink.hpp"
#include "match/tick_clock.hpp"
#include "tickwire/protocol.hpp"
#include "wire/http.hpp"
#include "wire/utf8.hpp"

namespace tickwire::match {
namespace {

using base::ByteReader;
using base::Bytes;
using base::ByteSink;
using protocol::nobody;

using Fault = tl::unexpected<std::string_view>;

/// A hundred years: beyond it, and before it, a time is nonsense.
constexpr base::Duration time_max = std::chrono::hours(24 * 365 * 100);
constexpr std::uint32_t tick_hz_max = 128;
constexpr std::uint32_t player_count_max = 65535;
constexpr std::size_t subject_size_max = 256;  // ticket::subject_size_max, which this layer does not know

// Flags of a match and of a slot.
constexpr std::uint8_t flag_locked = 1;
constexpr std::uint8_t flag_host = 2;
constexpr std::uint8_t flag_host_by_ticket = 1;
constexpr std::uint8_t flag_state = 2;
constexpr std::uint8_t flag_state_pending = 4;

void put_limits(const wire::Limits& limits, ByteSink& sink) {
    for (const std::uint32_t value :
         {limits.state_bytes, limits.event_bytes, limits.json_bytes, limits.messages_per_second,
          limits.bytes_per_second, limits.json_per_second}) {
        sink.put(value);
    }
}

wire::Limits take_limits(ByteReader& reader) noexcept {
    wire::Limits limits{};
    for (std::uint32_t* const value :
         {&limits.state_bytes, &limits.event_bytes, &limits.json_bytes, &limits.messages_per_second,
          &limits.bytes_per_second, &limits.json_per_second}) {
        *value = reader.take<std::uint32_t>();
    }
    return limits;
}

void put_duration(base::Duration duration, ByteSink& sink) {
    sink.put(static_cast<std::int64_t>(duration.count()));
}

base::Duration take_duration(ByteReader& reader) noexcept {
    return base::Duration(reader.take<std::int64_t>());
}

bool is_past(base::Duration age) noexcept {
    return age >= base::Duration(0) && age <= time_max;
}

bool is_text(Bytes bytes, std::size_t size_max) noexcept {
    return bytes.size() <= size_max && wire::is_valid_utf8(bytes);
}

bool is_token(const ResumeToken& token) noexcept {
    return std::ranges::all_of(token, [](char letter) {
        return (letter >= 'a' && letter <= 'z') || (letter >= 'A' && letter <= 'Z') ||
               (letter >= '0' && letter <= '9') || letter == '-' || letter == '_';
    });
}

void encode_slot(const SlotSnapshot& slot, ByteSink& sink) {
    const std::uint8_t state_flags =
        !slot.state
            ? 0
            : static_cast<std::uint8_t>(flag_state | (slot.state->is_pending ? flag_state_pending : 0));
    sink.put(slot.player);
    sink.put(static_cast<std::uint8_t>((slot.is_host_by_ticket ? flag_host_by_ticket : 0) | state_flags));
    sink.put(slot.events_taken);
    sink.put(slot.joined_at_event);
    put_duration(slot.window_left, sink);
    sink.put_bytes(base::as_bytes({slot.token.data(), slot.token.size()}));
    put_limits(slot.limits, sink);
    sink.put_sized(slot.name);
    sink.put_sized(slot.subject);
    if (slot.state) {
        sink.put(slot.state->seq);
        put_duration(slot.state->age, sink);
        sink.put_sized(slot.state->bytes);
    }
}

void encode_event(const EventSnapshot& event, ByteSink& sink) {
    sink.put(event.number);
    sink.put(event.from);
    sink.put(event.addressee);
    sink.put(event.kind);
    sink.put_sized(event.body);
}

tl::expected<SlotSnapshot, std::string_view> decode_slot(ByteReader& reader, const MatchSnapshot& match) {
    SlotSnapshot slot;
    slot.player = reader.take<PlayerNumber>();
    const auto flags = reader.take<std::uint8_t>();
    slot.is_host_by_ticket = (flags & flag_host_by_ticket) != 0;
    slot.events_taken = reader.take<std::uint32_t>();
    slot.joined_at_event = reader.take<EventNumber>();
    slot.window_left = take_duration(reader);
    const Bytes token = reader.take_bytes(slot.token.size());
    std::ranges::copy(base::as_text(token), slot.token.begin());
    slot.limits = take_limits(reader);
    const Bytes name = base::take_sized(reader);
    const Bytes subject = base::take_sized(reader);
    if ((flags & flag_state) != 0) {
        StateSnapshot state;
        state.is_pending = (flags & flag_state_pending) != 0;
        state.seq = reader.take<std::uint16_t>();
        state.age = take_duration(reader);
        state.bytes = base::take_sized(reader);
        if (!is_past(state.age) || state.bytes.size() > protocol::state_size_max) {
            return Fault("a player's state");
        }
        slot.state = state;
    }
    if (reader.overran()) {
        return Fault("it ends inside a player");
    }
    if (flags > (flag_host_by_ticket | flag_state | flag_state_pending) ||
        (flags & (flag_state | flag_state_pending)) == flag_state_pending) {
        return Fault("a player's flags");
    }
    if (slot.player == nobody || (!match.slots.empty() && slot.player <= match.slots.back().player)) {
        return Fault("a player's number");
    }
    if (!is_token(slot.token)) {
        return Fault("a resume token");
    }
    if (!is_text(name, protocol::name_size_max) || !is_text(subject, subject_size_max)) {
        return Fault("a player's name");
    }
    const base::Duration left = slot.window_left;
    if (left > time_max || left < -time_max || slot.joined_at_event > match.newest_event) {
        return Fault("a player's times");
    }
    if (slot.limits.state_bytes > protocol::state_size_max ||
        slot.limits.event_bytes > protocol::event_size_max) {
        return Fault("a player's limits");
    }
    slot.name = base::as_text(name);
    slot.subject = base::as_text(subject);
    return slot;
}

tl::expected<EventSnapshot, std::string_view> decode_event(ByteReader& reader, const MatchSnapshot& match) {
    EventSnapshot event;
    event.number = reader.take<EventNumber>();
    event.from = reader.take<PlayerNumber>();
    event.addressee = reader.take<PlayerNumber>();
    event.kind = reader.take<std::uint8_t>();
    event.body = base::take_sized(reader);
    if (reader.overran()) {
        return Fault("it ends inside an event");
    }
    const EventNumber before =
        match.events.empty() ? match.newest_dropped_event : match.events.back().number;
    if (event.number <= before || event.number > match.newest_event) {
        return Fault("an event's number");
    }
    if (!protocol::decode_kind(event.kind) || event.body.size() > protocol::event_size_max) {
        return Fault("an event");
    }
    return event;
}

/// As many as a u32 says. A count that lies ends where the bytes do.
template <typename Decode, typename Item>
std::optional<std::string_view> decode_list(ByteReader& reader, const MatchSnapshot& match, Decode decode,
                                            std::vector<Item>& to) {
    for (auto count = reader.take<std::uint32_t>(); count != 0; --count) {
        auto item = decode(reader, match);
        if (!item) {
            return item.error();
        }
        to.push_back(std::move(*item));
    }
    return std::nullopt;
}

/// As the `properties` message that would set them all: what reads a client's reads this.
tl::expected<std::vector<wire::PropertySet>, std::string_view> decode_properties(
    Bytes json, wire::ControlParser& parser) {
    auto request = parser.parse_request(base::as_text(json));
    if (!request || !std::holds_alternative<wire::SetProperties>(request->request)) {
        return Fault("the properties");
    }
    return std::move(std::get<wire::SetProperties>(request->request).set);
}

bool has_player(const MatchSnapshot& match, PlayerNumber player) noexcept {
    return std::ranges::any_of(match.slots,
                               [player](const SlotSnapshot& slot) { return slot.player == player; });
}

/// The clock and the rules, read into `match`; or what is wrong.
std::optional<std::string_view> decode_head(ByteReader& reader, MatchSnapshot& match) {
    match.saved = base::Time(take_duration(reader));
    const Bytes name = base::take_sized(reader);
    match.tick_hz = reader.take<std::uint32_t>();
    match.player_count_max = reader.take<std::uint32_t>();
    match.age = take_duration(reader);
    match.hold = take_duration(reader);
    match.last_tick = reader.take<TickNumber>();
    const auto flags = reader.take<std::uint8_t>();
    const auto host = reader.take<PlayerNumber>();
    match.epoch = reader.take<std::uint32_t>();
    match.host_unfit_for = take_duration(reader);
    if (reader.overran()) {
        return "it ends inside a match";
    }
    if (!wire::is_match_name(base::as_text(name))) {
        return "a match's name";
    }
    match.name = base::as_text(name);
    if (match.tick_hz == 0 || match.tick_hz > tick_hz_max || match.player_count_max == 0 ||
        match.player_count_max > player_count_max) {
        return "a match's rate or size";
    }
    if (!is_past(match.saved.time_since_epoch()) || !is_past(match.age) || !is_past(match.hold) ||
        !is_past(match.host_unfit_for) ||
        match.last_tick > TickClock({}, match.tick_hz).number_at(base::Time(match.age))) {
        return "a match's clock";
    }
    if (flags > (flag_locked | flag_host) || ((flags & flag_host) != 0) != (host != nobody)) {
        return "a match's flags";
    }
    match.is_locked = (flags & flag_locked) != 0;
    if (host != nobody) {
        match.host = host;
    }
    return std::nullopt;
}

}  // namespace

void encode_snapshot(const MatchSnapshot& snapshot, std::vector<std::uint8_t>& to) {
    ByteSink sink(to);
    put_duration(snapshot.saved.time_since_epoch(), sink);
    sink.put_sized(snapshot.name);
    sink.put(snapshot.tick_hz);
    sink.put(snapshot.player_count_max);
    put_duration(snapshot.age, sink);
    put_duration(snapshot.hold, sink);
    sink.put(snapshot.last_tick);
    sink.put(static_cast<std::uint8_t>((snapshot.is_locked ? flag_locked : 0) |
                                       (snapshot.host ? flag_host : 0)));
    sink.put(snapshot.host.value_or(nobody));
    sink.put(snapshot.epoch);
    put_duration(snapshot.host_unfit_for, sink);

    std::string json;
    wire::write_properties(snapshot.properties_version, snapshot.properties, nobody, json);
    sink.put(snapshot.properties_version);
    sink.put_sized(json);

    sink.put(snapshot.newest_event);
    sink.put(snapshot.newest_dropped_event);
    sink.put(static_cast<std::uint32_t>(snapshot.events.size()));
    for (const EventSnapshot& event : snapshot.events) {
        encode_event(event, sink);
    }
    sink.put(static_cast<std::uint32_t>(snapshot.slots.size()));
    for (const SlotSnapshot& slot : snapshot.slots) {
        encode_slot(slot, sink);
    }
}

tl::expected<MatchSnapshot, std::string_view> decode_snapshot(Bytes bytes, base::Time now,
                                                              wire::ControlParser& parser) {
    ByteReader reader(bytes);
    MatchSnapshot match;
    if (const auto fault = decode_head(reader, match)) {
        return Fault(*fault);
    }
    if (match.saved > now) {
        return Fault("a match's clock");
    }
    match.properties_version = reader.take<std::uint64_t>();
    auto properties = decode_properties(base::take_sized(reader), parser);
    if (!properties) {
        return Fault(properties.error());
    }
    match.properties = std::move(*properties);
    match.newest_event = reader.take<EventNumber>();
    match.newest_dropped_event = reader.take<EventNumber>();
    if (match.newest_dropped_event > match.newest_event) {
        return Fault("the numbers of events");
    }
    if (const auto fault = decode_list(reader, match, decode_event, match.events)) {
        return Fault(*fault);
    }
    if (const auto fault = decode_list(reader, match, decode_slot, match.slots)) {
        return Fault(*fault);
    }
    if (reader.overran() || !reader.rest().empty()) {
        return Fault("its length");
    }
    if (match.slots.size() > match.player_count_max || (match.host && !has_player(match, *match.host))) {
        return Fault("the roster");
    }
    return match;
}

}  // namespace tickwire::match
