// What a shard asks of the kernel, and what the kernel answers: the one interface behind which io_uring
// stands in the relay and a seeded fake stands in the simulator. Which of them is decided by what is
// linked: `uring` (src/uring/) or the simulator's fake (tests/simulation/fake_backend.cpp).
//
// It knows descriptors and bytes, not what they mean.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <tl/expected.hpp>

#include "base/bytes.hpp"
#include "base/peer_address.hpp"
#include "base/time.hpp"

namespace tickwire::uring {

/// Index of a connection in its shard, chosen by the shard: 0 to Options::channel_count_max - 1.
using Channel = std::uint32_t;

enum class ReceiveEnd : std::uint8_t {
    finished,  ///< the peer sent FIN
    reset,     ///< any error of the socket: ECONNRESET, ETIMEDOUT, …
};

enum class SendResult : std::uint8_t {
    complete,  ///< every byte is with the kernel
    failed,    ///< the stream is cut somewhere: close
};

/// What a backend tells its shard, from inside wait() and on the shard's thread. A handler may call any
/// operation of the backend but wait().
class Events {
  public:
    /// A connection on the listener of that tag. The descriptor is the handler's: adopt() or ::close it.
    virtual void on_accepted(std::uint32_t listener, int descriptor) = 0;
    /// Bytes that arrived, at most 64 KiB a call. They hold during the call and may be written to, but
    /// nothing beyond their end may: with incremental buffers the next bytes are another connection's.
    virtual void on_received(Channel channel, base::MutableBytes bytes) = 0;
    /// Nothing more will be received on the channel. Sending may still work after `finished`.
    virtual void on_receive_ended(Channel channel, ReceiveEnd end) = 0;
    /// The send in flight is over; its bytes may be reused.
    virtual void on_sent(Channel channel, SendResult result) = 0;
    /// The last completion after close() is in: the index and all its memory may be reused.
    virtual void on_closed(Channel channel) = 0;
    /// Something will be told of the channel soon: told before it, in steps from 0 to upcoming_step_count -
    /// 1, each time some completions nearer, so that what it will touch can be fetched into the cache, a
    /// pointer further with each step. A hint: the channel may be closed or another's by then.
    static constexpr unsigned upcoming_step_count = 5;
    virtual void on_upcoming(Channel /*channel*/, unsigned /*step*/) noexcept {}
    /// connect() is over. After `failed` the channel is to be closed like any other.
    virtual void on_connected(Channel channel, SendResult result) = 0;

  protected:
    ~Events() = default;
};

/// How long wait() sleeps.
enum class WaitFor : std::uint8_t {
    deadline,    ///< until the deadline, gathering what completes: one wake-up for a whole slot
    completion,  ///< until one completion, a wake() or the deadline, whichever is first
};

struct Options {
    std::uint32_t channel_count_max = 20000;
    std::uint32_t submission_count = 4096;   ///< SQ entries; a full queue submits by itself
    std::uint32_t completion_count = 65536;  ///< CQ entries
    // 512 KiB: 300 members of 80 bytes in each of the 2 ms slots of a core take 24 KB. The ring goes round
    // through all of it, so what is larger costs resident memory and cache (2 MiB: 110 bytes for each of
    // 19,000 idle connections). A burst that finds it empty waits in the sockets.
    std::uint32_t receive_buffer_count = 32;  ///< incremental ring, power of two
    std::uint32_t receive_buffer_size = 16384;
    std::uint32_t classic_buffer_count = 8192;  ///< where the kernel (before 6.12) has no incremental rings
    std::uint32_t classic_buffer_size = 512;
    bool force_classic_buffers = false;  ///< for tests
    bool force_relative_wait = false;    ///< for tests: sleep to the slot as on kernels before 6.12
};

/// Why no ring could be had. `message` says what blocks it and how to allow it, in one line.
struct SetupError {
    int error_number;
    std::string message;
};

/// Counted by the shard's thread alone; read after it has ended, or copied by it.
struct Counters {
    std::uint64_t enters = 0;  ///< io_uring_enter calls
    std::uint64_t completions = 0;
    std::uint64_t buffer_shortages = 0;  ///< receives that met an empty buffer ring
    std::uint64_t user_timeouts = 0;     ///< connections that TCP_USER_TIMEOUT ended
    std::uint64_t completion_overflows = 0;
    std::uint64_t sends = 0;
    std::uint64_t receives = 0;
    std::uint64_t accepts_failed = 0;  ///< EMFILE and its like; accepting goes on after a pause
};

/// One ring, made, used and destroyed by one thread, but for wake().
///
/// Per channel: at most one send in flight, at most one receive armed. Invariant: a channel is adopted,
/// then closed or released; between close() and on_closed() no event but on_sent() comes for it.
class Backend {
  public:
    /// `events` must outlive the backend.
    static tl::expected<std::unique_ptr<Backend>, SetupError> create(const Options& options,
                                                                     Events& events);
    ~Backend();
    Backend(const Backend&) = delete;
    Backend& operator=(const Backend&) = delete;

    /// The monotonic clock.
    base::Time now() noexcept;

    /// Accepts on a listening descriptor until stop_listening(); the descriptor stays the caller's.
    void listen(std::uint32_t listener, int descriptor) noexcept;
    /// Cancels every accept. Connections accepted before may still be told.
    void stop_listening() noexcept;

    /// Takes ownership of a connected descriptor under an index that is not in use.
    void adopt(Channel channel, int descriptor) noexcept;
    /// Makes a socket, and connects it to the address (for load generators): on_connected() follows.
    /// `address` is a sockaddr of `size` bytes, copied.
    void connect(Channel channel, const void* address, std::uint32_t size) noexcept;
    /// Receives once: one on_received() or one on_receive_ended(), then nothing is in flight.
    void receive_once(Channel channel) noexcept;
    /// Receives until on_receive_ended() or close().
    void receive_many(Channel channel) noexcept;
    /// The kernel's room for what is sent and not yet acknowledged (SO_SNDBUF), in bytes; more than its
    /// limit (net.core.wmem_max) is cut to that. A listener's connections begin with what the listener has.
    void set_send_buffer(Channel channel, std::uint32_t size) noexcept;
    /// Sends all of `bytes`, which must hold until on_sent(). One at a time.
    void send(Channel channel, base::Bytes bytes) noexcept;
    /// Sends FIN behind what was sent; receiving goes on. No send may be in flight, and none may follow.
    void finish_sending(Channel channel) noexcept;
    /// Cancels what is in flight and closes. on_sent(failed) may come, on_closed() will.
    void close(Channel channel) noexcept;
    /// Gives the descriptor back, to be adopted on another shard. Nothing may be in flight.
    int release(Channel channel) noexcept;

    /// Who is at the other end of an accepted descriptor: one system call. None for a unix socket.
    static base::PeerAddress peer_of(int descriptor) noexcept;
    /// Closes a descriptor that was accepted or released, and not adopted since.
    static void discard(int descriptor) noexcept;

    /// CPU time that this thread has used: what a shard's load is measured by.
    base::Duration cpu_time() const noexcept;
    /// How long in all this thread has been ready to run while others had its CPU
    /// (Documentation/scheduler/sched-stats.rst). Zero where the kernel does not say.
    base::Duration cpu_wait() const noexcept;

    /// Hands queued operations to the kernel now (their bytes are warm); wait() does it too.
    void submit() noexcept;
    /// Submits, sleeps, and tells everything that completed, but at most so much that it returns: what
    /// floods is told at the next call. Returns when it woke, before it told anything.
    base::Time wait(base::Time deadline, WaitFor wait_for) noexcept;
    /// Ends a wait for a completion early; one for a deadline sleeps on, for a slot is short. A wake()
    /// before the wait() counts, and many are one. The one call that any thread may make.
    void wake() noexcept;

    const Counters& counters() const noexcept;

    struct Implementation;

  private:
    explicit Backend(std::unique_ptr<Implementation> implementation) noexcept;
    std::unique_ptr<Implementation> implementation_;
};

/// What the kernel offers, found out once at start.
struct Features {
    bool has_ring = false;
    bool has_defer_taskrun = false;        ///< 6.1, required
    bool has_incremental_buffers = false;  ///< 6.12
    bool has_absolute_wait = false;        ///< 6.12
    bool has_lazy_wake = false;            ///< 6.4: an enter sleeps through single completions
    bool has_no_iowait = false;            ///< 6.15
    std::string summary;                   ///< one line for the log
};
/// Empty and a reason where the relay cannot run here.
tl::expected<Features, SetupError> probe_features();

}  // namespace tickwire::uring
