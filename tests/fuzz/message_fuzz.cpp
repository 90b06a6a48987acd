// Oracle: a binary message that is taken is, written again, the same bytes: nothing in it is ignored and
// nothing is made up. Entries of a server's message lie inside it, one behind the other, to its end.
//
// Input: a message of either side.
#include <algorithm>
#include <vector>

#include "fuzz.hpp"
#include "tickwire/protocol.hpp"

namespace {

using namespace tickwire;
using fuzz::require;
using protocol::Bytes;

std::size_t encode(const protocol::ClientMessage& message, std::uint8_t* to) {
    switch (message.type) {
        case protocol::ClientType::state:
            return protocol::encode_state(message.state, to);
        case protocol::ClientType::event:
            return protocol::encode_event(message.event, to);
        case protocol::ClientType::ping:
            return protocol::encode_ping(message.ping, to);
        case protocol::ClientType::resync:
            return protocol::encode_resync(to);
    }
    return 0;
}

void check_client_message(Bytes message) {
    const auto decoded = protocol::decode_client_message(message);
    if (!decoded) {
        require(!protocol::describe(decoded.error()).empty(), "an error has a text");
        return;
    }
    std::vector<std::uint8_t> written(message.size() + 16);
    written.resize(encode(*decoded, written.data()));
    require(std::ranges::equal(written, message), "written again, it is the same");
}

/// The body ends where the next entry, or nothing, begins.
void require_inside(Bytes message, Bytes body, std::size_t& end, std::size_t header_size) {
    end += header_size;
    require(body.empty() || body.data() == message.data() + end, "bodies in order, with headers between");
    end += body.size();
    require(end <= message.size(), "a body inside its message");
}

void check_tick(Bytes message) {
    auto reader = protocol::TickReader::open(message);
    if (!reader) {
        return;
    }
    std::size_t end = protocol::tick_header_size;
    std::size_t count = 0;
    while (const auto entry = reader->next()) {
        require_inside(message, entry->body, end, protocol::state_entry_header_size);
        ++count;
    }
    const bool is_whole = count == reader->header().state_count && end == message.size();
    require(reader->is_valid() == is_whole, "valid where all entries fill the message");
}

void check_events(Bytes message) {
    auto reader = protocol::EventsReader::open(message);
    if (!reader) {
        return;
    }
    std::size_t end = protocol::events_header_size;
    std::vector<std::uint8_t> written(message.size() + 16);
    while (const auto entry = reader->next()) {
        const std::size_t begin = end;
        require_inside(message, entry->body, end, protocol::event_entry_header_size);
        written.resize(end - begin);
        require(protocol::encode_event_entry(*entry, written.data()) == written.size() &&
                    std::ranges::equal(written, message.subspan(begin, end - begin)),
                "an entry, written again, is the same");
        written.resize(message.size() + 16);
    }
    require(!reader->is_valid() || end == message.size(), "valid where all entries fill the message");
}

void check_pong(Bytes message) {
    const auto pong = protocol::decode_pong(message);
    if (!pong) {
        return;
    }
    std::vector<std::uint8_t> written(protocol::pong_size);
    protocol::encode_pong(*pong, written.data());
    written[1] = message[1];  // reserved: what a later relay puts there, a client ignores
    require(std::ranges::equal(written, message), "a PONG, written again, is the same");
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    const Bytes message{data, size};
    check_client_message(message);
    check_tick(message);
    check_events(message);
    check_pong(message);
    return 0;
}
