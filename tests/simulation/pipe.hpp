// One direction of a simulated connection: bytes in order, each readable from some instant on.
#pragma once

#include <cstddef>
#include <cstdint>
#include <deque>
#include <vector>

#include "base/bytes.hpp"
#include "base/time.hpp"

namespace tickwire::simulation {

/// Offsets count bytes since the connection was made, so that they name a byte for good.
///
/// Invariant: read() <= written(), and segments_ covers every unread byte.
class Pipe {
  public:
    /// What is known of the bytes before `end` and after the segment before.
    struct Segment {
        std::uint64_t end = 0;
        base::Time readable_at{};
        base::Time send_started{};          ///< when the relay called send() for them
        std::uint64_t consumed_before = 0;  ///< bytes of the other direction that the relay had by then
    };

    std::uint64_t written() const noexcept { return written_; }
    std::uint64_t read() const noexcept { return read_; }
    std::size_t in_transit() const noexcept { return static_cast<std::size_t>(written_ - read_); }
    /// When the last byte can be read.
    base::Time settled_at() const noexcept { return last_readable_at_; }

    /// `segment.end` is set here; bytes never overtake earlier ones.
    void write(base::Bytes bytes, Segment segment);
    std::size_t readable(base::Time now) const noexcept;
    /// The next `count` readable bytes.
    void read(std::size_t count, std::uint8_t* to) noexcept;
    /// The bytes from `end` on never arrive.
    void truncate(std::uint64_t end) noexcept;

    /// Of the byte at `offset`, which was not forgotten.
    const Segment& segment_of(std::uint64_t offset) const noexcept;
    void forget_before(std::uint64_t offset) noexcept;

  private:
    std::vector<std::uint8_t> bytes_;  // from unread_begin_ on: the unread ones
    std::size_t unread_begin_ = 0;
    std::deque<Segment> segments_;
    std::uint64_t written_ = 0;
    std::uint64_t read_ = 0;
    base::Time last_readable_at_{};
};

}  // namespace tickwire::simulation
