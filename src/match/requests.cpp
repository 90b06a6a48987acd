// Control requests: properties, rates, visibility, and what only the host may ask (proto/protocol.md
// section 5).
#include <algorithm>
#include <utility>
#include <variant>

#include "base/bugs.hpp"
#include "base/heap_trap.hpp"
#include "match/implementation.hpp"

namespace tickwire::match {
namespace {

using wire::ControlErrorCode;

constexpr std::uint16_t close_normal = 1000;

}  // namespace

/// One request by one member. Handlers answer it; those that end the member answer first.
struct Match::Implementation::RequestHandler {
    Implementation& match;
    const Member member;
    const std::optional<std::uint64_t> id;
    const base::Time now;

    MemberRecord& sender() const noexcept { return match.members[member]; }
    void accept() const { match.answer_ok(sender(), id); }
    void refuse(ControlErrorCode code, std::string_view message) const {
        match.answer_error(sender(), code, message, id);
    }
    bool refuse_spectator() const {
        if (sender().kind == MemberKind::player) {
            return false;
        }
        refuse(ControlErrorCode::forbidden, "not for spectators");
        return true;
    }
    bool refuse_unless_host() const {
        if (sender().kind == MemberKind::player && match.election.is_host(sender().player)) {
            return false;
        }
        refuse(ControlErrorCode::forbidden, "the host's alone");
        return true;
    }

    void operator()(const wire::SetProperties& request) const;
    void operator()(const wire::SetRate& request) const;
    void operator()(const wire::SetVisible& request) const;
    void operator()(const wire::Leave& request) const;
    void operator()(const wire::Lock& request) const;
    void operator()(const wire::Kick& request) const;
    void operator()(const wire::NameHost& request) const;
};

void Match::Implementation::RequestHandler::operator()(const wire::SetProperties& request) const {
    if (refuse_spectator()) {
        return;
    }
    // Written before it is applied: whoever is told must be told all of it.
    match.json.clear();
    wire::write_properties(match.properties.version() + 1, request.set, sender().player, match.json);
    if (!match.log.fits(match.json.size())) {
        refuse(ControlErrorCode::too_large, "too much for one request");
        return;
    }
    switch (match.properties.apply(request)) {
        case Properties::Outcome::version_differs:
            refuse(ControlErrorCode::version, "the properties have changed");
            return;
        case Properties::Outcome::too_large:
            refuse(ControlErrorCode::too_large, "too many or too large properties");
            return;
        case Properties::Outcome::accepted:
            match.announce();
            accept();
            return;
    }
}

void Match::Implementation::RequestHandler::operator()(const wire::SetRate& request) const {
    sender().asked_divisor = request.divisor;
    match.apply_divisor(member, wire::RateReason::asked, Cause::member);
    accept();
}

void Match::Implementation::RequestHandler::operator()(const wire::SetVisible& request) const {
    sender().is_visible = request.is_visible;
    match.apply_divisor(member, request.is_visible ? wire::RateReason::recovered : wire::RateReason::hidden,
                        Cause::member);
    match.reconsider_host(now);
    accept();
}

void Match::Implementation::RequestHandler::operator()(const wire::Leave&) const {
    accept();
    const MemberKind kind = sender().kind;
    const PlayerNumber player = sender().player;
    match.outlet.close(sender().connection, close_normal, "");
    match.forget_member(member);
    if (kind == MemberKind::player) {
        match.end_slot(player, wire::LeftReason::left);
    }
}

void Match::Implementation::RequestHandler::operator()(const wire::Lock& request) const {
    if (refuse_unless_host()) {
        return;
    }
    match.is_locked = request.is_locked;
    match.json.clear();
    wire::write_locked(request.is_locked, match.json);
    match.announce();
    accept();
}

void Match::Implementation::RequestHandler::operator()(const wire::Kick& request) const {
    if (refuse_unless_host()) {
        return;
    }
    if (!match.roster.has(request.player)) {
        refuse(ControlErrorCode::no_such_player, "nobody has that number");
        return;
    }
    const bool is_self = request.player == sender().player;
    if (is_self) {
        accept();
    }
    match.kick(request.player, request.reason);
    if (!is_self) {
        accept();
    }
}

void Match::Implementation::RequestHandler::operator()(const wire::NameHost& request) const {
    if (refuse_unless_host()) {
        return;
    }
    if (!match.roster.has(request.player)) {
        refuse(ControlErrorCode::no_such_player, "nobody has that number");
        return;
    }
    if (!match.is_eligible(request.player)) {
        refuse(ControlErrorCode::bad_request, "the player is away, hidden or plain");
        return;
    }
    match.name_host(request.player);
    accept();
}

void Match::Implementation::take_request(Member member, const wire::ControlRequest& request,
                                         base::Time now) {
    std::visit(RequestHandler{*this, member, request.id, now}, request.request);
}

void Match::Implementation::refuse_request(Member member, const wire::RequestError& error) {
    const bool is_unknown = error.fault == wire::RequestFault::unknown_op;
    answer_error(members[member], is_unknown ? ControlErrorCode::unknown_op : ControlErrorCode::bad_request,
                 error.message, error.id);
}

void Match::Implementation::answer_ok(MemberRecord& record, std::optional<std::uint64_t> id) {
    if (id) {
        json.clear();
        wire::write_ok(*id, json);
        tell(record);
    }
}

void Match::Implementation::answer_error(MemberRecord& record, wire::ControlErrorCode code,
                                         std::string_view message, std::optional<std::uint64_t> id) {
    ++counters.errors[static_cast<std::size_t>(code)];
    const bool is_version = code == ControlErrorCode::version;
    json.clear();
    wire::write_error(code, message, id, is_version ? std::optional(properties.version()) : std::nullopt,
                      json);
    tell(record);
}

void Match::Implementation::apply_divisor(Member member, wire::RateReason reason, Cause cause) {
    MemberRecord& record = members[member];
    const std::uint32_t for_page = record.is_visible ? 1 : options.tick_hz;
    const std::uint32_t divisor =
        std::max({std::uint32_t{record.asked_divisor}, std::uint32_t{record.shed_divisor},
                  record.link.divisor(), for_page});
    const auto index = static_cast<std::uint8_t>(classes.index_of(divisor));
    if (index == record.class_index) {
        return;
    }
    classes[record.class_index].remove_member();
    classes[index].add_member(states);
    record.class_index = index;
    if (!base::bug(base::Bug::keyframe_lost_on_divisor_change)) {
        // What the member itself brings about waits for its turn, what its link does comes at once.
        const bool is_by_link = cause == Cause::link;
        record.is_synced = false;
        record.is_keyframe_due = record.is_keyframe_due || is_by_link;
        record.is_keyframe_asked = record.is_keyframe_asked || !is_by_link;
        put_on_waiting_list(member);
    }
    const base::HeapAllowed rare;
    json.clear();
    wire::write_rate(divisor, reason, json);
    tell(record);
}

}  // namespace tickwire::match
