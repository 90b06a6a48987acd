#include "shard/address_ledger.hpp"

#include <gtest/gtest.h>

namespace tickwire::shard {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;

constexpr base::Time start = base::Time(seconds(1000));

TEST(AddressLedger, each_address_has_so_many_connections) {
    AddressLedger ledger({2, 0});
    EXPECT_EQ(ledger.take(1, start), AddressVerdict::admitted);
    EXPECT_EQ(ledger.take(1, start), AddressVerdict::admitted);
    EXPECT_EQ(ledger.take(1, start), AddressVerdict::too_many);
    EXPECT_EQ(ledger.take(2, start), AddressVerdict::admitted) << "another one";
    ledger.release(1, start);
    EXPECT_EQ(ledger.take(1, start), AddressVerdict::admitted);
    EXPECT_EQ(ledger.take(1, start), AddressVerdict::too_many);
}

TEST(AddressLedger, and_so_many_new_ones_a_second_refused_ones_counted) {
    AddressLedger ledger({0, 4});
    for (int count = 0; count < 4; ++count) {
        EXPECT_EQ(ledger.take(1, start), AddressVerdict::admitted);
        ledger.release(1, start);
    }
    EXPECT_EQ(ledger.take(1, start), AddressVerdict::too_fast);
    EXPECT_EQ(ledger.take(1, start + milliseconds(249)), AddressVerdict::too_fast);
    EXPECT_EQ(ledger.take(1, start + milliseconds(250)), AddressVerdict::admitted);
    EXPECT_EQ(ledger.take(1, start + milliseconds(251)), AddressVerdict::too_fast);

    AddressLedger both({1, 2});
    EXPECT_EQ(both.take(1, start), AddressVerdict::admitted);
    EXPECT_EQ(both.take(1, start), AddressVerdict::too_many);
    EXPECT_EQ(both.take(1, start), AddressVerdict::too_fast);
}

TEST(AddressLedger, counts_before_there_are_limits_and_lets_stay_who_is_there) {
    AddressLedger ledger({0, 0});
    for (int count = 0; count < 3; ++count) {
        EXPECT_EQ(ledger.take(1, start), AddressVerdict::admitted);
    }
    ledger.set_limits({2, 0});
    EXPECT_EQ(ledger.take(1, start), AddressVerdict::too_many);
    ledger.release(1, start);
    ledger.release(1, start);
    EXPECT_EQ(ledger.take(1, start), AddressVerdict::admitted);
    EXPECT_EQ(ledger.take(1, start), AddressVerdict::too_many);
    ledger.release(1, start);
    ledger.release(1, start);
    EXPECT_EQ(ledger.take(2, start + seconds(2)), AddressVerdict::admitted);
    EXPECT_EQ(ledger.address_count(), 1U) << "who has gone is forgotten";
}

TEST(AddressLedger, nobody_is_never_limited) {
    AddressLedger ledger({1, 1});
    for (int count = 0; count < 10; ++count) {
        EXPECT_EQ(ledger.take(0, start), AddressVerdict::admitted);
    }
    ledger.release(0, start);
    EXPECT_EQ(ledger.address_count(), 0U);
}

TEST(AddressLedger, forgets_addresses_that_are_gone) {
    AddressLedger ledger({4, 4});
    base::Time now = start;
    for (base::AddressKey address = 1; address <= 10'000; ++address) {
        now += milliseconds(1);
        EXPECT_EQ(ledger.take(address, now), AddressVerdict::admitted);
        ledger.release(address, now);
        // A bucket of four a second is full again after a quarter of one.
        EXPECT_LE(ledger.address_count(), 300U);
    }
    now += seconds(2);
    for (int call = 0; call < 200; ++call) {
        ledger.take(1, now);
        ledger.release(1, now);
        now += seconds(1);
    }
    EXPECT_LE(ledger.address_count(), 1U);
}

TEST(AddressLedger, an_address_that_came_back_while_it_lingered_keeps_its_count) {
    AddressLedger ledger({2, 10});
    ledger.take(1, start);
    ledger.release(1, start);  // lingers for its bucket
    EXPECT_EQ(ledger.take(1, start), AddressVerdict::admitted);
    EXPECT_EQ(ledger.take(1, start), AddressVerdict::admitted);
    const base::Time later = start + seconds(5);
    EXPECT_EQ(ledger.take(2, later), AddressVerdict::admitted);  // forgets what has settled
    EXPECT_EQ(ledger.take(1, later), AddressVerdict::too_many);
    ledger.release(1, later);
    ledger.release(1, later);
}

}  // namespace
}  // namespace tickwire::shard
