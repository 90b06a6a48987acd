#include <unistd.h>

#include "backend_fixture.hpp"

namespace tickwire::uring {
namespace {

class Churn : public BackendTest {};

// Clients come, say something, and go in every order: closed by us, by them, reset, in the middle of a
// send.
TEST_F(Churn, thousands_of_connections_leave_no_descriptor_behind) {
    const int before = open_descriptor_count();
    {
        make();
        SocketOptions options;
        options.defer_accept_s = 0;
        const int listener = open_listener(parse_address("127.0.0.1:0").value(), options).value();
        const Address address = bound_address(listener);
        backend->listen(0, listener);
        constexpr Channel channel_count = 50;
        constexpr int connection_count = 3000;
        std::vector<int> clients(channel_count, -1);
        std::vector<Channel> free_channels;
        for (Channel channel = 0; channel < channel_count; ++channel) {
            free_channels.push_back(channel);
        }
        int closed_count = 0;
        recorder.after_closed = [&](Channel channel) {
            ++closed_count;
            recorder[channel] = {};
            free_channels.push_back(channel);
        };
        const std::string large = pattern(300'000);
        int adopted_count = 0;
        int connected_count = 0;
        while (closed_count < connection_count) {
            while (connected_count < connection_count && !free_channels.empty() &&
                   connected_count == adopted_count) {
                const int client = connect_to(address);
                ++connected_count;
                run_until([&] { return !recorder.accepted.empty(); });
                const Channel channel = free_channels.back();
                free_channels.pop_back();
                backend->adopt(channel, recorder.accepted.front().second);
                recorder.accepted.pop_front();
                backend->receive_many(channel);
                ++adopted_count;
                write_all(client, "hello");
                switch (adopted_count % 5) {
                    case 0:  // they go
                        recorder.after_end = [&](Channel ended) { backend->close(ended); };
                        close(client);
                        break;
                    case 1:  // reset
                        recorder.after_end = [&](Channel ended) { backend->close(ended); };
                        reset(client);
                        break;
                    case 2:  // we go while sending
                        backend->send(channel, base::as_bytes(large));
                        backend->close(channel);
                        close(client);
                        break;
                    case 3:  // we go while receiving
                        backend->submit();
                        backend->close(channel);
                        close(client);
                        break;
                    default:  // we go, then they
                        backend->wait(backend->now(), WaitFor::deadline);
                        backend->close(channel);
                        close(client);
                        break;
                }
            }
            backend->wait(soon(std::chrono::microseconds(100)), WaitFor::completion);
        }
        EXPECT_EQ(closed_count, connection_count);
        backend->stop_listening();
        close(listener);
        backend->wait(soon(std::chrono::milliseconds(1)), WaitFor::deadline);
        backend.reset();
    }
    EXPECT_EQ(open_descriptor_count(), before);
}

}  // namespace
}  // namespace tickwire::uring
