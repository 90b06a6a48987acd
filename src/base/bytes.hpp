// Little-endian cursors over spans. The reader never reads past its end and remembers that it tried, so a
// decoder reads all its fields and checks once.
#pragma once

#include <bit>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <span>
#include <string_view>

#include "base/check.hpp"

namespace tickwire::base {

static_assert(std::endian::native == std::endian::little,
              "the wire is little-endian, and so are our hosts");

using Bytes = std::span<const std::uint8_t>;
using MutableBytes = std::span<std::uint8_t>;

inline Bytes as_bytes(std::string_view text) noexcept {
    return {reinterpret_cast<const std::uint8_t*>(text.data()), text.size()};
}

inline std::string_view as_text(Bytes bytes) noexcept {
    return {reinterpret_cast<const char*>(bytes.data()), bytes.size()};
}

template <typename Integer>
inline Integer load_le(const std::uint8_t* from) noexcept {
    Integer value;
    std::memcpy(&value, from, sizeof value);
    return value;
}

template <typename Integer>
inline void store_le(std::uint8_t* to, Integer value) noexcept {
    std::memcpy(to, &value, sizeof value);
}

/// Reads foreign bytes. After reading past the end every value is 0 and `overran()` is true.
class ByteReader {
  public:
    explicit ByteReader(Bytes bytes) noexcept : rest_(bytes) {}

    template <typename Integer>
    Integer take() noexcept {
        if (rest_.size() < sizeof(Integer)) [[unlikely]] {
            overran_ = true;
            rest_ = {};
            return 0;
        }
        const auto value = load_le<Integer>(rest_.data());
        rest_ = rest_.subspan(sizeof(Integer));
        return value;
    }

    Bytes take_bytes(std::size_t size) noexcept {
        if (rest_.size() < size) [[unlikely]] {
            overran_ = true;
            rest_ = {};
            return {};
        }
        const Bytes taken = rest_.first(size);
        rest_ = rest_.subspan(size);
        return taken;
    }

    Bytes rest() const noexcept { return rest_; }
    bool overran() const noexcept { return overran_; }

  private:
    Bytes rest_;
    bool overran_ = false;
};

/// Writes our own bytes into room that the caller has measured: too little room is our bug.
class ByteWriter {
  public:
    explicit ByteWriter(MutableBytes room) noexcept : room_(room) {}

    template <typename Integer>
    void put(Integer value) noexcept {
        check(room_.size() - used_ >= sizeof(Integer), "ByteWriter: room for an integer");
        store_le(room_.data() + used_, value);
        used_ += sizeof(Integer);
    }

    void put_bytes(Bytes bytes) noexcept {
        check(room_.size() - used_ >= bytes.size(), "ByteWriter: room for bytes");
        if (!bytes.empty()) {
            std::memcpy(room_.data() + used_, bytes.data(), bytes.size());
        }
        used_ += bytes.size();
    }

    std::size_t size() const noexcept { return used_; }
    MutableBytes written() const noexcept { return room_.first(used_); }
    MutableBytes room() const noexcept { return room_.subspan(used_); }
    void advance(std::size_t size) noexcept {
        check(room_.size() - used_ >= size, "ByteWriter: room to advance");
        used_ += size;
    }

  private:
    MutableBytes room_;
    std::size_t used_ = 0;
};

}  // namespace tickwire::base
