// The tick: takes the states and gives each member what it is to get, in buffers that members share.
#include <array>

#include "base/bugs.hpp"
#include "base/heap_trap.hpp"
#include "match/implementation.hpp"

namespace tickwire::match {
namespace {

/// "Service restart" (RFC 6455 section 7.4.1, IANA): come again, to a new match of that name.
constexpr std::uint16_t close_restart = 1012;

}  // namespace

void Match::Implementation::run_tick(base::Time now) noexcept {
    if (now >= timer_due) {
        const base::HeapAllowed timeouts_write_json;
        run_timers(now);
    }
    const TickNumber number = clock.number_at(now);
    if (number <= last_tick) {
        return;
    }
    const TickNumber previous = last_tick;
    last_tick = number;
    ++counters.ticks;
    counters.ticks_left_out += number - previous - 1;

    if (shed_next < members.size()) {
        shed();
    }
    states.take_pending([this](PlayerNumber player) {
        for (RateClass& rate_class : classes) {
            rate_class.on_taken(player);
        }
    });
    bool has_news = log.head() != served_head;
    for (RateClass& rate_class : classes) {
        rate_class.start_tick(number, previous);
        has_news = has_news || (rate_class.is_ticking() && !rate_class.changed().empty());
    }
    const TickEncoder tick{pool, clock, states, counters, number, now};
    if (has_news) {
        serve_everyone(tick);
        served_head = log.head();
    } else {
        serve_waiting(tick);
    }
    for (RateClass& rate_class : classes) {
        rate_class.finish_tick(states);
    }
    frames.clear();
    if (log.newest_event() > event_number_max) {
        const base::HeapAllowed endings_write_json;
        close_everyone(close_restart, "the match has used up its event numbers");
    }
}

/// A few at a time: each of them is to be told, and what is late already must not become later.
void Match::Implementation::shed() noexcept {
    constexpr int changes_per_tick = 256;
    auto& records = members.records();
    for (int changes = 0; shed_next < records.size() && changes < changes_per_tick; ++shed_next) {
        MemberRecord& record = records[shed_next];
        if (record.kind != MemberKind::spectator || record.shed_divisor == shed_divisor) {
            continue;
        }
        const bool is_slower = shed_divisor > record.shed_divisor;
        record.shed_divisor = shed_divisor;
        apply_divisor(shed_next, is_slower ? wire::RateReason::slow : wire::RateReason::recovered,
                      Cause::link);
        ++changes;
    }
}

void Match::Implementation::serve_everyone(const TickEncoder& tick) noexcept {
    waiting.clear();
    auto& records = members.records();
    for (std::size_t index = 0; index < records.size(); ++index) {
        // Serving takes some 50 ns, memory twice as long: the connection of the third is asked for, of whom
        // the record was three turns ago.
        if (index + 6 < records.size()) {
            base::prefetch(&records[index + 6], sizeof(MemberRecord));
        }
        if (index + 3 < records.size()) {
            outlet.on_upcoming(records[index + 3].connection);
        }
        MemberRecord& record = records[index];
        record.is_on_waiting_list = record.is_game_lane();  // so that nothing puts it there meanwhile
        if (!record.is_game_lane()) {
            continue;
        }
        serve(static_cast<Member>(index), tick);
        record.is_on_waiting_list = is_waiting(record);
        if (record.is_on_waiting_list) {
            waiting.push_back(static_cast<Member>(index));
        }
    }
}

/// Nothing happened that is for all: silent members cost nothing.
void Match::Implementation::serve_waiting(const TickEncoder& tick) noexcept {
    std::size_t kept = 0;
    for (const Member member : waiting) {
        MemberRecord& record = members.records()[member];
        if (record.is_game_lane()) {
            serve(member, tick);
        }
        record.is_on_waiting_list = record.is_game_lane() && is_waiting(record);
        if (record.is_on_waiting_list) {
            waiting[kept++] = member;
        }
    }
    waiting.resize(kept);
}

bool Match::Implementation::is_waiting(const MemberRecord& record) const noexcept {
    return record.is_keyframe_due || record.is_keyframe_asked || record.cursor < log.head();
}

void Match::Implementation::put_on_waiting_list(Member member) noexcept {
    if (MemberRecord& record = members[member]; !record.is_on_waiting_list) {
        record.is_on_waiting_list = true;
        waiting.push_back(member);
    }
}

TickContent Match::Implementation::content_for(const MemberRecord& record, base::Time now) const noexcept {
    const RateClass& rate_class = classes[record.class_index];
    if (!rate_class.is_ticking()) {
        return TickContent::none;
    }
    if (record.is_keyframe_due || (record.is_keyframe_asked && now >= record.keyframe_allowed)) {
        return TickContent::keyframe;
    }
    return record.is_synced && !rate_class.changed().empty() ? TickContent::delta : TickContent::none;
}

void Match::Implementation::serve(Member member, const TickEncoder& tick) noexcept {
    MemberRecord& record = members[member];
    if (classes[record.class_index].is_ticking() && record.link.recover(tick.now)) {
        apply_divisor(member, wire::RateReason::recovered, Cause::link);
    }
    TickContent content = content_for(record, tick.now);
    if (content == TickContent::none && record.cursor >= log.head()) {
        return;
    }
    if (outlet.link_state(record.connection) == LinkState::busy) {
        if (content != TickContent::none) {
            ++counters.skipped_busy;
            record.link.on_busy(tick.now);
            skip(record);
        }
        return;
    }
    if (content != TickContent::none && is_withheld_for_lag(member, tick.now)) {
        content = TickContent::none;
        if (record.cursor >= log.head()) {
            return;
        }
    }
    const RateClass& rate_class = classes[record.class_index];
    const std::uint8_t key_class = content == TickContent::delta ? record.class_index : std::uint8_t{0};
    const SharedFrames::Frames shared =
        frames.find_or_encode({record.cursor, content, key_class}, log, rate_class, tick);
    if (!shared.buffer) {
        materialise(record);  // events must go all the same: the outlet has room of its own for them
        if (content != TickContent::none) {
            ++counters.skipped_no_memory;
            skip(record);
        }
        return;
    }
    record.cursor = log.head();
    if (shared.buffer.bytes().empty()) {
        return;  // what the log got was for others alone
    }
    outlet.send_shared(record.connection, shared.buffer);
    counters.shared_messages += shared.count;
    if (content != TickContent::none) {
        on_tick_sent(record, content, tick);
    }
}

void Match::Implementation::on_tick_sent(MemberRecord& record, TickContent content,
                                         const TickEncoder& tick) noexcept {
    ++counters.tick_messages;
    record.gauge.on_sent(tick.number, tick.now);
    record.link.on_sent();
    if (content != TickContent::keyframe) {
        return;
    }
    ++counters.keyframe_messages;
    if (record.is_keyframe_asked) {
        record.keyframe_allowed = tick.now + options.keyframe_interval_min;
    }
    record.is_keyframe_asked = false;
    record.is_keyframe_due = false;
    record.is_synced = true;
}

bool Match::Implementation::is_withheld_for_lag(Member member, base::Time now) noexcept {
    MemberRecord& record = members[member];
    // A lag is over when all is reported: the keyframe then goes out on a link with nothing waiting in it,
    // and its report tells how long that takes.
    const bool is_draining = record.link.is_lagging() && record.gauge.has_unreported();
    if (!is_draining && !record.gauge.is_lagging(now)) {
        return false;
    }
    ++counters.skipped_lagging;
    skip(record);
    if (!record.is_visible) {
        record.link.on_lag_of_hidden(now);
    } else if (record.link.on_lag(now)) {
        apply_divisor(member, wire::RateReason::slow, Cause::link);
    }
    return true;
}

void Match::Implementation::skip(MemberRecord& record) noexcept {
    if (base::bug(base::Bug::stale_baseline) && record.is_synced) {
        return;
    }
    record.is_synced = false;
    record.is_keyframe_due = true;
}

void Match::Implementation::answer_pings(base::Time now) noexcept {
    std::size_t kept = 0;
    for (const Member member : pongs) {
        MemberRecord& record = members.records()[member];
        record.is_on_pong_list = record.has_pong && outlet.link_state(record.connection) == LinkState::busy;
        if (record.is_on_pong_list) {
            pongs[kept++] = member;  // a newer PING may still take its place
        } else if (record.has_pong) {
            record.has_pong = false;
            const bool is_player = record.kind == MemberKind::player;
            const std::uint32_t events_taken = is_player ? roster[record.player].events_taken : 0;
            std::array<std::uint8_t, protocol::pong_size> pong;
            protocol::encode_pong({static_cast<std::uint16_t>(events_taken), record.pong_client_time,
                                   clock.microseconds_at(now)},
                                  pong.data());
            outlet.queue_frame(record.connection, websocket::Opcode::binary, pong);
        }
    }
    pongs.resize(kept);
}

}  // namespace tickwire::match
