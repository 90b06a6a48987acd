#include <unistd.h>

#include "backend_fixture.hpp"

namespace tickwire::uring {
namespace {

class Close : public BackendTest {};

TEST_F(Close, the_peer_sees_a_finish_though_a_receive_was_armed) {
    make();
    TcpPair pair;
    backend->adopt(0, pair.take_server());
    backend->receive_many(0);
    backend->wait(soon(std::chrono::milliseconds(1)), WaitFor::deadline);
    backend->close(0);
    EXPECT_EQ(recorder[0].closed_count, 0);  // never from inside close()
    run_until([&] { return recorder[0].closed_count == 1; });
    EXPECT_EQ(read_to_end(pair.client), "");
    EXPECT_FALSE(recorder[0].end.has_value());
}

TEST_F(Close, finishing_sends_a_finish_behind_the_bytes_and_goes_on_receiving) {
    make();
    TcpPair pair;
    backend->adopt(0, pair.take_server());
    backend->receive_many(0);
    const std::string last_words = "last words";
    backend->send(0, base::as_bytes(last_words));
    run_until([&] { return recorder[0].sent.size() == 1; });
    backend->finish_sending(0);
    EXPECT_EQ(read_to_end(pair.client), last_words);
    write_all(pair.client, "an answer");
    run_until([&] { return recorder[0].received == "an answer"; });
    backend->close(0);
    run_until([&] { return recorder[0].closed_count == 1; });
}

TEST_F(Close, ends_a_stalled_send_and_then_tells_that_it_is_closed) {
    make();
    TcpPair pair;
    const int size = 8192;
    setsockopt(pair.server, SOL_SOCKET, SO_SNDBUF, &size, sizeof size);
    backend->adopt(0, pair.take_server());
    backend->receive_many(0);
    std::string text = pattern(8'000'000);
    backend->send(0, base::as_bytes(text));
    backend->wait(soon(std::chrono::milliseconds(5)), WaitFor::deadline);
    ASSERT_TRUE(recorder[0].sent.empty());
    backend->close(0);
    run_until([&] { return recorder[0].closed_count == 1; });
    EXPECT_EQ(recorder[0].sent, (std::vector{SendResult::failed}));
    text.assign(text.size(), '!');  // the memory is ours again: the peer must see none of this
    const std::string seen = read_to_end(pair.client);
    EXPECT_EQ(seen.find('!'), std::string::npos);
    EXPECT_LT(seen.size(), text.size());
}

TEST_F(Close, a_send_just_queued_still_reaches_the_peer) {
    make();
    TcpPair pair;
    backend->adopt(0, pair.take_server());
    backend->receive_many(0);
    const std::string farewell = "close frame";
    backend->send(0, base::as_bytes(farewell));
    backend->close(0);
    run_until([&] { return recorder[0].closed_count == 1; });
    EXPECT_EQ(recorder[0].sent, (std::vector{SendResult::complete}));
    EXPECT_EQ(read_to_end(pair.client), farewell);
}

TEST_F(Close, an_index_reused_at_once_hears_nothing_of_the_one_before) {
    make();
    int use = 0;
    std::unique_ptr<TcpPair> pair;
    const auto begin = [&] {
        pair = std::make_unique<TcpPair>();
        backend->adopt(4, pair->take_server());
        backend->receive_many(4);
        write_all(pair->client, "use " + std::to_string(use) + ";");
    };
    recorder.after_closed = [&](Channel) {
        if (++use < 200) {
            begin();  // from inside the handler: the first moment that is allowed
        }
    };
    begin();
    while (use < 200) {
        write_all(pair->client, "late");  // may be on its way when the channel closes
        backend->wait(soon(std::chrono::microseconds(200)), WaitFor::deadline);
        if (use < 200) {
            backend->close(4);
            const int closing = use;
            run_until([&] { return use != closing; });
        }
    }
    EXPECT_EQ(recorder[4].closed_count, 200);
    EXPECT_FALSE(recorder[4].end.has_value());
    std::size_t position = 0;
    for (int number = 0; number < 200; ++number) {
        const std::size_t found =
            recorder[4].received.find("use " + std::to_string(number) + ";", position);
        if (found != std::string::npos) {  // closed before it arrived: then nothing of it may be told later
            EXPECT_GE(found, position);
            position = found;
        }
    }
}

TEST_F(Close, inside_the_handler_of_received_bytes_ends_the_telling) {
    make();
    TcpPair pair;
    backend->adopt(0, pair.take_server());
    backend->receive_many(0);
    recorder.after_received = [&](Channel channel) { backend->close(channel); };
    write_all(pair.client, pattern(100'000).substr(0, 60'000));
    run_until([&] { return recorder[0].closed_count == 1; });
    EXPECT_EQ(recorder[0].receive_count, 1);
    EXPECT_FALSE(recorder[0].end.has_value());
}

TEST_F(Close, after_the_peer_finished_works) {
    make();
    TcpPair pair;
    backend->adopt(0, pair.take_server());
    backend->receive_many(0);
    recorder.after_end = [&](Channel channel) { backend->close(channel); };
    close(std::exchange(pair.client, -1));
    run_until([&] { return recorder[0].closed_count == 1; });
    EXPECT_EQ(recorder[0].end, ReceiveEnd::finished);
}

TEST_F(Close, a_channel_that_did_nothing_closes) {
    make();
    TcpPair pair;
    backend->adopt(0, pair.take_server());
    backend->close(0);
    run_until([&] { return recorder[0].closed_count == 1; });
    EXPECT_EQ(read_to_end(pair.client), "");
}

TEST_F(Close, destruction_closes_every_descriptor) {
    const int before = open_descriptor_count();
    {
        make();
        TcpPair pair;
        backend->adopt(0, pair.take_server());
        backend->receive_many(0);
        backend->wait(soon(std::chrono::milliseconds(1)), WaitFor::deadline);
        backend.reset();
        EXPECT_EQ(read_to_end(pair.client), "");
    }
    EXPECT_EQ(open_descriptor_count(), before);
}

using CloseDeathTest = Close;

TEST_F(CloseDeathTest, using_a_channel_that_is_not_open_stops_the_process) {
    make();
    EXPECT_DEATH(backend->close(9), "the channel is open");
    EXPECT_DEATH(backend->adopt(1'000'000, 0), "below channel_count_max");
}

}  // namespace
}  // namespace tickwire::uring
