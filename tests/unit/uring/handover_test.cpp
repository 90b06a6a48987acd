#include <unistd.h>

#include <thread>

#include "backend_fixture.hpp"

namespace tickwire::uring {
namespace {

class HandOver : public BackendTest {};

TEST_F(HandOver, another_thread_goes_on_where_this_one_stopped) {
    make();
    TcpPair pair;
    backend->adopt(0, pair.take_server());
    backend->receive_once(0);
    write_all(pair.client, "GET /");
    run_until([&] { return recorder[0].received == "GET /"; });
    const int descriptor = backend->release(0);
    write_all(pair.client, "meanwhile");
    std::thread owner([descriptor] {
        Recorder heard;
        auto other = Backend::create({}, heard);
        ASSERT_TRUE(other.has_value());
        (*other)->adopt(17, descriptor);
        (*other)->receive_many(17);
        const std::string reply = "101";
        (*other)->send(17, base::as_bytes(reply));
        const base::Time give_up = (*other)->now() + std::chrono::seconds(10);
        while ((heard[17].received != "meanwhile" || heard[17].sent.empty()) && (*other)->now() < give_up) {
            (*other)->wait((*other)->now() + std::chrono::milliseconds(5), WaitFor::completion);
        }
        EXPECT_EQ(heard[17].received, "meanwhile");
        (*other)->close(17);
        while (heard[17].closed_count == 0 && (*other)->now() < give_up) {
            (*other)->wait((*other)->now() + std::chrono::milliseconds(5), WaitFor::completion);
        }
    });
    EXPECT_EQ(read_to_end(pair.client), "101");
    owner.join();
    backend->wait(soon(std::chrono::milliseconds(1)), WaitFor::deadline);
    EXPECT_EQ(recorder[0].closed_count, 0);
}

TEST_F(HandOver, the_channel_may_be_released_inside_the_handler) {
    make();
    TcpPair pair;
    backend->adopt(0, pair.take_server());
    backend->receive_once(0);
    recorder.after_received = [&](Channel) { pair.server = backend->release(0); };
    write_all(pair.client, "x");
    run_until([&] { return pair.server >= 0; });
    backend->adopt(0, pair.take_server());
    recorder.after_received = nullptr;
    backend->receive_many(0);
    write_all(pair.client, "y");
    run_until([&] { return recorder[0].received == "xy"; });
}

using HandOverDeathTest = HandOver;

TEST_F(HandOverDeathTest, releasing_with_a_receive_in_flight_stops_the_process) {
    make();
    TcpPair pair;
    backend->adopt(0, pair.take_server());
    backend->receive_once(0);
    EXPECT_DEATH(backend->release(0), "nothing is in flight");
}

}  // namespace
}  // namespace tickwire::uring
