#include "world.hpp"

#include <algorithm>

#include "base/check.hpp"
#include "report.hpp"

namespace tickwire::simulation {
namespace {

constexpr int listener_base = 1'000'000;
constexpr int socket_base = 2'000'000;
World* the_world = nullptr;

Chunks draw_chunks(Random& random) {
    const std::uint64_t draw = random.below(100);
    return draw < 70 ? Chunks::whole : draw < 92 ? Chunks::random : Chunks::bytewise;
}

}  // namespace

NetworkStyle draw_style(Random& random) {
    using std::chrono::microseconds;
    using std::chrono::milliseconds;
    NetworkStyle style;
    style.latency = random.chance(300) ? random.duration(milliseconds(20), milliseconds(120))
                                       : random.duration(microseconds(50), milliseconds(20));
    style.jitter = random.chance(300) ? random.duration(milliseconds(1), milliseconds(60)) : Duration(0);
    style.capacity_to_client =
        random.chance(300) ? random.between(1500, 8000) : random.between(16000, 80000);
    style.capacity_to_server =
        random.chance(200) ? random.between(600, 3000) : random.between(16000, 80000);
    style.receive_chunks = draw_chunks(random);
    style.send_chunks = draw_chunks(random);
    style.completion_delay_max =
        random.chance(250) ? random.duration(milliseconds(1), milliseconds(80)) : microseconds(200);
    if (random.chance(40)) {
        // In the handshake, the request, the hand-over or the join as often as later.
        style.cut_after = random.below(random.chance(500) ? 2500 : 60000);
    }
    return style;
}

bool Socket::find_delivery(std::uint64_t end, Time& time) const noexcept {
    const auto found = std::partition_point(deliveries.begin(), deliveries.end(),
                                            [end](const Delivery& delivery) { return delivery.end < end; });
    if (found == deliveries.end()) {
        return false;
    }
    time = found->time;
    return true;
}

World::World(std::uint64_t seed)
    : now_(std::chrono::seconds(1000)), random_(seed), next_listener_(listener_base) {
    base::check(the_world == nullptr, "World: one at a time");
    the_world = this;
}

World::~World() {
    the_world = nullptr;
}

World& World::current() noexcept {
    base::check(the_world != nullptr, "World: there is one");
    return *the_world;
}

void World::advance(Duration step) {
    now_ += step;
    report_time(now_);
    for (Kernel* const kernel : kernels_) {
        kernel->progress();
    }
}

void World::fail(const std::string& what) const {
    report_failure(what);
}

int World::make_listener() {
    const int descriptor = next_listener_++;
    accept_queues_[descriptor];
    return descriptor;
}

Socket& World::connect(int listener, const NetworkStyle& style) {
    auto socket = std::make_unique<Socket>();
    socket->descriptor = socket_base + static_cast<int>(sockets_.size());
    socket->style = style;
    accept_queues_.at(listener).push_back({socket->descriptor, now_ + style.latency});
    sockets_.push_back(std::move(socket));
    return *sockets_.back();
}

Socket& World::socket(int descriptor) {
    const auto index = static_cast<std::size_t>(descriptor - socket_base);
    if (descriptor < socket_base || index >= sockets_.size()) {
        fail("descriptor " + std::to_string(descriptor) + " is not a connection's");
    }
    return *sockets_[index];
}

std::size_t World::client_write(Socket& socket, base::Bytes bytes) {
    if (socket.is_cut || socket.is_client_finished) {
        return bytes.size();
    }
    const std::size_t used = socket.to_server.in_transit();
    const std::size_t room =
        socket.style.capacity_to_server > used ? socket.style.capacity_to_server - used : 0;
    const std::size_t count = std::min(room, bytes.size());
    Pipe::Segment segment;
    segment.readable_at = now_ + socket.style.latency + random_.duration(Duration(0), socket.style.jitter);
    socket.to_server.write(bytes.first(count), segment);
    cut_where_due(socket);
    return count;
}

StreamEnd World::client_end(const Socket& socket) const noexcept {
    if (socket.to_client.in_transit() != 0) {
        return StreamEnd::none;
    }
    if (socket.is_cut) {
        return StreamEnd::reset;
    }
    const bool is_told = (!socket.is_server_open || socket.is_server_finished) &&
                         now_ >= socket.server_closed_at + socket.style.latency &&
                         now_ >= socket.to_client.settled_at();
    return !is_told ? StreamEnd::none : socket.is_faulted ? StreamEnd::reset : StreamEnd::finished;
}

void World::client_close(Socket& socket) noexcept {
    socket.is_client_finished = true;
    socket.is_client_gone = true;
}

void World::client_reset(Socket& socket) {
    cut(socket);
    socket.is_client_gone = true;
}

void World::cut(Socket& socket) {
    if (socket.is_cut) {
        return;
    }
    socket.is_cut = true;
    socket.is_faulted = true;
    socket.cut_at = now_ + socket.style.latency;
    const auto lose = [this](Pipe& pipe) {
        if (pipe.in_transit() != 0) {
            pipe.truncate(pipe.read() + random_.below(pipe.in_transit() + 1));
        }
    };
    lose(socket.to_server);
    lose(socket.to_client);
}

void World::cut_where_due(Socket& socket) {
    if (!is_calm_ && socket.style.cut_after && socket.written() > *socket.style.cut_after) {
        cut(socket);
    }
}

int World::accept(int listener) {
    auto& queue = accept_queues_.at(listener);
    if (queue.empty() || queue.front().since > now_) {
        return -1;
    }
    const int descriptor = queue.front().descriptor;
    queue.pop_front();
    return descriptor;
}

std::size_t World::server_room(const Socket& socket) const noexcept {
    if (socket.is_client_gone) {
        return std::size_t{1} << 30U;
    }
    const std::size_t used = socket.to_client.in_transit();
    return socket.style.capacity_to_client > used ? socket.style.capacity_to_client - used : 0;
}

void World::server_write(Socket& socket, base::Bytes bytes, Time send_started,
                         std::uint64_t consumed_before) {
    if (socket.is_client_gone) {
        if (!socket.is_cut) {  // a closed socket answers bytes with a reset
            socket.is_cut = true;
            socket.cut_at = now_ + 2 * socket.style.latency;
        }
        return;
    }
    if (socket.is_cut) {
        return;
    }
    Pipe::Segment segment;
    segment.readable_at = now_ + socket.style.latency + random_.duration(Duration(0), socket.style.jitter);
    segment.send_started = send_started;
    segment.consumed_before = consumed_before;
    socket.to_client.write(bytes, segment);
    cut_where_due(socket);
}

std::size_t World::server_readable(const Socket& socket) const noexcept {
    return socket.to_server.readable(now_);
}

StreamEnd World::server_end(const Socket& socket) const noexcept {
    if (socket.is_cut_by(now_) && socket.to_server.readable(now_) == 0) {
        return StreamEnd::reset;
    }
    const bool is_finished = socket.is_client_finished && socket.to_server.in_transit() == 0 &&
                             now_ >= socket.to_server.settled_at();
    return is_finished ? StreamEnd::finished : StreamEnd::none;
}

void World::server_read(Socket& socket, std::size_t count, std::uint8_t* to) {
    socket.to_server.read(count, to);
    socket.to_server.forget_before(socket.to_server.read());
    socket.deliveries.push_back({socket.to_server.read(), now_});
}

void World::server_close(Socket& socket) {
    if (!socket.is_server_open) {
        fail("descriptor " + std::to_string(socket.descriptor) + " is closed twice");
    }
    socket.is_server_open = false;
    if (!socket.is_server_finished) {
        socket.server_closed_at = now_;
    }
    // Linux answers close() on a socket with unread bytes with a reset, which overtakes what is not yet
    // read on the other side.
    if (socket.to_server.readable(now_) != 0 && !socket.is_client_gone) {
        socket.is_faulted = true;
        if (socket.to_client.in_transit() != 0) {
            socket.to_client.truncate(socket.to_client.read() +
                                      random_.below(socket.to_client.in_transit() + 1));
        }
    }
}

std::size_t World::open_server_count() const noexcept {
    return static_cast<std::size_t>(std::count_if(
        sockets_.begin(), sockets_.end(), [](const auto& socket) { return socket->is_server_open; }));
}

}  // namespace tickwire::simulation
