// A member's ticks and events: states rebuilt from deltas, and held against what was sent.
#include <algorithm>
#include <string>
#include <utility>

#include "member_view.hpp"

namespace tickwire::simulation {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;

// The freshness rule in figures, as src/README.md has it.
constexpr Duration delay_max_unmeasured = milliseconds(3500);  ///< above any that may become usual
constexpr Duration delays_kept = seconds(10);
constexpr Duration report_interval = milliseconds(250);
constexpr Duration rounding = milliseconds(1);
/// Of more than these the relay makes neighbours one.
constexpr std::size_t unreported_apart_max = 16;

}  // namespace

void MemberView::on_binary(base::Bytes message, const Arrival& arrival) {
    if (!is_welcome_) {
        fail("a binary message before welcome");
    }
    if (message.empty()) {
        fail("an empty message");
    }
    switch (static_cast<protocol::ServerType>(message[0])) {
        case protocol::ServerType::tick:
            on_tick(message, arrival);
            return;
        case protocol::ServerType::events:
            on_events(message);
            return;
        case protocol::ServerType::pong: {
            const auto pong = protocol::decode_pong(message);
            if (!pong) {
                fail("a malformed PONG");
            }
            const std::size_t sent = slot_ == nullptr ? 0 : slot_->events.size();
            if (static_cast<std::uint16_t>(sent - pong->events_taken) > 0x7fff) {
                fail("PONG counts more events than were sent");
            }
            return;
        }
    }
    fail("an unknown binary type");
}

// --- ticks

void MemberView::on_tick(base::Bytes message, const Arrival& arrival) {
    auto reader = protocol::TickReader::open(message);
    if (!reader) {
        fail("a malformed TICK");
    }
    const protocol::TickHeader header = reader->header();
    check_tick_header(header);
    std::set<PlayerNumber> entries;
    if (header.is_keyframe) {
        for (auto& [player, shown] : shown_) {
            shown.is_baseline = false;
        }
    }
    while (const auto entry = reader->next()) {
        if (!entries.insert(entry->player).second) {
            fail("two entries of one player in a TICK");
        }
        on_state_entry(*entry, header.is_keyframe, arrival);
    }
    if (!reader->is_valid()) {
        fail("a TICK cut short");
    }
    if (header.is_keyframe) {
        check_keyframe(entries, arrival);
    } else {
        oracles_.check_tick(history_, header.tick, divisor_, Oracles::hash(message));
    }
    check_fresh(header.tick, arrival);
    tick_ = header.tick;
    ticked_ = header.tick;
    needs_keyframe_ = false;
}

void MemberView::check_tick_header(const protocol::TickHeader& header) const {
    const std::string name = "tick " + std::to_string(header.tick);
    if (header.tick <= tick_) {
        fail(name + " after tick " + std::to_string(tick_));
    }
    if (needs_keyframe_ && !header.is_keyframe) {
        fail(name + " is no keyframe, but one is due");
    }
    if (!header.is_keyframe && header.state_count == 0) {
        fail(name + " says nothing");
    }
    if (ticked_ && header.tick / divisor_ == *ticked_ / divisor_) {
        fail(name + " is too soon after " + std::to_string(*ticked_) + " for divisor " +
             std::to_string(divisor_));
    }
}

void MemberView::on_state_entry(const protocol::StateEntry& entry, bool is_keyframe,
                                const Arrival& arrival) {
    const auto known = roster_.find(entry.player);
    if (known == roster_.end() || known->second.slot == nullptr) {
        fail("a state of player " + std::to_string(entry.player) + ", who has none or is unknown");
    }
    Slot& slot = *known->second.slot;
    const auto index = slot.state_of(entry.seq);
    if (!index) {
        fail("a state of " + slot.name + " with a seq that it never sent");
    }
    Shown& shown = shown_[entry.player];
    if (entry.is_delta) {
        if (!shown.is_baseline) {
            fail("a delta of " + slot.name + " without a baseline");
        }
        const bool is_shorter = entry.body.empty() || entry.body.size() < shown.bytes.size();
        if (is_keyframe || !is_shorter) {
            fail("a delta of " + slot.name + " where a full state is due");
        }
        // A body of length 0 has no bitmap: the same bytes as before.
        if (!entry.body.empty() && !protocol::apply_delta(shown.bytes, entry.body)) {
            fail("a malformed delta of " + slot.name);
        }
    } else {
        shown.bytes.assign(entry.body.begin(), entry.body.end());
    }
    const SentState& sent = slot.states[*index];
    if (shown.bytes != sent.bytes) {
        fail("state " + std::to_string(*index) + " of " + slot.name + " is not what was sent");
    }
    const bool is_older =
        *index < shown.index || (*index == shown.index && shown.is_baseline && !is_keyframe);
    if (is_older) {
        fail("state " + std::to_string(*index) + " of " + slot.name + " after state " +
             std::to_string(shown.index));
    }
    check_wait(sent, entry.wait, arrival);
    shown.index = *index;
    shown.is_baseline = true;
    slot.first_shown = std::min(slot.first_shown.value_or(arrival.send_started), arrival.send_started);
}

void MemberView::check_wait(const SentState& sent, std::uint8_t wait, const Arrival& arrival) const {
    Time arrived;
    if (!world_.socket(sent.descriptor).find_delivery(sent.end, arrived) ||
        arrived > arrival.send_started) {
        fail("a state that had not reached the relay");
    }
    if (!sent.is_timed) {
        return;
    }
    const std::int64_t waited = (arrival.send_started - arrived).count();
    const std::int64_t expected = std::min<std::int64_t>(
        255, waited >= 1'000'000'000 ? 255 : waited * 256 * std::int64_t{options_.tick_hz} / 1'000'000'000);
    if (expected != wait) {
        fail("wait is " + std::to_string(wait) + "/256 and should be " + std::to_string(expected));
    }
}

void MemberView::check_keyframe(const std::set<PlayerNumber>& entries, const Arrival& arrival) const {
    for (const auto& [number, known] : roster_) {
        const bool has_state = known.slot != nullptr && known.slot->first_shown &&
                               *known.slot->first_shown <= arrival.send_started;
        if (has_state && !entries.contains(number)) {
            fail("a keyframe without the state of " + known.name);
        }
    }
}

/// Whoever has not reported a tick for so long is lagging, and is not to be sent another.
void MemberView::check_fresh(std::uint32_t tick, const Arrival& arrival) {
    for (; !reports_.empty() && reports_.front().end <= arrival.consumed_before; reports_.pop_front()) {
        take_report(reports_.front());
    }
    const Duration delay_max = report_delay_max();
    if (!unreported_.empty() && arrival.send_started - unreported_.front().sent > delay_max) {
        fail("tick " + std::to_string(tick) + " was sent to a member that has not reported tick " +
             std::to_string(unreported_.front().tick) + " for more than " +
             std::to_string(delay_max / milliseconds(1)) + " ms");
    }
    if (has_reported_) {
        unreported_.push_back({tick, arrival.send_started});
        is_blurred_ = is_blurred_ || unreported_.size() > unreported_apart_max;
    }
}

/// As the relay does when the report reaches it: the first one only says that others will follow.
void MemberView::take_report(const Report& report) {
    has_reported_ = true;
    if (unreported_.empty() || unreported_.front().tick > report.tick) {
        return;
    }
    Time reported;
    if (!report.socket->find_delivery(report.end, reported)) {
        fail("a report that the relay has, and was not given");
    }
    if (!is_blurred_) {
        report_delays_.push_back({reported, reported - unreported_.front().sent});
        while (report_delays_.front().reported < reported - delays_kept) {
            report_delays_.pop_front();
        }
    }
    while (!unreported_.empty() && unreported_.front().tick <= report.tick) {
        unreported_.pop_front();
    }
    is_blurred_ = is_blurred_ && !unreported_.empty();
}

/// What is usual never is more than the shortest, the time between two reports, two ticks and a little.
Duration MemberView::report_delay_max() const {
    if (report_delays_.empty()) {
        return delay_max_unmeasured;
    }
    const auto shortest = std::ranges::min_element(report_delays_, {}, &ReportDelay::delay);
    return shortest->delay + report_interval + 2 * Duration(seconds(1)) / options_.tick_hz +
           milliseconds(50) + rounding;
}

// --- events

void MemberView::on_events(base::Bytes message) {
    auto reader = protocol::EventsReader::open(message);
    if (!reader) {
        fail("a malformed EVENTS");
    }
    while (const auto entry = reader->next()) {
        on_event(*entry);
    }
    if (!reader->is_valid()) {
        fail("an EVENTS cut short");
    }
}

void MemberView::on_event(const protocol::EventEntry& entry) {
    const std::string name = "event " + std::to_string(entry.number);
    if (entry.number <= seen_event_) {
        fail(name + " after event " + std::to_string(seen_event_));
    }
    check_event_origin(entry);
    oracles_.check_event(history_, entry.number,
                         {entry.from, entry.kind, Oracles::hash(entry.body), entry.body.size()});
    seen_event_ = entry.number;
    tenure_->received.push_back(entry.number);
}

void MemberView::check_event_origin(const protocol::EventEntry& entry) {
    const std::string name = "event " + std::to_string(entry.number);
    const auto origin = parse_event_body(entry.body, entry.kind);
    Slot* const sender = origin ? oracles_.find_slot(origin->name) : nullptr;
    if (sender == nullptr || origin->index >= sender->events.size()) {
        fail(name + " was never sent");
    }
    SentEvent& sent = sender->events[origin->index];
    if (sent.kind != entry.kind ||
        !std::equal(sent.body.begin(), sent.body.end(), entry.body.begin(), entry.body.end())) {
        fail(name + " is not what " + sender->name + " sent");
    }
    const auto target = static_cast<protocol::Target>(entry.kind & 3U);
    if (target == protocol::Target::player && sent.player != player_) {
        fail(name + " is for another player");
    }
    if (entry.number > replay_until_) {
        const auto known = roster_.find(entry.from);
        const bool is_known = known != roster_.end() &&
                              (sender->is_plain ? known->second.is_plain : known->second.slot == sender);
        if (!is_known) {
            fail(name + " is from player " + std::to_string(entry.from) + ", who is not " + sender->name);
        }
    }
    NewestEvent behind{origin->index, std::nullopt};
    if (entry.number > replay_until_) {
        behind.epoch = epoch_;
    }
    const auto [newest, is_first] = newest_events_.emplace(sender, behind);
    if (!is_first) {
        const NewestEvent before = std::exchange(newest->second, behind);
        if (origin->index <= before.index) {
            fail(name + " of " + sender->name + " came before, or is out of order");
        }
        for (std::size_t index = before.index + 1; index < origin->index; ++index) {
            if (was_for_us(sender->events[index], before, behind)) {
                fail("an event of " + sender->name + " before " + name + " is missing");
            }
        }
    }
    sent.came_back = sent.came_back || sender == slot_;
}

/// Numbers are of one slot as long as it is ours, and an epoch is of one host.
bool MemberView::was_for_us(const SentEvent& event, const NewestEvent& before,
                            const NewestEvent& behind) const {
    switch (static_cast<protocol::Target>(event.kind & 3U)) {
        case protocol::Target::player:
            return slot_ != nullptr && event.player == player_;
        case protocol::Target::host:
            return is_host() && before.epoch && before.epoch == behind.epoch;
        default:
            return is_public(event.kind);
    }
}

}  // namespace tickwire::simulation
