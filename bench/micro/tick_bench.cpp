// One tick of a match: every player's state taken in, one delta message encoded, and handed to every
// member. Beside it what cannot be spared: each state copied once on its way in and once into the message.
#include <benchmark/benchmark.h>

#include <array>
#include <cstdio>
#include <cstring>
#include <random>
#include <vector>

#include "match/match.hpp"

namespace tickwire::match {
namespace {

constexpr std::size_t state_size = 48;
constexpr std::size_t version_count = 32;

class NullOutlet final : public Outlet {
  public:
    LinkState link_state(Connection /*connection*/) noexcept override { return LinkState::idle; }
    base::RateBuckets rates(Connection /*connection*/) noexcept override { return {}; }
    void queue_frame(Connection /*connection*/, websocket::Opcode /*opcode*/,
                     base::Bytes /*payload*/) noexcept override {}
    void send_shared(Connection /*connection*/, const base::SharedBuffer& frames) noexcept override {
        benchmark::DoNotOptimize(frames.bytes().data());
    }
    void close(Connection /*connection*/, std::uint16_t /*code*/,
               std::string_view /*reason*/) noexcept override {}
    void on_player_joined(const PlayerSlot& /*slot*/, Connection /*connection*/) noexcept override {}
    void on_player_left(const PlayerSlot& /*slot*/, wire::LeftReason /*reason*/) noexcept override {}
};

class CountingTokens final : public TokenSource {
  public:
    ResumeToken next_token() noexcept override {
        ResumeToken token{};
        std::snprintf(token.data(), token.size(), "token%08u", ++count_);
        return token;
    }

  private:
    unsigned count_ = 0;
};

/// States of all players, in some versions; half of the bytes differ from one version to the next.
std::vector<std::vector<std::uint8_t>> make_versions(std::size_t player_count) {
    std::mt19937 random(1);
    std::vector<std::vector<std::uint8_t>> versions(version_count,
                                                    std::vector<std::uint8_t>(player_count * state_size));
    for (std::size_t index = 0; index < player_count * state_size; ++index) {
        for (auto& version : versions) {
            version[index] = static_cast<std::uint8_t>(index % 2 == 0 ? random() : index);
        }
    }
    return versions;
}

void run_ticks(benchmark::State& run) {
    const auto player_count = static_cast<std::size_t>(run.range(0));
    base::BufferPool pool{std::size_t{64} << 20};
    NullOutlet outlet;
    CountingTokens tokens;
    MatchCounters counters;
    MatchOptions options;
    options.player_count_max = 256;
    base::Time now{std::chrono::seconds(100)};
    {
        Match match("arena", options, now, pool, outlet, tokens, counters);
        std::vector<Member> members;
        for (std::uint32_t index = 0; index < player_count; ++index) {
            wire::Join join;
            join.name = "Ann";
            members.push_back(match.join({index, 1}, join, now).value());
        }
        const auto versions = make_versions(player_count);
        std::size_t version = 0;
        std::uint16_t seq = 0;
        for (auto _ : run) {
            const auto seen = static_cast<std::uint16_t>(match.tick_number());
            const base::Bytes states = versions[version++ % version_count];
            ++seq;
            for (std::size_t index = 0; index < player_count; ++index) {
                benchmark::DoNotOptimize(match.take_state(
                    members[index], {seq, seen, states.subspan(index * state_size, state_size)}, now));
            }
            now = match.next_tick_due();
            match.run_tick(now);
            match.finish_slot(now);
        }
        for (const Member member : members) {
            match.disconnect(member, Ending::left, now);
        }
    }
    run.SetItemsProcessed(run.iterations() * run.range(0));
    run.counters["skipped"] = static_cast<double>(counters.skipped_lagging + counters.skipped_busy);
}

void copy_twice(benchmark::State& run) {
    const auto player_count = static_cast<std::size_t>(run.range(0));
    const auto versions = make_versions(player_count);
    std::vector<std::uint8_t> held(player_count * state_size);
    std::vector<std::uint8_t> message(player_count * state_size);
    std::size_t version = 0;
    for (auto _ : run) {
        const auto& states = versions[version++ % version_count];
        for (std::size_t index = 0; index < player_count; ++index) {
            std::memcpy(&held[index * state_size], &states[index * state_size], state_size);
            benchmark::ClobberMemory();
        }
        std::memcpy(message.data(), held.data(), held.size());
        benchmark::ClobberMemory();
    }
    run.SetItemsProcessed(run.iterations() * run.range(0));
}

BENCHMARK(run_ticks)->Name("tick/run")->Arg(4)->Arg(16)->Arg(64)->Arg(200);
BENCHMARK(copy_twice)->Name("tick/memcpy")->Arg(4)->Arg(16)->Arg(64)->Arg(200);

}  // namespace
}  // namespace tickwire::match
