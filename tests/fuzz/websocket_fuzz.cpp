// Oracle: however a stream is cut into inputs, the reader finds the same messages, frames and error; and
// what it finds keeps to the limits and to UTF-8.
//
// Input: one byte of options, one that seeds the cuts, then the stream.
#include "../unit/wire/websocket_frames.hpp"
#include "fuzz.hpp"
#include "wire/utf8.hpp"

namespace {

using namespace tickwire;
using websocket::Limits;
using websocket::Opcode;
using websocket::Role;
using websocket::Transcript;

constexpr std::size_t stream_size_max = 4096;  // byte by byte, more only costs time

Limits choose_limits(std::uint8_t options) {
    Limits limits;
    if ((options & 2) != 0) {
        limits.text_size_max = 130;
        limits.binary_size_max = 70;
    }
    if ((options & 4) != 0) {
        limits.fragment_count_max = 3;
    }
    return limits;
}

/// Cuts of 0 to 31 bytes by a linear congruential generator (Knuth's constants).
Transcript read_in_random_parts(Role role, const Limits& limits, base::Bytes stream, std::uint64_t seed) {
    websocket::CountingSource source;
    websocket::Reader reader(role, limits, source);
    Transcript transcript;
    while (!stream.empty() && !transcript.error) {
        seed = seed * 6364136223846793005U + 1442695040888963407U;
        const std::size_t part_size = std::min<std::size_t>(seed >> 59, stream.size());
        websocket::read_part(reader, stream.first(part_size), transcript);
        stream = stream.subspan(part_size);
    }
    fuzz::require(source.lent == reader.buffered_size(), "buffered_size() is what the source lends");
    return transcript;
}

void check_messages(const Transcript& transcript, const Limits& limits) {
    for (const websocket::ReadMessage& message : transcript.messages) {
        switch (message.opcode) {
            case Opcode::text:
                fuzz::require(message.payload.size() <= limits.text_size_max, "text within its limit");
                fuzz::require(wire::is_valid_utf8(message.payload), "text is UTF-8");
                break;
            case Opcode::binary:
                fuzz::require(message.payload.size() <= limits.binary_size_max, "binary within its limit");
                break;
            case Opcode::close:
            case Opcode::ping:
            case Opcode::pong:
                fuzz::require(message.payload.size() <= websocket::control_size_max,
                              "control within 125 bytes");
                break;
            case Opcode::continuation:
                fuzz::require(false, "a continuation is never delivered");
        }
    }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    if (size < 2) {
        return 0;
    }
    const Role role = (data[0] & 1) != 0 ? Role::client : Role::server;
    const Limits limits = choose_limits(data[0]);
    const base::Bytes stream{data + 2, std::min(size - 2, stream_size_max)};
    const Transcript whole = websocket::read_whole(role, limits, stream);
    check_messages(whole, limits);
    fuzz::require(whole == websocket::read_in_parts(role, limits, stream, 1),
                  "byte by byte gives the same");
    fuzz::require(whole == read_in_random_parts(role, limits, stream, data[1]), "other cuts give the same");
    return 0;
}
