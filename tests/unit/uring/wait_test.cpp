#include <unistd.h>

#include <atomic>
#include <thread>

#include "backend_fixture.hpp"

namespace tickwire::uring {
namespace {

using std::chrono::milliseconds;

enum class Sleep { as_the_kernel_can, as_before_6_12 };

class Wait : public BackendTest, public testing::WithParamInterface<Sleep> {
  protected:
    Options options() const {
        Options made;
        made.force_relative_wait = GetParam() == Sleep::as_before_6_12;
        return made;
    }
};

TEST_P(Wait, for_a_deadline_sleeps_until_it_and_not_much_longer) {
    make(options());
    for (const auto span : {milliseconds(2), milliseconds(30)}) {
        base::Duration least_late = milliseconds(1000);
        for (int attempt = 0; attempt < 20; ++attempt) {
            const base::Time deadline = soon(span);
            backend->wait(deadline, WaitFor::deadline);
            const base::Duration late = backend->now() - deadline;
            EXPECT_GE(late, base::Duration(0));
            least_late = std::min(least_late, late);
        }
        EXPECT_LT(least_late, milliseconds(1));
    }
}

TEST_P(Wait, for_a_deadline_gathers_what_arrives_meanwhile) {
    make(options());
    TcpPair pair;
    backend->adopt(0, pair.take_server());
    backend->receive_many(0);
    backend->wait(soon(milliseconds(1)), WaitFor::deadline);
    std::thread writer([&] {
        for (int count = 0; count < 3; ++count) {
            std::this_thread::sleep_for(milliseconds(5));
            write_all(pair.client, "part");
        }
    });
    const std::uint64_t enters = backend->counters().enters;
    const base::Time deadline = soon(milliseconds(60));
    backend->wait(deadline, WaitFor::deadline);
    EXPECT_GE(backend->now(), deadline);
    writer.join();
    EXPECT_EQ(recorder[0].received, "partpartpart");
    EXPECT_EQ(backend->counters().enters - enters, 1U);
}

TEST_P(Wait, returns_when_it_woke_and_not_when_it_had_told_all) {
    make(options());
    TcpPair pair;
    backend->adopt(0, pair.take_server());
    backend->receive_many(0);
    backend->wait(soon(milliseconds(1)), WaitFor::deadline);
    write_all(pair.client, "x");
    base::Time told{};
    recorder.after_received = [&](Channel) {
        std::this_thread::sleep_for(milliseconds(5));
        told = backend->now();
    };
    const base::Time deadline = soon(milliseconds(2));
    const base::Time woke = backend->wait(deadline, WaitFor::deadline);
    EXPECT_GE(woke, deadline);
    EXPECT_LE(woke, told - milliseconds(5));
}

TEST_P(Wait, for_a_completion_returns_at_the_first) {
    make(options());
    TcpPair pair;
    backend->adopt(0, pair.take_server());
    backend->receive_many(0);
    write_all(pair.client, "x");
    const base::Time start = backend->now();
    backend->wait(soon(milliseconds(5000)), WaitFor::completion);
    EXPECT_LT(backend->now() - start, milliseconds(2500));
    EXPECT_EQ(recorder[0].received, "x");
}

TEST_P(Wait, for_a_completion_ends_at_the_deadline) {
    make(options());
    const base::Time deadline = soon(milliseconds(20));
    backend->wait(deadline, WaitFor::completion);
    EXPECT_GE(backend->now(), deadline);
}

TEST_P(Wait, for_a_completion_tells_all_that_is_ready) {
    make(options());
    constexpr Channel channel_count = 200;
    std::vector<std::unique_ptr<TcpPair>> pairs;
    for (Channel channel = 0; channel < channel_count; ++channel) {
        pairs.push_back(std::make_unique<TcpPair>());
        backend->adopt(channel, pairs.back()->take_server());
        backend->receive_many(channel);
    }
    backend->wait(soon(milliseconds(1)), WaitFor::deadline);
    for (const auto& pair : pairs) {
        write_all(pair->client, "x");
    }
    backend->wait(soon(milliseconds(1000)), WaitFor::completion);
    for (Channel channel = 0; channel < channel_count; ++channel) {
        EXPECT_EQ(recorder[channel].received, "x") << channel;
    }
}

TEST_P(Wait, whose_deadline_is_over_still_tells_all_that_is_ready) {
    make(options());
    constexpr Channel channel_count = 100;
    std::vector<std::unique_ptr<TcpPair>> pairs;
    for (Channel channel = 0; channel < channel_count; ++channel) {
        pairs.push_back(std::make_unique<TcpPair>());
        backend->adopt(channel, pairs.back()->take_server());
        backend->receive_many(channel);
    }
    backend->wait(soon(milliseconds(1)), WaitFor::deadline);
    for (const auto& pair : pairs) {
        write_all(pair->client, "x");
    }
    backend->wait(backend->now() - milliseconds(5), WaitFor::deadline);
    for (Channel channel = 0; channel < channel_count; ++channel) {
        EXPECT_EQ(recorder[channel].received, "x") << channel;
    }
}

TEST_P(Wait, is_ended_by_another_thread) {
    make(options());
    for (int count = 0; count < 20; ++count) {
        std::thread other([&] { backend->wake(); });
        const base::Time start = backend->now();
        backend->wait(soon(milliseconds(5000)), WaitFor::completion);
        EXPECT_LT(backend->now() - start, milliseconds(2500));
        other.join();
    }
}

TEST_P(Wait, no_wake_is_lost_between_two_waits) {
    make(options());
    std::atomic<int> posted = 0;
    std::thread other([&] {
        for (int count = 0; count < 2000; ++count) {
            posted.fetch_add(1);
            backend->wake();
        }
    });
    const base::Time give_up = soon(milliseconds(10000));
    int seen = 0;
    while (seen < 2000 && backend->now() < give_up) {
        backend->wait(give_up, WaitFor::completion);
        seen = posted.load();
    }
    other.join();
    EXPECT_EQ(seen, 2000);
    EXPECT_LT(backend->now(), give_up);
}

INSTANTIATE_TEST_SUITE_P(Sleep, Wait, testing::Values(Sleep::as_the_kernel_can, Sleep::as_before_6_12),
                         [](const auto& instance) {
                             return instance.param == Sleep::as_before_6_12 ? "before_6_12" : "native";
                         });

using SystemCalls = BackendTest;

TEST_F(SystemCalls, a_slot_of_receives_and_sends_is_one_enter) {
    make();
    if (!probe_features()->has_absolute_wait) {
        GTEST_SKIP() << "without absolute waits (6.12) a slot may take two enters";
    }
    constexpr Channel channel_count = 100;
    constexpr std::uint64_t slot_count = 50;
    std::vector<std::unique_ptr<TcpPair>> pairs;
    for (Channel channel = 0; channel < channel_count; ++channel) {
        pairs.push_back(std::make_unique<TcpPair>());
        backend->adopt(channel, pairs.back()->take_server());
        backend->receive_many(channel);
    }
    backend->wait(soon(milliseconds(2)), WaitFor::deadline);
    const std::string text(200, 't');
    const std::uint64_t enters = backend->counters().enters;
    for (std::uint64_t slot = 0; slot < slot_count; ++slot) {
        for (Channel channel = 0; channel < channel_count; ++channel) {
            write_all(pairs[channel]->client, "input");
            if (recorder[channel].sent.size() == slot) {
                backend->send(channel, base::as_bytes(text));
            }
        }
        backend->wait(soon(milliseconds(2)), WaitFor::deadline);
    }
    EXPECT_EQ(backend->counters().enters - enters, slot_count);
    EXPECT_EQ(recorder[99].received.size(), slot_count * 5);
}

}  // namespace
}  // namespace tickwire::uring
