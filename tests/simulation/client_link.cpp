#include "client_link.hpp"

#include <algorithm>
#include <array>

#include "wire/http.hpp"

namespace tickwire::simulation {

using websocket::Opcode;

namespace {

constexpr std::string_view base64 = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

std::string draw_key(Random& random) {
    std::string key;
    for (int index = 0; index < 21; ++index) {
        key += base64[random.below(64)];
    }
    return key + base64[16 * random.below(4)] +
           "==";  // 16 bytes: the last character has four bits of padding
}

}  // namespace

ClientLink::ClientLink(World& world, Random random, LinkOwner& owner, const LinkTarget& target)
    : world_(world),
      began_at_(world.now()),
      random_(random),
      owner_(&owner),
      socket_(&world.connect(target.listener, draw_style(random_))),
      key_(draw_key(random_)),
      reader_(websocket::Role::client, {1U << 20U, 1U << 20U, 64}, heap_),
      tls_(target.is_tls ? std::make_unique<LinkTls>(world, queue_) : nullptr),
      target_(target) {
    if (tls_ != nullptr) {
        tls_->start();
    } else {
        send_upgrade();
    }
}

void ClientLink::send_upgrade() {
    is_upgrade_sent_ = true;
    std::array<std::uint8_t, wire::request_head_size_max> request;
    send_raw({request.data(), wire::encode_upgrade_request("game.example", target_.path, key_,
                                                           target_.subprotocol, request.data())});
}

ClientLink::~ClientLink() {
    if (state_ != LinkState::ended) {
        world_.client_close(*socket_);
    }
}

std::uint64_t ClientLink::send_raw(base::Bytes bytes) {
    if (tls_ != nullptr) {
        tls_->seal(bytes);
    } else {
        queue_.insert(queue_.end(), bytes.begin(), bytes.end());
    }
    return written_ + queue_.size();
}

std::uint64_t ClientLink::send(Opcode opcode, base::Bytes payload) {
    const bool is_data = opcode == Opcode::text || opcode == Opcode::binary;
    std::size_t pieces = is_data && random_.chance(20) ? random_.between(2, 4) : 1;
    std::vector<std::uint8_t> frame(payload.size() + websocket::client_header_size_max);
    for (Opcode part_opcode = opcode; pieces != 0; --pieces) {
        const std::size_t size = pieces == 1 ? payload.size() : random_.below(payload.size() + 1);
        const std::array<std::uint8_t, 4> mask{random_.byte(), random_.byte(), random_.byte(),
                                               random_.byte()};
        const std::size_t frame_size =
            websocket::encode_client_frame(part_opcode, payload.first(size), mask, frame.data());
        if (pieces != 1) {
            frame[0] &= 0x7f;
        }
        send_raw(base::Bytes(frame).first(frame_size));
        payload = payload.subspan(size);
        part_opcode = Opcode::continuation;
        if (pieces != 1 && random_.chance(300)) {
            const std::size_t ping_size =
                websocket::encode_client_frame(Opcode::ping, {}, mask, frame.data());
            send_raw(base::Bytes(frame).first(ping_size));
        }
    }
    return written_ + queue_.size();
}

void ClientLink::send_close(std::uint16_t code) {
    if (is_close_sent_) {
        return;
    }
    std::array<std::uint8_t, websocket::control_size_max> payload;
    const std::size_t size = websocket::encode_close_payload(code, {}, payload.data());
    close_end_ = send(Opcode::close, {payload.data(), size});
    is_close_sent_ = true;
}

bool ClientLink::was_close_overdue(Duration close_timeout) const noexcept {
    Time delivered;
    return is_close_sent_ && socket_->find_delivery(close_end_, delivered) &&
           socket_->server_closed_at - delivered >= close_timeout;
}

void ClientLink::reset() {
    if (state_ != LinkState::ended) {
        world_.client_reset(*socket_);
        state_ = LinkState::ended;
    }
}

void ClientLink::pump() {
    if (state_ == LinkState::ended || is_frozen_) {
        return;
    }
    write();
    read();
}

void ClientLink::write() {
    if (queue_.empty()) {
        return;
    }
    const std::size_t taken = world_.client_write(*socket_, queue_);
    queue_.erase(queue_.begin(), queue_.begin() + static_cast<std::ptrdiff_t>(taken));
    written_ += taken;
}

void ClientLink::read() {
    if (!is_reading_) {
        allowance_at_ = world_.now();
        return;
    }
    std::size_t size = world_.client_readable(*socket_);
    if (bytes_per_second_ != 0) {
        const double elapsed = static_cast<double>((world_.now() - allowance_at_).count()) / 1e9;
        read_allowance_ = std::min(read_allowance_ + elapsed * bytes_per_second_, 2000.0);
        size = std::min(size, static_cast<std::size_t>(read_allowance_));
        read_allowance_ -= static_cast<double>(size);
    }
    allowance_at_ = world_.now();
    if (size != 0) {
        std::vector<std::uint8_t> arrived(size);
        socket_->to_client.read(size, arrived.data());
        receive(arrived);
        if (state_ == LinkState::connecting) {
            read_answer();
        }
        if (state_ == LinkState::open) {
            read_frames();
        }
    }
    if (state_ != LinkState::ended && world_.client_end(*socket_) != StreamEnd::none) {
        end();
    }
}

void ClientLink::receive(base::Bytes arrived) {
    if (tls_ == nullptr) {
        input_.insert(input_.end(), arrived.begin(), arrived.end());
        return;
    }
    tls_->open(arrived, input_);
    if (tls_->is_ready() && !is_upgrade_sent_) {
        send_upgrade();
    }
}

void ClientLink::end() {
    state_ = LinkState::ended;
    world_.client_close(*socket_);
}

void ClientLink::read_answer() {
    const auto answer = wire::parse_upgrade_answer(input_, key_);
    if (!answer) {
        world_.fail("a client got an answer that is not HTTP");
    }
    if (!answer->has_value()) {
        return;
    }
    status_ = (*answer)->status;
    if (!(*answer)->is_accepted) {
        end();
        return;
    }
    const std::size_t size = (*answer)->size;
    input_.erase(input_.begin(), input_.begin() + static_cast<std::ptrdiff_t>(size));
    input_begin_ += size;
    state_ = LinkState::open;
    owner_->on_open();
}

void ClientLink::read_frames() {
    // A handler may end the link, but it does not destroy it.
    std::vector<std::uint8_t> bytes = std::move(input_);
    input_.clear();
    std::span<std::uint8_t> rest = bytes;
    while (state_ == LinkState::open) {
        const auto next = reader_.next(rest);
        if (!next) {
            world_.fail("a client got frames that are none: " +
                        std::string(websocket::describe(next.error())));
        }
        if (!next->has_value()) {
            break;
        }
        take(**next, input_begin_ + (bytes.size() - rest.size()));
    }
    input_begin_ += bytes.size();
    socket_->to_client.forget_before(tls_ == nullptr ? input_begin_ : tls_->wire_begin_of(input_begin_));
}

void ClientLink::take(const websocket::Message& message, std::uint64_t end) {
    world_.note(end ^ (static_cast<std::uint64_t>(socket_->descriptor) << 32U));
    if (close_code_ != 0) {
        world_.fail("a client got a message after the close frame");
    }
    const std::uint64_t wire_end = tls_ == nullptr ? end : tls_->wire_end_of(end);
    const Pipe::Segment& segment = socket_->to_client.segment_of(wire_end - 1);
    switch (message.opcode) {
        case Opcode::ping:
            send(Opcode::pong, message.payload);
            return;
        case Opcode::pong:
        case Opcode::continuation:
            return;
        case Opcode::close:
            close_code_ = websocket::parse_close(message.payload).code;
            closed_at_ = segment.send_started;
            send_close(close_code_ == 1005 ? 1000 : close_code_);
            return;
        case Opcode::text:
        case Opcode::binary:
            owner_->on_message(message, {segment.send_started, segment.consumed_before});
            return;
    }
}

}  // namespace tickwire::simulation
