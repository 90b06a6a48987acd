// The pool's promises: sizes in powers of two, a limit that holds, buffers that come back.
#include "base/buffer_pool.hpp"

#include <gtest/gtest.h>
#include <sys/mman.h>
#include <unistd.h>

#include <algorithm>
#include <cstdint>
#include <random>
#include <utility>
#include <vector>

namespace tickwire::base {
namespace {

constexpr std::size_t one_mib = std::size_t{1024} * 1024;

TEST(buffer_pool, rounds_a_size_up_to_a_power_of_two) {
    BufferPool pool(one_mib);
    const std::pair<std::size_t, std::size_t> asked_and_given[] = {
        {0, 128}, {1, 128}, {128, 128}, {129, 256}, {4096, 4096}, {4097, 8192},
    };
    for (const auto& [asked, given] : asked_and_given) {
        const MutableBytes buffer = pool.take(asked);
        EXPECT_EQ(buffer.size(), given) << "asked for " << asked;
        pool.release(buffer);
    }
}

TEST(buffer_pool, gives_the_largest_size_and_nothing_above_it) {
    BufferPool pool(2 * BufferPool::size_max);
    const MutableBytes largest = pool.take(BufferPool::size_max);
    EXPECT_EQ(largest.size(), BufferPool::size_max);
    EXPECT_TRUE(pool.take(BufferPool::size_max + 1).empty());
    pool.release(largest);
}

TEST(buffer_pool, gives_nothing_past_its_limit_and_goes_on_after_a_release) {
    BufferPool pool(1024);
    const MutableBytes first = pool.take(512);
    const MutableBytes second = pool.take(512);
    ASSERT_FALSE(second.empty());
    EXPECT_TRUE(pool.take(1).empty());
    pool.release(second);
    const MutableBytes again = pool.take(512);
    EXPECT_EQ(again.data(), second.data());
    pool.release(again);
    pool.release(first);
}

TEST(buffer_pool, counts_the_bytes_in_use) {
    BufferPool pool(one_mib);
    EXPECT_EQ(pool.bytes_in_use(), 0U);
    EXPECT_EQ(pool.limit(), one_mib);
    const MutableBytes small = pool.take(100);
    const MutableBytes large = pool.take(1000);
    EXPECT_EQ(pool.bytes_in_use(), 128U + 1024U);
    pool.release(small);
    EXPECT_EQ(pool.bytes_in_use(), 1024U);
    pool.release(large);
    EXPECT_EQ(pool.bytes_in_use(), 0U);
}

TEST(buffer_pool, hands_out_buffers_that_do_not_overlap) {
    BufferPool pool(one_mib);
    std::vector<MutableBytes> held;
    for (std::size_t size = 1; size < 10'000; size = size * 2 + 1) {
        held.push_back(pool.take(size));
        std::ranges::fill(held.back(), static_cast<std::uint8_t>(held.size()));
    }
    for (std::size_t index = 0; index < held.size(); ++index) {
        const auto mark = static_cast<std::uint8_t>(index + 1);
        EXPECT_TRUE(std::ranges::all_of(held[index], [&](std::uint8_t byte) { return byte == mark; }));
        pool.release(held[index]);
    }
}

TEST(buffer_pool, resize_inside_the_capacity_keeps_the_buffer) {
    BufferPool pool(one_mib);
    const MutableBytes held = pool.take(100);
    const MutableBytes resized = pool.resize(held, 100, 128);
    EXPECT_EQ(resized.data(), held.data());
    EXPECT_EQ(resized.size(), held.size());
    pool.release(resized);
}

TEST(buffer_pool, resize_moves_what_was_used_and_gives_the_old_buffer_back) {
    BufferPool pool(one_mib);
    const MutableBytes held = pool.take(128);
    std::ranges::fill(held, std::uint8_t{7});
    const MutableBytes grown = pool.resize(held, 128, 300);
    ASSERT_EQ(grown.size(), 512U);
    EXPECT_TRUE(std::ranges::all_of(grown.first(128), [](std::uint8_t byte) { return byte == 7; }));
    EXPECT_EQ(pool.bytes_in_use(), 512U);
    pool.release(grown);
}

TEST(buffer_pool, resize_of_nothing_is_a_take) {
    BufferPool pool(one_mib);
    const MutableBytes taken = pool.resize({}, 0, 200);
    EXPECT_EQ(taken.size(), 256U);
    pool.release(taken);
}

TEST(buffer_pool, a_resize_past_the_limit_leaves_the_held_buffer_alone) {
    BufferPool pool(256);
    const MutableBytes held = pool.take(128);
    std::ranges::fill(held, std::uint8_t{9});
    EXPECT_TRUE(pool.resize(held, 128, 256).empty());
    EXPECT_EQ(pool.bytes_in_use(), 128U);
    EXPECT_TRUE(std::ranges::all_of(held, [](std::uint8_t byte) { return byte == 9; }));
    pool.release(held);
}

TEST(buffer_pool, release_of_nothing_does_nothing) {
    BufferPool pool(one_mib);
    pool.release({});
    EXPECT_EQ(pool.bytes_in_use(), 0U);
}

TEST(buffer_pool_death, stops_where_a_part_of_a_buffer_comes_back) {
    BufferPool pool(one_mib);
    const MutableBytes held = pool.take(256);
    EXPECT_DEATH(pool.release(held.first(100)), "a buffer comes back whole");
    pool.release(held);
}

TEST(buffer_pool_death, stops_where_a_stranger_comes_back) {
    BufferPool pool(one_mib);
    std::vector<std::uint8_t> stranger(128);
    EXPECT_DEATH(pool.release(stranger), "a buffer comes back whole");
}

TEST(buffer_pool_death, stops_where_it_ends_before_its_buffers) {
    EXPECT_DEATH(
        {
            BufferPool pool(one_mib);
            static_cast<void>(pool.take(1));
        },
        "every buffer is back");
}

/// How many of a buffer's pages are resident.
std::size_t resident_pages(MutableBytes buffer) {
    const auto page_size = static_cast<std::size_t>(sysconf(_SC_PAGESIZE));
    std::vector<unsigned char> pages(buffer.size() / page_size);
    EXPECT_EQ(mincore(buffer.data(), buffer.size(), pages.data()), 0) << "it begins at a page";
    return static_cast<std::size_t>(
        std::count_if(pages.begin(), pages.end(), [](unsigned char page) { return (page & 1U) != 0; }));
}

TEST(buffer_pool, gives_the_kernel_back_what_was_idle_from_one_trim_to_the_next) {
    BufferPool pool(one_mib);
    const MutableBytes buffer = pool.take(BufferPool::block_size);
    std::fill(buffer.begin(), buffer.end(), std::uint8_t{1});
    const std::size_t page_count = resident_pages(buffer);
    EXPECT_GT(page_count, 1U);
    pool.trim();
    pool.release(buffer);
    pool.trim();
    EXPECT_EQ(resident_pages(buffer), page_count) << "it was in use since the last one";
    EXPECT_EQ(pool.bytes_touched(), buffer.size());
    pool.trim();
    EXPECT_EQ(resident_pages(buffer), 0U);
    EXPECT_EQ(pool.bytes_touched(), 0U);

    const MutableBytes again = pool.take(BufferPool::block_size);
    EXPECT_EQ(again.data(), buffer.data()) << "before more is cut";
    EXPECT_EQ(pool.bytes_touched(), buffer.size());
    std::fill(again.begin(), again.end(), std::uint8_t{2});
    pool.release(again);
}

TEST(buffer_pool, keeps_as_many_as_were_used_between_two_trims) {
    BufferPool pool(one_mib);
    std::vector<MutableBytes> buffers;
    for (int count = 0; count < 4; ++count) {
        buffers.push_back(pool.take(BufferPool::block_size));
    }
    for (const MutableBytes buffer : buffers) {
        pool.release(buffer);
    }
    pool.trim();
    for (int turn = 0; turn < 3; ++turn) {
        const MutableBytes one = pool.take(BufferPool::block_size);
        pool.release(one);
        pool.trim();
        EXPECT_EQ(pool.bytes_touched(), BufferPool::block_size);
    }
}

TEST(buffer_pool, gives_back_a_block_of_small_buffers_when_the_last_of_them_is_idle) {
    BufferPool pool(one_mib);
    std::vector<MutableBytes> buffers;
    for (std::size_t size = 128; size <= 16384; size *= 2) {
        buffers.push_back(pool.take(size));
        std::ranges::fill(buffers.back(), std::uint8_t{1});
    }
    const std::size_t touched = pool.bytes_touched();
    const MutableBytes block{buffers.front().data(), BufferPool::block_size};
    const std::size_t page_count = resident_pages(block);
    for (std::size_t index = 1; index < buffers.size(); ++index) {
        pool.release(buffers[index]);
    }
    for (int turn = 0; turn < 3; ++turn) {
        pool.trim();
    }
    EXPECT_EQ(resident_pages(block), page_count) << "one of its buffers is in use";
    EXPECT_EQ(pool.bytes_touched(), touched);
    pool.release(buffers.front());
    pool.trim();
    EXPECT_EQ(resident_pages(block), page_count) << "and was until now";
    pool.trim();
    EXPECT_EQ(resident_pages(block), 0U);
    EXPECT_EQ(pool.bytes_touched(), 0U);

    const MutableBytes again = pool.take(BufferPool::block_size / 2);
    EXPECT_EQ(again.data(), block.data()) << "cut anew, and in other sizes";
    pool.release(again);
}

TEST(buffer_pool, the_memory_of_small_buffers_may_serve_for_a_large_one) {
    BufferPool pool(BufferPool::block_size);
    pool.release(pool.take(100));
    EXPECT_TRUE(pool.take(BufferPool::block_size).empty());
    pool.trim();
    pool.trim();
    const MutableBytes large = pool.take(BufferPool::block_size);
    EXPECT_EQ(large.size(), BufferPool::block_size);
    pool.release(large);
}

TEST(buffer_pool, what_is_left_of_a_block_serves_for_smaller_buffers) {
    BufferPool pool(2 * BufferPool::block_size);
    const MutableBytes small = pool.take(128);
    const MutableBytes half = pool.take(BufferPool::block_size / 2);
    const MutableBytes other_half = pool.take(BufferPool::block_size / 2);
    EXPECT_EQ(other_half.data(), small.data() + BufferPool::block_size)
        << "the first block has no room for it";
    const MutableBytes quarter = pool.take(BufferPool::block_size / 4);
    EXPECT_LT(quarter.data(), other_half.data());
    for (const MutableBytes buffer : {small, half, other_half, quarter}) {
        pool.release(buffer);
    }
}

TEST(buffer_pool, a_trim_gives_back_so_many_buffers_at_most) {
    constexpr std::size_t per_block = BufferPool::block_size / BufferPool::size_min;
    constexpr std::size_t blocks_at_once = BufferPool::trim_buffers_max / per_block;
    BufferPool pool(2 * blocks_at_once * BufferPool::block_size);
    std::vector<MutableBytes> buffers;
    for (auto buffer = pool.take(1); !buffer.empty(); buffer = pool.take(1)) {
        buffers.push_back(buffer);
    }
    EXPECT_EQ(buffers.size(), 2 * BufferPool::trim_buffers_max);
    for (const MutableBytes buffer : buffers) {
        pool.release(buffer);
    }
    pool.trim();
    for (std::size_t left = 2; left-- != 0;) {
        pool.trim();
        EXPECT_EQ(pool.bytes_touched(), left * blocks_at_once * BufferPool::block_size);
    }
}

/// What is taken, given back, trimmed and cut anew at random is never anybody else's at the same time.
TEST(buffer_pool, keeps_what_is_in_its_buffers_whatever_else_goes_on) {
    BufferPool pool(4 * one_mib);
    std::minstd_rand random(1);
    std::vector<MutableBytes> held;
    std::size_t in_use = 0;
    for (int turn = 0; turn < 20'000; ++turn) {
        if (random() % 100 == 0) {
            pool.trim();
        }
        // Ebb and flow, so that blocks become free.
        if (random() % 1000 < (turn / 2000 % 2 == 0 ? 700U : 300U)) {
            const std::size_t size = std::size_t{1} << (random() % 18);
            const MutableBytes buffer = pool.take(size);
            if (!buffer.empty()) {
                std::ranges::fill(buffer, static_cast<std::uint8_t>(
                                              reinterpret_cast<std::uintptr_t>(buffer.data()) >> 7));
                held.push_back(buffer);
                in_use += buffer.size();
            }
        } else if (!held.empty()) {
            std::swap(held[random() % held.size()], held.back());
            const MutableBytes buffer = held.back();
            held.pop_back();
            const auto mark =
                static_cast<std::uint8_t>(reinterpret_cast<std::uintptr_t>(buffer.data()) >> 7);
            ASSERT_TRUE(std::ranges::all_of(buffer, [&](std::uint8_t byte) { return byte == mark; }));
            in_use -= buffer.size();
            pool.release(buffer);
        }
        ASSERT_EQ(pool.bytes_in_use(), in_use);
        ASSERT_LE(in_use, pool.bytes_touched());
        ASSERT_LE(pool.bytes_touched(), pool.limit());
    }
    for (const MutableBytes buffer : held) {
        pool.release(buffer);
    }
    for (int turn = 0; turn < 4; ++turn) {
        pool.trim();
    }
    EXPECT_EQ(pool.bytes_touched(), 0U);
}

TEST(buffer_pool_death, stops_where_a_buffer_comes_back_twice) {
    BufferPool pool(one_mib);
    const MutableBytes held = pool.take(1);
    pool.release(held);
    EXPECT_DEATH(pool.release(held), "a buffer comes back once");
}

}  // namespace
}  // namespace tickwire::base
