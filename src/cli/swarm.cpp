#include "cli/swarm.hpp"

#include <CLI/CLI.hpp>
#include <cstdio>
#include <map>
#include <memory>
#include <string>

#include "swarm/swarm.hpp"

namespace tickwire::cli {
namespace {

struct Given {
    swarm::SwarmOptions options;
    bool is_random = false;
    bool is_locked = false;
    bool is_insecure = false;
    bool is_own_target = false;
    bool is_json = false;
};

/// What a run may be at most: it is a test and no weapon.
constexpr std::uint32_t connection_count_max = 100'000;
constexpr std::uint32_t state_size_max = 32'761;  // of a STATE message without its header

const std::map<std::string, swarm::Protocol> protocols{{"game", swarm::Protocol::game},
                                                       {"neutral", swarm::Protocol::neutral},
                                                       {"socket-io", swarm::Protocol::socket_io},
                                                       {"colyseus", swarm::Protocol::colyseus},
                                                       {"bare", swarm::Protocol::bare}};

class StandardError final : public swarm::Progress {
  public:
    void on_line(const std::string& line) override { std::fprintf(stderr, "swarm: %s\n", line.c_str()); }
};

int fail(int code, const std::string& message) {
    std::fprintf(stderr, "tickwire: swarm: %s\n", message.c_str());
    return code;
}

int run(Given given) {
    constexpr int bad_option = 2;
    swarm::SwarmOptions& options = given.options;
    auto target = swarm::parse_target(options.url);
    if (!target) {
        return fail(bad_option, target.error());
    }
    options.target = *target;
    if (!options.target.is_loopback && !given.is_own_target) {
        return fail(bad_option,
                    options.url + " is not this machine: give --i-own-this-target if you may load it");
    }
    const std::uint64_t connection_count =
        std::uint64_t{options.match_count} * options.player_count + options.spectator_count;
    if (connection_count == 0 || connection_count > connection_count_max) {
        return fail(bad_option, std::to_string(connection_count) + " connections: 1 to " +
                                    std::to_string(connection_count_max) + " can be had");
    }
    if (options.protocol != swarm::Protocol::game) {
        options.event_rate = 0;  // there are none
        if (given.is_locked) {
            return fail(bad_option, "--phase-lock needs what only --protocol game tells");
        }
        if (options.cut_every != 0 || options.comes_back) {
            return fail(bad_option, "only members of --protocol game can come back");
        }
    }
    options.movement.content = given.is_random ? swarm::Content::random : swarm::Content::movement;
    options.phases = given.is_locked ? swarm::Phases::locked : swarm::Phases::spread;
    options.trust = given.is_insecure ? swarm::Trust::anything : swarm::Trust::system_roots;

    StandardError progress;
    const auto report = swarm::run_swarm(options, progress);
    if (!report) {
        return fail(1, report.error());
    }
    std::fputs((given.is_json ? swarm::as_json(*report) : swarm::as_table(*report)).c_str(), stdout);
    if (report->is_bottleneck()) {
        std::fprintf(stderr,
                     "\n*** THE SWARM WAS THE BOTTLENECK: its CPU %.0f %%, %llu of %llu sends late.\n"
                     "*** The figures of this run say nothing about the relay.\n",
                     100 * report->cpu_share(), static_cast<unsigned long long>(report->sends_late),
                     static_cast<unsigned long long>(report->seen.states_sent));
    }
    return report->is_ok() ? 0 : 1;
}

}  // namespace

void add_swarm(CLI::App& app, int& exit_code) {
    CLI::App* const command =
        app.add_subcommand("swarm", "load a relay with members that check what they get");
    auto given = std::make_shared<Given>();
    swarm::SwarmOptions& options = given->options;
    command
        ->add_option("url", options.url, "ws://HOST:PORT, wss://HOST:PORT, ws+unix:PATH or tcp://HOST:PORT")
        ->required();
    command
        ->add_option("--protocol", options.protocol,
                     "what the server speaks: game (default), neutral, socket-io, colyseus, bare")
        ->transform(CLI::CheckedTransformer(protocols));
    command->add_option("--frame-bytes", options.frame_size, "size of a bare server's frames (default 868)")
        ->check(CLI::Range(1, 1 << 20));
    command->add_option("--matches", options.match_count, "matches (default 1)")
        ->check(CLI::Range(1, 20'000));
    command->add_option("--players", options.player_count, "players in each match (default 16)")
        ->check(CLI::Range(0, 65'535));
    command->add_option("--spectators", options.spectator_count, "members that only join, over all matches")
        ->check(CLI::Range(0, 100'000));
    command->add_option("--hz", options.movement.hz, "states a second from each player (default 30)")
        ->check(CLI::Range(1, 240));
    command->add_option("--bytes", options.state_size, "size of a state (default 48)")
        ->check(CLI::Range(std::uint32_t{0}, state_size_max));
    command->add_flag("--random", given->is_random,
                      "random states, which no delta can shrink, from all players");
    command->add_option("--events", options.event_rate, "events a second from each player (default 0.1)")
        ->check(CLI::Range(0.0, 100.0));
    command->add_flag("--idle", options.is_idle, "players send neither states nor events");
    command->add_flag("--phase-lock", given->is_locked,
                      "send just before the tick, as a game's client does");
    command->add_option("--slow-every", options.slow_every,
                        "one member in so many reads only twice a second (0: none)");
    command->add_option(
        "--cut-every", options.cut_every,
        "one member in so many loses its connection every two seconds, and resumes (0: none)");
    command->add_flag("--come-back", options.comes_back,
                      "members whose connection ends resume, and must be whom they were: for restarts");
    command->add_option("--warmup", options.warmup_s, "seconds before measuring (default 3)")
        ->check(CLI::Range(0.0, 600.0));
    command->add_option("--seconds", options.measured_s, "seconds of measuring (default 20)")
        ->check(CLI::Range(0.1, 3600.0));
    command->add_option("--ramp", options.connections_per_second, "connections a second (default 2000)")
        ->check(CLI::Range(1, 20'000));
    command->add_option("--slot-us", options.slot_us, "microseconds between wake-ups (default 1000)")
        ->check(CLI::Range(100, 10'000));
    command->add_option("--seed", options.movement.seed, "of what the members send (default 1)");
    command
        ->add_option("--match-prefix", options.match_prefix,
                     "matches are PREFIX0, PREFIX1, … (default swarm-)")
        ->check([](const std::string& prefix) {
            const bool is_fine = prefix.size() <= 58 && prefix.find_first_not_of(
                                                            "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklm"
                                                            "nopqrstuvwxyz0123456789._~-") == prefix.npos;
            return is_fine ? std::string() : std::string("at most 58 characters of A-Z a-z 0-9 . _ ~ -");
        });
    command->add_flag("--insecure", given->is_insecure, "trust any certificate");
    command->add_flag("--i-own-this-target", given->is_own_target,
                      "allows a target that is not this machine");
    command->add_flag("--json", given->is_json, "one JSON object on standard output");
    command->callback([given, &exit_code] { exit_code = run(*given); });
}

}  // namespace tickwire::cli
