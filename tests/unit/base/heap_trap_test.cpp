// The trap stops an allocation where it is armed, and only there. Part of builds with -Dheap_trap=true
// alone.
#include "base/heap_trap.hpp"

#include <gtest/gtest.h>

#include <cstdlib>
#include <thread>

namespace tickwire::base {
namespace {

// Volatile, so that the compiler cannot leave an unused allocation out.
void allocate() {
    void* volatile held = std::malloc(64);
    std::free(held);
}

TEST(heap_trap, lets_allocations_pass_while_it_is_not_armed) {
    { const HeapTrap armed; }
    allocate();
}

TEST(heap_trap, is_lifted_for_a_scope) {
    const HeapTrap armed;
    const HeapAllowed lifted;
    allocate();
}

TEST(heap_trap, guards_its_own_thread_alone) {
    std::thread other;
    {
        bool ran = false;
        other = std::thread([&ran] {
            allocate();
            ran = true;
        });
        const HeapTrap armed;
        other.join();
        EXPECT_TRUE(ran);
    }
}

TEST(heap_trap_death, stops_an_allocation) {
    EXPECT_DEATH(
        {
            const HeapTrap armed;
            allocate();
        },
        "heap allocation on the data path");
}

TEST(heap_trap_death, is_armed_again_after_a_lifted_scope) {
    EXPECT_DEATH(
        {
            const HeapTrap armed;
            { const HeapAllowed lifted; }
            allocate();
        },
        "heap allocation on the data path");
}

TEST(heap_trap_death, nests) {
    EXPECT_DEATH(
        {
            const HeapTrap outer;
            { const HeapTrap inner; }
            allocate();
        },
        "heap allocation on the data path");
}

}  // namespace
}  // namespace tickwire::base
