// The same with epoll: a recv() for each socket that has something, a send() for each frame.
#include <sys/epoll.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include <array>
#include <cerrno>

#include "floor.hpp"

namespace tickwire::floor {
namespace {

class EpollFloor {
  public:
    EpollFloor(const Options& options, int listener)
        : schedule_(options),
          frame_(make_frame(options.frame_size)),
          members_of_slot_(schedule_.slots_per_tick()),
          epoll_(epoll_create1(EPOLL_CLOEXEC)),
          listener_(listener),
          connection_count_max_(options.connection_count_max) {
        if (epoll_ < 0) {
            fail("epoll_create1", errno);
        }
        watch(listener_, listener_index);
    }
    ~EpollFloor() { close(epoll_); }
    EpollFloor(const EpollFloor&) = delete;
    EpollFloor& operator=(const EpollFloor&) = delete;

    void run_slots() {
        while (!is_stopping()) {
            const std::uint64_t slot = schedule_.slot_after(std::chrono::steady_clock::now());
            sleep_until(schedule_.start_of(slot));
            while (receive(0) == events_.size()) {
            }
            send_slot(slot);
        }
    }

    void run_arrivals() {
        const std::uint32_t slots = schedule_.slots_per_tick();
        std::uint64_t tick = 1;
        while (!is_stopping()) {
            const auto left = schedule_.start_of(tick * slots) - std::chrono::steady_clock::now();
            if (left.count() > 0) {
                receive(left.count());
                continue;
            }
            for (std::uint32_t slot = 0; slot < slots; ++slot) {
                send_slot(slot);
            }
            tick = (schedule_.slot_after(std::chrono::steady_clock::now()) - 1) / slots + 1;
        }
    }

  private:
    static constexpr std::uint32_t listener_index = 0xffffffff;

    void watch(int descriptor, std::uint32_t index) {
        epoll_event event{};
        event.events = EPOLLIN;
        event.data.u32 = index;
        if (epoll_ctl(epoll_, EPOLL_CTL_ADD, descriptor, &event) < 0) {
            fail("epoll_ctl", errno);
        }
    }

    static void sleep_until(Time deadline) {
        const auto ns = deadline.time_since_epoch().count();
        const timespec time{ns / 1'000'000'000, ns % 1'000'000'000};
        clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &time, nullptr);
    }

    /// Takes what there is, waiting for it up to `patience_ns`. How many sockets had something.
    std::size_t receive(std::int64_t patience_ns) {
        const timespec patience{patience_ns / 1'000'000'000, patience_ns % 1'000'000'000};
        const int count =
            epoll_pwait2(epoll_, events_.data(), static_cast<int>(events_.size()), &patience, nullptr);
        for (int at = 0; at < count; ++at) {
            const std::uint32_t index = events_[static_cast<std::size_t>(at)].data.u32;
            if (index == listener_index) {
                accept_all();
            } else if (recv(connections_[index], scratch_.data(), scratch_.size(), 0) <= 0) {
                end(index);
            }
        }
        return count > 0 ? static_cast<std::size_t>(count) : 0;
    }

    void accept_all() {
        int descriptor = 0;
        while ((descriptor = accept4(listener_, nullptr, nullptr, SOCK_NONBLOCK | SOCK_CLOEXEC)) >= 0) {
            if (connections_.size() == connection_count_max_) {
                close(descriptor);
                continue;
            }
            const auto index = static_cast<std::uint32_t>(connections_.size());
            connections_.push_back(descriptor);
            members_of_slot_[schedule_.slot_of_match(schedule_.match_of(index))].push_back(index);
            watch(descriptor, index);
        }
    }

    void send_slot(std::uint64_t slot) {
        for (const std::uint32_t index : members_of_slot_[slot % schedule_.slots_per_tick()]) {
            // A cut frame would be garbage to the swarm, which says so; a full socket skips its tick.
            if (connections_[index] >= 0 &&
                send(connections_[index], frame_.data(), frame_.size(), MSG_NOSIGNAL) < 0 &&
                errno != EAGAIN) {
                end(index);
            }
        }
    }

    void end(std::uint32_t index) {
        close(connections_[index]);
        connections_[index] = -1;
    }

    Schedule schedule_;
    std::vector<std::uint8_t> frame_;
    std::vector<std::vector<std::uint32_t>> members_of_slot_;
    std::vector<int> connections_;
    std::array<epoll_event, 1024> events_{};
    std::array<std::uint8_t, 16384> scratch_{};
    int epoll_;
    int listener_;
    std::uint32_t connection_count_max_;
};

}  // namespace

void run_epoll_slots(const Options& options, int listener) {
    EpollFloor(options, listener).run_slots();
}

void run_epoll_arrivals(const Options& options, int listener) {
    EpollFloor(options, listener).run_arrivals();
}

}  // namespace tickwire::floor
