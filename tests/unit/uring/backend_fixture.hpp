// A backend over real loopback sockets, and a recorder of what it tells.
#pragma once

#include <gtest/gtest.h>

#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "uring/backend.hpp"
#include "uring/listener.hpp"

namespace tickwire::uring {

/// All that was told of one channel, over all its uses.
struct Told {
    std::string received;
    int receive_count = 0;
    std::optional<ReceiveEnd> end;
    std::vector<SendResult> sent;
    std::optional<SendResult> connected;
    int closed_count = 0;
};

class Recorder final : public Events {
  public:
    void on_accepted(std::uint32_t listener, int descriptor) override;
    void on_received(Channel channel, base::MutableBytes bytes) override;
    void on_receive_ended(Channel channel, ReceiveEnd end) override;
    void on_sent(Channel channel, SendResult result) override;
    void on_closed(Channel channel) override;
    void on_connected(Channel channel, SendResult result) override;
    void on_upcoming(Channel channel, unsigned step) noexcept override;

    Told& operator[](Channel channel) { return told_[channel]; }
    std::deque<std::pair<std::uint32_t, int>> accepted;
    std::map<Channel, std::vector<unsigned>> upcoming;  ///< steps told before the first bytes
    /// Called after the recording, where set.
    std::function<void(Channel)> after_received;
    std::function<void(Channel)> after_end;
    std::function<void(Channel)> after_closed;

  private:
    std::map<Channel, Told> told_;
};

/// The two ends of a loopback TCP connection; blocking descriptors, closed unless released.
class TcpPair {
  public:
    TcpPair();
    ~TcpPair();
    TcpPair(const TcpPair&) = delete;
    TcpPair& operator=(const TcpPair&) = delete;
    int take_server() { return std::exchange(server, -1); }

    int client = -1;
    int server = -1;
};

int connect_to(const Address& address);
void write_all(int descriptor, std::string_view text);
std::string read_exactly(int descriptor, std::size_t size);
/// Until FIN; "RESET" where the connection was reset, "NOTHING" where neither came.
std::string read_to_end(int descriptor);
/// Closes so that the peer is reset.
void reset(int descriptor);
int open_descriptor_count();
std::string pattern(std::size_t size);

class BackendTest : public testing::Test {
  protected:
    void SetUp() override;
    void make(const Options& options = {});
    /// Waits until `is_done` holds; fails the test after ten seconds.
    void run_until(const std::function<bool()>& is_done, WaitFor wait_for = WaitFor::completion);
    base::Time soon(std::chrono::nanoseconds after) { return backend->now() + after; }

    Recorder recorder;
    std::unique_ptr<Backend> backend;
};

}  // namespace tickwire::uring
