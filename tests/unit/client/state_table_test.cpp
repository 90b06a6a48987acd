#include "client/state_table.hpp"

#include <gtest/gtest.h>

#include <map>
#include <random>
#include <vector>

namespace tickwire::client {
namespace {

/// Against a map of vectors: sizes that grow and shrink, players that leave, keyframes.
TEST(StateTable, agrees_with_a_plain_model) {
    std::mt19937 random(1);
    StateTable table;
    std::map<PlayerNumber, std::vector<std::uint8_t>> model;
    for (int step = 0; step < 20000; ++step) {
        const auto player = static_cast<PlayerNumber>(random() % 40);
        const auto dice = random() % 1000;
        if (dice == 0) {
            table.clear();
            model.clear();
        } else if (dice < 50) {
            table.forget(player);
            model.erase(player);
        } else if (dice < 400 && model.contains(player) && !model[player].empty()) {
            auto next = model[player];
            next[random() % next.size()] ^= 1;
            std::vector<std::uint8_t> delta(protocol::delta_room(next.size()));
            if (const auto size = protocol::encode_delta(model[player], next, delta.data())) {
                ASSERT_TRUE(table.apply_delta({player, 1, 2, true, {delta.data(), *size}}));
                model[player] = next;
            }
        } else {
            std::vector<std::uint8_t> state(random() % (random() % 8 == 0 ? 2000 : 60));
            for (auto& byte : state) {
                byte = static_cast<std::uint8_t>(random());
            }
            table.put({player, 1, 2, false, state});
            model[player] = state;
        }
        for (PlayerNumber number = 0; number < 40; ++number) {
            const auto found = table.find(number);
            ASSERT_EQ(found.has_value(), model.contains(number));
            if (found) {
                ASSERT_EQ(std::vector<std::uint8_t>(found->bytes.begin(), found->bytes.end()),
                          model[number]);
            }
        }
    }
}

TEST(StateTable, refuses_a_delta_without_a_baseline) {
    StateTable table;
    EXPECT_FALSE(table.apply_delta({3, 0, 0, true, {}}));
    table.put({3, 0, 0, false, {}});
    EXPECT_TRUE(table.apply_delta({3, 0, 0, true, {}}));
    table.forget(3);
    EXPECT_FALSE(table.apply_delta({3, 0, 0, true, {}}));
}

}  // namespace
}  // namespace tickwire::client
