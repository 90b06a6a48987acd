#include "base/block_vector.hpp"

#include <gtest/gtest.h>

#include <vector>

namespace tickwire::base {
namespace {

TEST(BlockVector, keeps_its_objects_where_they_are_while_it_grows) {
    BlockVector<int, 4> numbers;
    std::vector<int*> places;
    for (int number = 0; number < 100; ++number) {
        int& place = numbers.grow();
        EXPECT_EQ(place, 0);
        place = number;
        places.push_back(&place);
    }
    ASSERT_EQ(numbers.size(), 100U);
    for (std::size_t index = 0; index < numbers.size(); ++index) {
        EXPECT_EQ(&numbers[index], places[index]);
        EXPECT_EQ(numbers[index], static_cast<int>(index));
    }
}

TEST(BlockVector, is_gone_through_from_the_first_to_the_last) {
    BlockVector<int, 4> numbers;
    for (int& number : numbers) {
        ADD_FAILURE() << "there is none: " << number;
    }
    for (int number = 0; number < 6; ++number) {
        numbers.grow() = number;
    }
    for (int& number : numbers) {
        number *= 2;
    }
    const BlockVector<int, 4>& same = numbers;
    std::vector<int> seen;
    for (const int number : same) {
        seen.push_back(number);
    }
    EXPECT_EQ(seen, (std::vector<int>{0, 2, 4, 6, 8, 10}));
}

}  // namespace
}  // namespace tickwire::base
