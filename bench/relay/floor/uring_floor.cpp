// One io_uring_enter for each slot: it hands over the sends of the slot before, sleeps to the next, and
// brings what arrived and what was sent. Receives are multishot into an incremental buffer ring
// (Linux 6.12), the ring is set up as src/uring does it.
#include <liburing.h>
#include <sys/mman.h>
#include <unistd.h>

#include <cerrno>

#include "floor.hpp"

namespace tickwire::floor {
namespace {

// Constants that liburing 2.3 lacks: see src/uring/kernel_constants.hpp.
constexpr unsigned enter_absolute_timer = 1U << 5;
constexpr unsigned enter_no_iowait = 1U << 7;
constexpr unsigned feature_minimum_timeout = 1U << 15;
constexpr unsigned feature_no_iowait = 1U << 17;
constexpr unsigned completion_buffer_more = 1U << 4;
constexpr std::uint16_t buffer_ring_incremental = 2;

constexpr unsigned buffer_count = 64;
constexpr unsigned buffer_size = 32768;
constexpr int buffer_group = 0;

enum class Operation : std::uint8_t { accept, receive, send };

/// A finished connection's index is not used again: a run is short.
struct Connection {
    int descriptor = -1;
    bool is_sending = false;
    bool is_over = false;
};

class UringFloor {
  public:
    UringFloor(const Options& options, int listener)
        : schedule_(options),
          frame_(make_frame(options.frame_size)),
          members_of_slot_(schedule_.slots_per_tick()),
          listener_(listener),
          connection_count_max_(options.connection_count_max) {
        open_ring();
        open_buffers();
        io_uring_sqe* const submission = take_submission();
        io_uring_prep_multishot_accept(submission, listener_, nullptr, nullptr, SOCK_CLOEXEC);
        mark(*submission, Operation::accept, 0);
    }
    ~UringFloor() { io_uring_queue_exit(&ring_); }
    UringFloor(const UringFloor&) = delete;
    UringFloor& operator=(const UringFloor&) = delete;

    void run() {
        while (!is_stopping()) {
            const std::uint64_t slot = schedule_.slot_after(std::chrono::steady_clock::now());
            sleep_until(schedule_.start_of(slot));
            take_completions();
            send_slot(slot);
        }
    }

  private:
    void open_ring() {
        io_uring_params parameters{};
        parameters.flags = IORING_SETUP_SINGLE_ISSUER | IORING_SETUP_DEFER_TASKRUN |
                           IORING_SETUP_SUBMIT_ALL | IORING_SETUP_CQSIZE | IORING_SETUP_CLAMP;
        parameters.cq_entries = 65536;
        if (const int result = io_uring_queue_init_params(4096, &ring_, &parameters); result < 0) {
            fail("io_uring_setup", -result);
        }
        if ((parameters.features & feature_minimum_timeout) == 0) {
            fail("io_uring before Linux 6.12", ENOSYS);
        }
        enter_flags_ = IORING_ENTER_GETEVENTS | IORING_ENTER_EXT_ARG | enter_absolute_timer;
        if (io_uring_register_ring_fd(&ring_) == 1) {
            enter_flags_ |= IORING_ENTER_REGISTERED_RING;
        }
        if ((parameters.features & feature_no_iowait) != 0) {
            enter_flags_ |= enter_no_iowait;
        }
    }

    void open_buffers() {
        const auto map = [](std::size_t size) {
            void* const memory =
                mmap(nullptr, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
            if (memory == MAP_FAILED) {
                fail("mmap", errno);
            }
            return memory;
        };
        buffer_ring_ = static_cast<io_uring_buf_ring*>(map(buffer_count * sizeof(io_uring_buf)));
        buffers_ = static_cast<std::uint8_t*>(map(std::size_t{buffer_count} * buffer_size));
        io_uring_buf_ring_init(buffer_ring_);
        io_uring_buf_reg registration{};
        registration.ring_addr = reinterpret_cast<std::uint64_t>(buffer_ring_);
        registration.ring_entries = buffer_count;
        registration.bgid = buffer_group;
        registration.pad = buffer_ring_incremental;
        if (const int result = io_uring_register_buf_ring(&ring_, &registration, 0); result < 0) {
            fail("incremental buffer ring", -result);
        }
        for (unsigned index = 0; index < buffer_count; ++index) {
            add_buffer(index);
        }
    }

    void add_buffer(unsigned index) {
        io_uring_buf_ring_add(buffer_ring_, buffers_ + std::size_t{index} * buffer_size, buffer_size,
                              static_cast<unsigned short>(index), io_uring_buf_ring_mask(buffer_count), 0);
        io_uring_buf_ring_advance(buffer_ring_, 1);
    }

    io_uring_sqe* take_submission() {
        io_uring_sqe* submission = io_uring_get_sqe(&ring_);
        if (submission == nullptr) {
            io_uring_submit(&ring_);
            submission = io_uring_get_sqe(&ring_);
        }
        return submission;
    }

    static void mark(io_uring_sqe& submission, Operation operation, std::uint32_t connection) {
        submission.user_data = std::uint64_t{connection} << 8 | static_cast<std::uint8_t>(operation);
    }

    void sleep_until(Time deadline) {
        const auto ns = deadline.time_since_epoch().count();
        __kernel_timespec time{ns / 1'000'000'000, ns % 1'000'000'000};
        io_uring_getevents_arg argument{};
        argument.sigmask_sz = _NSIG / 8;
        argument.ts = reinterpret_cast<std::uint64_t>(&time);
        const unsigned submission_count = io_uring_sq_ready(&ring_);
        ring_.sq.sqe_head = ring_.sq.sqe_tail;
        __atomic_store_n(ring_.sq.ktail, ring_.sq.sqe_tail, __ATOMIC_RELEASE);
        const int result =
            io_uring_enter2(static_cast<unsigned>(ring_.enter_ring_fd), submission_count, 65536,
                            enter_flags_, reinterpret_cast<sigset_t*>(&argument), sizeof argument);
        if (result < 0 && result != -ETIME && result != -EINTR) {
            fail("io_uring_enter", -result);
        }
    }

    void take_completions() {
        unsigned head = 0;
        unsigned count = 0;
        io_uring_cqe* completion = nullptr;
        io_uring_for_each_cqe(&ring_, head, completion) {
            take_completion(*completion);
            ++count;
        }
        io_uring_cq_advance(&ring_, count);
    }

    void take_completion(const io_uring_cqe& completion) {
        const auto index = static_cast<std::uint32_t>(completion.user_data >> 8);
        switch (static_cast<Operation>(completion.user_data & 0xff)) {
            case Operation::accept:
                if (completion.res >= 0) {
                    adopt(completion.res);
                }
                break;
            case Operation::receive:
                if ((completion.flags & IORING_CQE_F_BUFFER) != 0 &&
                    (completion.flags & completion_buffer_more) == 0) {
                    add_buffer(completion.flags >> IORING_CQE_BUFFER_SHIFT);
                }
                if (completion.res == -ENOBUFS || (completion.res > 0 && !has_more(completion))) {
                    receive(index);
                } else if (completion.res <= 0) {
                    connections_[index].is_over = true;
                    close_if_quiet(connections_[index]);
                }
                break;
            case Operation::send:
                connections_[index].is_sending = false;
                connections_[index].is_over |= completion.res != static_cast<int>(frame_.size());
                close_if_quiet(connections_[index]);
                break;
        }
    }

    static bool has_more(const io_uring_cqe& completion) {
        return (completion.flags & IORING_CQE_F_MORE) != 0;
    }

    void adopt(int descriptor) {
        if (connections_.size() == connection_count_max_) {
            close(descriptor);
            return;
        }
        const auto index = static_cast<std::uint32_t>(connections_.size());
        connections_.push_back({descriptor});
        members_of_slot_[schedule_.slot_of_match(schedule_.match_of(index))].push_back(index);
        receive(index);
    }

    void receive(std::uint32_t index) {
        io_uring_sqe* const submission = take_submission();
        io_uring_prep_recv_multishot(submission, connections_[index].descriptor, nullptr, 0, 0);
        submission->flags |= IOSQE_BUFFER_SELECT;
        submission->buf_group = buffer_group;
        mark(*submission, Operation::receive, index);
    }

    void send_slot(std::uint64_t slot) {
        for (const std::uint32_t index : members_of_slot_[slot % schedule_.slots_per_tick()]) {
            Connection& connection = connections_[index];
            if (!connection.is_sending && !connection.is_over) {
                io_uring_sqe* const submission = take_submission();
                io_uring_prep_send(submission, connection.descriptor, frame_.data(), frame_.size(),
                                   MSG_WAITALL | MSG_NOSIGNAL);
                mark(*submission, Operation::send, index);
                connection.is_sending = true;
            }
        }
    }

    static void close_if_quiet(Connection& connection) {
        if (connection.is_over && !connection.is_sending && connection.descriptor >= 0) {
            close(connection.descriptor);
            connection.descriptor = -1;
        }
    }

    Schedule schedule_;
    std::vector<std::uint8_t> frame_;
    std::vector<std::vector<std::uint32_t>> members_of_slot_;
    std::vector<Connection> connections_;
    io_uring ring_{};
    io_uring_buf_ring* buffer_ring_ = nullptr;
    std::uint8_t* buffers_ = nullptr;
    int listener_;
    std::uint32_t connection_count_max_;
    unsigned enter_flags_ = 0;
};

}  // namespace

void run_uring(const Options& options, int listener) {
    UringFloor(options, listener).run();
}

}  // namespace tickwire::floor
