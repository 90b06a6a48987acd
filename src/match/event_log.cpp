#include "match/event_log.hpp"

#include <algorithm>
#include <bit>
#include <cstring>

#include "base/check.hpp"

namespace tickwire::match {
namespace {

/// EVENTS and entry header before an event's body; a text has none, and is measured as if it had.
constexpr std::size_t message_overhead = protocol::events_header_size + protocol::event_entry_header_size;
// The count of a run's entries fits its 16 bits: the size runs out long before.
static_assert(EventLog::run_size_max / protocol::event_entry_header_size <= 0xffff);

}  // namespace

EventLog::EventLog(base::BufferPool& pool, Sizes sizes) noexcept
    : pool_(pool),
      ring_size_(std::bit_ceil(
          std::max(sizes.ring_size, 2 * entry_size(sizes.message_size_max + message_overhead)))) {}

EventLog::~EventLog() {
    pool_.release(ring_);
}

bool EventLog::reserve() noexcept {
    if (ring_.empty()) {
        ring_ = pool_.take(ring_size_);
    }
    return !ring_.empty();
}

std::size_t EventLog::entry_size(std::size_t message_size) noexcept {
    return (sizeof(Entry) + message_size + alignment - 1) & ~(alignment - 1);
}

bool EventLog::fits(std::size_t message_size) const noexcept {
    // Padding is shorter than the entry that it makes way for, so half the ring always has room.
    return 2 * entry_size(message_size + message_overhead) <= ring_.size();
}

EventLog::Entry EventLog::entry_at(LogPosition position) const noexcept {
    Entry entry;
    std::memcpy(&entry, at(position), sizeof entry);
    return entry;
}

LogPosition EventLog::place_for(std::size_t size) const noexcept {
    const std::size_t offset = head_ & (ring_.size() - 1);
    return offset + size <= ring_.size() ? head_ : head_ + (ring_.size() - offset);
}

LogPosition EventLog::tail_after(std::size_t message_size) const noexcept {
    const std::size_t size = entry_size(message_size + message_overhead);
    const LogPosition end = place_for(size) + size;
    LogPosition tail = tail_;
    while (tail < head_ && end - tail > ring_.size()) {
        tail += entry_at(tail).size;
    }
    return tail;
}

std::uint8_t* EventLog::append(Entry entry) noexcept {
    const std::size_t size = entry_size(entry.message_size);
    base::check(2 * size <= ring_.size(), "EventLog: an entry that fits");
    const LogPosition place = place_for(size);
    while (tail_ < head_ && place + size - tail_ > ring_.size()) {
        const Entry dropped = entry_at(tail_);
        if (dropped.kind == EntryKind::event) {
            newest_dropped_event_ = dropped.number;
        }
        tail_ += dropped.size;
    }
    if (tail_ == head_) {
        tail_ = place;  // nothing is left, padding neither
    } else if (place != head_) {
        const Entry padding{
            static_cast<std::uint32_t>(place - head_), 0, 0, protocol::nobody, EntryKind::padding, 0};
        std::memcpy(at(head_), &padding, sizeof padding);
    }
    entry.size = static_cast<std::uint32_t>(size);
    std::memcpy(at(place), &entry, sizeof entry);
    head_ = place + size;
    return at(place) + sizeof entry;
}

EventNumber EventLog::append_event(PlayerNumber from, PlayerNumber addressee, std::uint8_t kind,
                                   base::Bytes body) noexcept {
    const EventNumber number = ++newest_event_;
    std::uint8_t* const message =
        append({.size = 0,
                .message_size = static_cast<std::uint32_t>(message_overhead + body.size()),
                .number = number,
                .addressee = addressee,
                .kind = EntryKind::event,
                .reserved = 0});
    protocol::encode_events_header(1, message);
    protocol::encode_event_entry({number, from, kind, body}, message + protocol::events_header_size);
    return number;
}

protocol::EventEntry EventLog::event_of(LogPosition position, const Entry& entry) const noexcept {
    auto message = protocol::EventsReader::open({at(position) + sizeof entry, entry.message_size});
    const auto event = message ? message->next() : std::nullopt;
    base::check(event.has_value(), "EventLog: an event that was encoded here");
    return *event;
}

void EventLog::restore_event(const protocol::EventEntry& event, PlayerNumber addressee) noexcept {
    if (!fits(event.body.size())) {
        newest_dropped_event_ = event.number;
        return;
    }
    newest_event_ = event.number - 1;
    append_event(event.from, addressee, event.kind, event.body);
}

void EventLog::restore_numbers(Numbers numbers) noexcept {
    newest_event_ = numbers.newest;
    newest_dropped_event_ = std::max(newest_dropped_event_, numbers.newest_dropped);
}

void EventLog::append_control(std::string_view json) noexcept {
    std::uint8_t* const message = append({.size = 0,
                                          .message_size = static_cast<std::uint32_t>(json.size()),
                                          .number = 0,
                                          .addressee = protocol::nobody,
                                          .kind = EntryKind::control,
                                          .reserved = 0});
    std::memcpy(message, json.data(), json.size());
}

bool EventLog::is_for(const Entry& entry, const Audience& audience) noexcept {
    switch (entry.kind) {
        case EntryKind::padding:
            return false;
        case EntryKind::control:
            return audience.wants_control;
        case EntryKind::event:
            break;
    }
    return entry.number > audience.after &&
           (entry.addressee == protocol::nobody || entry.addressee == audience.player);
}

std::optional<LogRun> EventLog::next_run(LogPosition& position, const Audience& audience,
                                         std::size_t payload_max) const noexcept {
    std::optional<LogRun> run;
    // A position from before the first entry, at padding that was dropped, is the tail's.
    for (position = std::max(position, tail_); position < head_;) {
        const Entry entry = entry_at(position);
        if (is_for(entry, audience)) {
            if (!run) {
                const bool is_event = entry.kind == EntryKind::event;
                run = LogRun{is_event ? websocket::Opcode::binary : websocket::Opcode::text, position, 1,
                             entry.message_size};
                if (!is_event) {
                    position += entry.size;
                    return run;
                }
            } else {
                const std::size_t grown =
                    run->payload_size + entry.message_size - protocol::events_header_size;
                if (entry.kind != EntryKind::event || grown > payload_max) {
                    return run;
                }
                run->payload_size = grown;
                ++run->entry_count;
            }
        }
        position += entry.size;
    }
    return run;
}

base::Bytes EventLog::payload_of_one(const LogRun& run) const noexcept {
    return {at(run.begin) + sizeof(Entry), run.payload_size};
}

void EventLog::write_run(const LogRun& run, const Audience& audience, std::uint8_t* to) const noexcept {
    if (run.entry_count == 1) {
        std::memcpy(to, payload_of_one(run).data(), run.payload_size);
        return;
    }
    protocol::encode_events_header(static_cast<std::uint16_t>(run.entry_count), to);
    to += protocol::events_header_size;
    LogPosition position = run.begin;
    for (std::uint32_t written = 0; written < run.entry_count;) {
        const Entry entry = entry_at(position);
        if (is_for(entry, audience)) {
            const std::size_t size = entry.message_size - protocol::events_header_size;
            std::memcpy(to, at(position) + sizeof(Entry) + protocol::events_header_size, size);
            to += size;
            ++written;
        }
        position += entry.size;
    }
}

}  // namespace tickwire::match
