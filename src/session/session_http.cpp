// A session's HTTP: requests until one upgrades, and the move to another shard.
#include <algorithm>
#include <array>
#include <string>
#include <utility>

#include "base/bugs.hpp"
#include "base/heap_trap.hpp"
#include "session/session.hpp"

namespace tickwire::session {

void Session::receive_http(base::MutableBytes bytes, base::Time now) {
    const base::HeapAllowed requests_allocate;
    if (ends_after_answer_) {
        return;
    }
    // The head is gathered even where it is whole in `bytes`: requests are rare, and what follows one may
    // have to travel.
    const std::size_t head_size_max = environment_->options.head_size_max;
    if (head_.size() + bytes.size() > head_size_max + environment_->plaintext.size() ||
        !head_.append(bytes, environment_->pool)) {
        refuse_unreadable(431, "request too long");
        return;
    }
    while (phase_ == Phase::http && !ends_after_answer_ && !head_.empty()) {
        const auto parsed = requests_.next(head_.bytes(), head_size_max);
        if (!parsed) {
            ++environment_->counters.protocol_errors;
            refuse_unreadable(wire::status_of(parsed.error()), "bad request");
            return;
        }
        if (!parsed->has_value()) {
            return;
        }
        deadline_ = now + environment_->options.upgrade_timeout;
        // The request's views lie in the head, which must stay where it is while it is handled.
        ByteQueue head = std::exchange(head_, {});
        const std::size_t size = (*parsed)->size;
        handle_http_request(**parsed, now);
        head.drop_first(size);
        if (phase_ == Phase::http || phase_ == Phase::moving) {
            head_ = head;
            continue;
        }
        if (!head.empty() && phase_ != Phase::over) {
            receive_frames(head.mutable_bytes(), now);
        }
        head.release(environment_->pool);
    }
    if (head_.empty() && phase_ != Phase::moving) {
        head_.release(environment_->pool);
    }
}

void Session::handle_http_request(const wire::ParsedRequest& parsed, base::Time now) {
    static_cast<void>(now);
    const wire::HttpRequest& request = parsed.request;
    const auto route = wire::route_path(request.path);
    if (!route || (route->route == wire::Route::echo && !environment_->options.is_echo_on)) {
        refuse_request(404, "no such path", request);
        return;
    }
    if (route->route == wire::Route::other) {
        environment_->host.on_page_request(*this, request);
        return;
    }
    if (!environment_->options.origins.admit(request.origin)) {
        ++environment_->counters.origins_refused;
        environment_->host.on_fault(*this,
                                    {.kind = Fault::Kind::origin, .code = 403, .detail = request.origin});
        refuse_request(403, "origin not allowed", request);
        return;
    }
    if (const std::uint16_t status = wire::judge_upgrade(request); status != 101) {
        environment_->counters.count_refusal(status);
        std::array<std::uint8_t, wire::response_head_size_max> response;
        const std::size_t size = wire::encode_upgrade_response(request, response.data());
        answer_http({response.data(), size}, {}, request.keep_alive);
        return;
    }
    environment_->host.on_upgrade(*this, request, *route);
}

/// Where the next request would begin is not known, so this one was the last.
void Session::refuse_unreadable(std::uint16_t status, std::string_view detail) {
    environment_->host.on_fault(*this, {.kind = Fault::Kind::request, .code = status, .detail = detail});
    wire::HttpRequest unknown;
    unknown.keep_alive = false;
    refuse_request(status, detail, unknown);
}

/// Who asks and asks and takes no answer is dropped: what waits for it has the outbox's bound.
void Session::answer_http(base::Bytes head, base::Bytes body, bool keep_alive) {
    const bool is_over = outgoing_.queued_size() > environment_->options.outbox_size_max;
    if (is_over || !outgoing_.append(head, body)) {
        environment_->counters.over_outbox += is_over ? 1U : 0U;
        drop_connection();
        return;
    }
    ends_after_answer_ = !keep_alive;
    environment_->host.on_attention(*this);
}

void Session::refuse_request(std::uint16_t status, std::string_view detail,
                             const wire::HttpRequest& request) {
    environment_->counters.count_refusal(status);
    std::array<std::uint8_t, wire::response_head_size_max> response;
    const std::size_t size =
        wire::encode_refusal(status, detail, request.keep_alive, request.is_head, response.data());
    answer_http({response.data(), size}, {}, request.keep_alive);
}

void Session::respond(std::string_view content_type, base::Bytes content,
                      const wire::HttpRequest& request) {
    std::array<std::uint8_t, wire::response_head_size_max> head;
    const std::size_t size =
        wire::encode_asset_head(content_type, content.size(), request.keep_alive, head.data());
    answer_http({head.data(), size}, request.is_head ? base::Bytes{} : content, request.keep_alive);
}

websocket::Limits Session::reader_limits() const noexcept {
    const SessionOptions& options = environment_->options;
    const wire::Limits& own = limits();
    switch (lane_) {
        case Lane::game:
            return {own.json_bytes, std::max(own.state_bytes, own.event_bytes), options.fragment_count_max};
        case Lane::plain:
            return {own.event_bytes, own.event_bytes, options.fragment_count_max};
        case Lane::echo:
            break;
    }
    return {options.echo_size_max, options.echo_size_max, 0x7fffffff};
}

void Session::start_reader(Lane lane) {
    lane_ = lane;
    websocket::BufferSource* source = &environment_->pool;
    if (lane == Lane::echo) {
        source = &environment_->heap;
    }
    reader_.emplace(websocket::Role::server, reader_limits(), *source);
}

void Session::accept_upgrade(const Upgrade& upgrade, base::Time now) {
    // An echo may be larger than any buffer of the data path's pool.
    if (upgrade.lane == Lane::echo && !outgoing_.move_to(environment_->heap)) {
        drop_connection();
        return;
    }
    if (!outgoing_.append(base::as_bytes(upgrade.response))) {
        drop_connection();
        return;
    }
    ++environment_->counters.upgrades;
    ticket_ = upgrade.ticket.empty() ? nullptr : std::make_unique<std::string>(upgrade.ticket);
    start_reader(upgrade.lane);
    environment_->host.on_attention(*this);
    switch (upgrade.lane) {
        case Lane::game:
            phase_ = Phase::joining;
            deadline_ = now + environment_->options.join_timeout;
            return;
        case Lane::plain:
            phase_ = Phase::plain;
            environment_->host.on_plain_join(*this);
            return;
        case Lane::echo:
            phase_ = Phase::echo;
            return;
    }
}

void Session::start_move(Upgrade upgrade) {
    move_ = std::make_unique<Upgrade>(std::move(upgrade));
    phase_ = Phase::moving;
    environment_->host.on_attention(*this);
}

bool Session::is_ready_to_move() const noexcept {
    return phase_ == Phase::moving && outgoing_.is_empty() && !outgoing_.is_in_flight();
}

MovedSession Session::take_moved() {
    MovedSession moved;
    moved.engine = std::move(engine_);
    moved.upgrade = std::move(*move_);
    if (!base::bug(base::Bug::pipelined_bytes_lost)) {
        moved.leftover = base::as_text(head_.bytes());
    }
    phase_ = Phase::over;
    return moved;
}

void Session::resume_moved(const MovedSession& moved, base::Time now) {
    accept_upgrade(moved.upgrade, now);
    if (!moved.leftover.empty() &&
        (phase_ == Phase::joining || phase_ == Phase::plain || phase_ == Phase::echo)) {
        std::string leftover = moved.leftover;
        uncharged_size_ = static_cast<std::uint32_t>(leftover.size());
        receive_frames({reinterpret_cast<std::uint8_t*>(leftover.data()), leftover.size()}, now);
    }
}

void Session::on_joined(const wire::Limits& limits, wire::Role role, const base::RateBuckets& rates) {
    const SessionOptions& options = environment_->options;
    role_ = role;
    rates_ = rates;
    if (limits != options.limits_of(role)) {
        own_limits_ = std::make_unique<wire::Limits>(limits);
    }
    reader_->set_limits(reader_limits());  // it began with those of the time of the upgrade
    ticket_.reset();                       // it has done what it was for
    if (phase_ == Phase::joining) {
        phase_ = Phase::game;
    }
}

}  // namespace tickwire::session
