#include "service/incident_log.hpp"

#include <string>
#include <vector>

#include "service/log.hpp"

namespace tickwire::service {
namespace {

using shard::Cause;

struct CauseText {
    std::string_view name;
    std::string_view message;
    LogLevel level;
};

/// A warning is what many will feel. What one peer did to itself is for information; that it went away, as
/// players do, is for who looks closely.
constexpr CauseText text_of(Cause cause) noexcept {
    switch (cause) {
        case Cause::connections_full:
            return {"connections_full", "connection refused: max-connections are open", LogLevel::warn};
        case Cause::memory_full:
            return {"memory_full", "connection refused: max-memory is in use", LogLevel::warn};
        case Cause::handshakes_full:
            return {"handshakes_full", "connection refused: max-handshakes are under way", LogLevel::warn};
        case Cause::matches_full:
            return {"matches_full", "match refused: max-matches are open, or the relay drains",
                    LogLevel::warn};
        case Cause::accept_failed:
            return {"accept_failed", "the kernel refuses to accept: open files have run out, most likely",
                    LogLevel::warn};
        case Cause::match_not_restored:
            return {"match_not_restored", "no room for a match of the process before", LogLevel::warn};
        case Cause::shard_late:
            return {"shard_late", "shard is overloaded", LogLevel::warn};
        case Cause::shard_recovered:
            return {"shard_recovered", "shard is on time again", LogLevel::info};
        case Cause::match_refused_late:
            return {"match_refused_late", "match refused: its shard is overloaded", LogLevel::warn};
        case Cause::address_connections:
            return {"address_connections", "connection refused: max-connections-per-address",
                    LogLevel::info};
        case Cause::address_rate:
            return {"address_rate", "connection refused: connects-per-address", LogLevel::info};
        case Cause::address_matches:
            return {"address_matches", "match refused: max-matches-per-address", LogLevel::info};
        case Cause::proxy_untrusted:
            return {"proxy_untrusted",
                    "connection to a listener for proxies closed: not in trusted-proxies", LogLevel::warn};
        case Cause::proxy_header:
            return {"proxy_header", "connection to a listener for proxies closed", LogLevel::warn};
        case Cause::tls_failed:
            return {"tls_failed", "TLS failed", LogLevel::info};
        case Cause::bad_request:
            return {"bad_request", "request refused", LogLevel::info};
        case Cause::origin_refused:
            return {"origin_refused", "web page refused: its origin is not in origins", LogLevel::info};
        case Cause::ticket_refused:
            return {"ticket_refused", "ticket refused", LogLevel::info};
        case Cause::rules_broken:
            return {"rules_broken", "closed: broke the protocol", LogLevel::info};
        case Cause::over_rate:
            return {"over_rate", "closed: sent too much", LogLevel::info};
        case Cause::too_slow:
            return {"too_slow", "closed: took too little", LogLevel::info};
        case Cause::timed_out:
            return {"timed_out", "closed: silent for too long", LogLevel::debug};
    }
    return {};
}

void write_line(std::uint32_t shard, const shard::Incident& incident) {
    const CauseText text = text_of(incident.cause);
    std::vector<LogField> fields{LogField::text("cause", text.name), LogField::number("shard", shard)};
    if (!incident.match.view().empty()) {
        fields.push_back(LogField::text("match", incident.match.view()));
    }
    if (incident.player != protocol::nobody) {
        fields.push_back(LogField::number("player", incident.player));
    }
    if (incident.peer.exists()) {
        fields.push_back(LogField::text("peer", incident.peer.text()));
    }
    if (incident.code != 0) {
        fields.push_back(LogField::number("code", incident.code));
    }
    if (!incident.detail.view().empty()) {
        fields.push_back(LogField::text("detail", incident.detail.view()));
    }
    log_line(text.level, text.message, fields);
}

}  // namespace

std::string_view name_of(Cause cause) noexcept {
    return text_of(cause).name;
}

void IncidentLog::write_lines() {
    for (std::uint32_t shard = 0; shard < rings_.size(); ++shard) {
        rings_[shard].take_all([shard](const shard::Incident& incident) { write_line(shard, incident); });
    }
}

void IncidentLog::tell_left_out(const Shards& shards) {
    for (std::size_t cause = 0; cause < shard::cause_count; ++cause) {
        std::uint64_t left_out = 0;
        for (std::uint32_t index = 0; index < shards.count(); ++index) {
            left_out += shards.counters(index).incidents_untold[cause];
        }
        if (left_out == told_[cause]) {
            continue;
        }
        const CauseText text = text_of(static_cast<Cause>(cause));
        const std::uint64_t count = left_out - told_[cause];
        const std::array fields{LogField::text("cause", text.name), LogField::number("count", count)};
        log_line(text.level, std::to_string(count) + " more of these: " + std::string(text.message),
                 fields);
        told_[cause] = left_out;
    }
}

void IncidentLog::write(const Shards& shards, Clock::time_point now) {
    write_lines();
    if (now >= next_) {
        next_ = now + shard::IncidentLimit::interval;
        tell_left_out(shards);
    }
}

void IncidentLog::finish(const Shards& shards) {
    write_lines();
    tell_left_out(shards);
}

}  // namespace tickwire::service
