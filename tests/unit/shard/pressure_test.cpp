#include "shard/pressure.hpp"

#include <gtest/gtest.h>

namespace tickwire::shard {
namespace {

class PressureTest : public testing::Test {
  protected:
    /// A second of 500 slots.
    bool second(int late_count, std::uint32_t busy_permille) {
        for (int slot = 0; slot < 500; ++slot) {
            pressure.on_slot(slot < late_count);
        }
        return pressure.judge(busy_permille);
    }
    bool late_second() { return second(100, 900); }

    Pressure pressure{PressureLimits{50, 700}};
};

TEST_F(PressureTest, spectators_give_first_and_new_matches_next) {
    EXPECT_EQ(pressure.spectator_divisor(), 1);
    EXPECT_TRUE(late_second());
    EXPECT_EQ(pressure.spectator_divisor(), 2);
    EXPECT_FALSE(pressure.is_closed());
    EXPECT_TRUE(late_second());
    EXPECT_EQ(pressure.spectator_divisor(), 4);
    EXPECT_TRUE(pressure.is_closed());
    EXPECT_TRUE(late_second());
    EXPECT_EQ(pressure.spectator_divisor(), 8);
    EXPECT_FALSE(late_second()) << "there is no more to give";
    EXPECT_EQ(pressure.spectator_divisor(), 8);
}

TEST_F(PressureTest, relief_comes_one_step_for_five_good_seconds) {
    late_second();
    late_second();
    for (int good = 0; good < 4; ++good) {
        EXPECT_FALSE(second(0, 900));
    }
    EXPECT_TRUE(second(0, 900));
    EXPECT_FALSE(pressure.is_closed());
    EXPECT_EQ(pressure.spectator_divisor(), 2);
    second(0, 100);
    late_second();
    EXPECT_TRUE(pressure.is_closed()) << "a late second begins the count anew";
}

TEST_F(PressureTest, few_late_slots_or_a_machine_that_others_have_are_no_reason) {
    EXPECT_FALSE(second(25, 1000)) << "50 in 1000 are borne";
    EXPECT_TRUE(second(26, 1000));
    Pressure starved(PressureLimits{50, 700});
    for (int slot = 0; slot < 500; ++slot) {
        starved.on_slot(true);
    }
    EXPECT_FALSE(starved.judge(699)) << "its own work did not fill the second";
    Pressure idle(PressureLimits{50, 700});
    EXPECT_FALSE(idle.judge(1000)) << "no slots: no match ticks";
    Pressure never(PressureLimits{1000, 0});
    never.on_slot(true);
    EXPECT_FALSE(never.judge(1000));
}

}  // namespace
}  // namespace tickwire::shard
