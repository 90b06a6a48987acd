#include "fake_backend.hpp"

#include <algorithm>
#include <chrono>
#include <string>

#include "base/bugs.hpp"
#include "base/check.hpp"
#include "base/heap_trap.hpp"

namespace tickwire::uring {

using simulation::Chunks;
using simulation::Socket;
using simulation::StreamEnd;
using simulation::World;
using std::chrono::microseconds;
using std::chrono::milliseconds;

namespace {

constexpr std::size_t receive_size_max = 65536;
constexpr std::size_t canary_size = 64;
constexpr std::uint8_t canary = 0xa5;
constexpr std::uint8_t scribble = 0xdd;

std::string name_of(Channel channel) {
    return "channel " + std::to_string(channel);
}

}  // namespace

// --- the interface

Backend::Backend(std::unique_ptr<Implementation> implementation) noexcept
    : implementation_(std::move(implementation)) {}

Backend::~Backend() = default;

tl::expected<std::unique_ptr<Backend>, SetupError> Backend::create(const Options& options, Events& events) {
    return std::unique_ptr<Backend>(new Backend(std::make_unique<Implementation>(options, events)));
}

tl::expected<Features, SetupError> probe_features() {
    return Features{};
}

base::Time Backend::now() noexcept {
    return implementation_->world.now();
}

void Backend::listen(std::uint32_t listener, int descriptor) noexcept {
    implementation_->listeners.push_back({listener, descriptor});
}

void Backend::stop_listening() noexcept {
    implementation_->listeners.clear();
}

void Backend::adopt(Channel channel, int descriptor) noexcept {
    const base::HeapAllowed the_fake_allocates;
    Implementation& self = *implementation_;
    if (channel >= self.channels.size() || self.channels[channel].phase != Implementation::Phase::unused) {
        self.world.fail("contract: " + name_of(channel) + " is adopted while it is in use");
    }
    Implementation::ChannelState& state = self.channels[channel];
    const std::uint32_t use = state.use + 1;
    state = {};
    state.use = use;
    state.phase = Implementation::Phase::open;
    state.socket = &self.world.socket(descriptor);
    if (!state.socket->is_server_open) {
        self.world.fail("contract: a closed descriptor is adopted on " + name_of(channel));
    }
    self.active.push_back(channel);
}

void Backend::connect(Channel /*channel*/, const void* /*address*/, std::uint32_t /*size*/) noexcept {
    implementation_->world.fail("contract: a shard connects");
}

void Backend::receive_once(Channel channel) noexcept {
    implementation_->receive(channel, Implementation::Receiving::once);
}

void Backend::receive_many(Channel channel) noexcept {
    implementation_->receive(channel, Implementation::Receiving::many);
}

void Backend::set_send_buffer(Channel /*channel*/, std::uint32_t /*size*/) noexcept {
    // The pipes' room is drawn from the seed, whatever is asked for.
}

void Backend::send(Channel channel, base::Bytes bytes) noexcept {
    const base::HeapAllowed the_fake_allocates;
    Implementation& self = *implementation_;
    Implementation::ChannelState& state = self.open_channel(channel, "send");
    if (state.is_sending) {
        self.world.fail("contract: a second send in flight on " + name_of(channel));
    }
    if (bytes.empty()) {
        self.world.fail("contract: an empty send on " + name_of(channel));
    }
    if (state.socket->is_server_finished) {
        self.world.fail("contract: a send behind the FIN on " + name_of(channel));
    }
    ++self.counters.sends;
    state.is_sending = true;
    state.sending = {};
    state.sending.bytes = bytes;
    state.sending.started = self.world.now();
    state.sending.consumed_before = state.socket->to_server.read();
    self.progress_send(state);
}

void Backend::finish_sending(Channel channel) noexcept {
    Implementation& self = *implementation_;
    Implementation::ChannelState& state = self.open_channel(channel, "finish_sending");
    if (state.is_sending || state.socket->is_server_finished) {
        self.world.fail("contract: " + name_of(channel) + " finishes twice, or while it sends");
    }
    state.socket->is_server_finished = true;
    state.socket->server_closed_at = self.world.now();
}

void Backend::close(Channel channel) noexcept {
    const base::HeapAllowed the_fake_allocates;
    Implementation& self = *implementation_;
    Implementation::ChannelState& state = self.open_channel(channel, "close");
    state.phase = Implementation::Phase::closing;
    state.receiving = Implementation::Receiving::nothing;
    const bool is_slow = self.random.chance(150);
    state.cancelled_at =
        self.world.now() + self.random.duration({}, is_slow ? milliseconds(60) : milliseconds(2));
    state.closed_at =
        state.cancelled_at + self.random.duration({}, is_slow ? milliseconds(60) : milliseconds(2));
    state.tells_sent = !self.random.chance(200);
}

int Backend::release(Channel channel) noexcept {
    const base::HeapAllowed the_fake_allocates;
    Implementation& self = *implementation_;
    Implementation::ChannelState& state = self.open_channel(channel, "release");
    if (state.is_sending || state.receiving != Implementation::Receiving::nothing) {
        self.world.fail("contract: " + name_of(channel) + " is released with something in flight");
    }
    state.phase = Implementation::Phase::unused;
    std::erase(self.active, channel);
    return state.socket->descriptor;
}

base::PeerAddress Backend::peer_of(int descriptor) noexcept {
    // Sixteen addresses, among which the simulator's limits for one of them bite.
    return base::PeerAddress::from_ipv4({192, 0, 2, static_cast<std::uint8_t>(descriptor % 16)});
}

void Backend::discard(int descriptor) noexcept {
    const base::HeapAllowed the_fake_allocates;
    World& world = World::current();
    world.server_close(world.socket(descriptor));
}

base::Duration Backend::cpu_time() const noexcept {
    return implementation_->cpu_used += implementation_->newcomer_cost;
}
base::Duration Backend::cpu_wait() const noexcept {
    return {};
}
void Backend::submit() noexcept {}
base::Time Backend::wait(base::Time /*deadline*/, WaitFor /*wait_for*/) noexcept {
    implementation_->wait();
    return implementation_->world.now();
}
void Backend::wake() noexcept {}
const Counters& Backend::counters() const noexcept {
    return implementation_->counters;
}

// --- the inside

Backend::Implementation::Implementation(const Options& given_options, Events& given_events)
    : world(World::current()),
      random(world.random().fork()),
      events(given_events),
      options(given_options),
      channels(given_options.channel_count_max),
      scratch(receive_size_max + 2 * canary_size) {
    world.add_kernel(this);
    if (random.chance(500)) {
        newcomer_cost = random.duration({}, microseconds(600));
    }
}

Backend::Implementation::~Implementation() {
    world.remove_kernel(this);
    if (!active.empty()) {
        world.fail("contract: a backend ends with " + std::to_string(active.size()) + " channels in use");
    }
}

Backend::Implementation::ChannelState& Backend::Implementation::open_channel(Channel channel,
                                                                             const char* operation) {
    if (channel >= channels.size() || channels[channel].phase != Phase::open) {
        world.fail("contract: " + std::string(operation) + " on " + name_of(channel) +
                   ", which is not open");
    }
    return channels[channel];
}

void Backend::Implementation::receive(Channel channel, Receiving receiving) {
    const base::HeapAllowed the_fake_allocates;
    ChannelState& state = open_channel(channel, "receive");
    if (state.receiving != Receiving::nothing) {
        world.fail("contract: a second receive on " + name_of(channel));
    }
    state.receiving = receiving;
}

void Backend::Implementation::end_send(ChannelState& state, SendResult result) {
    state.sending.is_over = true;
    state.sending.result = result;
    state.sending.due = world.now() + random.duration({}, state.socket->style.completion_delay_max);
}

void Backend::Implementation::progress_send(ChannelState& state) {
    Sending& sending = state.sending;
    if (!state.is_sending || sending.is_over) {
        return;
    }
    if (state.socket->is_cut_by(world.now())) {
        end_send(state, SendResult::failed);
        return;
    }
    if (state.phase == Phase::closing && world.now() >= state.cancelled_at) {
        end_send(state, SendResult::failed);
        return;
    }
    const Chunks chunks = state.socket->style.send_chunks;
    if (world.now() < sending.stalled_until) {
        return;
    }
    std::size_t size = std::min(world.server_room(*state.socket), sending.bytes.size() - sending.done);
    if (chunks != Chunks::whole && size > 1) {
        // The first bytes, where headers are, one by one; not all of them, or the link is slower than any
        // that a member could play on, and a close frame comes too late for the close's own time limit.
        const std::size_t most = chunks != Chunks::bytewise ? size : sending.done < 64 ? 7 : 1000;
        size = random.between(1, std::min(size, most));
        sending.stalled_until = world.now() + random.duration({}, milliseconds(3));
    }
    if (size == 0) {
        return;
    }
    world.server_write(*state.socket, sending.bytes.subspan(sending.done, size), sending.started,
                       sending.consumed_before);
    sending.done += size;
    if (base::bug(base::Bug::partial_send_restarted) && sending.done < sending.bytes.size() &&
        !sending.is_restarted) {
        // The kernel goes on by itself (MSG_WAITALL), so this bug could only be here, or in a backend that
        // went on by its own count.
        sending.is_restarted = true;
        sending.done = 0;
    }
    if (sending.done == sending.bytes.size()) {
        end_send(state, SendResult::complete);
    }
}

void Backend::Implementation::progress() {
    for (const Channel channel : active) {
        progress_send(channels[channel]);
    }
}

void Backend::Implementation::accept_waiting() {
    // By index and with a copy: a handler may stop listening.
    for (std::size_t index = 0; index < listeners.size(); ++index) {
        const Listening listening = listeners[index];
        for (int descriptor = world.accept(listening.descriptor); descriptor >= 0;
             descriptor = world.accept(listening.descriptor)) {
            events.on_accepted(listening.tag, descriptor);
            if (random.chance(300)) {
                break;
            }
        }
    }
}

void Backend::Implementation::wait() {
    {
        const base::HeapAllowed the_fake_allocates;
        ++counters.enters;
        cpu_used += microseconds(5);
        if (random.chance(2)) {
            shortage_until = world.now() + random.duration({}, milliseconds(30));
            ++counters.buffer_shortages;
        }
        told = active;
        for (std::size_t left = told.size(); left > 1; --left) {
            std::swap(told[left - 1], told[random.below(left)]);
        }
    }
    accept_waiting();
    for (std::size_t place = 0; place < told.size(); ++place) {
        announce_upcoming(place);
        tell(told[place]);
    }
}

/// As the real one does, of channels that may have nothing to tell, or be closed by then.
void Backend::Implementation::announce_upcoming(std::size_t place) noexcept {
    for (unsigned step = 0; step < Events::upcoming_step_count; ++step) {
        const std::size_t ahead = 2 * (Events::upcoming_step_count - step) - 1;
        if (place + ahead < told.size()) {
            events.on_upcoming(told[place + ahead], step);
        }
    }
}

void Backend::Implementation::tell(Channel channel) {
    if (channels[channel].phase == Phase::unused) {
        return;
    }
    if (random.chance(500)) {
        tell_sent(channel);
        tell_received(channel);
    } else {
        tell_received(channel);
        tell_sent(channel);
    }
    tell_closed(channel);
}

void Backend::Implementation::tell_sent(Channel channel) {
    ChannelState& state = channels[channel];
    if (!state.is_sending || !state.sending.is_over || state.sending.due > world.now()) {
        return;
    }
    state.is_sending = false;
    ++counters.completions;
    if (state.phase == Phase::open || state.tells_sent) {
        events.on_sent(channel, state.sending.result);
    }
}

std::size_t Backend::Implementation::draw_receive_size(Chunks chunks, std::size_t readable) {
    const std::size_t most = std::min(readable, receive_size_max);
    switch (chunks) {
        case Chunks::whole:
            return most;
        case Chunks::random:
            return random.between(1, most);
        case Chunks::bytewise:
            return random.chance(950) ? 1 : std::min<std::size_t>(most, random.between(1, 9));
    }
    return most;
}

bool Backend::Implementation::deliver(Channel channel, std::size_t size) {
    ChannelState& state = channels[channel];
    const std::uint32_t use = state.use;
    // At the scratch's end: what is written beyond its canary, a sanitizer sees.
    const std::size_t begin = canary_size + receive_size_max - size;
    std::uint8_t* const bytes = scratch.data() + begin;
    {
        const base::HeapAllowed the_fake_allocates;
        std::fill_n(bytes - canary_size, canary_size, canary);
        std::fill_n(bytes + size, canary_size, canary);
        world.server_read(*state.socket, size, bytes);
        ++counters.receives;
        cpu_used += microseconds(2);
        if (state.receiving == Receiving::once) {
            state.receiving = Receiving::nothing;
        }
    }
    events.on_received(channel, {bytes, size});
    const auto is_canary = [](std::uint8_t byte) { return byte == canary; };
    if (!std::all_of(bytes - canary_size, bytes, is_canary) ||
        !std::all_of(bytes + size, bytes + size + canary_size, is_canary)) {
        world.fail("contract: the shard wrote beyond what " + name_of(channel) + " received");
    }
    std::fill_n(bytes, size, scribble);
    return channels[channel].use == use && channels[channel].phase == Phase::open;
}

void Backend::Implementation::tell_received(Channel channel) {
    if (world.now() < shortage_until) {
        return;
    }
    const std::uint32_t use = channels[channel].use;
    const auto is_listening = [&] {
        const ChannelState& state = channels[channel];
        return state.use == use && state.phase == Phase::open && state.receiving != Receiving::nothing;
    };
    const bool stops_early = random.chance(100);
    int left = 64;
    while (left-- > 0 && is_listening()) {
        Socket& socket = *channels[channel].socket;
        const std::size_t readable = world.server_readable(socket);
        if (readable == 0) {
            break;
        }
        if (!deliver(channel, draw_receive_size(socket.style.receive_chunks, readable)) || stops_early) {
            return;
        }
    }
    if (!is_listening()) {
        return;
    }
    const StreamEnd end = world.server_end(*channels[channel].socket);
    if (end != StreamEnd::none) {
        channels[channel].receiving = Receiving::nothing;
        events.on_receive_ended(channel,
                                end == StreamEnd::finished ? ReceiveEnd::finished : ReceiveEnd::reset);
    }
}

void Backend::Implementation::tell_closed(Channel channel) {
    ChannelState& state = channels[channel];
    if (state.phase != Phase::closing || state.is_sending || world.now() < state.closed_at) {
        return;
    }
    {
        const base::HeapAllowed the_fake_allocates;
        world.server_close(*state.socket);
        state.phase = Phase::unused;
        std::erase(active, channel);
    }
    events.on_closed(channel);
}

}  // namespace tickwire::uring
