// A vector whose objects stay where they are while it grows.
#pragma once

#include <bit>
#include <cstddef>
#include <memory>
#include <vector>

namespace tickwire::base {

/// In blocks of `block_size` objects: two loads to one of them, where std::deque divides by its size. Grows
/// by a block at a time, without a copy. T is made by its default constructor, a block at once.
template <typename T, std::size_t block_size = 8>
class BlockVector {
    static_assert(std::has_single_bit(block_size));

    template <typename Vector, typename Value>
    class Iterator {
      public:
        Iterator(Vector& vector, std::size_t index) noexcept : vector_(&vector), index_(index) {}
        Value& operator*() const noexcept { return (*vector_)[index_]; }
        Iterator& operator++() noexcept {
            ++index_;
            return *this;
        }
        bool operator!=(const Iterator& other) const noexcept { return index_ != other.index_; }

      private:
        Vector* vector_;
        std::size_t index_;
    };

  public:
    std::size_t size() const noexcept { return size_; }
    T& operator[](std::size_t index) noexcept { return blocks_[index / block_size][index % block_size]; }
    const T& operator[](std::size_t index) const noexcept {
        return blocks_[index / block_size][index % block_size];
    }
    /// The next one, as it was made.
    T& grow() {
        if (size_ == blocks_.size() * block_size) {
            blocks_.push_back(std::make_unique<T[]>(block_size));
        }
        return (*this)[size_++];
    }

    auto begin() noexcept { return Iterator<BlockVector, T>(*this, 0); }
    auto end() noexcept { return Iterator<BlockVector, T>(*this, size_); }
    auto begin() const noexcept { return Iterator<const BlockVector, const T>(*this, 0); }
    auto end() const noexcept { return Iterator<const BlockVector, const T>(*this, size_); }

  private:
    std::vector<std::unique_ptr<T[]>> blocks_;
    std::size_t size_ = 0;
};

}  // namespace tickwire::base
