// What a shard has an operator read. See shard/incidents.hpp.
#include "shard/shard.hpp"

namespace tickwire::shard {

void Shard::report(const Incident& incident) noexcept {
    if (setting_.incidents == nullptr) {
        return;
    }
    if (!incident_limit_.admit(incident.cause, options_.log_lines, now_) ||
        !setting_.incidents->put(incident)) {
        ++counters_.incidents_untold[static_cast<std::size_t>(incident.cause)];
    }
}

/// With the connection's peer, and its match and player where it has them.
void Shard::report(const Connection& connection, Incident incident) noexcept {
    incident.peer = connection.peer;
    if (const MatchRoom* const room = rooms_.find(connection.room); room != nullptr) {
        incident.match.set(room->match->name());
        incident.player = room->match->player_of(connection.member);
    } else if (connection.match_name != nullptr) {
        incident.match.set(*connection.match_name);
    }
    report(incident);
}

void Shard::on_fault(session::Session& session, const session::Fault& fault) {
    using Kind = session::Fault::Kind;
    std::optional<Cause> cause;
    switch (fault.kind) {
        case Kind::proxy_header:
            cause = Cause::proxy_header;
            break;
        case Kind::tls:
            cause = Cause::tls_failed;
            break;
        case Kind::request:
            cause = Cause::bad_request;
            break;
        case Kind::origin:
            cause = Cause::origin_refused;
            break;
        case Kind::message:
            cause = cause_of_close(fault.code);
            break;
    }
    if (cause) {
        report(connection_of(session),
               {.cause = *cause, .code = fault.code, .detail = FixedText<128>(fault.detail)});
    }
}

}  // namespace tickwire::shard
