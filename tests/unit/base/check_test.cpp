// An assertion that stays on in release, and says where.
#include "base/check.hpp"

#include <gtest/gtest.h>

namespace tickwire::base {
namespace {

TEST(check, goes_on_where_the_promise_holds) {
    check(true, "never seen");
    SUCCEED();
}

TEST(check_death, aborts_with_the_place_and_the_promise) {
    EXPECT_DEATH(check(false, "two is one"), "broken promise at .*check_test\\.cpp:[0-9]+: two is one");
}

}  // namespace
}  // namespace tickwire::base
