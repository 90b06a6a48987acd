// Slots with generations: a handle finds what it was given for, and nothing else after it.
#include "base/slot_pool.hpp"

#include <gtest/gtest.h>

#include <cstdint>
#include <map>
#include <memory>
#include <random>
#include <string>

namespace tickwire::base {
namespace {

TEST(slot_pool, finds_an_object_by_its_handle) {
    SlotPool<std::string> pool(4);
    const Handle ann = pool.emplace("Ann");
    const Handle bo = pool.emplace("Bo");
    ASSERT_TRUE(ann.exists());
    EXPECT_EQ(*pool.find(ann), "Ann");
    EXPECT_EQ(*pool.find(bo), "Bo");
    EXPECT_EQ(pool.live_count(), 2U);
    EXPECT_EQ(pool.capacity(), 4U);
}

TEST(slot_pool, the_empty_handle_finds_nothing) {
    SlotPool<int> pool(1);
    EXPECT_FALSE(Handle::none().exists());
    EXPECT_EQ(pool.find(Handle::none()), nullptr);
    static_cast<void>(pool.emplace(1));
    EXPECT_EQ(pool.find(Handle::none()), nullptr);
}

TEST(slot_pool, a_handle_whose_slot_was_erased_finds_nothing) {
    SlotPool<int> pool(1);
    const Handle handle = pool.emplace(1);
    pool.erase(handle);
    EXPECT_EQ(pool.find(handle), nullptr);
    EXPECT_EQ(pool.live_count(), 0U);
}

TEST(slot_pool, a_handle_whose_slot_was_reused_does_not_find_the_stranger) {
    SlotPool<int> pool(1);
    const Handle before = pool.emplace(1);
    pool.erase(before);
    const Handle after = pool.emplace(2);
    EXPECT_EQ(after.index, before.index);
    EXPECT_NE(after, before);
    EXPECT_EQ(pool.find(before), nullptr);
    EXPECT_EQ(*pool.find(after), 2);
}

TEST(slot_pool, gives_the_empty_handle_where_it_is_full) {
    SlotPool<int> pool(2);
    const Handle first = pool.emplace(1);
    static_cast<void>(pool.emplace(2));
    EXPECT_FALSE(pool.emplace(3).exists());
    pool.erase(first);
    EXPECT_TRUE(pool.emplace(3).exists());
}

TEST(slot_pool, reuses_the_slot_that_was_freed_last) {
    SlotPool<int> pool(3);
    const Handle first = pool.emplace(1);
    const Handle second = pool.emplace(2);
    pool.erase(first);
    pool.erase(second);
    EXPECT_EQ(pool.emplace(3).index, second.index);
    EXPECT_EQ(pool.emplace(4).index, first.index);
    EXPECT_EQ(pool.index_end(), 2U);
}

TEST(slot_pool, a_sweep_sees_the_live_ones_alone) {
    SlotPool<int> pool(4);
    const Handle first = pool.emplace(10);
    static_cast<void>(pool.emplace(20));
    static_cast<void>(pool.emplace(30));
    pool.erase(first);
    int sum = 0;
    for (std::uint32_t index = 0; index < pool.index_end(); ++index) {
        if (const int* const value = pool.at(index)) {
            sum += *value;
            EXPECT_EQ(pool.find(pool.handle_at(index)), value);
        }
    }
    EXPECT_EQ(sum, 50);
    EXPECT_EQ(pool.at(pool.index_end()), nullptr);
}

TEST(slot_pool, ends_each_object_once) {
    const auto counted = std::make_shared<int>(0);
    {
        SlotPool<std::shared_ptr<int>> pool(3);
        const Handle erased = pool.emplace(counted);
        static_cast<void>(pool.emplace(counted));
        EXPECT_EQ(counted.use_count(), 3);
        pool.erase(erased);
        EXPECT_EQ(counted.use_count(), 2);
    }
    EXPECT_EQ(counted.use_count(), 1);
}

TEST(slot_pool, objects_stay_where_they_are) {
    SlotPool<int> pool(1000);
    const Handle first = pool.emplace(1);
    const int* const address = pool.find(first);
    while (pool.emplace(2).exists()) {
    }
    EXPECT_EQ(pool.find(first), address);
}

TEST(slot_pool, agrees_with_a_map_over_many_random_steps) {
    constexpr std::uint32_t capacity = 32;
    constexpr int step_count = 20'000;
    SlotPool<int> pool(capacity);
    std::map<int, Handle> live;
    std::vector<Handle> dead;
    std::mt19937 random(1);  // a fixed seed: a failure repeats
    for (int step = 0; step < step_count; ++step) {
        if (random() % 2 == 0) {
            const Handle handle = pool.emplace(step);
            ASSERT_EQ(handle.exists(), live.size() < capacity);
            if (handle.exists()) {
                live.emplace(step, handle);
            }
        } else if (!live.empty()) {
            const auto chosen =
                std::next(live.begin(), static_cast<std::ptrdiff_t>(random() % live.size()));
            pool.erase(chosen->second);
            dead.push_back(chosen->second);
            live.erase(chosen);
        }
        ASSERT_EQ(pool.live_count(), live.size());
    }
    for (const auto& [value, handle] : live) {
        ASSERT_NE(pool.find(handle), nullptr);
        EXPECT_EQ(*pool.find(handle), value);
    }
    for (const Handle handle : dead) {
        EXPECT_EQ(pool.find(handle), nullptr);
    }
}

TEST(slot_pool_death, stops_where_a_handle_is_erased_twice) {
    SlotPool<int> pool(1);
    const Handle handle = pool.emplace(1);
    pool.erase(handle);
    EXPECT_DEATH(pool.erase(handle), "erase of a live handle");
}

}  // namespace
}  // namespace tickwire::base
