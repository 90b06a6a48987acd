#include "swarm/bare_talk.hpp"

#include <algorithm>
#include <cstring>
#include <numeric>

#include "swarm/crowd.hpp"
#include "swarm/neutral_talk.hpp"
#include "tickwire/websocket.hpp"

namespace tickwire::swarm {

std::uint32_t BareTalk::tick_hz() const noexcept {
    return crowd_.options.movement.hz;
}

void BareTalk::begin(client::Time /*now*/) {
    if (crowd_.pattern.empty()) {
        crowd_.pattern.resize(crowd_.options.frame_size);
        std::iota(crowd_.pattern.begin(), crowd_.pattern.end(), std::uint8_t{0});
    }
    phase_ = client::Phase::joined;
    client::Welcome welcome{};
    welcome.player = player_;
    welcome.tick_hz = tick_hz();
    handler_.on_welcome(welcome);
}

void BareTalk::receive(base::MutableBytes bytes, client::Time /*now*/) {
    const std::uint32_t frame_size = crowd_.options.frame_size;
    while (!bytes.empty() && phase_ == client::Phase::joined) {
        const std::size_t size = std::min<std::size_t>(bytes.size(), frame_size - received_size_);
        if (std::memcmp(bytes.data(), crowd_.pattern.data() + received_size_, size) != 0) {
            phase_ = client::Phase::over;
            handler_.on_ended({client::Fault::bad_message, 1007, "not the floor's bytes", false});
            return;
        }
        bytes = bytes.subspan(size);
        received_size_ += static_cast<std::uint32_t>(size);
        if (received_size_ == frame_size) {
            received_size_ = 0;
            handler_.on_tick({++tick_count_, false, 0});
        }
    }
}

std::uint16_t BareTalk::send_state(client::Bytes state, client::Time /*now*/) {
    // The frame that a client of the neutral format would send.
    std::vector<std::uint8_t>& message = crowd_.message;
    message.resize(neutral_header_size + state.size());
    encode_neutral_state(player_, ++number_, state, message.data());
    const std::size_t used = output_.size();
    output_.resize(used + websocket::client_header_size_max + message.size());
    const std::size_t size = websocket::encode_client_frame(
        websocket::Opcode::binary, message, crowd_.random.next_mask(), output_.data() + used);
    output_.resize(used + size);
    return static_cast<std::uint16_t>(number_);
}

void BareTalk::close(std::uint16_t /*code*/, std::string_view /*reason*/) {
    phase_ = client::Phase::over;
}

void BareTalk::lose_connection() {
    if (phase_ != client::Phase::over) {
        phase_ = client::Phase::over;
        handler_.on_ended({client::Fault::none, 1006, "", false});
    }
}

}  // namespace tickwire::swarm
