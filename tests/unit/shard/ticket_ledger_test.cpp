#include "shard/ticket_ledger.hpp"

#include <gtest/gtest.h>

namespace tickwire::shard {
namespace {

using Verdict = TicketLedger::Verdict;

TEST(TicketLedger, a_ticket_is_used_once_until_it_has_ended) {
    TicketLedger ledger(10);
    EXPECT_EQ(ledger.take("a", 100, 0), Verdict::taken);
    EXPECT_EQ(ledger.take("a", 100, 99), Verdict::used);
    EXPECT_EQ(ledger.take("b", 100, 99), Verdict::taken);
    EXPECT_EQ(ledger.take("a", 100, 100), Verdict::used) << "by a shard that read the clock before";
    EXPECT_EQ(ledger.take("a", 200, 101), Verdict::taken) << "another ticket of that id";
    EXPECT_EQ(ledger.count(), 1U);
}

TEST(TicketLedger, one_that_opened_nothing_may_be_used_again) {
    TicketLedger ledger(10);
    EXPECT_EQ(ledger.take("a", 100, 0), Verdict::taken);
    ledger.give_back("a");
    ledger.give_back("never taken");
    EXPECT_EQ(ledger.take("a", 200, 0), Verdict::taken);
    EXPECT_EQ(ledger.take("a", 200, 150), Verdict::used) << "its first end is not its end";
}

TEST(TicketLedger, is_bounded_and_fails_closed) {
    TicketLedger ledger(2);
    EXPECT_EQ(ledger.take("a", 100, 0), Verdict::taken);
    EXPECT_EQ(ledger.take("b", 100, 0), Verdict::taken);
    EXPECT_EQ(ledger.take("c", 100, 0), Verdict::full);
    EXPECT_EQ(ledger.take("a", 100, 0), Verdict::used) << "what is known is still known";
    EXPECT_EQ(ledger.take("c", 200, 101), Verdict::taken);
    EXPECT_EQ(ledger.count(), 1U);
}

TEST(TicketLedger, a_ticket_that_is_tried_again_and_again_takes_no_place) {
    TicketLedger ledger(1);
    for (int attempt = 0; attempt < 100'000; ++attempt) {
        ASSERT_EQ(ledger.take("tried", 1000, 0), Verdict::taken) << attempt;
        ledger.give_back("tried");
    }
    EXPECT_EQ(ledger.count(), 0U);
    EXPECT_EQ(ledger.take("another", 1000, 0), Verdict::taken);
    for (int attempt = 0; attempt < 100'000; ++attempt) {
        ASSERT_EQ(ledger.take("another", 1000, 0), Verdict::used) << attempt;
    }
    EXPECT_EQ(ledger.take("the first", 2000, 1001), Verdict::taken) << "its only place is free again";
}

TEST(TicketLedger, what_was_given_back_is_forgotten_by_its_own_end) {
    TicketLedger ledger(10);
    EXPECT_EQ(ledger.take("a", 100, 0), Verdict::taken);
    EXPECT_EQ(ledger.take("b", 100, 0), Verdict::taken);
    ledger.give_back("a");
    EXPECT_EQ(ledger.take("b", 100, 0), Verdict::used);
    EXPECT_EQ(ledger.list(0).size(), 1U);
    EXPECT_EQ(ledger.take("a", 200, 101), Verdict::taken);
    EXPECT_EQ(ledger.count(), 1U);
}

TEST(TicketLedger, does_not_forget_what_the_process_before_took_where_its_bound_is_lower) {
    TicketLedger ledger(1);
    for (const char* const id : {"a", "b", "a"}) {
        ledger.restore({id, 100});
    }
    EXPECT_EQ(ledger.count(), 2U);
    EXPECT_EQ(ledger.take("a", 100, 50), Verdict::used);
    EXPECT_EQ(ledger.take("b", 100, 50), Verdict::used);
    EXPECT_EQ(ledger.take("c", 100, 50), Verdict::full);
    EXPECT_EQ(ledger.take("c", 200, 101), Verdict::taken);
    EXPECT_EQ(ledger.count(), 1U);
}

}  // namespace
}  // namespace tickwire::shard
