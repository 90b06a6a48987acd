// What the service asks of a shard, between two slots: settings, matches, drain, and what slots did.
#include <algorithm>
#include <string>
#include <utility>

#include "shard/shard.hpp"

namespace tickwire::shard {
namespace {

std::uint32_t microseconds(base::Duration duration) {
    return static_cast<std::uint32_t>(duration.count() / 1000);
}

}  // namespace

void Shard::answer_requests() {
    for (const Request& request : setting_.doors[setting_.index]->requests().take_all()) {
        request(*this);
        ++counters_.requests_answered;
    }
}

/// One store of a few words a slot: what /v1/debug/slots shows.
void Shard::log_slot(base::Time woke) {
    const base::Duration busy = backend_->now() - woke;
    counters_.slot_time.record(busy);
    if (ticks_in_slot_ != 0) {
        const bool was_late = std::exchange(is_late_, lateness_in_slot_ > grid_.slot_length());
        if (was_late && !is_late_) {
            cpu_wait_seen_ = backend_->cpu_wait();
        }
    }
    const uring::Counters& counters = backend_->counters();
    slot_log_.slots[slot_log_.next] = {woke,
                                       microseconds(busy),
                                       static_cast<std::uint32_t>(counters.receives - receives_logged_),
                                       static_cast<std::uint32_t>(counters.sends - sends_logged_),
                                       ticks_in_slot_,
                                       microseconds(lateness_in_slot_)};
    slot_log_.next = (slot_log_.next + 1) % slot_log_.slots.size();
    receives_logged_ = counters.receives;
    sends_logged_ = counters.sends;
    ticks_in_slot_ = 0;
    lateness_in_slot_ = {};
}

void Shard::apply(const std::shared_ptr<const LiveSettings>& settings) {
    const std::uint32_t tick_hz = options_.match.tick_hz;
    options_.session = settings->session;
    parser_.set_bounds(settings->session.json);
    options_.match = settings->match;
    options_.match.tick_hz = tick_hz;
    options_.admission = settings->admission;
    pressure_.set_limits(settings->admission.pressure);
    options_.find_page = settings->find_page;
    options_.log_lines = settings->log_lines;
    setting_.tls_context = settings->tls_context;
    if (tickets_ && settings->ticket_keys != setting_.ticket_keys) {
        setting_.ticket_keys = settings->ticket_keys;
        tickets_->set_keys(settings->ticket_keys);
        ++counters_.ticket_key_changes;
    }
    for (std::uint32_t index = 0; index < rooms_.index_end(); ++index) {
        if (MatchRoom* const room = rooms_.at(index); room != nullptr) {
            room->match->set_limits(settings->match.limits, settings->match.spectator_limits);
        }
    }
}

std::vector<MatchSummary> Shard::list_matches() {
    std::vector<MatchSummary> summaries;
    summaries.reserve(rooms_.live_count());
    for (std::uint32_t index = 0; index < rooms_.index_end(); ++index) {
        if (const MatchRoom* const room = rooms_.at(index); room != nullptr) {
            summaries.push_back({std::string(room->match->name()), room->match->player_count(),
                                 room->match->spectator_count(), room->match->tick_number(),
                                 room->held_until > now_});
        }
    }
    return summaries;
}

match::Match* Shard::find_match(std::string_view name) {
    const auto found = rooms_by_name_.find(std::string(name));
    if (found == rooms_by_name_.end()) {
        return nullptr;
    }
    MatchRoom& room = *rooms_.find(found->second);
    if (!room.is_touched) {
        room.is_touched = true;
        touched_.push_back(found->second);
    }
    return room.match.get();
}

std::optional<MatchDetails> Shard::describe_match(std::string_view name) {
    const match::Match* const match = find_match(name);
    if (match == nullptr) {
        return std::nullopt;
    }
    MatchDetails details{match->report(now_), {}};
    details.traffic.reserve(details.report.members.size());
    for (const match::MemberReport& member : details.report.members) {
        MemberTraffic traffic;
        if (const Connection* const connection = connections_.find(member.connection);
            !member.is_away && connection != nullptr) {
            traffic = {connection->session.bytes_received(), connection->session.bytes_sent(),
                       connection->session.queued_size(),    connection->session.held_size(),
                       connection->session.is_tls(),         connection->peer};
        }
        details.traffic.push_back(traffic);
    }
    return details;
}

std::optional<bool> Shard::open_match(std::string_view name, base::Duration hold) {
    base::Handle handle = find_room(name);
    const bool is_new = !handle.exists();
    if (is_new) {
        handle = open_room(name, nullptr);
    }
    if (!handle.exists()) {
        return std::nullopt;
    }
    MatchRoom& room = *rooms_.find(handle);
    if (room.match->player_count() + room.match->spectator_count() == 0) {
        room.held_until = now_ + hold;
    }
    return is_new;
}

bool Shard::close_match(std::string_view name, std::uint16_t code, std::string_view reason) {
    match::Match* const match = find_match(name);
    if (match == nullptr) {
        return false;
    }
    rooms_.find(rooms_by_name_.at(std::string(name)))->held_until = {};
    match->close_everyone(code, reason);
    return true;
}

std::optional<match::Match::Done> Shard::set_properties(match::Match& match, std::string_view json) {
    const std::string text = R"({"op":"properties","set":)" + std::string(json) + "}";
    const auto request = parser_.parse_request(text);
    if (!request || !std::holds_alternative<wire::SetProperties>(request->request)) {
        return std::nullopt;
    }
    return match.set_properties(std::get<wire::SetProperties>(request->request));
}

/// Members are told when to come back, each its own time in the window; everybody is closed.
void Shard::send_everyone_away() {
    match::Parting parting{options_.farewell.window, options_.farewell.url,
                           std::max(connections_.live_count(), 1U), 0};
    for (std::uint32_t index = 0; index < rooms_.index_end(); ++index) {
        if (MatchRoom* const room = rooms_.at(index); room != nullptr) {
            room->match->send_away(parting, now_);
        }
    }
    for (std::uint32_t index = 0; index < connections_.index_end(); ++index) {
        if (Connection* const connection = connections_.at(index);
            connection != nullptr && !connection->is_closing) {
            connection->session.shut_down(now_);
        }
    }
}

}  // namespace tickwire::shard
