#include "uring/user_data.hpp"

#include <gtest/gtest.h>

namespace tickwire::uring {
namespace {

TEST(UserData, every_field_survives_the_kernel) {
    for (const auto kind : {OperationKind::accept, OperationKind::receive, OperationKind::wake}) {
        for (const std::uint32_t generation : {0U, 1U, 0x123456U, generation_mask}) {
            for (const std::uint32_t index : {0U, 19999U, no_channel}) {
                const Operation operation{kind, generation, index};
                EXPECT_EQ(decode_user_data(encode_user_data(operation)), operation);
            }
        }
    }
}

TEST(UserData, a_generation_too_large_does_not_touch_the_kind) {
    const Operation operation =
        decode_user_data(encode_user_data({OperationKind::send, generation_mask + 1, 7}));
    EXPECT_EQ(operation, (Operation{OperationKind::send, 0, 7}));
}

}  // namespace
}  // namespace tickwire::uring
