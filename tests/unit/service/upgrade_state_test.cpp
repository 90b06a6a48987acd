// The state between two processes: what is not exactly what was written is refused, and by which words.
#include "service/upgrade_state.hpp"

#include <gtest/gtest.h>

#include <chrono>

namespace tickwire::service {
namespace {

using std::chrono::hours;
using std::chrono::seconds;
using Bytes = std::vector<std::uint8_t>;

constexpr base::Time now{hours(1)};

Bytes snapshot_of(std::string name) {
    match::MatchSnapshot snapshot;
    snapshot.saved = now - seconds(1);
    snapshot.name = std::move(name);
    snapshot.tick_hz = 30;
    snapshot.player_count_max = 64;
    snapshot.age = seconds(10);
    match::SlotSnapshot slot;
    slot.token.fill('t');
    slot.name = "Ann";
    snapshot.slots.push_back(slot);
    Bytes bytes;
    encode_snapshot(snapshot, bytes);
    return bytes;
}

CommonState common() {
    CommonState state;
    state.session_ticket_keys.current.name.fill(1);
    state.session_ticket_keys.current.cipher.fill(2);
    state.session_ticket_keys.previous.mac.fill(3);
    state.session_ticket_key_age = hours(3);
    state.used_tickets = {{"jti-1", 1'900'000'000}, {"jti-2", 1'900'000'001}};
    return state;
}

Bytes state_of_two() {
    return encode_upgrade_state(common(), {snapshot_of("arena-1"), snapshot_of("arena-2")});
}

std::string fault_of(const Bytes& bytes) {
    const auto state = decode_upgrade_state(bytes, now);
    return state ? "" : state.error();
}

TEST(UpgradeState, comes_back_as_it_was) {
    const Bytes bytes = state_of_two();
    const auto state = decode_upgrade_state(bytes, now);
    ASSERT_TRUE(state) << state.error();
    ASSERT_EQ(state->matches.size(), 2U);
    EXPECT_EQ(state->matches[1].name, "arena-2");
    EXPECT_EQ(state->player_count, 2U);
    EXPECT_EQ(state->common.session_ticket_keys.current.cipher,
              common().session_ticket_keys.current.cipher);
    EXPECT_EQ(state->common.session_ticket_keys.previous.mac, common().session_ticket_keys.previous.mac);
    EXPECT_EQ(state->common.session_ticket_key_age, hours(3));
    ASSERT_EQ(state->common.used_tickets.size(), 2U);
    EXPECT_EQ(state->common.used_tickets[1].id, "jti-2");
    EXPECT_EQ(state->common.used_tickets[1].until, 1'900'000'001);
}

TEST(UpgradeState, of_nothing_is_good_too) {
    EXPECT_EQ(fault_of(encode_upgrade_state({}, {})), "");
}

TEST(UpgradeState, every_truncation_and_every_flipped_byte_is_refused) {
    const Bytes bytes = state_of_two();
    for (std::size_t at = 0; at < bytes.size(); ++at) {
        EXPECT_NE(fault_of(Bytes(bytes.begin(), bytes.begin() + static_cast<std::ptrdiff_t>(at))), "")
            << at;
        Bytes flipped = bytes;
        flipped[at] ^= 0x40U;
        EXPECT_NE(fault_of(flipped), "") << at;
    }
}

TEST(UpgradeState, says_what_is_wrong) {
    const Bytes good = state_of_two();
    EXPECT_EQ(fault_of(Bytes(100, 'x')), "it is not tickwire's");
    Bytes other = good;
    other[8] = 7;
    EXPECT_EQ(fault_of(other), "it is of version 7, this is 1");
    Bytes cut = good;
    cut.pop_back();
    EXPECT_EQ(fault_of(cut), "it should have " + std::to_string(good.size() - 56) + " bytes and has " +
                                 std::to_string(good.size() - 57));
    Bytes flipped = good;
    flipped.back() ^= 1U;
    EXPECT_EQ(fault_of(flipped), "its checksum is wrong");
    Bytes half = snapshot_of("arena-1");
    half.resize(half.size() / 2);
    EXPECT_TRUE(fault_of(encode_upgrade_state(common(), {half})).starts_with("a match cannot be read: "));
    EXPECT_EQ(fault_of(encode_upgrade_state(common(), {snapshot_of("a"), snapshot_of("a")})),
              "a match is in it twice");
    CommonState no_id = common();
    no_id.used_tickets[0].id.clear();
    EXPECT_EQ(fault_of(encode_upgrade_state(no_id, {})), "its keys or used tickets cannot be read");
}

/// A match with a log of one event.
Bytes snapshot_with_log(std::string name, std::size_t body_size) {
    const Bytes body(body_size);
    const Bytes bare = snapshot_of(std::move(name));
    wire::ControlParser parser;
    auto snapshot = match::decode_snapshot(bare, now, parser);
    snapshot->newest_event = 5;
    snapshot->newest_dropped_event = 4;
    snapshot->events.push_back({.number = 5, .from = 0, .addressee = protocol::nobody, .body = body});
    Bytes bytes;
    encode_snapshot(*snapshot, bytes);
    return bytes;
}

TEST(UpgradeState, makes_room_by_the_largest_logs_first) {
    std::vector<Bytes> matches = {snapshot_with_log("small", 100), snapshot_with_log("large", 1000),
                                  snapshot_of("none")};
    const std::size_t before = encode_upgrade_state(common(), matches).size();
    const Dropped dropped = drop_for_room(matches, 900, now);
    EXPECT_EQ(dropped.log_count, 1U);
    EXPECT_TRUE(dropped.matches.empty());
    const Bytes bytes = encode_upgrade_state(common(), matches);
    EXPECT_LE(bytes.size(), before - 900);
    const auto state = decode_upgrade_state(bytes, now);
    ASSERT_TRUE(state) << state.error();
    ASSERT_EQ(state->matches.size(), 3U);
    EXPECT_EQ(state->matches[0].events.size(), 1U);
    EXPECT_TRUE(state->matches[1].events.empty());
    EXPECT_EQ(state->matches[1].name, "large");
    EXPECT_EQ(state->matches[1].newest_event, 5U);
    EXPECT_EQ(state->matches[1].newest_dropped_event, 5U) << "nobody may believe that nothing is missing";
    EXPECT_EQ(state->player_count, 3U);
}

TEST(UpgradeState, makes_room_by_whole_matches_where_logs_are_not_enough) {
    std::vector<Bytes> matches = {snapshot_with_log("a", 100), snapshot_of("a-much-longer-name"),
                                  snapshot_of("b")};
    const std::size_t longer = matches[1].size();
    const std::size_t before = encode_upgrade_state(common(), matches).size();
    const std::size_t log = matches[0].size() - snapshot_of("a").size();
    const Dropped dropped = drop_for_room(matches, log + 1, now);
    EXPECT_EQ(dropped.log_count, 1U);
    EXPECT_EQ(dropped.matches, std::vector<std::string>{"a-much-longer-name"});
    const Bytes bytes = encode_upgrade_state(common(), matches);
    EXPECT_EQ(bytes.size(), before - log - longer - sizeof(std::uint32_t));
    const auto state = decode_upgrade_state(bytes, now);
    ASSERT_TRUE(state) << state.error();
    EXPECT_EQ(state->matches.size(), 2U);
    // All of them, if it must be.
    EXPECT_EQ(drop_for_room(matches, bytes.size(), now).matches.size(), 2U);
    EXPECT_TRUE(matches.empty());
}

}  // namespace
}  // namespace tickwire::service
