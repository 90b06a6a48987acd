// Durations counted in buckets that grow with the value, as HdrHistogram does it: 64 to each power of two,
// so that a percentile is true to 1.6 % from a microsecond to an hour.
#pragma once

#include <algorithm>
#include <array>
#include <bit>
#include <cmath>
#include <cstdint>

#include "base/time.hpp"

namespace tickwire::swarm {

class Histogram {
  public:
    /// Below zero counts as zero.
    void record(base::Duration value) noexcept {
        const auto us = static_cast<std::uint64_t>(std::max<std::int64_t>(value.count(), 0)) / 1000;
        ++buckets_[bucket_of(std::min(us, value_max))];
        ++count_;
        max_us_ = std::max(max_us_, us);
    }

    std::uint64_t count() const noexcept { return count_; }
    double max_ms() const noexcept { return static_cast<double>(max_us_) / 1000; }

    /// The value that `share` (0 to 1) of those recorded do not pass; 0 where nothing was.
    double percentile_ms(double share) const noexcept {
        const auto wanted = static_cast<std::uint64_t>(std::ceil(share * static_cast<double>(count_)));
        std::uint64_t passed = 0;
        for (std::size_t bucket = 0; bucket < buckets_.size() && count_ != 0; ++bucket) {
            passed += buckets_[bucket];
            if (passed >= wanted) {
                return static_cast<double>(std::min(last_of(bucket), max_us_)) / 1000;
            }
        }
        return 0;
    }

  private:
    static constexpr unsigned fine_bits = 6;
    static constexpr std::uint64_t value_max = std::uint64_t{3600} * 1'000'000;
    static constexpr std::size_t bucket_of(std::uint64_t us) noexcept {
        if (us < (1U << fine_bits)) {
            return static_cast<std::size_t>(us);
        }
        const auto shift = static_cast<unsigned>(std::bit_width(us)) - fine_bits - 1;
        return static_cast<std::size_t>(((shift + 1) << fine_bits) + (us >> shift) - (1U << fine_bits));
    }
    /// The largest value of a bucket.
    static constexpr std::uint64_t last_of(std::size_t bucket) noexcept {
        if (bucket < (1U << fine_bits)) {
            return bucket;
        }
        const auto shift = static_cast<unsigned>(bucket >> fine_bits) - 1;
        const std::uint64_t first = ((bucket & ((1U << fine_bits) - 1)) | (1U << fine_bits)) << shift;
        return first + (std::uint64_t{1} << shift) - 1;
    }

    // Values of up to 32 bits: 64 buckets below 64 us, and 64 for each of the 26 powers of two above.
    static_assert(value_max < (std::uint64_t{1} << 32));
    std::array<std::uint64_t, std::size_t{27} << fine_bits> buckets_{};
    std::uint64_t count_ = 0;
    std::uint64_t max_us_ = 0;
};

}  // namespace tickwire::swarm
