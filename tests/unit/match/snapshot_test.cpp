// What a match leaves to the next process: all that the protocol promises to outlive a connection. And
// nobody believes bytes that are something else.
#include "match/snapshot.hpp"

#include <algorithm>

#include "match_fixture.hpp"

namespace tickwire::match {
namespace {

class SnapshotTest : public MatchTest {
  protected:
    wire::ControlParser parser;

    std::vector<std::uint8_t> save() {
        std::vector<std::uint8_t> bytes;
        encode_snapshot(match->snapshot(now), bytes);
        return bytes;
    }
    /// The process ends, and the next one goes on after `gap`.
    void restart(base::Duration gap = milliseconds(300)) {
        Parting parting{.window = {}, .url = {}, .count = 1};
        match->send_away(parting, now);
        deliver();
        const std::vector<std::uint8_t> bytes = save();
        for (ReferenceClient& client : clients) {
            outlet.link(client.connection).is_open = false;
        }
        match.reset();
        now += gap;
        const auto snapshot = decode_snapshot(bytes, now, parser);
        ASSERT_TRUE(snapshot) << snapshot.error();
        options.tick_hz = snapshot->tick_hz;
        options.player_count_max = snapshot->player_count_max;
        match = Match::restore(*snapshot, options, {now, pause}, pool, outlet, tokens, counters);
        ASSERT_NE(match, nullptr);
    }
    /// A match in which there is one of everything.
    void fill() {
        wire::Limits limits = options.limits;
        limits.state_bytes = 99;
        ReferenceClient& ann = join("Ann");
        ReferenceClient& bo = join("Bo", wire::Role::player, {.subject = "user-7", .limits = limits});
        join_plain();
        spectate();
        ReferenceClient& cy = join("Cy");
        state(ann, "first", 7);
        state(bo, "taken", 8);
        tick();
        request(bo,
                wire::SetProperties{{{"map", R"({"size":[1,2],"name":"caf\u00e9"})"}, {"round", "3"}}, {}});
        event(ann, protocol::Target::everyone, "to all");
        event(bo, protocol::Target::player, "to Cy", *cy.player);
        request(ann, wire::Lock{true});
        disconnect(cy, Ending::lost);
        tick(15);
        state(ann, "second", 9);
    }

    static constexpr base::Duration pause = seconds(2);
};

TEST_F(SnapshotTest, a_match_ends_before_its_event_numbers_do) {
    ReferenceClient& ann = join("Ann");
    disconnect(ann, Ending::lost);
    MatchSnapshot snapshot = match->snapshot(now);
    snapshot.newest_event = snapshot.newest_dropped_event = event_number_max - 1;
    snapshot.slots[0].joined_at_event = snapshot.newest_event;
    match = Match::restore(snapshot, options, {now, {}}, pool, outlet, tokens, counters);
    ReferenceClient& again = resume(ann, event_number_max - 1);
    ReferenceClient& watcher = spectate();
    event(again, protocol::Target::everyone, "the last one");
    tick();
    EXPECT_EQ(close_code(again), 0);
    EXPECT_EQ(again.newest_event, event_number_max);
    event(again, protocol::Target::everyone, "one too many");
    tick();
    EXPECT_EQ(close_code(again), 1012);
    EXPECT_EQ(close_code(watcher), 1012);
    EXPECT_TRUE(match->is_over());
}

TEST_F(SnapshotTest, comes_back_as_it_was) {
    fill();
    const MatchSnapshot before = match->snapshot(now);
    std::vector<std::uint8_t> bytes;
    encode_snapshot(before, bytes);
    const auto after = decode_snapshot(bytes, now, parser);
    ASSERT_TRUE(after) << after.error();
    std::vector<std::uint8_t> again;
    encode_snapshot(*after, again);
    EXPECT_EQ(bytes, again);
    ASSERT_EQ(after->slots.size(), 3U);  // the plain lane's is not kept
    EXPECT_EQ(after->slots[1].subject, "user-7");
    EXPECT_EQ(after->slots[1].limits.state_bytes, 99U);
    EXPECT_EQ(after->events.size(), 2U);
    EXPECT_TRUE(after->is_locked);
}

TEST_F(SnapshotTest, members_keep_number_name_token_state_and_what_they_were_yet_to_get) {
    fill();
    ReferenceClient& bo = clients[1];
    ReferenceClient& cy = clients[4];
    const std::uint32_t epoch = bo.epoch;
    const std::uint32_t tick_before = match->tick_number();
    restart();
    EXPECT_GT(match->tick_number(), tick_before);  // the clock went on meanwhile
    EXPECT_EQ(match->player_count(), 3U);

    ReferenceClient& bo_again = resume(bo, 1);
    EXPECT_TRUE(bo_again.is_recovered);
    EXPECT_EQ(bo_again.player, bo.player);
    EXPECT_EQ(bo_again.token, bo.token);
    EXPECT_EQ(bo_again.events_taken, 1U);
    EXPECT_EQ(bo_again.epoch, epoch);
    EXPECT_EQ(bo_again.host, 0);
    EXPECT_EQ(match->limits(bo_again.member).state_bytes, 99U);
    EXPECT_EQ(match->subject(*bo_again.player), "user-7");
    EXPECT_TRUE(bo_again.events.empty());  // event 2 was for another
    EXPECT_EQ(bo_again.peers.at(0).name, "Ann");
    EXPECT_TRUE(bo_again.peers.at(0).is_away);
    tick();
    EXPECT_EQ(bo_again.states.at(0), "second");
    EXPECT_EQ(bo_again.states.at(1), "taken");

    ReferenceClient& cy_again = resume(cy, 0);
    EXPECT_TRUE(cy_again.is_recovered);
    ASSERT_EQ(cy_again.events.size(), 2U);
    EXPECT_EQ(cy_again.events[1].body, "to Cy");

    ReferenceClient& ann_again = resume(clients[0], 2);
    event(ann_again, protocol::Target::everyone, "goes on");
    tick();
    EXPECT_EQ(bo_again.events.back().number, 3U);
    wire::Join stranger;
    stranger.name = "Dee";
    clients.emplace_back();
    const auto refused = try_join(clients.back(), stranger);
    clients.pop_back();
    EXPECT_EQ(refused ? 0 : refused.error().code, 4001);  // still locked
}

TEST_F(SnapshotTest, properties_come_back_as_they_were_written) {
    fill();
    restart();
    ReferenceClient& bo = resume(clients[1], 2);
    ASSERT_FALSE(bo.log.empty());
    EXPECT_NE(
        bo.log.front().find(
            R"("properties":{"map":{"size":[1,2],"name":"caf\u00e9"},"round":3},"properties_version":1)"),
        std::string::npos)
        << bo.log.front();
}

TEST_F(SnapshotTest, time_stands_still_for_those_who_are_away) {
    ReferenceClient& ann = join("Ann");
    ReferenceClient& bo = join("Bo");
    disconnect(bo, Ending::lost);
    pass(seconds(15));
    restart(milliseconds(700));
    ReferenceClient& ann_again = resume(ann, 0);
    ann_again.log.clear();
    pass(milliseconds(6900));  // 2 s of pause and all but 0.1 of the 5 s that Bo had left
    EXPECT_TRUE(ann_again.log.empty() || ann_again.log.back().find("left") == std::string::npos);
    pass(milliseconds(300));
    ASSERT_FALSE(ann_again.log.empty());
    EXPECT_EQ(ann_again.log.back(), R"({"op":"left","player":1,"reason":"timeout"})");
}

TEST_F(SnapshotTest, the_host_has_the_pause_and_its_grace_to_come_back) {
    ReferenceClient& ann = join("Ann");
    ReferenceClient& bo = join("Bo");
    restart();
    ReferenceClient& bo_again = resume(bo, 0);
    pass(milliseconds(2900));
    EXPECT_EQ(bo_again.host, 0);
    pass(milliseconds(200));
    EXPECT_EQ(bo_again.host, 1);
    EXPECT_EQ(bo_again.epoch, 2U);
    EXPECT_EQ(resume(ann, 0).host, 1);
}

TEST_F(SnapshotTest, a_host_that_comes_back_stays_host) {
    ReferenceClient& ann = join("Ann");
    ReferenceClient& bo = join("Bo");
    restart();
    ReferenceClient& bo_again = resume(bo, 0);
    pass(seconds(1));
    resume(ann, 0);
    pass(seconds(5));
    EXPECT_EQ(bo_again.host, 0);
    EXPECT_EQ(bo_again.epoch, 1U);
}

TEST_F(SnapshotTest, where_nobody_was_host_the_first_who_comes_back_is) {
    ReferenceClient& ann = join("Ann");
    ReferenceClient& bo = join("Bo");
    disconnect(bo, Ending::lost);
    disconnect(ann, Ending::closed);
    restart();
    ReferenceClient& again = resume(bo, 0);
    EXPECT_EQ(again.host, std::nullopt);
    tick();
    EXPECT_EQ(again.host, 1);
    EXPECT_EQ(again.epoch, 3U) << "Ann's, nobody's, Bo's";
}

TEST_F(SnapshotTest, free_numbers_stay_free) {
    join("Ann");
    ReferenceClient& bo = join("Bo");
    join("Cy");
    disconnect(bo, Ending::closed);
    restart();
    EXPECT_EQ(join("Dee").player, 1);
    EXPECT_EQ(join("Eve").player, 3);
}

TEST_F(SnapshotTest, a_smaller_log_keeps_the_newest_events_and_says_what_it_lost) {
    options.event_log_size = 256 * 1024;
    ReferenceClient& ann = join("Ann");
    ReferenceClient& bo = join("Bo");
    for (int count = 0; count < 20; ++count) {
        event(ann, protocol::Target::others, std::string(10'000, 'x'));
        tick();
    }
    options.event_log_size = 128 * 1024;
    restart();
    EXPECT_FALSE(resume(bo, 1).is_recovered);
    EXPECT_TRUE(resume(ann, 15).is_recovered);
    EXPECT_EQ(clients.back().events.size(), 5U);
}

TEST_F(SnapshotTest, nothing_of_a_match_without_room) {
    fill();
    const auto bytes = save();
    const auto snapshot = decode_snapshot(bytes, now, parser);
    ASSERT_TRUE(snapshot);
    base::BufferPool small{4096};
    EXPECT_EQ(Match::restore(*snapshot, options, {now, pause}, small, outlet, tokens, counters), nullptr);
}

TEST_F(SnapshotTest, without_room_for_states_the_match_goes_on_and_says_how_many_it_lost) {
    options.event_log_size = 4096;
    options.limits.event_bytes = 512;
    options.limits.json_bytes = 512;
    fill();
    const auto bytes = save();
    const auto snapshot = decode_snapshot(bytes, now, parser);
    ASSERT_TRUE(snapshot);
    std::uint64_t lost_before = 3;
    for (std::size_t size = 4096; size <= 8192; size += base::BufferPool::size_min) {
        base::BufferPool small{size};
        MatchCounters apart;
        const auto restored =
            Match::restore(*snapshot, options, {now, pause}, small, outlet, tokens, apart);
        if (restored) {
            EXPECT_EQ(restored->player_count(), 3U);
            EXPECT_LE(apart.skipped_no_memory, lost_before);
            lost_before = apart.skipped_no_memory;
        }
        if (size == 4096) {
            EXPECT_EQ(lost_before, 2U) << "the log took all there was";
        }
    }
    EXPECT_EQ(lost_before, 0U);
}

TEST_F(SnapshotTest, an_event_that_is_longer_than_the_log_is_lost_and_those_behind_it_are_kept) {
    ReferenceClient& ann = join("Ann");
    ReferenceClient& bo = join("Bo");
    event(ann, protocol::Target::others, std::string(10'000, 'x'));
    event(ann, protocol::Target::others, "short");
    tick();
    options.event_log_size = 4096;
    options.limits.event_bytes = 512;
    options.limits.json_bytes = 512;
    restart();
    EXPECT_FALSE(resume(bo, 0).is_recovered);
    ReferenceClient& again = resume(bo, 1);
    EXPECT_TRUE(again.is_recovered);
    ASSERT_EQ(again.events.size(), 1U);
    EXPECT_EQ(again.events[0].body, "short");
    EXPECT_EQ(again.events[0].number, 2U);
}

// --- bytes that are something else

TEST_F(SnapshotTest, every_truncation_is_refused) {
    fill();
    const auto bytes = save();
    for (std::size_t size = 0; size < bytes.size(); ++size) {
        // A copy of its own, so that the sanitizer sees the first byte that is read behind it.
        const std::vector<std::uint8_t> cut(bytes.begin(),
                                            bytes.begin() + static_cast<std::ptrdiff_t>(size));
        EXPECT_FALSE(decode_snapshot(cut, now, parser)) << size;
    }
    auto longer = bytes;
    longer.push_back(0);
    EXPECT_FALSE(decode_snapshot(longer, now, parser));
}

/// What a flipped byte makes is refused, or is a snapshot that a match can live with.
TEST_F(SnapshotTest, every_flipped_byte_is_refused_or_harmless) {
    fill();
    const auto bytes = save();
    unsigned refused = 0;
    for (std::size_t at = 0; at < bytes.size(); ++at) {
        for (const unsigned flip : {0x01U, 0x02U, 0x10U, 0x80U, 0xffU}) {
            auto broken = bytes;
            broken[at] = static_cast<std::uint8_t>(broken[at] ^ flip);
            const auto snapshot = decode_snapshot(broken, now, parser);
            if (!snapshot) {
                ++refused;
                continue;
            }
            MatchOptions other = options;
            other.tick_hz = snapshot->tick_hz;
            other.player_count_max = snapshot->player_count_max;
            const auto restored =
                Match::restore(*snapshot, other, {now, pause}, pool, outlet, tokens, counters);
            ASSERT_NE(restored, nullptr);
            restored->run_tick(now + seconds(1));
            std::vector<std::uint8_t> again;
            encode_snapshot(restored->snapshot(now + seconds(1)), again);
            EXPECT_TRUE(decode_snapshot(again, now + seconds(1), parser));
        }
    }
    EXPECT_GT(refused, bytes.size());
}

/// Each way in which a snapshot may be nonsense, by name.
TEST_F(SnapshotTest, nonsense_is_named) {
    fill();
    const MatchSnapshot good = match->snapshot(now);
    const auto fault_of = [&](auto change) {
        MatchSnapshot bad = good;
        change(bad);
        std::vector<std::uint8_t> bytes;
        encode_snapshot(bad, bytes);
        const auto decoded = decode_snapshot(bytes, now, parser);
        return std::string(decoded ? "" : decoded.error());
    };
    using S = MatchSnapshot&;
    EXPECT_EQ(fault_of([](S) {}), "");
    EXPECT_EQ(fault_of([](S bad) { bad.name = "a b"; }), "a match's name");
    EXPECT_EQ(fault_of([](S bad) { bad.tick_hz = 129; }), "a match's rate or size");
    EXPECT_EQ(fault_of([](S bad) { bad.player_count_max = 0; }), "a match's rate or size");
    EXPECT_EQ(fault_of([](S bad) { bad.age = -seconds(1); }), "a match's clock");
    EXPECT_EQ(fault_of([](S bad) { bad.last_tick += 1'000'000; }), "a match's clock");
    EXPECT_EQ(fault_of([](S bad) { bad.saved += seconds(1); }), "a match's clock");
    EXPECT_EQ(fault_of([](S bad) { bad.host = 5; }), "the roster");
    EXPECT_EQ(fault_of([](S bad) { bad.player_count_max = 2; }), "the roster");
    EXPECT_EQ(fault_of([](S bad) { bad.properties.front().json = "{"; }), "the properties");
    EXPECT_EQ(fault_of([](S bad) { bad.newest_dropped_event = bad.newest_event + 1; }),
              "the numbers of events");
    EXPECT_EQ(fault_of([](S bad) { bad.events[1].number = bad.events[0].number; }), "an event's number");
    EXPECT_EQ(fault_of([](S bad) { bad.events[1].number = bad.newest_event + 1; }), "an event's number");
    EXPECT_EQ(fault_of([](S bad) { bad.events[0].kind = 0xff; }), "an event");
    EXPECT_EQ(fault_of([](S bad) { bad.slots[1].player = bad.slots[0].player; }), "a player's number");
    for (const char letter : {'A', 'Z', 'a', 'z', '0', '9', '-', '_'}) {
        EXPECT_EQ(fault_of([&](S bad) { bad.slots[0].token[3] = letter; }), "") << letter;
    }
    for (const char letter : {'"', '@', '[', '`', '{', '/', ':', '.'}) {
        EXPECT_EQ(fault_of([&](S bad) { bad.slots[0].token[3] = letter; }), "a resume token") << letter;
    }
    EXPECT_EQ(fault_of([](S bad) { bad.slots[0].name = "\xff"; }), "a player's name");
    EXPECT_EQ(fault_of([](S bad) { bad.slots[0].name = std::string(65, 'x'); }), "a player's name");
    EXPECT_EQ(fault_of([](S bad) { bad.slots[0].joined_at_event = 99; }), "a player's times");
    EXPECT_EQ(fault_of([](S bad) { bad.slots[0].limits.event_bytes = 65'536; }), "a player's limits");
    EXPECT_EQ(fault_of([](S bad) { bad.slots[0].state->age = -seconds(1); }), "a player's state");
    EXPECT_EQ(fault_of([](S bad) { bad.tick_hz = 0; }), "a match's rate or size");
    EXPECT_EQ(fault_of([](S bad) { bad.slots[2].player = protocol::nobody; }), "a player's number");
    constexpr auto century = std::chrono::hours(24 * 365 * 100);
    EXPECT_EQ(fault_of([&](S bad) { bad.slots[0].window_left = century + seconds(1); }),
              "a player's times");
    EXPECT_EQ(fault_of([&](S bad) { bad.slots[0].window_left = -century - seconds(1); }),
              "a player's times");
    const std::vector<std::uint8_t> too_long(std::size_t{1} << 20U);
    EXPECT_EQ(fault_of([&](S bad) { bad.slots[0].state->bytes = too_long; }), "a player's state");
    EXPECT_EQ(fault_of([&](S bad) { bad.events[0].body = too_long; }), "an event");
}

TEST_F(SnapshotTest, properties_that_are_another_request_are_nonsense) {
    fill();
    std::vector<std::uint8_t> bytes = save();
    const std::string_view written = R"("op":"properties")";
    const std::string_view other = R"("op":"leave"     )";
    const auto at = std::search(bytes.begin(), bytes.end(), written.begin(), written.end());
    ASSERT_NE(at, bytes.end());
    std::ranges::copy(other, at);
    const auto decoded = decode_snapshot(bytes, now, parser);
    ASSERT_FALSE(decoded);
    EXPECT_EQ(decoded.error(), "the properties");
}

}  // namespace
}  // namespace tickwire::match
