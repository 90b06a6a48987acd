#include <fcntl.h>
#include <sys/resource.h>
#include <unistd.h>

#include "backend_fixture.hpp"

namespace tickwire::uring {
namespace {

class Accept : public BackendTest {
  protected:
    int listen_on(std::uint32_t tag) {
        SocketOptions options;
        options.defer_accept_s = 0;
        const int descriptor = open_listener(parse_address("127.0.0.1:0").value(), options).value();
        backend->listen(tag, descriptor);
        return descriptor;
    }
    void close_accepted() {
        for (const auto& [listener, descriptor] : recorder.accepted) {
            close(descriptor);
        }
        recorder.accepted.clear();
    }
};

TEST_F(Accept, tells_each_connection_with_the_tag_of_its_listener) {
    make();
    const int first = listen_on(7);
    const int second = listen_on(8);
    const int clients[] = {connect_to(bound_address(first)), connect_to(bound_address(second)),
                           connect_to(bound_address(second))};
    run_until([&] { return recorder.accepted.size() == 3; });
    int of_second = 0;
    for (const auto& [listener, descriptor] : recorder.accepted) {
        of_second += listener == 8 ? 1 : 0;
        EXPECT_NE(fcntl(descriptor, F_GETFD) & FD_CLOEXEC, 0);
    }
    EXPECT_EQ(of_second, 2);
    close_accepted();
    for (const int descriptor : {clients[0], clients[1], clients[2], first, second}) {
        close(descriptor);
    }
}

TEST_F(Accept, stops_when_told_and_starts_again) {
    make();
    const int listener = listen_on(1);
    backend->wait(soon(std::chrono::milliseconds(1)), WaitFor::deadline);
    backend->stop_listening();
    backend->wait(soon(std::chrono::milliseconds(1)), WaitFor::deadline);
    const int client = connect_to(bound_address(listener));  // into the backlog
    backend->wait(soon(std::chrono::milliseconds(20)), WaitFor::deadline);
    EXPECT_TRUE(recorder.accepted.empty());
    backend->listen(2, listener);
    run_until([&] { return recorder.accepted.size() == 1; });
    EXPECT_EQ(recorder.accepted.front().first, 2U);
    close_accepted();
    close(client);
    close(listener);
}

TEST_F(Accept, a_non_blocking_listener_that_was_inherited_works) {
    make();
    const int listener = open_listener(parse_address("127.0.0.1:0").value(), {}).value();
    fcntl(listener, F_SETFL, O_NONBLOCK);
    backend->listen(1, listener);
    backend->wait(soon(std::chrono::milliseconds(1)), WaitFor::deadline);
    const int client = connect_to(bound_address(listener));
    write_all(client, "x");  // TCP_DEFER_ACCEPT
    run_until([&] { return recorder.accepted.size() == 1; });
    EXPECT_EQ(backend->counters().accepts_failed, 0U);
    close_accepted();
    close(client);
    close(listener);
}

TEST_F(Accept, goes_on_after_a_pause_when_descriptors_ran_out) {
    make();
    const int listener = listen_on(1);
    const int client = connect_to(bound_address(listener));
    rlimit old_limit{};
    getrlimit(RLIMIT_NOFILE, &old_limit);
    rlimit tight = old_limit;
    tight.rlim_cur = 3;  // below what is open: the next one fails
    setrlimit(RLIMIT_NOFILE, &tight);
    const base::Time start = backend->now();
    while (backend->counters().accepts_failed == 0 && backend->now() < start + std::chrono::seconds(5)) {
        backend->wait(soon(std::chrono::milliseconds(5)), WaitFor::completion);
    }
    for (int slot = 0; slot < 20; ++slot) {
        backend->wait(soon(std::chrono::milliseconds(2)), WaitFor::deadline);
    }
    setrlimit(RLIMIT_NOFILE, &old_limit);
    // It did not ask again at once, but every 100 ms.
    const auto pauses = (backend->now() - start) / std::chrono::milliseconds(100);
    EXPECT_LE(backend->counters().accepts_failed, 1U + static_cast<std::uint64_t>(pauses));
    EXPECT_TRUE(recorder.accepted.empty());
    run_until([&] { return recorder.accepted.size() == 1; });
    close_accepted();
    close(client);
    close(listener);
}

TEST_F(Accept, connects_to_a_listener_of_its_own) {
    make();
    const int listener = listen_on(1);
    const Address address = bound_address(listener);
    backend->connect(5, &address.storage, address.size);
    run_until([&] { return recorder[5].connected.has_value() && recorder.accepted.size() == 1; });
    EXPECT_EQ(recorder[5].connected, SendResult::complete);
    backend->receive_many(5);
    write_all(recorder.accepted.front().second, "hello");
    run_until([&] { return recorder[5].received == "hello"; });
    backend->close(5);
    run_until([&] { return recorder[5].closed_count == 1; });
    close_accepted();
    close(listener);
}

TEST_F(Accept, tells_a_connect_that_failed) {
    make();
    const int listener = open_listener(parse_address("127.0.0.1:0").value(), {}).value();
    const Address nobody = bound_address(listener);
    close(listener);
    backend->connect(5, &nobody.storage, nobody.size);
    run_until([&] { return recorder[5].connected.has_value(); });
    EXPECT_EQ(recorder[5].connected, SendResult::failed);
    backend->close(5);
    run_until([&] { return recorder[5].closed_count == 1; });
}

TEST_F(Accept, a_connect_without_a_descriptor_left_fails_like_any_other) {
    make();
    rlimit old_limit{};
    getrlimit(RLIMIT_NOFILE, &old_limit);
    rlimit tight = old_limit;
    tight.rlim_cur = 3;
    setrlimit(RLIMIT_NOFILE, &tight);
    const Address address = parse_address("127.0.0.1:1").value();
    backend->connect(5, &address.storage, address.size);
    setrlimit(RLIMIT_NOFILE, &old_limit);
    run_until([&] { return recorder[5].connected.has_value(); });
    EXPECT_EQ(recorder[5].connected, SendResult::failed);
    backend->close(5);
    run_until([&] { return recorder[5].closed_count == 1; });
}

}  // namespace
}  // namespace tickwire::uring
