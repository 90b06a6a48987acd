#include <unistd.h>

#include <thread>

#include "backend_fixture.hpp"

namespace tickwire::uring {
namespace {

class Send : public BackendTest {};

void set_small_buffers(const TcpPair& pair) {
    const int size = 8192;
    setsockopt(pair.server, SOL_SOCKET, SO_SNDBUF, &size, sizeof size);
    setsockopt(pair.client, SOL_SOCKET, SO_RCVBUF, &size, sizeof size);
}

TEST_F(Send, a_small_one_completes) {
    make();
    TcpPair pair;
    backend->adopt(0, pair.take_server());
    const std::string text = "tick";
    backend->send(0, base::as_bytes(text));
    run_until([&] { return recorder[0].sent.size() == 1; });
    EXPECT_EQ(recorder[0].sent.front(), SendResult::complete);
    EXPECT_EQ(read_exactly(pair.client, 4), "tick");
    EXPECT_EQ(backend->counters().sends, 1U);
}

TEST_F(Send, submit_hands_it_over_without_waiting) {
    make();
    TcpPair pair;
    backend->adopt(0, pair.take_server());
    const std::string text = "now";
    backend->send(0, base::as_bytes(text));
    backend->submit();
    EXPECT_EQ(read_exactly(pair.client, 3), "now");
    EXPECT_TRUE(recorder[0].sent.empty());  // told inside wait() alone
    run_until([&] { return recorder[0].sent.size() == 1; });
}

TEST_F(Send, a_large_one_through_a_slow_reader_is_one_completion) {
    make();
    TcpPair pair;
    set_small_buffers(pair);
    backend->adopt(0, pair.take_server());
    const std::string text = pattern(400'000);
    backend->send(0, base::as_bytes(text));
    backend->wait(soon(std::chrono::milliseconds(20)), WaitFor::deadline);
    EXPECT_TRUE(recorder[0].sent.empty());  // stalled: the reader has not begun
    std::string read;
    std::thread reader([&] { read = read_exactly(pair.client, text.size()); });
    run_until([&] { return recorder[0].sent.size() == 1; }, WaitFor::deadline);
    reader.join();
    EXPECT_EQ(recorder[0].sent, (std::vector{SendResult::complete}));
    EXPECT_TRUE(read == text);
}

TEST_F(Send, fails_where_the_peer_goes_while_it_stalls) {
    make();
    TcpPair pair;
    set_small_buffers(pair);
    backend->adopt(0, pair.take_server());
    const std::string text = pattern(400'000);
    backend->send(0, base::as_bytes(text));
    backend->wait(soon(std::chrono::milliseconds(5)), WaitFor::deadline);
    reset(std::exchange(pair.client, -1));
    run_until([&] { return recorder[0].sent.size() == 1; });
    EXPECT_EQ(recorder[0].sent.front(), SendResult::failed);
    backend->close(0);
    run_until([&] { return recorder[0].closed_count == 1; });
}

TEST_F(Send, more_than_the_queue_holds_submits_by_itself) {
    Options options;
    options.submission_count = 8;
    make(options);
    constexpr Channel channel_count = 50;
    std::vector<std::unique_ptr<TcpPair>> pairs;
    const std::string text = "to everybody";
    for (Channel channel = 0; channel < channel_count; ++channel) {
        pairs.push_back(std::make_unique<TcpPair>());
        backend->adopt(channel, pairs.back()->take_server());
    }
    for (Channel channel = 0; channel < channel_count; ++channel) {
        backend->send(channel, base::as_bytes(text));
    }
    for (Channel channel = 0; channel < channel_count; ++channel) {
        run_until([&] { return recorder[channel].sent.size() == 1; });
        EXPECT_EQ(read_exactly(pairs[channel]->client, text.size()), text);
    }
}

TEST_F(Send, completions_that_do_not_fit_the_queue_are_not_lost) {
    Options options;
    options.submission_count = 64;
    options.completion_count = 64;
    make(options);
    constexpr Channel channel_count = 300;
    std::vector<std::unique_ptr<TcpPair>> pairs;
    const std::string text = "x";
    for (Channel channel = 0; channel < channel_count; ++channel) {
        pairs.push_back(std::make_unique<TcpPair>());
        backend->adopt(channel, pairs.back()->take_server());
        backend->receive_many(channel);
        write_all(pairs.back()->client, "input");
    }
    for (Channel channel = 0; channel < channel_count; ++channel) {
        backend->send(channel, base::as_bytes(text));
    }
    for (Channel channel = 0; channel < channel_count; ++channel) {
        run_until(
            [&] { return recorder[channel].sent.size() == 1 && recorder[channel].received == "input"; });
    }
    EXPECT_GT(backend->counters().completion_overflows, 0U);
}

}  // namespace
}  // namespace tickwire::uring
