#include "match/roster.hpp"

#include <utility>

#include "base/bytes.hpp"
#include "base/check.hpp"

namespace tickwire::match {
namespace {

std::uint64_t index_key(std::string_view token) noexcept {
    return base::load_le<std::uint64_t>(base::as_bytes(token).data());
}

bool is_equal_in_constant_time(std::string_view left, std::string_view right) noexcept {
    std::uint8_t difference = 0;
    for (std::size_t index = 0; index < left.size(); ++index) {
        difference = static_cast<std::uint8_t>(difference | (left[index] ^ right[index]));
    }
    return difference == 0;
}

std::string_view view(const ResumeToken& token) noexcept {
    return {token.data(), token.size()};
}

}  // namespace

std::optional<PlayerNumber> Roster::add(Slot slot) {
    if (is_full()) {
        return std::nullopt;
    }
    PlayerNumber player = static_cast<PlayerNumber>(slots_.size());
    if (freed_.empty()) {
        slots_.emplace_back();
    } else {
        player = freed_.top();
        freed_.pop();
    }
    slot.presence = Presence::present;
    if (!slot.is_plain) {
        by_token_.emplace(index_key(view(slot.token)), player);
    }
    slots_[player] = std::move(slot);
    ++count_;
    return player;
}

void Roster::remove(PlayerNumber player) {
    base::check(has(player), "Roster: a player to remove");
    const auto [begin, end] = by_token_.equal_range(index_key(view(slots_[player].token)));
    for (auto entry = begin; entry != end; ++entry) {
        if (entry->second == player) {
            by_token_.erase(entry);
            break;
        }
    }
    slots_[player] = {};
    freed_.push(player);
    --count_;
}

void Roster::restore(PlayerNumber player, Slot slot) {
    base::check(player >= slots_.size() && !slot.is_plain, "Roster: players come back in order");
    while (slots_.size() < player) {
        freed_.push(static_cast<PlayerNumber>(slots_.size()));
        slots_.emplace_back();
    }
    by_token_.emplace(index_key(view(slot.token)), player);
    slots_.push_back(std::move(slot));
    ++count_;
}

std::optional<PlayerNumber> Roster::find(std::string_view token) const noexcept {
    if (token.size() != ResumeToken{}.size()) {
        return std::nullopt;
    }
    const auto [begin, end] = by_token_.equal_range(index_key(token));
    for (auto entry = begin; entry != end; ++entry) {
        if (is_equal_in_constant_time(view(slots_[entry->second].token), token)) {
            return entry->second;
        }
    }
    return std::nullopt;
}

}  // namespace tickwire::match
