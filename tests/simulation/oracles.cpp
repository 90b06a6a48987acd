#include "oracles.hpp"

#include <algorithm>
#include <charconv>

namespace tickwire::simulation {

Slot& Oracles::add_slot(const std::string& name, bool is_plain) {
    auto slot = std::make_unique<Slot>();
    slot->name = name;
    slot->is_plain = is_plain;
    slot->first_seq = static_cast<std::uint16_t>(hash(base::as_bytes(name)));
    return *slots_.emplace(name, std::move(slot)).first->second;
}

Slot* Oracles::find_slot(std::string_view name) {
    const auto found = slots_.find(std::string(name));
    return found == slots_.end() ? nullptr : found->second.get();
}

std::uint64_t Oracles::hash(base::Bytes bytes) noexcept {
    std::uint64_t value = 0xcbf29ce484222325U;
    for (const std::uint8_t byte : bytes) {
        value = (value ^ byte) * 0x100000001b3U;
    }
    return value;
}

// --- events

std::string make_event_body(const std::string& name, std::size_t index, bool has_id, Random& random,
                            std::size_t padding) {
    std::string body = has_id ? "id" : "";
    body += name + "#" + std::to_string(index) + "#";
    for (std::size_t count = 0; count < padding; ++count) {
        body += static_cast<char>('a' + random.below(26));
    }
    return body;
}

std::optional<EventOrigin> parse_event_body(base::Bytes body, std::uint8_t kind) {
    std::string_view text = base::as_text(body);
    if ((kind >> 3U) != 0) {
        text.remove_prefix(std::min<std::size_t>(text.size(), 2));
    }
    const std::size_t name_end = text.find('#');
    if (name_end == std::string_view::npos) {
        return std::nullopt;
    }
    EventOrigin origin{text.substr(0, name_end), 0};
    text.remove_prefix(name_end + 1);
    const auto parsed = std::from_chars(text.data(), text.data() + text.size(), origin.index);
    return parsed.ec == std::errc() ? std::optional(origin) : std::nullopt;
}

bool is_public(std::uint8_t kind) noexcept {
    return (kind & 3U) < 2;
}

// --- histories

std::size_t Oracles::new_history() {
    histories_.push_back({histories_.size(), {}, {}});
    return histories_.size() - 1;
}

std::size_t Oracles::find_history(std::size_t history) noexcept {
    while (histories_[history].parent != history) {
        histories_[history].parent = histories_[histories_[history].parent].parent;
        history = histories_[history].parent;
    }
    return history;
}

std::size_t Oracles::join_histories(std::size_t left, std::size_t right) {
    left = find_history(left);
    right = find_history(right);
    if (left == right) {
        return left;
    }
    histories_[right].parent = left;
    for (const auto& [number, fact] : histories_[right].events) {
        check_event(left, number, fact);
    }
    for (const auto& [key, bytes_hash] : histories_[right].ticks) {
        check_tick(left, key.first, key.second, bytes_hash);
    }
    histories_[right].events.clear();
    histories_[right].ticks.clear();
    return left;
}

void Oracles::check_event(std::size_t history, std::uint32_t number, const EventFact& fact) {
    const auto [at, is_new] = histories_[find_history(history)].events.emplace(number, fact);
    if (!is_new && !(at->second == fact)) {
        world_.fail("event " + std::to_string(number) + " is not the same for all its receivers");
    }
}

std::size_t Oracles::replay_size_max(std::size_t history, Events events, std::size_t body_size_max) {
    constexpr std::size_t overhead = 64;  // of the log, the frame, the message and the entry
    const auto& known = histories_[find_history(history)].events;
    std::size_t size = 0;
    for (std::uint32_t number = events.after + 1; number <= events.last; ++number) {
        const auto at = known.find(number);
        size += overhead + (at == known.end() ? body_size_max : at->second.body_size);
    }
    return size;
}

void Oracles::check_tick(std::size_t history, std::uint32_t tick, std::uint32_t divisor,
                         std::uint64_t bytes_hash) {
    const auto [at, is_new] =
        histories_[find_history(history)].ticks.emplace(std::pair(tick, divisor), bytes_hash);
    if (!is_new && at->second != bytes_hash) {
        world_.fail("tick " + std::to_string(tick) + " of divisor " + std::to_string(divisor) +
                    " is not the same for all up-to-date members");
    }
}

// --- tenures

void Oracles::check_no_hole(const Tenure& tenure, std::uint32_t last) {
    const auto& events = histories_[find_history(tenure.history)].events;
    for (auto at = events.upper_bound(tenure.begins_after); at != events.end() && at->first <= last; ++at) {
        if (is_public(at->second.kind) &&
            !std::binary_search(tenure.received.begin(), tenure.received.end(), at->first)) {
            world_.fail(tenure.who + " never received event " + std::to_string(at->first) +
                        " (it began after " + std::to_string(tenure.begins_after) + ")");
        }
    }
}

void Oracles::check_tenures() {
    for (const Tenure& tenure : tenures_) {
        if (!tenure.received.empty()) {
            check_no_hole(tenure, tenure.received.back());
        }
    }
}

void Oracles::check_caught_up(const Tenure& tenure) {
    check_no_hole(tenure, 0xffffffff);
}

}  // namespace tickwire::simulation
