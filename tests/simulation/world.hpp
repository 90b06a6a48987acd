// The simulated world around the shards: a clock that moves when it is told to, and a network that
// misbehaves by seed. It knows connections and bytes; io_uring's manners are fake_backend.cpp's, the
// clients' are virtual_client.cpp's.
#pragma once

#include <cstdint>
#include <deque>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "base/time.hpp"
#include "pipe.hpp"
#include "random.hpp"

namespace tickwire::simulation {

using base::Duration;
using base::Time;

enum class Chunks : std::uint8_t { whole, random, bytewise };

/// How one connection's path and the kernel's part in it behave.
struct NetworkStyle {
    Duration latency{};
    Duration jitter{};
    std::size_t capacity_to_client = 65536;  ///< bytes that the relay's socket and the path swallow
    std::size_t capacity_to_server = 65536;
    Chunks receive_chunks = Chunks::whole;
    Chunks send_chunks = Chunks::whole;
    Duration completion_delay_max{};         ///< of a send that is over
    std::optional<std::uint64_t> cut_after;  ///< the network cuts once so many bytes went either way
};
NetworkStyle draw_style(Random& random);

enum class StreamEnd : std::uint8_t { none, finished, reset };

/// One connection. The relay's side is used by the fake backend alone, the other by its client.
struct Socket {
    int descriptor = -1;
    NetworkStyle style;
    Pipe to_server;
    Pipe to_client;
    bool is_server_open = true;       ///< the relay holds the descriptor, or it waits to be accepted
    bool is_server_finished = false;  ///< FIN behind the relay's bytes
    bool is_client_finished = false;  ///< FIN behind the client's bytes
    bool is_client_gone = false;      ///< nobody reads any more
    bool is_faulted = false;          ///< bytes were lost on the way: nobody is to blame for how it ended
    bool is_cut = false;              ///< reset, by the client or the network
    Time cut_at{};                    ///< when the relay notices
    Time server_closed_at{};
    /// Up to which byte the relay had been given the client's bytes, and when.
    struct Delivery {
        std::uint64_t end;
        Time time;
    };
    std::vector<Delivery> deliveries;

    std::uint64_t written() const noexcept { return to_server.written() + to_client.written(); }
    bool is_cut_by(Time now) const noexcept { return is_cut && now >= cut_at; }
    /// When the relay was given the byte before `end`; empty where it was not yet.
    bool find_delivery(std::uint64_t end, Time& time) const noexcept;
};

/// The part of a simulated kernel that goes on while its shard does not look.
class Kernel {
  public:
    virtual void progress() = 0;

  protected:
    ~Kernel() = default;
};

class World {
  public:
    explicit World(std::uint64_t seed);
    ~World();
    World(const World&) = delete;
    World& operator=(const World&) = delete;
    /// The one there is: Backend::create() has no other way to it.
    static World& current() noexcept;

    Time now() const noexcept { return now_; }
    void advance(Duration step);
    Random& random() noexcept { return random_; }

    /// Stops the run: says what broke, when, and how to see it again.
    [[noreturn]] void fail(const std::string& what) const;
    /// Becomes part of the run's hash.
    void note(std::uint64_t value) noexcept { hash_ = (hash_ ^ value) * 0x100000001b3U; }
    std::uint64_t hash() const noexcept { return hash_; }

    // --- the clients' side

    int make_listener();
    Socket& connect(int listener, const NetworkStyle& style);
    Socket& socket(int descriptor);
    /// How many of these bytes the path takes now; they are on their way.
    std::size_t client_write(Socket& socket, base::Bytes bytes);
    std::size_t client_readable(const Socket& socket) const noexcept {
        return socket.to_client.readable(now_);
    }
    /// How the stream ended, once all of it was read.
    StreamEnd client_end(const Socket& socket) const noexcept;
    void client_finish(Socket& socket) noexcept { socket.is_client_finished = true; }
    /// Closes in good order: what was written arrives, what comes is thrown away.
    void client_close(Socket& socket) noexcept;
    /// Cuts at any byte that has not arrived.
    void client_reset(Socket& socket);
    /// From here on the network cuts no connection.
    void calm_down() noexcept { is_calm_ = true; }

    // --- the relay's side

    void add_kernel(Kernel* kernel) { kernels_.push_back(kernel); }
    void remove_kernel(Kernel* kernel) noexcept { std::erase(kernels_, kernel); }
    /// The next connection whose handshake is over; -1 where there is none.
    int accept(int listener);
    std::size_t server_room(const Socket& socket) const noexcept;
    void server_write(Socket& socket, base::Bytes bytes, Time send_started, std::uint64_t consumed_before);
    std::size_t server_readable(const Socket& socket) const noexcept;
    StreamEnd server_end(const Socket& socket) const noexcept;
    void server_read(Socket& socket, std::size_t count, std::uint8_t* to);
    void server_close(Socket& socket);
    std::size_t open_server_count() const noexcept;

  private:
    /// Both sides see a reset, and lose what was on its way from any byte on.
    void cut(Socket& socket);
    void cut_where_due(Socket& socket);

    struct Waiting {
        int descriptor;
        Time since;
    };

    Time now_;
    Random random_;
    std::uint64_t hash_ = 0xcbf29ce484222325U;
    std::vector<std::unique_ptr<Socket>> sockets_;
    std::unordered_map<int, std::deque<Waiting>> accept_queues_;
    std::vector<Kernel*> kernels_;
    bool is_calm_ = false;
    int next_listener_;
};

}  // namespace tickwire::simulation
