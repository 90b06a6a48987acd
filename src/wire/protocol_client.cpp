// What a client says in binary (proto/protocol.md section 3): STATE, EVENT, PING, RESYNC. Decoded by the
// relay, where every byte is foreign; encoded by native clients.
#include "base/bytes.hpp"
#include "tickwire/protocol.hpp"

namespace tickwire::protocol {
namespace {

using base::ByteReader;
using base::ByteWriter;

// EVENT's `kind`: target in bits 0-1, text in bit 2, purpose in bits 3-4, the rest not in version 1.
constexpr std::uint8_t target_mask = 0x03;
constexpr std::uint8_t text_bit = 0x04;
constexpr std::uint8_t purpose_mask = 0x03;
constexpr unsigned purpose_shift = 3;
constexpr std::uint8_t unknown_kind_mask = 0xe0;
constexpr std::uint8_t purpose_unknown = 3;

/// A request and its reply begin with the id that pairs them.
constexpr std::size_t request_id_size = 2;

tl::expected<ClientMessage, Error> decode_state(Bytes message) noexcept {
    if (message.size() < state_header_size) {
        return tl::unexpected(Error::wrong_length);
    }
    ByteReader reader(message.subspan(1));
    if (reader.take<std::uint8_t>() != 0) {
        return tl::unexpected(Error::reserved_not_zero);
    }
    ClientMessage decoded{ClientType::state};
    decoded.state.seq = reader.take<std::uint16_t>();
    decoded.state.seen = reader.take<std::uint16_t>();
    decoded.state.bytes = reader.rest();
    return decoded;
}

tl::expected<ClientMessage, Error> decode_event(Bytes message) noexcept {
    if (message.size() < event_header_size) {
        return tl::unexpected(Error::wrong_length);
    }
    ByteReader reader(message.subspan(1));
    const std::optional<Kind> kind = decode_kind(reader.take<std::uint8_t>());
    if (!kind) {
        return tl::unexpected(Error::unknown_kind);
    }
    ClientMessage decoded{ClientType::event};
    decoded.event.kind = *kind;
    decoded.event.player = reader.take<std::uint16_t>();
    decoded.event.body = reader.rest();
    if (kind->target != Target::player && decoded.event.player != 0) {
        return tl::unexpected(Error::reserved_not_zero);
    }
    if (kind->purpose != Purpose::event && decoded.event.body.size() < request_id_size) {
        return tl::unexpected(Error::wrong_length);
    }
    return decoded;
}

tl::expected<ClientMessage, Error> decode_ping(Bytes message) noexcept {
    if (message.size() != ping_size) {
        return tl::unexpected(Error::wrong_length);
    }
    ByteReader reader(message.subspan(1));
    if (reader.take<std::uint8_t>() != 0) {
        return tl::unexpected(Error::reserved_not_zero);
    }
    ClientMessage decoded{ClientType::ping};
    decoded.ping.seen = reader.take<std::uint16_t>();
    decoded.ping.client_time = reader.take<std::uint32_t>();
    return decoded;
}

}  // namespace

std::string_view describe(Error error) noexcept {
    switch (error) {
        case Error::empty:
            return "empty message";
        case Error::unknown_type:
            return "unknown message type";
        case Error::unknown_kind:
            return "unknown event kind";
        case Error::reserved_not_zero:
            return "reserved field is not zero";
        case Error::wrong_length:
            break;
    }
    return "wrong message length";
}

std::uint8_t encode_kind(Kind kind) noexcept {
    const auto purpose = static_cast<unsigned>(kind.purpose) << purpose_shift;
    return static_cast<std::uint8_t>(static_cast<unsigned>(kind.target) | (kind.is_text ? text_bit : 0U) |
                                     purpose);
}

std::optional<Kind> decode_kind(std::uint8_t kind) noexcept {
    const unsigned purpose = (static_cast<unsigned>(kind) >> purpose_shift) & purpose_mask;
    if ((kind & unknown_kind_mask) != 0 || purpose == purpose_unknown) {
        return std::nullopt;
    }
    return Kind{static_cast<Target>(kind & target_mask), (kind & text_bit) != 0,
                static_cast<Purpose>(purpose)};
}

tl::expected<ClientMessage, Error> decode_client_message(Bytes message) noexcept {
    if (message.empty()) {
        return tl::unexpected(Error::empty);
    }
    switch (static_cast<ClientType>(message[0])) {
        case ClientType::state:
            return decode_state(message);
        case ClientType::event:
            return decode_event(message);
        case ClientType::ping:
            return decode_ping(message);
        case ClientType::resync:
            if (message.size() != 1) {
                return tl::unexpected(Error::wrong_length);
            }
            return ClientMessage{ClientType::resync};
    }
    return tl::unexpected(Error::unknown_type);
}

std::size_t encode_state(const State& state, std::uint8_t* to) noexcept {
    ByteWriter writer({to, state_header_size + state.bytes.size()});
    writer.put(static_cast<std::uint8_t>(ClientType::state));
    writer.put(std::uint8_t{0});
    writer.put(state.seq);
    writer.put(state.seen);
    writer.put_bytes(state.bytes);
    return writer.size();
}

std::size_t encode_event(const Event& event, std::uint8_t* to) noexcept {
    ByteWriter writer({to, event_header_size + event.body.size()});
    writer.put(static_cast<std::uint8_t>(ClientType::event));
    writer.put(encode_kind(event.kind));
    writer.put(event.player);
    writer.put_bytes(event.body);
    return writer.size();
}

std::size_t encode_ping(const Ping& ping, std::uint8_t* to) noexcept {
    ByteWriter writer({to, ping_size});
    writer.put(static_cast<std::uint8_t>(ClientType::ping));
    writer.put(std::uint8_t{0});
    writer.put(ping.seen);
    writer.put(ping.client_time);
    return writer.size();
}

std::size_t encode_resync(std::uint8_t* to) noexcept {
    *to = static_cast<std::uint8_t>(ClientType::resync);
    return 1;
}

}  // namespace tickwire::protocol
