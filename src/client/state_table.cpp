#include "client/state_table.hpp"

#include <cstring>

namespace tickwire::client {
namespace {

constexpr std::size_t place_alignment = 16;
// Below this it does not pay to compact.
constexpr std::size_t wasted_max = 4096;

constexpr std::size_t rounded_up(std::size_t size) noexcept {
    return (size + place_alignment - 1) / place_alignment * place_alignment;
}
static_assert(rounded_up(0x7fff) <= 0xffff, "a place's capacity fits 16 bits");

}  // namespace

void StateTable::clear() noexcept {
    places_.clear();
    block_.clear();
    wasted_ = 0;
}

void StateTable::put(const protocol::StateEntry& entry) {
    if (entry.player >= places_.size()) {
        places_.resize(std::size_t{entry.player} + 1, Place{});
    }
    Place& place = places_[entry.player];
    const std::size_t size = entry.body.size();
    if (size > place.capacity) {
        move_to_end(place, size);
    }
    if (size != 0) {
        std::memcpy(block_.data() + place.offset, entry.body.data(), size);
    }
    place.size = static_cast<std::uint16_t>(size);
    place.seq = entry.seq;
    place.wait = entry.wait;
    place.is_set = true;
}

bool StateTable::apply_delta(const protocol::StateEntry& entry) noexcept {
    if (entry.player >= places_.size() || !places_[entry.player].is_set) {
        return false;
    }
    Place& place = places_[entry.player];
    if (!protocol::apply_delta({block_.data() + place.offset, place.size}, entry.body)) {
        return false;
    }
    place.seq = entry.seq;
    place.wait = entry.wait;
    return true;
}

void StateTable::forget(PlayerNumber player) noexcept {
    if (player < places_.size()) {
        places_[player].is_set = false;  // its place is for whoever gets the number next
    }
}

std::optional<StateView> StateTable::find(PlayerNumber player) const noexcept {
    if (player >= places_.size() || !places_[player].is_set) {
        return std::nullopt;
    }
    const Place& place = places_[player];
    return StateView{player, place.seq, place.wait, {block_.data() + place.offset, place.size}};
}

void StateTable::move_to_end(Place& place, std::size_t size) {
    wasted_ += place.capacity;
    place.capacity = 0;
    if (wasted_ > wasted_max && wasted_ > block_.size() / 2) {
        place.is_set = false;
        compact();
    }
    place.offset = static_cast<std::uint32_t>(block_.size());
    place.capacity = static_cast<std::uint16_t>(rounded_up(size));
    block_.resize(block_.size() + place.capacity);
}

void StateTable::compact() {
    std::vector<std::uint8_t> packed;
    packed.reserve(block_.size() - wasted_);
    for (Place& place : places_) {
        if (!place.is_set) {
            place.capacity = 0;
            continue;
        }
        const auto from = block_.begin() + place.offset;
        place.offset = static_cast<std::uint32_t>(packed.size());
        packed.insert(packed.end(), from, from + place.capacity);
    }
    block_ = std::move(packed);
    wasted_ = 0;
}

}  // namespace tickwire::client
