#include "script_backend.hpp"

#include "base/check.hpp"
#include "tickwire/protocol.hpp"
#include "tickwire/websocket.hpp"

namespace tickwire::guard {

Stage& stage() {
    static Stage the_stage;
    return the_stage;
}

namespace {

/// The newest tick number among whole server frames; `before` where there is none.
std::uint16_t newest_tick(base::Bytes frames, std::uint16_t before) {
    while (frames.size() > 1 && frames[0] >= 0x80) {
        std::size_t header = 2;
        std::size_t size = frames[1];
        if (size == 126) {
            header = 4;
            size = static_cast<std::size_t>(frames[2] << 8 | frames[3]);
        }
        const auto tick = static_cast<std::uint8_t>(protocol::ServerType::tick);
        if (frames[0] == 0x82 && size >= protocol::tick_header_size && frames[header] == tick) {
            before = base::load_le<std::uint16_t>(frames.data() + header + 4);
        }
        frames = frames.subspan(header + size);
    }
    return before;
}

}  // namespace
}  // namespace tickwire::guard

namespace tickwire::uring {

struct Backend::Implementation {
    struct ChannelState {
        std::uint32_t connection = 0;
        bool is_sending = false;
    };

    explicit Implementation(const Options& options, Events& events_in)
        : events(events_in), channels(options.channel_count_max) {}

    void wait(base::Time deadline) {
        guard::Stage& stage = guard::stage();
        for (std::size_t index = 0; index < sending.size(); ++index) {
            const Channel channel = sending[index];
            channels[channel].is_sending = false;
            events.on_sent(channel, SendResult::complete);
        }
        sending.clear();
        for (; stage.connections_to_accept != 0; --stage.connections_to_accept) {
            events.on_accepted(0, static_cast<int>(accepted_count++));
        }
        stage.now = deadline;
        for (guard::Arrival& arrival : stage.arrivals) {
            if (arrival.is_state) {
                constexpr std::size_t seen_at =
                    6 + 4;  // client header of a short frame, then STATE's fields
                base::store_le(arrival.bytes.data() + seen_at, stage.seen[arrival.connection]);
            }
            events.on_received(channel_of[arrival.connection], arrival.bytes);
        }
        stage.arrivals.clear();
    }

    Events& events;
    std::vector<ChannelState> channels;
    std::vector<Channel> channel_of;  // by connection
    std::vector<Channel> sending;
    std::uint32_t accepted_count = 0;
    Counters counters;
};

Backend::Backend(std::unique_ptr<Implementation> implementation) noexcept
    : implementation_(std::move(implementation)) {}
Backend::~Backend() = default;

tl::expected<std::unique_ptr<Backend>, SetupError> Backend::create(const Options& options, Events& events) {
    return std::unique_ptr<Backend>(new Backend(std::make_unique<Implementation>(options, events)));
}

base::Time Backend::now() noexcept {
    return guard::stage().now;
}
void Backend::listen(std::uint32_t /*listener*/, int /*descriptor*/) noexcept {}
void Backend::stop_listening() noexcept {}

void Backend::adopt(Channel channel, int descriptor) noexcept {
    const auto connection = static_cast<std::uint32_t>(descriptor);
    implementation_->channels[channel] = {connection, false};
    implementation_->channel_of.resize(
        std::max<std::size_t>(implementation_->channel_of.size(), connection + 1U));
    implementation_->channel_of[connection] = channel;
    guard::stage().seen.resize(implementation_->channel_of.size());
}

void Backend::connect(Channel /*channel*/, const void* /*address*/, std::uint32_t /*size*/) noexcept {}
void Backend::receive_once(Channel /*channel*/) noexcept {}
void Backend::receive_many(Channel /*channel*/) noexcept {}
void Backend::set_send_buffer(Channel /*channel*/, std::uint32_t /*size*/) noexcept {}

void Backend::send(Channel channel, base::Bytes bytes) noexcept {
    auto& state = implementation_->channels[channel];
    base::check(!state.is_sending, "one send at a time");
    state.is_sending = true;
    implementation_->sending.push_back(channel);
    guard::Stage& stage = guard::stage();
    ++stage.sends;
    stage.bytes_sent += bytes.size();
    stage.seen[state.connection] = guard::newest_tick(bytes, stage.seen[state.connection]);
}

void Backend::finish_sending(Channel /*channel*/) noexcept {
    base::check(false, "no stream is broken in the script");
}
void Backend::close(Channel /*channel*/) noexcept {
    base::check(false, "nobody is closed in the script");
}
int Backend::release(Channel channel) noexcept {
    return static_cast<int>(implementation_->channels[channel].connection);
}
base::PeerAddress Backend::peer_of(int /*descriptor*/) noexcept {
    return {};
}
void Backend::discard(int /*descriptor*/) noexcept {}
base::Duration Backend::cpu_time() const noexcept {
    return {};
}
base::Duration Backend::cpu_wait() const noexcept {
    return {};
}
void Backend::submit() noexcept {}
base::Time Backend::wait(base::Time deadline, WaitFor /*wait_for*/) noexcept {
    implementation_->wait(deadline);
    return guard::stage().now;
}
void Backend::wake() noexcept {}
const Counters& Backend::counters() const noexcept {
    return implementation_->counters;
}

}  // namespace tickwire::uring
