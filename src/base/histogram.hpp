// A histogram of times, counted by one thread: what metrics are made of.
#pragma once

#include <array>
#include <bit>
#include <cstddef>
#include <cstdint>

#include "base/time.hpp"

namespace tickwire::base {

/// Counts in powers of two of microseconds: bucket k holds values below 2^k us, the last one all others
/// (from 4.2 s on). All words are 64 bits wide.
struct LatencyHistogram {
    static constexpr std::size_t bucket_count = 24;
    std::array<std::uint64_t, bucket_count> buckets{};
    std::uint64_t max_ns = 0;
    std::uint64_t sum_ns = 0;

    void record(Duration value) noexcept {
        const auto ns = static_cast<std::uint64_t>(value.count() < 0 ? 0 : value.count());
        const auto bucket = static_cast<std::size_t>(std::bit_width(ns / 1000));
        ++buckets[bucket < bucket_count ? bucket : bucket_count - 1];
        max_ns = ns > max_ns ? ns : max_ns;
        sum_ns += ns;
    }
};

}  // namespace tickwire::base
