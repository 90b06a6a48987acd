// Oracle: a session stays inside its table of transitions, says nothing of a member that it has not
// announced, gives back all its memory, and is told the same however the client's bytes are cut.
//
// Input: one byte of options, one that seeds the cuts, then what the client sends. With an option set, a
// good upgrade (and join) stands before it, so that the interesting part is not behind a lock; with
// another, a PROXY header is awaited.
#include <array>
#include <string>
#include <vector>

#include "../unit/session/session_fixture.hpp"
#include "fuzz.hpp"

namespace {

using namespace tickwire;
using fuzz::require;
using session::Phase;

constexpr std::size_t stream_size_max = 4096;  // byte by byte, more only costs time

/// The picture in src/README.md, for a connection in the clear that stays on its shard.
bool may_follow(Phase from, Phase to) {
    if (from == to || to == Phase::over || to == Phase::draining) {
        return from != Phase::over || to == Phase::over;
    }
    switch (from) {
        case Phase::proxy_header:
            return to != Phase::tls_handshake && to != Phase::moving;  // a request may come along with it
        case Phase::http:
            return to == Phase::joining || to == Phase::plain || to == Phase::echo || to == Phase::game ||
                   to == Phase::closing;
        case Phase::joining:
            return to == Phase::game || to == Phase::closing;
        case Phase::game:
        case Phase::plain:
        case Phase::echo:
            return to == Phase::closing;
        case Phase::tls_handshake:
        case Phase::moving:
        case Phase::closing:
        case Phase::draining:
        case Phase::over:
            return false;
    }
    return false;
}

class Harness final : private session::test::SessionRig {
  public:
    struct Result {
        std::vector<std::string> told;
        std::string sent;
    };

    /// `seed` 0: all at once.
    Result run(std::uint8_t chosen, std::string stream, std::uint64_t seed) {
        session::SessionOptions wide;
        // How bytes are cut decides which of them a token bucket meets first: the buckets have their own
        // tests.
        wide.limits = {1024, 2048, 1024, 1'000'000, 1'000'000'000, 1'000'000};
        wide.is_echo_on = true;
        wide.echo_size_max = 2048;
        wide.outbox_size_max = 1U << 24U;
        wide.fragment_count_max = 8;
        accepts = (chosen & 16) == 0;
        preamble = (chosen & 32) == 0 ? session::Preamble::none : session::Preamble::proxy_header;
        open(wide);
        const std::size_t at_rest = pool.bytes_in_use();
        if ((chosen & 96U) == 96) {
            stream = "PROXY TCP4 203.0.113.7 192.0.2.1 4711 443\r\n" + prefix(chosen) + stream;
        } else {
            stream = prefix(chosen) + stream;
        }
        Phase phase = session->phase();
        for (std::size_t begin = 0; begin < stream.size() && !session->is_over();) {
            seed = seed * 6364136223846793005U + 1442695040888963407U;  // Knuth's constants
            const std::size_t part = is_whole_ ? stream.size() : 1 + (seed >> 59U);
            receive(stream.substr(begin, part));
            begin += part;
            require(may_follow(phase, session->phase()), "a transition of the table");
            phase = session->phase();
            check_told();
        }
        Result result{told, sent()};
        session->on_receive_ended(now);
        require(session->is_over(), "the end of the connection ends the session");
        check_told();
        session.reset();
        require(pool.bytes_in_use() == at_rest, "all memory is given back");
        told.clear();
        return result;
    }
    void take_whole(bool is_whole) { is_whole_ = is_whole; }

  private:
    static std::string prefix(std::uint8_t chosen) {
        switch (chosen & 7U) {
            case 1:
                return upgrade_request("/v1/match/arena", "tickwire.v1");
            case 2:
                return upgrade_request("/v1/match/arena", "tickwire.v1") + text_frame(R"({"op":"join"})");
            case 3:
                return upgrade_request("/v1/match/arena", "");
            case 4:
                return upgrade_request("/v1/echo", "");
            default:
                return {};
        }
    }
    /// A member is announced once, ends once, and between the two lies all that it says.
    void check_told() const {
        int joins = 0;
        int ends = 0;
        for (const std::string& line : told) {
            if (line.starts_with("proxy for") || line.starts_with("bad proxy")) {
                require(&line == told.data(), "a PROXY header before all else");
            } else if (line.starts_with("upgrade") || line.starts_with("page")) {
                require(joins == 0, "HTTP before the join");
            } else if (line.starts_with("join ") || line == "plain join") {
                require(++joins == 1, "one join");
            } else {
                require(joins == 1 && ends == 0, "nothing before the join, and nothing behind the end");
                ends += line == "end closed" || line == "end lost" ? 1 : 0;
            }
        }
    }

    bool is_whole_ = true;
};

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    if (size < 2) {
        return 0;
    }
    const std::string stream(reinterpret_cast<const char*>(data) + 2, std::min(size - 2, stream_size_max));
    static Harness harness;
    harness.take_whole(true);
    const auto whole = harness.run(data[0], stream, 0);
    harness.take_whole(false);
    const auto cut = harness.run(data[0], stream, data[1]);
    require(whole.told == cut.told, "other cuts tell the same");
    require(whole.sent == cut.sent, "and are answered the same");
    return 0;
}
