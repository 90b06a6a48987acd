// A pool too small: the life of a session again and again, each time with a little more room, so that each
// place that asks for some is once the one that gets none. The session may end early. It never says half a
// frame, it tells its host once that it ended, and all comes back.
#include <gtest/gtest.h>

#include <algorithm>
#include <utility>
#include <vector>

#include "../base/exhaust.hpp"
#include "../tls/tls_fixture.hpp"
#include "session_fixture.hpp"

namespace tickwire::session::test {
namespace {

/// How far it came.
enum class Life : std::uint8_t { cut_short, whole };

class StarvedSession final : private SessionRig {
  public:
    explicit StarvedSession(std::size_t pool_size) : SessionRig(pool_size) {}

    Life play_game(bool holds) {
        open();
        hear(upgrade_request("/v1/other", ""), holds);
        hear("GET /page HTTP/1.1\r\nHost: relay\r\n\r\n", holds);
        hear("GET /v1/match/arena HTTP/1.1\r\nHost: relay\r\n\r\n", holds);
        hear(upgrade_request("/v1/match/arena", "tickwire.v1") + text_frame(R"({"op":"join"})"), holds);
        talk();
        return end();
    }
    Life play_behind_a_proxy(bool holds) {
        preamble = Preamble::proxy_header;
        open();
        const std::string header = "PROXY TCP4 203.0.113.7 192.0.2.1 4711 443\r\n";
        hear(header.substr(0, 20), holds);
        hear(header.substr(20) + upgrade_request("/v1/match/arena", "tickwire.v1") +
                 text_frame(R"({"op":"join"})"),
             holds);
        talk();
        return end();
    }
    Life play_echo() {
        open_echo();
        hear(text_frame(std::string(500, 'e')), false);
        return end();
    }
    Life move() {
        moves = true;
        open();
        hear(upgrade_request("/v1/match/arena", "tickwire.v1"), false);
        for (int count = 0; count < 3; ++count) {
            hear(text_frame(R"({"op":"join"})") + text_frame(std::string(300, ' ')), false);
        }
        if (session->is_ready_to_move()) {
            MovedSession moved = session->take_moved();
            session = std::make_unique<Session>(*environment, moved, now);
            session->set_self({9, 1});
            session->resume_moved(moved, now);
            talk();
        }
        return end();
    }
    Life play_tls(const tls::TestCertificate& certificate) {
        transport = Transport::tls;
        tls_context = tls::server_context(certificate);
        open();
        const auto client = tls::TlsEngine::create(tls::client_context(), tls::TlsEngine::Side::client);
        tls::Wire to_server;
        const std::string words[] = {upgrade_request("/v1/match/arena", "tickwire.v1"),
                                     text_frame(R"({"op":"join"})"),
                                     binary_frame(std::string(200, '\x09'))};
        std::string answer;
        for (std::size_t said = 0, turns = 0; turns < 20; ++turns) {
            base::Bytes rest = base::as_bytes(answer);
            if (!client->is_handshake_done()) {
                client->handshake(rest, to_server);
            }
            if (client->is_handshake_done() && said < std::size(words)) {
                client->write(base::as_bytes(words[said++]), to_server);
            }
            std::vector<std::uint8_t> bytes = to_server.take();
            if (!bytes.empty() && !session->is_over()) {
                session->receive(bytes, now);
            }
            if (session->phase() == Phase::game) {
                say();
            }
            answer = sent();
        }
        return end();
    }

  private:
    void hear(std::string bytes, bool holds) {
        if (session->is_over() || !session->wants_input()) {
            return;
        }
        if (holds && session->is_newcomer()) {
            session->hold(base::as_bytes(bytes), now);
            if (session->holds_input() && !session->is_over()) {
                session->receive_held(now);
            }
        } else {
            receive(std::move(bytes));
        }
        wire += sent();
    }
    void say() {
        if (session->is_over()) {
            return;
        }
        session->queue_frame(websocket::Opcode::text, base::as_bytes(std::string(100, 'q')));
        for (int count = 0; count < 2; ++count) {
            auto shared = base::SharedBuffer::create(pool, 64);
            if (shared) {
                shared.set_size(
                    websocket::encode_server_header(websocket::Opcode::ping, 0, shared.room().data()));
                session->send_shared(shared);
            }
        }
        session->queue_frame(websocket::Opcode::text, base::as_bytes(std::string(400, 'r')));
        auto last = base::SharedBuffer::create(pool, 600);
        if (last) {
            last.set_size(websocket::encode_server_header(websocket::Opcode::ping, 0, last.room().data()));
            session->send_shared(last);
        }
    }
    void talk() {
        const std::string part = frame(websocket::Opcode::text, std::string(300, 'x'));
        std::string open_ended = part;
        open_ended[0] = static_cast<char>(open_ended[0] & 0x7f);  // without FIN
        say();
        wire += sent();
        hear(open_ended, false);
        hear(frame(websocket::Opcode::ping, "are you there"), false);
        hear(part.substr(0, 20), false);
        say();
        hear(part.substr(20), false);
    }
    /// Whole frames alone went out, and nothing is held when it is gone.
    Life end() {
        const bool is_whole = !session->is_over();
        receive(close_frame(1000));
        wire += sent();
        session.reset();
        EXPECT_LE(std::count_if(told.begin(), told.end(),
                                [](const auto& line) { return line.starts_with("end"); }),
                  1);
        const std::size_t switched = wire.find("HTTP/1.1 101");
        if (switched != std::string::npos && transport == Transport::clear) {
            std::string frames = wire.substr(wire.find("\r\n\r\n", switched) + 4);
            websocket::Reader reader(websocket::Role::client, {1U << 24U, 1U << 24U, 1000}, heap);
            std::span<std::uint8_t> input(reinterpret_cast<std::uint8_t*>(frames.data()), frames.size());
            while (true) {
                const auto next = reader.next(input);
                EXPECT_TRUE(next.has_value());
                if (!next || !next->has_value()) {
                    break;
                }
            }
            EXPECT_EQ(reader.buffered_size(), 0U) << "half a frame was said";
        }
        environment.reset();
        EXPECT_EQ(pool.bytes_in_use(), 0U);
        return is_whole ? Life::whole : Life::cut_short;
    }

    std::string wire;
};

/// Tries it with pools of all sizes to 32 KiB: with the smallest it must be cut short, with the largest
/// not.
template <typename Play>
void starve(const Play& play) {
    Life last = Life::cut_short;
    std::size_t cut_short_count = 0;
    for (std::size_t size = base::BufferPool::size_min; size <= std::size_t{32} * 1024;
         size += base::BufferPool::size_min) {
        SCOPED_TRACE("a pool of " + std::to_string(size) + " bytes");
        StarvedSession session(size);
        last = play(session);
        cut_short_count += last == Life::cut_short ? 1U : 0U;
    }
    EXPECT_GT(cut_short_count, 0U);
    EXPECT_EQ(last, Life::whole);
}

TEST(SessionMemoryTest, a_game_in_the_clear) {
    starve([](StarvedSession& session) { return session.play_game(false); });
}

TEST(SessionMemoryTest, a_newcomer_that_waits_its_turn) {
    starve([](StarvedSession& session) { return session.play_game(true); });
}

TEST(SessionMemoryTest, a_game_behind_a_proxy) {
    starve([](StarvedSession& session) { return session.play_behind_a_proxy(false); });
    starve([](StarvedSession& session) { return session.play_behind_a_proxy(true); });
}

TEST(SessionMemoryTest, an_echo) {
    starve([](StarvedSession& session) { return session.play_echo(); });
}

TEST(SessionMemoryTest, a_move_to_another_shard) {
    starve([](StarvedSession& session) { return session.move(); });
}

// --- single places, where a life needs luck to come by with just so much room

class ExhaustedTest : public testing::Test, protected SessionRig {
  protected:
    ExhaustedTest() : SessionRig(std::size_t{16} * 1024) {}

    void TearDown() override {
        session.reset();
        environment.reset();
        for (const base::MutableBytes buffer : taken) {
            pool.release(buffer);
        }
        EXPECT_EQ(pool.bytes_in_use(), 0U);
    }
    /// Leaves the pool the room for one of its smallest buffers: for a close frame, say.
    void exhaust() {
        const base::MutableBytes last = pool.take(base::BufferPool::size_min);
        taken = base::test::exhaust(pool);
        pool.release(last);
    }
    /// Longer than what exhaust() leaves.
    base::SharedBuffer long_frame() {
        auto shared = base::SharedBuffer::create(pool, 1004);
        const std::size_t header =
            websocket::encode_server_header(websocket::Opcode::binary, 1000, shared.room().data());
        shared.set_size(header + 1000);
        return shared;
    }

    std::vector<base::MutableBytes> taken;
};

TEST_F(ExhaustedTest, who_cannot_be_told_that_it_sends_too_much_just_ends) {
    open_joined();
    sent();
    std::string much;
    for (int count = 0; count < 241; ++count) {
        much += binary_frame(ping_message());
    }
    taken = base::test::exhaust(pool);
    receive(much + std::string("\xff\xff"));
    EXPECT_TRUE(session->is_over());
    EXPECT_EQ(std::count(told.begin(), told.end(), "end lost"), 1);
    EXPECT_EQ(told.back(), "end lost");
    EXPECT_EQ(counters.over_message_rate, 1U);
    EXPECT_EQ(counters.protocol_errors, 0U) << "what came behind is not looked at";
}

TEST_F(ExhaustedTest, who_cannot_be_told_all_is_told_4101_and_nothing_in_part) {
    const auto queue_one = [&] { session->queue_frame(websocket::Opcode::text, base::as_bytes("own")); };
    const auto share = [&](const base::SharedBuffer& frame) { session->send_shared(frame); };
    for (const bool is_second_shared : {true, false}) {
        open_joined();
        sent();
        told.clear();
        const auto frame = long_frame();
        exhaust();
        share(frame);
        is_second_shared ? share(frame) : queue_one();
        EXPECT_EQ(sent_close_code(), 4101);
        EXPECT_EQ(told, (std::vector<std::string>{"end lost"}));
        session.reset();
        for (const base::MutableBytes buffer : std::exchange(taken, {})) {
            pool.release(buffer);
        }
    }
    EXPECT_EQ(counters.over_outbox, 2U);
}

TEST_F(ExhaustedTest, frames_that_cannot_be_joined_at_the_send_end_the_session) {
    open_joined();
    sent();
    told.clear();
    const auto frame = long_frame();
    session->queue_frame(websocket::Opcode::text, base::as_bytes("own"));
    session->send_shared(frame);
    exhaust();
    EXPECT_TRUE(session->begin_send(now).empty());
    EXPECT_TRUE(session->is_over());
    EXPECT_EQ(told, (std::vector<std::string>{"end lost"}));
}

TEST_F(ExhaustedTest, a_refusal_that_cannot_be_said_ends_the_connection) {
    open();
    exhaust();
    receive("GET /v1/match/arena HTTP/1.1\r\nHost: relay\r\n\r\n");
    EXPECT_TRUE(session->is_over());
    EXPECT_EQ(sent(), "");
    EXPECT_EQ(counters.refusals[4], 1U) << "426, counted all the same";
}

TEST_F(ExhaustedTest, what_comes_before_a_move_and_cannot_be_kept_ends_the_session) {
    moves = true;
    open();
    receive(upgrade_request("/v1/match/arena", "tickwire.v1"));
    receive(text_frame(R"({"op":"join","name":"Ann"})"));
    ASSERT_TRUE(session->is_ready_to_move());
    exhaust();
    receive(text_frame(std::string(2000, ' ')));
    EXPECT_TRUE(session->is_over());
    EXPECT_FALSE(session->is_ready_to_move());
}

TEST_F(ExhaustedTest, who_moved_and_has_no_room_for_its_101_is_not_asked_for_more) {
    moves = true;
    open();
    receive(upgrade_request("/v1/match/arena", "tickwire.v1") +
            text_frame(R"({"op":"join","name":"Ann"})"));
    MovedSession moved = session->take_moved();
    EXPECT_FALSE(moved.leftover.empty());
    session = std::make_unique<Session>(*environment, moved, now);
    told.clear();
    exhaust();
    session->resume_moved(moved, now);
    EXPECT_TRUE(session->is_over());
    EXPECT_EQ(told, (std::vector<std::string>{}));
}

class EmptyHeap final : public websocket::BufferSource {
  public:
    base::MutableBytes resize(base::MutableBytes, std::size_t, std::size_t) noexcept override { return {}; }
    void release(base::MutableBytes) noexcept override {}
};

TEST_F(ExhaustedTest, without_a_heap_there_is_no_echo) {
    EmptyHeap none;
    echo_heap = &none;
    SessionOptions echoing;
    echoing.is_echo_on = true;
    for (const std::string before : {"", "GET /page HTTP/1.1\r\nHost: relay\r\n\r\n"}) {
        open(echoing);
        receive(before + upgrade_request("/v1/echo", ""));
        EXPECT_TRUE(session->is_over());
        EXPECT_EQ(sent(), "");
    }
    EXPECT_EQ(counters.upgrades, 0U);
    session.reset();
}

TEST(SessionMemoryTest, a_game_over_tls) {
    const tls::TestCertificate certificate;
    starve([&](StarvedSession& session) { return session.play_tls(certificate); });
}

}  // namespace
}  // namespace tickwire::session::test
