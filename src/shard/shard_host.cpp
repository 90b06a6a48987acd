// What sessions tell their shard and what matches ask of it: the way from a message to its match, and from
// a match to its members' connections.
#include <algorithm>
#include <array>
#include <string>
#include <utility>

#include "base/heap_trap.hpp"
#include "shard/shard.hpp"

namespace tickwire::shard {
namespace {

/// Twice and more what loopback takes for one segment (64 KiB). With the members' buffer, which is kept
/// small so that states do not grow old in it, the peer holds back its acknowledgements for 40 ms each: an
/// echo of 16 MiB took 10 s, and takes 0.1 s.
constexpr std::uint32_t echo_send_buffer_size = 192 * 1024;

/// The value of `ticket` in a query. A ticket is base64url and dots, so nothing in it is escaped.
std::string_view ticket_in(std::string_view query) noexcept {
    constexpr std::string_view key = "ticket=";
    while (!query.empty()) {
        const std::size_t end = std::min(query.find('&'), query.size());
        const std::string_view parameter = query.substr(0, end);
        if (parameter.starts_with(key)) {
            return parameter.substr(key.size());
        }
        query.remove_prefix(std::min(end + 1, query.size()));
    }
    return {};
}

}  // namespace

Shard::Connection& Shard::connection_of(const session::Session& session) noexcept {
    return *connections_.find(session.self());
}

Shard::MatchRoom* Shard::touch_room(Connection& connection) noexcept {
    MatchRoom* const room = rooms_.find(connection.room);
    if (room != nullptr && !room->is_touched) {
        room->is_touched = true;
        touched_.push_back(connection.room);
    }
    return room;
}

// --- session::Host

void Shard::on_upgrade(session::Session& session, const wire::HttpRequest& request,
                       const wire::RoutedPath& route) {
    Connection& connection = connection_of(session);
    if (connection.is_refused) {
        session.refuse_request(503, "no room", request);
        return;
    }
    if (connection.is_by_proxy) {
        const auto client = options_.admission.addresses.forwarded_client(request.forwarded_for.all());
        if (client && !charge_client(connection, *client)) {
            session.refuse_request(503, "too many connections of this address", request);
            return;
        }
    }
    std::array<std::uint8_t, wire::response_head_size_max> response;
    const std::size_t size = wire::encode_upgrade_response(request, response.data());
    session::Upgrade upgrade;
    upgrade.response = base::as_text({response.data(), size});
    if (route.route == wire::Route::echo) {
        upgrade.lane = session::Lane::echo;
        backend_->set_send_buffer(session.self().index, echo_send_buffer_size);
        session.accept_upgrade(upgrade, now_);
        return;
    }
    const std::uint32_t target = setting_.directory->place(route.match);
    if (target == setting_.directory->shard_count()) {
        ++counters_.refused_matches;
        report(connection,
               {.cause = Cause::matches_full, .code = 503, .match = FixedText<64>(route.match)});
        session.refuse_request(503, "no room for another match", request);
        return;
    }
    upgrade.lane = request.offers_tickwire ? session::Lane::game : session::Lane::plain;
    upgrade.match = route.match;
    if (tickets_) {
        upgrade.ticket = ticket_in(request.query);
    }
    connection.match_name = std::make_unique<std::string>(route.match);
    if (target == setting_.index) {
        session.accept_upgrade(upgrade, now_);
    } else {
        session.start_move(std::move(upgrade));
    }
}

void Shard::on_page_request(session::Session& session, const wire::HttpRequest& request) {
    if (connection_of(session).is_refused) {
        session.refuse_request(503, "no room", request);
        return;
    }
    const Page* const page = options_.find_page == nullptr ? nullptr : options_.find_page(request.path);
    if (page == nullptr) {
        session.refuse_request(404, "no such path", request);
        return;
    }
    session.respond(page->content_type, page->content, request);
}

void Shard::on_join(session::Session& session, const wire::Join& asked) {
    Connection& connection = connection_of(session);
    wire::Join join = asked;
    Entry entry = admit(session, join.ticket ? std::string_view(*join.ticket) : session.ticket(), join,
                        session::Lane::game);
    if (entry.room == nullptr) {
        return;
    }
    const auto member = entry.room->match->join(session.self(), join, now_, entry.claims);
    if (!member) {
        give_back(entry);
        session.close(member.error().code, member.error().reason, now_);
        return;
    }
    become_member(session, connection, entry, *member);
}

void Shard::on_plain_join(session::Session& session) {
    Connection& connection = connection_of(session);
    wire::Join join;
    Entry entry = admit(session, session.ticket(), join, session::Lane::plain);
    if (entry.room == nullptr) {
        return;
    }
    const auto member = entry.room->match->join_plain(session.self(), now_, entry.claims, join.name);
    if (!member) {
        give_back(entry);
        session.close(member.error().code, member.error().reason, now_);
        return;
    }
    become_member(session, connection, entry, *member);
}

void Shard::become_member(session::Session& session, Connection& connection, const Entry& entry,
                          match::Member member) {
    connection.room = entry.handle;
    connection.member = member;
    entry.room->held_until = {};
    release_name(connection);  // the match itself holds one for as long as it has members
    ++counters_.members;
    const match::Match& match = *entry.room->match;
    const bool is_spectator = match.player_of(member) == protocol::nobody;
    session.on_joined(match.limits(member), is_spectator ? wire::Role::spectator : wire::Role::player,
                      match.rates(member));
    touch_room(connection);
}

std::unique_ptr<tls::TlsEngine> Shard::make_engine() {
    return tls::TlsEngine::create(setting_.tls_context, tls::TlsEngine::Side::server);
}

bool Shard::on_state(session::Session& session, const protocol::State& state) {
    Connection& connection = connection_of(session);
    MatchRoom* const room = touch_room(connection);
    return room == nullptr || room->match->take_state(connection.member, state, now_);
}

bool Shard::on_event(session::Session& session, const protocol::Event& event) {
    Connection& connection = connection_of(session);
    MatchRoom* const room = touch_room(connection);
    return room == nullptr || room->match->take_event(connection.member, event, now_);
}

void Shard::on_ping(session::Session& session, const protocol::Ping& ping) {
    Connection& connection = connection_of(session);
    if (MatchRoom* const room = touch_room(connection); room != nullptr) {
        room->match->take_ping(connection.member, ping, now_);
    }
}

void Shard::on_resync(session::Session& session) {
    Connection& connection = connection_of(session);
    if (MatchRoom* const room = touch_room(connection); room != nullptr) {
        room->match->take_resync(connection.member, now_);
    }
}

void Shard::on_plain_message(session::Session& session, base::Bytes body, bool is_text) {
    Connection& connection = connection_of(session);
    if (MatchRoom* const room = touch_room(connection); room != nullptr) {
        room->match->take_plain(connection.member, body, is_text, now_);
    }
}

void Shard::on_request(session::Session& session, const wire::ControlRequest& request) {
    Connection& connection = connection_of(session);
    if (MatchRoom* const room = touch_room(connection); room != nullptr) {
        room->match->take_request(connection.member, request, now_);
    }
}

void Shard::on_bad_request(session::Session& session, const wire::RequestError& error) {
    Connection& connection = connection_of(session);
    if (MatchRoom* const room = touch_room(connection); room != nullptr) {
        room->match->refuse_request(connection.member, error, now_);
    }
}

void Shard::on_end(session::Session& session, session::SessionEnd end) {
    Connection& connection = connection_of(session);
    MatchRoom* const room = touch_room(connection);
    if (room == nullptr) {
        return;
    }
    connection.room = base::Handle::none();
    --counters_.members;
    room->match->disconnect(
        connection.member, end == session::SessionEnd::closed ? match::Ending::closed : match::Ending::lost,
        now_);
}

// --- match::Outlet

void Shard::on_upcoming(match::Connection connection) noexcept {
    connections_.prefetch(connection.index);
}

match::LinkState Shard::link_state(match::Connection connection) noexcept {
    Connection* const found = connections_.find(connection);
    if (found == nullptr || found->is_ended || found->session.is_busy()) {
        return match::LinkState::busy;
    }
    return found->session.has_queued() ? match::LinkState::pending : match::LinkState::idle;
}

base::RateBuckets Shard::rates(match::Connection connection) noexcept {
    const Connection* const found = connections_.find(connection);
    return found == nullptr ? base::RateBuckets() : found->session.rates();
}

void Shard::queue_frame(match::Connection connection, websocket::Opcode opcode,
                        base::Bytes payload) noexcept {
    if (Connection* const found = connections_.find(connection); found != nullptr) {
        found->session.queue_frame(opcode, payload);
    }
}

void Shard::send_shared(match::Connection connection, const base::SharedBuffer& frames) noexcept {
    if (Connection* const found = connections_.find(connection); found != nullptr) {
        found->session.send_shared(frames);
    }
}

void Shard::close(match::Connection connection, std::uint16_t code, std::string_view reason) noexcept {
    Connection* const found = connections_.find(connection);
    if (found == nullptr) {
        return;
    }
    if (found->room.exists()) {
        found->room = base::Handle::none();
        --counters_.members;
    }
    found->session.close(code, reason, now_);
}

}  // namespace tickwire::shard
