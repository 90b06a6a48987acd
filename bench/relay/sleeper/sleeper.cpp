// A bare clock_nanosleep loop: how late this machine wakes a thread that only sleeps, counted in the
// buckets that the relay counts its ticks in. sleeper SLOT_US SECONDS
#include <time.h>

#include <array>
#include <bit>
#include <cstdint>
#include <cstdio>
#include <cstdlib>

namespace {

constexpr std::int64_t second_ns = 1'000'000'000;
constexpr std::size_t bucket_count = 24;  // below 1 us, 2 us, 4 us, … 8.4 s

std::int64_t now_ns() {
    timespec time{};
    clock_gettime(CLOCK_MONOTONIC, &time);
    return time.tv_sec * second_ns + time.tv_nsec;
}

}  // namespace

int main(int argument_count, char** arguments) {
    if (argument_count != 3) {
        std::fprintf(stderr, "sleeper SLOT_US SECONDS\n");
        return 2;
    }
    const std::int64_t slot_ns = std::atoll(arguments[1]) * 1000;
    std::array<std::uint64_t, bucket_count> buckets{};
    std::int64_t due = now_ns();
    const std::int64_t end = due + static_cast<std::int64_t>(std::atof(arguments[2]) * 1e9);
    while (due < end) {
        due += slot_ns;
        const timespec time{due / second_ns, due % second_ns};
        clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &time, nullptr);
        // Of what was slept through each slot counts by its own lateness: in each of them ticks were due.
        for (const std::int64_t now = now_ns();; due += slot_ns) {
            const auto late_us = static_cast<std::uint64_t>((now - due) / 1000);
            const auto bucket = static_cast<std::size_t>(std::bit_width(late_us));
            ++buckets[bucket < bucket_count ? bucket : bucket_count - 1];
            if (due + slot_ns > now) {
                break;
            }
        }
    }
    std::printf("{\"lateness_below_us\":{");
    for (std::size_t bucket = 0; bucket < bucket_count; ++bucket) {
        std::printf("%s\"%llu\":%llu", bucket == 0 ? "" : ",", 1ULL << bucket,
                    static_cast<unsigned long long>(buckets[bucket]));
    }
    std::printf("}}\n");
    return 0;
}
