// What the relay says in binary (proto/protocol.md section 4): TICK, EVENTS, PONG. The encoders are on the
// tick's path and write into room that the match has measured; the readers are for native clients, which
// overlook reserved fields and flag bits that a later relay may use.
#include "base/bytes.hpp"
#include "base/check.hpp"
#include "tickwire/protocol.hpp"

namespace tickwire::protocol {
namespace {

using base::ByteReader;
using base::ByteWriter;

// A state entry's `length`: bit 15 tells delta from full, the rest is the size of the body.
constexpr std::uint16_t delta_bit = 0x8000;
constexpr std::uint16_t body_size_mask = 0x7fff;
static_assert(state_size_max - state_header_size <= body_size_mask);

/// What every message of the relay's begins with: nothing if it is of this type and long enough.
std::optional<Error> find_fault(Bytes message, ServerType type, std::size_t size_min) noexcept {
    if (message.empty()) {
        return Error::empty;
    }
    if (message[0] != static_cast<std::uint8_t>(type)) {
        return Error::unknown_type;
    }
    if (message.size() < size_min) {
        return Error::wrong_length;
    }
    return std::nullopt;
}

}  // namespace

void encode_tick_header(const TickHeader& header, std::uint8_t* to) noexcept {
    ByteWriter writer({to, tick_header_size});
    writer.put(static_cast<std::uint8_t>(ServerType::tick));
    writer.put(header.is_keyframe ? tick_flag_keyframe : std::uint8_t{0});
    writer.put(header.state_count);
    writer.put(header.tick);
}

void encode_state_entry_header(PlayerNumber player, std::uint16_t seq, std::uint8_t wait, bool is_delta,
                               std::size_t body_size, std::uint8_t* to) noexcept {
    base::check(body_size <= body_size_mask, "encode_state_entry_header: the body's size fits 15 bits");
    const auto length = static_cast<std::uint16_t>(body_size | (is_delta ? delta_bit : 0U));
    ByteWriter writer({to, state_entry_header_size});
    writer.put(player);
    writer.put(seq);
    writer.put(wait);
    writer.put(length);
}

void encode_events_header(std::uint16_t event_count, std::uint8_t* to) noexcept {
    ByteWriter writer({to, events_header_size});
    writer.put(static_cast<std::uint8_t>(ServerType::events));
    writer.put(std::uint8_t{0});
    writer.put(event_count);
}

std::size_t encode_event_entry(const EventEntry& entry, std::uint8_t* to) noexcept {
    base::check(entry.body.size() <= event_size_max, "encode_event_entry: the body's size fits 16 bits");
    ByteWriter writer({to, event_entry_header_size + entry.body.size()});
    writer.put(entry.number);
    writer.put(entry.from);
    writer.put(entry.kind);
    writer.put(static_cast<std::uint16_t>(entry.body.size()));
    writer.put_bytes(entry.body);
    return writer.size();
}

void encode_pong(const Pong& pong, std::uint8_t* to) noexcept {
    ByteWriter writer({to, pong_size});
    writer.put(static_cast<std::uint8_t>(ServerType::pong));
    writer.put(std::uint8_t{0});
    writer.put(pong.events_taken);
    writer.put(pong.client_time);
    writer.put(pong.match_time_us);
}

tl::expected<TickReader, Error> TickReader::open(Bytes message) noexcept {
    if (const auto fault = find_fault(message, ServerType::tick, tick_header_size)) {
        return tl::unexpected(*fault);
    }
    ByteReader from(message.subspan(1));
    TickReader reader;
    reader.header_.is_keyframe = (from.take<std::uint8_t>() & tick_flag_keyframe) != 0;
    reader.header_.state_count = from.take<std::uint16_t>();
    reader.header_.tick = from.take<std::uint32_t>();
    reader.left_ = reader.header_.state_count;
    reader.rest_ = from.rest();
    return reader;
}

std::optional<StateEntry> TickReader::next() noexcept {
    if (left_ == 0) {
        is_valid_ = is_valid_ && rest_.empty();
        return std::nullopt;
    }
    ByteReader from(rest_);
    StateEntry entry{};
    entry.player = from.take<std::uint16_t>();
    entry.seq = from.take<std::uint16_t>();
    entry.wait = from.take<std::uint8_t>();
    const auto length = from.take<std::uint16_t>();
    entry.is_delta = (length & delta_bit) != 0;
    entry.body = from.take_bytes(length & body_size_mask);
    if (from.overran()) {
        left_ = 0;
        is_valid_ = false;
        return std::nullopt;
    }
    --left_;
    rest_ = from.rest();
    return entry;
}

tl::expected<EventsReader, Error> EventsReader::open(Bytes message) noexcept {
    if (const auto fault = find_fault(message, ServerType::events, events_header_size)) {
        return tl::unexpected(*fault);
    }
    ByteReader from(message.subspan(2));
    EventsReader reader;
    reader.left_ = from.take<std::uint16_t>();
    reader.rest_ = from.rest();
    return reader;
}

std::optional<EventEntry> EventsReader::next() noexcept {
    if (left_ == 0) {
        is_valid_ = is_valid_ && rest_.empty();
        return std::nullopt;
    }
    ByteReader from(rest_);
    EventEntry entry{};
    entry.number = from.take<std::uint32_t>();
    entry.from = from.take<std::uint16_t>();
    entry.kind = from.take<std::uint8_t>();
    entry.body = from.take_bytes(from.take<std::uint16_t>());
    if (from.overran()) {
        left_ = 0;
        is_valid_ = false;
        return std::nullopt;
    }
    --left_;
    rest_ = from.rest();
    return entry;
}

tl::expected<Pong, Error> decode_pong(Bytes message) noexcept {
    if (const auto fault = find_fault(message, ServerType::pong, pong_size)) {
        return tl::unexpected(*fault);
    }
    if (message.size() != pong_size) {
        return tl::unexpected(Error::wrong_length);
    }
    ByteReader from(message.subspan(2));
    Pong pong{};
    pong.events_taken = from.take<std::uint16_t>();
    pong.client_time = from.take<std::uint32_t>();
    pong.match_time_us = from.take<std::uint64_t>();
    return pong;
}

}  // namespace tickwire::protocol
