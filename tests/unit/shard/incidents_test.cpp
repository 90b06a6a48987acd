#include "shard/incidents.hpp"

#include <gtest/gtest.h>

namespace tickwire::shard {
namespace {

constexpr base::Time start = base::Time(std::chrono::seconds(1000));

TEST(IncidentLimit, admits_so_many_of_each_cause_in_an_interval) {
    IncidentLimit limit;
    for (int round = 0; round < 3; ++round) {
        const base::Time now = start + round * IncidentLimit::interval;
        for (const Cause cause : {Cause::tls_failed, Cause::over_rate}) {
            EXPECT_TRUE(limit.admit(cause, 2, now));
            EXPECT_TRUE(limit.admit(cause, 2, now));
            EXPECT_FALSE(limit.admit(cause, 2, now));
            EXPECT_FALSE(limit.admit(cause, 2, now + IncidentLimit::interval - base::Duration(1)));
        }
    }
}

TEST(IncidentLimit, of_none_admits_none) {
    IncidentLimit limit;
    EXPECT_FALSE(limit.admit(Cause::timed_out, 0, start));
}

TEST(IncidentLimit, has_a_place_for_the_last_cause) {
    EXPECT_EQ(static_cast<std::size_t>(Cause::timed_out) + 1, cause_count);
}

TEST(Incident, close_codes_that_are_nobodys_fault_have_no_cause) {
    for (const int code : {1000, 1001, 1005, 1012, 1013, 4000, 4001, 4003, 4103}) {
        EXPECT_FALSE(cause_of_close(static_cast<std::uint16_t>(code))) << code;
    }
    EXPECT_EQ(cause_of_close(1002), Cause::rules_broken);
    EXPECT_EQ(cause_of_close(1009), Cause::rules_broken);
    EXPECT_EQ(cause_of_close(4100), Cause::over_rate);
    EXPECT_EQ(cause_of_close(4101), Cause::too_slow);
    EXPECT_EQ(cause_of_close(4102), Cause::timed_out);
    EXPECT_EQ(cause_of_close(4104), Cause::timed_out);
}

}  // namespace
}  // namespace tickwire::shard
