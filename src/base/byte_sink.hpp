// Little-endian bytes into a vector that grows: for what is too varied to be measured first. Allocates, so
// it is not for the data path.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <string_view>
#include <vector>

#include "base/bytes.hpp"
#include "base/check.hpp"

namespace tickwire::base {

/// Appends to a vector that outlives it. take_sized() is the way back.
class ByteSink {
  public:
    explicit ByteSink(std::vector<std::uint8_t>& to) noexcept : to_(to) {}

    template <typename Integer>
    void put(Integer value) {
        const std::size_t at = to_.size();
        to_.resize(at + sizeof(Integer));
        store_le(to_.data() + at, value);
    }
    /// Not by insert(): GCC 12 then sees an access out of bounds that is none, at -O3.
    void put_bytes(Bytes bytes) {
        const std::size_t at = to_.size();
        to_.resize(at + bytes.size());
        std::copy(bytes.begin(), bytes.end(), to_.begin() + static_cast<std::ptrdiff_t>(at));
    }
    /// Its size as u32 first.
    void put_sized(Bytes bytes) {
        check(bytes.size() <= 0xffffffff, "ByteSink: a size of 32 bits");
        put(static_cast<std::uint32_t>(bytes.size()));
        put_bytes(bytes);
    }
    void put_sized(std::string_view text) { put_sized(as_bytes(text)); }

  private:
    std::vector<std::uint8_t>& to_;
};

/// What put_sized() wrote; nothing, and the reader has overrun, where that is not all there.
inline Bytes take_sized(ByteReader& reader) noexcept {
    return reader.take_bytes(reader.take<std::uint32_t>());
}

}  // namespace tickwire::base
