// One encoding, many readers: the buffer goes back with the last of them.
#include "base/shared_buffer.hpp"

#include <gtest/gtest.h>

#include <cstring>
#include <utility>
#include <vector>

namespace tickwire::base {
namespace {

class shared_buffer : public testing::Test {
  protected:
    SharedBuffer create_with(std::string_view text) {
        SharedBuffer buffer = SharedBuffer::create(pool_, text.size());
        check(static_cast<bool>(buffer), "the test's pool has room");
        std::memcpy(buffer.room().data(), text.data(), text.size());
        buffer.set_size(text.size());
        return buffer;
    }

    BufferPool pool_{4096};
};

TEST_F(shared_buffer, is_empty_by_default) {
    const SharedBuffer none;
    EXPECT_FALSE(none);
    EXPECT_TRUE(none.bytes().empty());
}

TEST_F(shared_buffer, has_at_least_the_room_asked_for_and_no_bytes_before_they_are_set) {
    const SharedBuffer buffer = SharedBuffer::create(pool_, 1000);
    ASSERT_TRUE(buffer);
    EXPECT_GE(buffer.room().size(), 1000U);
    EXPECT_TRUE(buffer.bytes().empty());
}

TEST_F(shared_buffer, copies_see_the_same_bytes) {
    const SharedBuffer first = create_with("one tick");
    const SharedBuffer second = first;
    EXPECT_EQ(as_text(second.bytes()), "one tick");
    EXPECT_EQ(second.bytes().data(), first.bytes().data());
}

TEST_F(shared_buffer, goes_back_with_the_last_reference) {
    std::vector<SharedBuffer> receivers;
    {
        const SharedBuffer encoded = create_with("to all");
        receivers.assign(3, encoded);
    }
    while (!receivers.empty()) {
        EXPECT_GT(pool_.bytes_in_use(), 0U);
        EXPECT_EQ(as_text(receivers.back().bytes()), "to all");
        receivers.pop_back();
    }
    EXPECT_EQ(pool_.bytes_in_use(), 0U);
}

TEST_F(shared_buffer, a_move_leaves_nothing_behind) {
    SharedBuffer from = create_with("moved");
    const SharedBuffer to = std::move(from);
    EXPECT_FALSE(from);  // NOLINT(bugprone-use-after-move): what it is after the move is the test
    EXPECT_EQ(as_text(to.bytes()), "moved");
}

TEST_F(shared_buffer, assignment_gives_the_old_buffer_back) {
    SharedBuffer buffer = create_with("old");
    buffer = create_with("new");
    EXPECT_EQ(as_text(buffer.bytes()), "new");
    const SharedBuffer& same = buffer;
    buffer = same;
    EXPECT_EQ(as_text(buffer.bytes()), "new");
    buffer = SharedBuffer();
    EXPECT_EQ(pool_.bytes_in_use(), 0U);
}

TEST_F(shared_buffer, is_empty_where_the_pool_has_no_room) {
    const SharedBuffer large = SharedBuffer::create(pool_, 3000);
    ASSERT_TRUE(large);
    EXPECT_FALSE(SharedBuffer::create(pool_, 100));
}

}  // namespace
}  // namespace tickwire::base
