// Oracle: a delta applied to its baseline gives the state and is shorter than it; a delta that is refused
// leaves the state as it was; one that is taken changes nothing that its bitmap does not name.
//
// Input: two bytes of size, then the baseline; then what is tried both as a state and as a delta.
#include <algorithm>
#include <vector>

#include "fuzz.hpp"
#include "tickwire/protocol.hpp"

namespace {

using namespace tickwire;
using ByteVector = std::vector<std::uint8_t>;

/// Encodes into memory of exactly the promised room, so that the sanitizer sees a byte too far.
void check_round_trip(const ByteVector& baseline, const ByteVector& state) {
    ByteVector room(protocol::delta_room(state.size()));
    const auto delta_size = protocol::encode_delta(baseline, state, room.data());
    if (!delta_size) {
        return;
    }
    fuzz::require(baseline.size() == state.size(), "sizes that differ have no delta");
    fuzz::require(*delta_size < state.size(), "a delta is shorter than the state");
    fuzz::require((*delta_size == 0) == (baseline == state), "an empty delta means the same bytes");
    const ByteVector delta(room.begin(), room.begin() + static_cast<std::ptrdiff_t>(*delta_size));
    ByteVector applied = baseline;
    fuzz::require(protocol::apply_delta(applied, delta), "our own delta is good");
    fuzz::require(applied == state, "a delta applied to its baseline gives the state");
}

void check_foreign_delta(const ByteVector& baseline, const ByteVector& delta) {
    ByteVector applied = baseline;
    if (!protocol::apply_delta(applied, delta)) {
        fuzz::require(applied == baseline, "a refused delta changes nothing");
        return;
    }
    for (std::size_t i = 0; i < baseline.size(); ++i) {
        const bool is_named = !delta.empty() && (delta[i / 8] >> (i % 8) & 1) != 0;
        fuzz::require(is_named || applied[i] == baseline[i], "a byte that is not named stays");
    }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    if (size < 2) {
        return 0;
    }
    const std::size_t baseline_size = std::min(std::size_t{data[0]} + std::size_t{data[1]} * 256, size - 2);
    const std::uint8_t* const middle = data + 2 + baseline_size;
    const ByteVector baseline(data + 2, middle);
    const ByteVector rest(middle, data + size);
    check_round_trip(baseline, rest);
    check_foreign_delta(baseline, rest);
    // Most pairs of one size and little difference come from here: the state is the baseline with the rest
    // laid over its start.
    ByteVector state = baseline;
    std::copy_n(rest.begin(), std::min(rest.size(), state.size()), state.begin());
    check_round_trip(baseline, state);
    return 0;
}
