#include "tickwire/client.hpp"

#include <algorithm>

#include "base/bytes.hpp"
#include "base/check.hpp"
#include "client/implementation.hpp"
#include "wire/http.hpp"
#include "wire/json_writer.hpp"

namespace tickwire::client {
namespace {

/// A welcome with thousands of names, a keyframe of thousands of states.
constexpr websocket::Limits message_limits{16 * 1024 * 1024, 16 * 1024 * 1024, 1024};

/// 16 random bytes in base64 (RFC 6455 section 4.1): 128 bits are 21 digits and one of four.
std::string make_key(Random& random) {
    constexpr std::string_view digits = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    std::string key(24, '=');
    for (std::size_t index = 0; index < 21; ++index) {
        key[index] = digits[random.next() >> 58];
    }
    key[21] = digits[(random.next() >> 62) << 4];
    return key;
}

}  // namespace

std::string_view describe(Fault fault) noexcept {
    switch (fault) {
        case Fault::none:
            return "closed";
        case Fault::upgrade_refused:
            return "the upgrade was refused";
        case Fault::bad_http:
            return "a wrong answer to the upgrade";
        case Fault::bad_frame:
            return "a malformed frame";
        case Fault::bad_message:
            return "a malformed message";
        case Fault::bad_json:
            return "a malformed control message";
        case Fault::bad_delta:
            return "a delta without its baseline";
    }
    return "unknown";
}

bool is_final_close_code(std::uint16_t code) noexcept {
    return code == 1000 || code == 1002 || code == 1003 || (code >= 1007 && code <= 1010) ||
           (code >= 4000 && code <= 4099);
}

Environment::Environment(std::uint64_t seed) : parts_(std::make_unique<Parts>(seed)) {}
Environment::~Environment() = default;

Client::Client(Environment& environment, Handler& handler)
    : implementation_(std::make_unique<Implementation>(environment.parts(), handler)) {}
Client::~Client() = default;

bool Client::connect(const Target& target, const Join& join, Time now) {
    Implementation& self = *implementation_;
    constexpr std::string_view path = "/v1/match/";
    if (!wire::is_match_name(target.match) || join.name.size() > protocol::name_size_max) {
        return false;
    }
    auto opening = std::make_unique<Opening>();
    opening->key = make_key(self.parts.random);
    opening->join = self.make_join(join);
    const std::string where = std::string(path) + std::string(target.match);
    std::uint8_t* const request = self.scratch(wire::request_head_size_max);
    const std::size_t size =
        wire::encode_upgrade_request(target.host, where, opening->key, protocol::subprotocol, request);
    if (size == 0) {
        return false;
    }
    self.now = self.last_heard = now;
    self.opening = std::move(opening);
    self.reader.emplace(websocket::Role::client, message_limits, self.parts.heap);
    self.phase = Phase::upgrading;
    self.output.assign(request, request + size);
    return true;
}

void Client::receive(std::span<std::uint8_t> bytes, Time now) {
    Implementation& self = *implementation_;
    self.now = self.last_heard = now;
    if (self.phase == Phase::upgrading) {
        bytes = self.take_upgrade_answer(bytes);
    }
    self.receive_frames(bytes);
}

void Client::lose_connection() {
    if (implementation_->phase != Phase::over && implementation_->phase != Phase::idle) {
        implementation_->output.clear();
        implementation_->end({Fault::none, 1006, "the connection was lost", true});
    }
}

void Client::forget_slot() {
    Implementation& self = *implementation_;
    self.resume.clear();
    self.backlog.reset();
    self.has_welcome = false;
    self.seen_event = 0;
}

bool Client::has_output() const noexcept {
    return !implementation_->output.empty();
}

void Client::take_output(std::vector<std::uint8_t>& into) noexcept {
    base::check(into.empty(), "Client::take_output: into an empty vector");
    into.swap(implementation_->output);
}

Time Client::next_deadline() const noexcept {
    const Implementation& self = *implementation_;
    if (self.phase != Phase::joined) {
        return Time::max();
    }
    Time deadline = self.has_unreported() ? self.last_report + report_after : Time::max();
    if (self.backlog && self.backlog->count() != 0) {
        deadline = std::min(deadline, self.last_report + receipt_after);
    }
    return deadline;
}

void Client::pass_time(Time now) {
    implementation_->now = now;
    if (now >= next_deadline()) {
        implementation_->send_ping();
    }
}

std::uint16_t Client::send_state(Bytes state, Time now) {
    Implementation& self = *implementation_;
    if (self.phase != Phase::joined) {
        return self.seq;
    }
    const std::size_t size = protocol::state_header_size + state.size();
    base::check(size <= self.limits.state_bytes && self.player != protocol::nobody,
                "Client::send_state: a player's, within limits().state_bytes");
    self.now = now;
    std::uint8_t* const message = self.scratch(size);
    ++self.seq;
    protocol::encode_state({self.seq, static_cast<std::uint16_t>(self.tick), state}, message);
    self.send_frame(websocket::Opcode::binary, {message, size});
    self.report_seen();
    return self.seq;
}

bool Client::send_event(const protocol::Event& event, Time now) {
    Implementation& self = *implementation_;
    if (self.phase != Phase::joined) {
        return false;
    }
    const std::size_t size = protocol::event_header_size + event.body.size();
    base::check(size <= self.limits.event_bytes && self.player != protocol::nobody,
                "Client::send_event: a player's, within limits().event_bytes");
    if (!self.backlog) {
        self.backlog = std::make_unique<EventBacklog>();
    }
    if (!self.backlog->has_room(size)) {
        return false;
    }
    self.now = now;
    std::uint8_t* const message = self.scratch(size);
    protocol::encode_event(event, message);
    self.send_frame(websocket::Opcode::binary, {message, size});
    self.backlog->push({message, size});
    return true;
}

void Client::send_ping(Time now) {
    implementation_->now = now;
    if (implementation_->phase == Phase::joined) {
        implementation_->send_ping();
    }
}

void Client::send_resync() {
    if (implementation_->phase == Phase::joined) {
        std::uint8_t message = 0;
        implementation_->send_frame(websocket::Opcode::binary,
                                    {&message, protocol::encode_resync(&message)});
    }
}

void Client::send_rate(std::uint32_t divisor) {
    std::string text;
    wire::JsonObject(text, "rate").number("divisor", divisor);
    send_request(text);
}

void Client::send_visible(bool is_visible) {
    std::string text;
    wire::JsonObject(text, "visible").flag("visible", is_visible);
    send_request(text);
}

void Client::send_leave() {
    send_request(R"({"op":"leave"})");
}

void Client::send_request(std::string_view json) {
    if (implementation_->phase == Phase::joined) {
        implementation_->send_text(json);
    }
}

void Client::close(std::uint16_t code, std::string_view reason) {
    Implementation& self = *implementation_;
    switch (self.phase) {
        case Phase::joining:
        case Phase::joined:
            self.send_close(code, reason);
            self.phase = Phase::closing;
            return;
        case Phase::upgrading:
            self.end({Fault::none, code, reason, false});
            return;
        case Phase::idle:
        case Phase::closing:
        case Phase::over:
            return;
    }
}

Phase Client::phase() const noexcept {
    return implementation_->phase;
}
PlayerNumber Client::player() const noexcept {
    return implementation_->player;
}
const Limits& Client::limits() const noexcept {
    return implementation_->limits;
}
std::uint32_t Client::tick_hz() const noexcept {
    return implementation_->tick_hz;
}
std::uint32_t Client::tick() const noexcept {
    return implementation_->tick;
}
std::uint32_t Client::seen_event() const noexcept {
    return implementation_->seen_event;
}
std::optional<PlayerNumber> Client::host() const noexcept {
    return implementation_->host;
}
std::string_view Client::resume_token() const noexcept {
    return implementation_->resume;
}
std::span<const Player> Client::players() const noexcept {
    return implementation_->players;
}

std::optional<StateView> Client::state_of(PlayerNumber player) const noexcept {
    return implementation_->states.find(player);
}

std::size_t Client::unacknowledged_event_count() const noexcept {
    return implementation_->backlog ? implementation_->backlog->count() : 0;
}

std::optional<std::uint64_t> Client::match_time_us(Time now) const noexcept {
    return implementation_->clock.at(now);
}
Time Client::last_heard() const noexcept {
    return implementation_->last_heard;
}

}  // namespace tickwire::client
