#include <unistd.h>

#include <algorithm>
#include <deque>

#include "backend_fixture.hpp"

namespace tickwire::uring {
namespace {

enum class Buffers { incremental, classic };

/// Each test runs over both kinds of buffers, where the kernel has both.
class Receive : public BackendTest, public testing::WithParamInterface<Buffers> {
  protected:
    void SetUp() override {
        BackendTest::SetUp();
        if (!IsSkipped() && GetParam() == Buffers::incremental &&
            !probe_features()->has_incremental_buffers) {
            GTEST_SKIP() << "this kernel has no incremental buffers (6.12)";
        }
    }
    Options with_buffers(std::uint32_t count, std::uint32_t size) const {
        Options options;
        options.force_classic_buffers = GetParam() == Buffers::classic;
        options.receive_buffer_count = options.classic_buffer_count = count;
        options.receive_buffer_size = options.classic_buffer_size = size;
        return options;
    }
    Options plain() const {
        Options options;
        options.force_classic_buffers = GetParam() == Buffers::classic;
        return options;
    }
};

TEST_P(Receive, once_tells_once_and_leaves_the_rest_in_the_socket) {
    make(plain());
    TcpPair pair;
    backend->adopt(0, pair.take_server());
    backend->receive_once(0);
    write_all(pair.client, "first");
    run_until([&] { return recorder[0].received == "first"; });
    write_all(pair.client, "second");
    backend->wait(soon(std::chrono::milliseconds(10)), WaitFor::deadline);
    EXPECT_EQ(recorder[0].received, "first");
    backend->receive_once(0);
    run_until([&] { return recorder[0].received == "firstsecond"; });
    EXPECT_EQ(recorder[0].receive_count, 2);
}

TEST_P(Receive, once_may_be_asked_for_again_inside_the_handler) {
    make(plain());
    TcpPair pair;
    recorder.after_received = [&](Channel channel) { backend->receive_once(channel); };
    backend->adopt(0, pair.take_server());
    backend->receive_once(0);
    for (int count = 1; count <= 5; ++count) {
        write_all(pair.client, "x");
        run_until([&] { return recorder[0].receive_count == count; });
    }
    EXPECT_EQ(recorder[0].received, "xxxxx");
}

TEST_P(Receive, many_goes_on_until_the_peer_finishes) {
    make(plain());
    TcpPair pair;
    backend->adopt(0, pair.take_server());
    backend->receive_many(0);
    std::string expected;
    for (int count = 0; count < 50; ++count) {
        write_all(pair.client, "message " + std::to_string(count));
        expected += "message " + std::to_string(count);
        run_until([&] { return recorder[0].received == expected; });
    }
    shutdown(pair.client, SHUT_WR);
    run_until([&] { return recorder[0].end.has_value(); });
    EXPECT_EQ(recorder[0].end, ReceiveEnd::finished);
    const std::string reply = "still here";
    backend->send(0, base::as_bytes(reply));
    run_until([&] { return recorder[0].sent.size() == 1; });
    EXPECT_EQ(read_exactly(pair.client, reply.size()), reply);
}

TEST_P(Receive, a_reset_is_told_apart_from_a_finish) {
    make(plain());
    TcpPair pair;
    backend->adopt(3, pair.take_server());
    backend->receive_many(3);
    backend->wait(soon(std::chrono::milliseconds(1)), WaitFor::deadline);
    reset(std::exchange(pair.client, -1));
    run_until([&] { return recorder[3].end.has_value(); });
    EXPECT_EQ(recorder[3].end, ReceiveEnd::reset);
    backend->close(3);
    run_until([&] { return recorder[3].closed_count == 1; });
}

TEST_P(Receive, a_large_stream_arrives_whole_and_in_order) {
    make(plain());
    TcpPair pair;
    backend->adopt(0, pair.take_server());
    backend->receive_many(0);
    const std::string text = pattern(3'000'000);
    std::size_t written = 0;
    while (written < text.size()) {
        const ssize_t count =
            ::send(pair.client, text.data() + written, text.size() - written, MSG_DONTWAIT);
        written += count > 0 ? static_cast<std::size_t>(count) : 0;
        backend->wait(soon(std::chrono::milliseconds(1)), WaitFor::deadline);
    }
    run_until([&] { return recorder[0].received.size() == text.size(); });
    EXPECT_TRUE(recorder[0].received == text);
}

TEST_P(Receive, streams_of_many_channels_do_not_mix) {
    make(with_buffers(8, 4096));
    constexpr Channel channel_count = 60;
    std::vector<std::unique_ptr<TcpPair>> pairs;
    std::vector<std::string> expected(channel_count);
    for (Channel channel = 0; channel < channel_count; ++channel) {
        pairs.push_back(std::make_unique<TcpPair>());
        backend->adopt(channel, pairs.back()->take_server());
        backend->receive_many(channel);
    }
    for (int round = 0; round < 40; ++round) {
        for (Channel channel = 0; channel < channel_count; ++channel) {
            const auto digit = static_cast<char>('0' + channel);
            const std::string text(1 + (channel * 37 + static_cast<Channel>(round) * 11) % 200, digit);
            write_all(pairs[channel]->client, text);
            expected[channel] += text;
        }
        backend->wait(soon(std::chrono::milliseconds(1)), WaitFor::deadline);
    }
    for (Channel channel = 0; channel < channel_count; ++channel) {
        run_until([&] { return recorder[channel].received.size() >= expected[channel].size(); });
        EXPECT_EQ(recorder[channel].received, expected[channel]);
    }
}

TEST_P(Receive, a_shortage_of_buffers_loses_nothing) {
    make(with_buffers(4, 512));
    constexpr Channel channel_count = 32;
    std::vector<std::unique_ptr<TcpPair>> pairs;
    const std::string text = pattern(5000);
    for (Channel channel = 0; channel < channel_count; ++channel) {
        pairs.push_back(std::make_unique<TcpPair>());
        backend->adopt(channel, pairs.back()->take_server());
        write_all(pairs.back()->client, text);
    }
    for (Channel channel = 0; channel < channel_count; ++channel) {
        if (channel % 2 == 0) {
            backend->receive_many(channel);
        } else {
            backend->receive_once(channel);
        }
    }
    recorder.after_received = [&](Channel channel) {
        if (channel % 2 == 1) {
            backend->receive_once(channel);
        }
    };
    for (Channel channel = 0; channel < channel_count; ++channel) {
        run_until([&] { return recorder[channel].received.size() == text.size(); });
        EXPECT_EQ(recorder[channel].received, text);
    }
    EXPECT_GT(backend->counters().buffer_shortages, 0U);
    for (Channel channel = 0; channel < channel_count; ++channel) {
        close(std::exchange(pairs[channel]->client, -1));
        run_until([&] { return recorder[channel].end.has_value(); });
        EXPECT_EQ(recorder[channel].end, ReceiveEnd::finished);
    }
}

TEST_P(Receive, a_parked_channel_closes_and_its_index_serves_again) {
    make(with_buffers(1, 512));
    TcpPair parked[3];
    for (Channel channel = 0; channel < 3; ++channel) {
        backend->adopt(channel, parked[channel].take_server());
        write_all(parked[channel].client, pattern(3000));
        backend->receive_many(channel);
    }
    // One buffer: when a channel is served for the second time the others are parked. All are closed from
    // inside that handler.
    int count = 0;
    recorder.after_received = [&](Channel) {
        if (++count == 2) {
            for (Channel channel = 0; channel < 3; ++channel) {
                backend->close(channel);
            }
        }
    };
    run_until([&] {
        return recorder[0].closed_count == 1 && recorder[1].closed_count == 1 &&
               recorder[2].closed_count == 1;
    });
    TcpPair next;
    recorder[1] = {};
    backend->adopt(1, next.take_server());
    backend->receive_many(1);
    write_all(next.client, "anew");
    run_until([&] { return recorder[1].received == "anew"; });
}

TEST_P(Receive, what_comes_in_a_crowd_is_announced_step_by_step) {
    make();
    constexpr Channel count = 16;
    std::deque<TcpPair> pairs(count);
    for (Channel channel = 0; channel < count; ++channel) {
        backend->adopt(channel, pairs[channel].take_server());
        backend->receive_many(channel);
    }
    backend->wait(soon(std::chrono::milliseconds(1)), WaitFor::deadline);
    for (TcpPair& pair : pairs) {
        write_all(pair.client, "x");
    }
    backend->wait(soon(std::chrono::milliseconds(1)), WaitFor::deadline);
    // All came in this wait. Those with enough before them were announced from the first step to the last.
    const std::vector<unsigned> all_steps{0, 1, 2, 3, 4};
    ASSERT_EQ(all_steps.size(), Events::upcoming_step_count);
    EXPECT_GE(std::count_if(recorder.upcoming.begin(), recorder.upcoming.end(),
                            [&](const auto& told) { return told.second == all_steps; }),
              count - 2 * static_cast<int>(Events::upcoming_step_count));
}

INSTANTIATE_TEST_SUITE_P(Buffers, Receive, testing::Values(Buffers::incremental, Buffers::classic),
                         [](const auto& instance) {
                             return instance.param == Buffers::classic ? "classic" : "incremental";
                         });

}  // namespace
}  // namespace tickwire::uring
