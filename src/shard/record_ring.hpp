// How a shard tells the service what happened: fixed-size records in a ring from the shard's thread to one
// reader. Putting one there copies it; that neither allocates, nor locks, nor wakes anybody. What finds the
// ring full is lost, and counted by whom it is lost to.
#pragma once

#include <algorithm>
#include <array>
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <string_view>
#include <vector>

namespace tickwire::shard {

/// A text of at most `capacity` bytes; longer ones are cut.
template <std::size_t capacity>
class FixedText {
  public:
    FixedText() noexcept = default;
    explicit FixedText(std::string_view text) noexcept { set(text); }
    void set(std::string_view text) noexcept {
        size_ = std::min(text.size(), capacity);
        std::copy_n(text.begin(), size_, bytes_.begin());
    }
    std::string_view view() const noexcept { return {bytes_.data(), size_}; }

  private:
    std::size_t size_ = 0;
    std::array<char, capacity> bytes_{};
};

/// One writer, one reader.
///
/// Invariant: read_ <= written_ <= read_ + capacity.
template <typename Record, std::size_t record_count_max>
class RecordRing {
  public:
    static constexpr std::size_t capacity = record_count_max;

    RecordRing() : records_(capacity) {}

    /// False: full.
    [[nodiscard]] bool put(const Record& record) noexcept {
        const std::uint64_t written = written_.load(std::memory_order_relaxed);
        if (written - read_.load(std::memory_order_acquire) == capacity) {
            return false;
        }
        records_[written % capacity] = record;
        written_.store(written + 1, std::memory_order_release);
        return true;
    }
    /// Calls `visit` with each that is there, the oldest first.
    template <typename Visit>
    void take_all(const Visit& visit) {
        std::uint64_t read = read_.load(std::memory_order_relaxed);
        for (const std::uint64_t end = written_.load(std::memory_order_acquire); read != end; ++read) {
            visit(records_[read % capacity]);
            read_.store(read + 1, std::memory_order_release);
        }
    }

  private:
    std::vector<Record> records_;
    alignas(64) std::atomic<std::uint64_t> written_{0};
    alignas(64) std::atomic<std::uint64_t> read_{0};
};

}  // namespace tickwire::shard
