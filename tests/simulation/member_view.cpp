// What a member's connection begins with, and the JSON that follows. Ticks and events: member_ticks.cpp.
#include "member_view.hpp"

#include <algorithm>
#include <utility>

namespace tickwire::simulation {
namespace {

std::uint32_t number_at(simdjson::dom::object message, std::string_view key) {
    return static_cast<std::uint32_t>(message[key].get_uint64().value());
}
std::string text_at(simdjson::dom::object message, std::string_view key) {
    return std::string(message[key].get_string().value());
}
bool flag_at(simdjson::dom::object message, std::string_view key) {
    bool is_set = false;
    return message[key].get(is_set) == simdjson::SUCCESS && is_set;
}

}  // namespace

void MemberView::fail(const std::string& what) const {
    world_.fail(who_ + ": " + what);
}

void MemberView::begin(const JoinAttempt& attempt) {
    attempt_ = attempt;
    is_welcome_ = false;
    player_ = protocol::nobody;
    roster_.clear();
    host_.reset();
    properties_.clear();
    ticked_.reset();
    divisor_ = 1;
    needs_keyframe_ = true;
    shown_.clear();
    open_requests_.clear();
    reports_.clear();
    unreported_.clear();
    report_delays_.clear();
    is_blurred_ = false;
    has_reported_ = false;
}

void MemberView::finish() {
    if (tenure_) {
        oracles_.archive(*std::exchange(tenure_, std::nullopt));
    }
}

void MemberView::on_text(std::string_view json, const Arrival& arrival) {
    simdjson::dom::object message;
    if (parser_.parse(json.data(), json.size()).get(message) != simdjson::SUCCESS) {
        fail("JSON that is none: " + std::string(json));
    }
    const std::string op = text_at(message, "op");
    if (op == "welcome") {
        if (is_welcome_) {
            fail("a second welcome");
        }
        on_welcome(message, arrival);
        return;
    }
    if (!is_welcome_) {
        fail(op + " before welcome");
    }
    if (op == "joined" || op == "left" || op == "away" || op == "back") {
        on_roster_change(op, message);
    } else if (op == "host" || op == "properties" || op == "locked") {
        on_match_change(op, message);
    } else if (op == "rate") {
        const std::uint32_t divisor = number_at(message, "divisor");
        if (divisor == divisor_) {
            fail("rate without a change: " + std::string(json));
        }
        divisor_ = divisor;
        needs_keyframe_ = true;
        ticked_.reset();
    } else if (op == "ok" || op == "error") {
        on_answer(message);
    } else if (op == "drain") {
        // The slot in which to come back; the close that follows is the link's business.
        constexpr std::uint32_t reconnect_ms_max = 60'000;
        if (number_at(message, "reconnect_ms") > reconnect_ms_max) {
            fail("a drain that sends away for long: " + std::string(json));
        }
    } else {
        fail("an unknown op: " + op);
    }
}

// --- welcome

void MemberView::on_welcome(simdjson::dom::object message, const Arrival& arrival) {
    is_welcome_ = true;
    player_ = static_cast<PlayerNumber>(number_at(message, "player"));
    epoch_ = number_at(message, "epoch");
    is_locked_ = flag_at(message, "locked");
    tick_ = number_at(message, "tick");
    events_taken_ = number_at(message, "events_taken");
    properties_version_ = message["properties_version"].get_uint64().value();
    const simdjson::dom::object properties = message["properties"].get_object().value();
    for (const auto& [key, value] : properties) {
        properties_[std::string(key)] = simdjson::minify(value);
    }
    history_ = oracles_.new_history();
    take_roster(message);
    check_identity(message);
    std::uint64_t host = 0;
    if (message["host"].get(host) == simdjson::SUCCESS) {
        host_ = static_cast<PlayerNumber>(host);
        if (!roster_.contains(*host_)) {
            fail("welcome names a host that is not among its players");
        }
    }
    start_tenure({flag_at(message, "recovered"), number_at(message, "event")}, arrival);
    if (slot_ != nullptr && events_taken_ > slot_->events.size()) {
        fail("welcome counts more events than were sent");
    }
}

void MemberView::take_roster(simdjson::dom::object message) {
    const simdjson::dom::array players = message["players"].get_array().value();
    for (const auto entry : players) {
        const simdjson::dom::object player = entry.get_object().value();
        Known known;
        known.name = text_at(player, "name");
        known.is_away = flag_at(player, "away");
        known.is_plain = flag_at(player, "plain");
        know_player(static_cast<PlayerNumber>(number_at(player, "player")), std::move(known));
    }
}

void MemberView::know_player(PlayerNumber number, Known known) {
    if (!known.is_plain) {
        known.slot = oracles_.find_slot(known.name);
        if (known.slot == nullptr) {
            fail("a player whose name nobody has: " + known.name);
        }
        history_ = known.slot->history ? oracles_.join_histories(*known.slot->history, history_)
                                       : oracles_.find_history(history_);
        known.slot->history = history_;
    }
    if (!roster_.emplace(number, std::move(known)).second) {
        fail("player " + std::to_string(number) + " joined twice");
    }
}

void MemberView::check_identity(simdjson::dom::object message) {
    if (attempt_.slot == nullptr) {
        if (player_ != protocol::nobody || message["resume"].error() == simdjson::SUCCESS) {
            fail("a spectator was welcomed as a player");
        }
        return;
    }
    const auto own = roster_.find(player_);
    if (own == roster_.end()) {
        fail("welcome without oneself among the players");
    }
    Slot* const slot = own->second.slot;
    const std::string token = text_at(message, "resume");
    if (own->second.is_away) {
        fail("welcomed, and away");
    }
    if (slot != nullptr && slot == attempt_.resumed_slot) {
        if (token != attempt_.token) {
            fail("the token changed with a resume");
        }
    } else if (slot != attempt_.slot) {
        fail("welcomed as " + own->second.name);
    }
    if (slot != slot_) {
        newest_events_.clear();
    }
    slot_ = slot;
    token_ = token;
}

void MemberView::start_tenure(const Resumption& resumption, const Arrival& arrival) {
    const std::uint32_t event = resumption.event;
    if (resumption.is_recovered) {
        if (!attempt_.seen_event || slot_ != attempt_.resumed_slot || !tenure_) {
            fail("recovered, although it did not ask for it");
        }
        if (event < *attempt_.seen_event) {
            fail("welcome's event is older than one that was received");
        }
        replay_until_ = event;
        return;
    }
    check_not_recovered(event, arrival);
    finish();
    tenure_ = Tenure{who_, history_, player_, event, {}};
    seen_event_ = event;
    replay_until_ = event;
    own_events_from_ = events_taken_;
    newest_events_.clear();
}

/// Who comes back in time gets what it missed, if the log can still have it. (Between its loss and its
/// return a match says less than half of such a log in JSON; a crowded one may say more.)
void MemberView::check_not_recovered(std::uint32_t event, const Arrival& arrival) {
    constexpr std::size_t log_size_min = 64 * 1024;
    constexpr std::uint32_t crowd = 20;
    const bool is_in_time = attempt_.window_end && arrival.send_started < *attempt_.window_end;
    if (!is_in_time || !attempt_.seen_event || slot_ != attempt_.resumed_slot ||
        options_.event_log_size < log_size_min || options_.player_count_max > crowd) {
        return;
    }
    const std::size_t room = std::min<std::size_t>(log_size_min, options_.outbox_size_max) / 4;
    if (oracles_.replay_size_max(history_, {*attempt_.seen_event, event}, options_.limits.event_bytes) <=
        room) {
        fail("it came back in time, but nothing from event " + std::to_string(*attempt_.seen_event) +
             " to " + std::to_string(event) + " was replayed");
    }
}

// --- what changes

void MemberView::on_roster_change(std::string_view op, simdjson::dom::object message) {
    const auto number = static_cast<PlayerNumber>(number_at(message, "player"));
    if (op == "joined") {
        Known known;
        known.name = text_at(message, "name");
        known.is_plain = flag_at(message, "plain");
        know_player(number, std::move(known));
        shown_.erase(number);
        return;
    }
    const auto found = roster_.find(number);
    if (found == roster_.end()) {
        fail(std::string(op) + " of player " + std::to_string(number) + ", whom it does not know");
    }
    if (number == player_ && op == "back") {
        return;  // goes to all, oneself included
    }
    if (number == player_) {
        fail(std::string(op) + " of oneself");
    }
    if (op == "left") {
        roster_.erase(found);
        shown_.erase(number);
        return;
    }
    const bool is_away = op == "away";
    if (found->second.is_away == is_away || found->second.is_plain) {
        fail(std::string(op) + " of player " + std::to_string(number) + ", who was so already");
    }
    found->second.is_away = is_away;
}

void MemberView::on_match_change(std::string_view op, simdjson::dom::object message) {
    if (op == "host") {
        const std::uint32_t epoch = number_at(message, "epoch");
        if (epoch != epoch_ + 1) {
            fail("epoch " + std::to_string(epoch) + " after " + std::to_string(epoch_));
        }
        epoch_ = epoch;
        std::uint64_t host = 0;
        host_.reset();
        if (message["player"].get(host) == simdjson::SUCCESS) {
            host_ = static_cast<PlayerNumber>(host);
            const auto found = roster_.find(*host_);
            if (found == roster_.end() || found->second.is_plain) {
                fail("a host that is no player of the game lane");
            }
        }
    } else if (op == "locked") {
        is_locked_ = flag_at(message, "locked");
    } else {
        const std::uint64_t version = message["version"].get_uint64().value();
        if (version != properties_version_ + 1) {
            fail("properties version " + std::to_string(version) + " after " +
                 std::to_string(properties_version_));
        }
        properties_version_ = version;
        const simdjson::dom::object set = message["set"].get_object().value();
        for (const auto& [key, value] : set) {
            if (value.is_null()) {
                properties_.erase(std::string(key));
            } else {
                properties_[std::string(key)] = simdjson::minify(value);
            }
        }
    }
}

void MemberView::on_answer(simdjson::dom::object message) {
    std::uint64_t id = 0;
    if (message["id"].get(id) != simdjson::SUCCESS) {
        return;  // of an event that had no receiver
    }
    if (open_requests_.erase(id) == 0) {
        fail("an answer to request " + std::to_string(id) + ", which is not open");
    }
}

// --- at rest

std::string MemberView::digest() const {
    std::string text;
    for (const auto& [number, known] : roster_) {
        text += std::to_string(number) + ":" + known.name + (known.is_away ? "/away " : " ");
    }
    text += "host " + (host_ ? std::to_string(*host_) : "none") + " epoch " + std::to_string(epoch_) +
            (is_locked_ ? " locked" : " open") + " properties " + std::to_string(properties_version_);
    for (const auto& [key, value] : properties_) {
        text += " " + key + "=" + value;
    }
    return text;
}

void MemberView::check_settled() {
    for (const auto& [number, known] : roster_) {
        if (known.is_away || known.slot == nullptr || known.slot->is_silenced ||
            known.slot->states.empty()) {
            continue;
        }
        const auto shown = shown_.find(number);
        const std::size_t newest = known.slot->states.size() - 1;
        if (shown == shown_.end() || shown->second.index != newest) {
            fail("at rest, but of " + known.name + " it has state " +
                 (shown == shown_.end() ? "none" : std::to_string(shown->second.index)) + " and not " +
                 std::to_string(newest));
        }
    }
    if (!open_requests_.empty()) {
        fail("request " + std::to_string(*open_requests_.begin()) + " was never answered");
    }
    oracles_.check_caught_up(*tenure_);
    if (slot_ != nullptr) {
        for (std::size_t index = own_events_from_; index < slot_->events.size(); ++index) {
            const SentEvent& event = slot_->events[index];
            if (is_public(event.kind) && !event.came_back) {
                fail("an event of its own never came back");
            }
        }
    }
}

PlayerNumber MemberView::draw_player(Random& random) const {
    if (roster_.empty()) {
        return protocol::nobody;
    }
    auto at = roster_.begin();
    std::advance(at, random.below(roster_.size()));
    return at->first;
}

}  // namespace tickwire::simulation
