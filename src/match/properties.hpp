// The match's properties: keys and JSON values that any player may set and everybody sees.
#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "wire/control.hpp"

namespace tickwire::match {

/// Lives in its match. Values are JSON as their setters wrote it: nothing here looks inside.
///
/// Invariant: size_ == the bytes that all of them take in a `welcome` <= size_max, and their count <=
/// count_max (but for what restore() found).
class Properties {
  public:
    struct Bounds {
        std::size_t size_max;
        std::size_t count_max;
    };
    explicit Properties(Bounds bounds) noexcept : bounds_(bounds) {}

    enum class Outcome : std::uint8_t { accepted, version_differs, too_large };

    /// All of the request or nothing of it. Every accepted one raises the version, an empty one too.
    Outcome apply(const wire::SetProperties& request);

    /// Of a match that goes on from another process, whose bounds may have been wider: what is there stays.
    void restore(std::uint64_t version, const std::vector<wire::PropertySet>& set);

    std::uint64_t version() const noexcept { return version_; }
    std::size_t size() const noexcept { return size_; }
    /// Views into the values: good until the next apply().
    std::vector<wire::PropertyView> list() const;

  private:
    using Values = std::map<std::string, std::string, std::less<>>;

    Bounds bounds_;
    std::uint64_t version_ = 0;
    std::size_t size_ = 0;
    Values values_;
};

}  // namespace tickwire::match
