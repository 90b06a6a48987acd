// A set of player numbers that is walked in rising order: one bit for each slot of the match.
#pragma once

#include <bit>
#include <cstddef>
#include <cstdint>
#include <vector>

#include "tickwire/protocol.hpp"

namespace tickwire::match {

using protocol::PlayerNumber;

/// Numbers below the bound that grow() was last told. Only grow() allocates.
class PlayerSet {
  public:
    void grow(std::size_t number_end) {
        if (words_.size() * 64 < number_end) {
            words_.resize((number_end + 63) / 64);
        }
    }

    void insert(PlayerNumber player) noexcept {
        count_ += contains(player) ? 0U : 1U;
        words_[player / 64U] |= bit(player);
    }
    void erase(PlayerNumber player) noexcept {
        count_ -= contains(player) ? 1U : 0U;
        words_[player / 64U] &= ~bit(player);
    }
    bool contains(PlayerNumber player) const noexcept { return (words_[player / 64U] & bit(player)) != 0; }
    void clear() noexcept {
        if (count_ != 0) {
            words_.assign(words_.size(), 0);
            count_ = 0;
        }
    }

    std::size_t count() const noexcept { return count_; }
    bool empty() const noexcept { return count_ == 0; }

    /// `visit(PlayerNumber)` must not change the set.
    template <typename Visit>
    void for_each(Visit visit) const {
        if (count_ == 0) {
            return;
        }
        for (std::size_t index = 0; index < words_.size(); ++index) {
            for (std::uint64_t rest = words_[index]; rest != 0; rest &= rest - 1) {
                visit(static_cast<PlayerNumber>(index * 64 +
                                                static_cast<std::size_t>(std::countr_zero(rest))));
            }
        }
    }

  private:
    static std::uint64_t bit(PlayerNumber player) noexcept { return std::uint64_t{1} << (player % 64U); }

    std::vector<std::uint64_t> words_;
    std::size_t count_ = 0;
};

}  // namespace tickwire::match
