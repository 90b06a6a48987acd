// The simulator: simulator --seeds N [--first S] [--bug NAME] [--verbose]
//
// Runs N seeds one after the other and prints a line for each with --verbose, and one for all. The first
// failure ends it with exit code 1, the seed, the virtual time, what broke, and the command that repeats
// it.
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <string>
#include <string_view>
#include <vector>

#include "base/bugs.hpp"
#include "report.hpp"
#include "simulation.hpp"
#include "tls/record_allocator.hpp"

namespace {

using tickwire::simulation::Outcome;

struct Arguments {
    std::uint64_t seed_count = 20;
    std::uint64_t first_seed = 1;
    std::string bug;
    bool is_verbose = false;
};

[[noreturn]] void refuse(const char* why) {
    std::fprintf(stderr, "simulator: %s\nusage: simulator --seeds N [--first S] [--bug NAME] [--verbose]\n",
                 why);
    std::exit(2);
}

Arguments parse_arguments(int count, char** values) {
    Arguments arguments;
    for (int index = 1; index < count; ++index) {
        const std::string_view name = values[index];
        if (name == "--verbose") {
            arguments.is_verbose = true;
            continue;
        }
        if (index + 1 == count) {
            refuse("an option without its value");
        }
        const char* const value = values[++index];
        if (name == "--seeds") {
            arguments.seed_count = std::strtoull(value, nullptr, 10);
        } else if (name == "--first") {
            arguments.first_seed = std::strtoull(value, nullptr, 10);
        } else if (name == "--bug") {
            arguments.bug = value;
        } else {
            refuse("an unknown option");
        }
    }
    return arguments;
}

#ifdef TICKWIRE_BUGS
using tickwire::base::Bug;

struct NamedBug {
    const char* name;
    Bug bug;
};
constexpr NamedBug named_bugs[] = {
    {"stale_baseline", Bug::stale_baseline},
    {"replay_off_by_one", Bug::replay_off_by_one},
    {"seen_wrap", Bug::seen_wrap},
    {"keyframe_lost_on_divisor_change", Bug::keyframe_lost_on_divisor_change},
    {"event_twice", Bug::event_twice},
    {"host_epoch_not_raised", Bug::host_epoch_not_raised},
    {"slot_reused_early", Bug::slot_reused_early},
    {"partial_send_restarted", Bug::partial_send_restarted},
    {"buffer_returned_twice", Bug::buffer_returned_twice},
    {"pipelined_bytes_lost", Bug::pipelined_bytes_lost},
    {"upgrade_forgets_events_taken", Bug::upgrade_forgets_events_taken},
    {"lag_forgiven", Bug::lag_forgiven},
    {"replay_refused", Bug::replay_refused},
    {"slot_ended_early", Bug::slot_ended_early},
};

void switch_on(const std::string& name) {
    for (const NamedBug& named : named_bugs) {
        if (name == named.name) {
            tickwire::base::active_bug = named.bug;
            return;
        }
    }
    refuse("no such bug");
}
#else
void switch_on(const std::string& /*name*/) {
    refuse("bugs are compiled in with -Dbugs=true alone");
}
#endif

}  // namespace

int main(int count, char** values) {
    const Arguments arguments = parse_arguments(count, values);
    if (!tickwire::tls::install_record_allocator()) {
        refuse("OpenSSL has allocated before its allocator was there");
    }
    std::string command = values[0];
    if (!arguments.bug.empty()) {
        switch_on(arguments.bug);
        command += " --bug " + arguments.bug;
    }
    tickwire::simulation::report_aborts(command + " --seeds 1 --first");
    Outcome sum{};
    for (std::uint64_t seed = arguments.first_seed; seed < arguments.first_seed + arguments.seed_count;
         ++seed) {
        tickwire::simulation::report_seed(seed);
        tickwire::simulation::Simulation simulation(seed);
        const Outcome outcome = simulation.run();
        if (arguments.is_verbose) {
            std::printf(
                "seed %llu: hash %016llx, %llu clients, %llu ticks, %llu events, %llu resumes, "
                "%llu replays, %llu moves, %llu passes, "
                "%llu skips, %llu handshakes, %llu tickets, %llu deferrals, %llu restarts\n",
                static_cast<unsigned long long>(seed), static_cast<unsigned long long>(outcome.hash),
                static_cast<unsigned long long>(outcome.client_count),
                static_cast<unsigned long long>(outcome.tick_messages),
                static_cast<unsigned long long>(outcome.events),
                static_cast<unsigned long long>(outcome.resumes),
                static_cast<unsigned long long>(outcome.replays),
                static_cast<unsigned long long>(outcome.moves),
                static_cast<unsigned long long>(outcome.passes),
                static_cast<unsigned long long>(outcome.skips),
                static_cast<unsigned long long>(outcome.handshakes),
                static_cast<unsigned long long>(outcome.tickets),
                static_cast<unsigned long long>(outcome.deferrals),
                static_cast<unsigned long long>(outcome.restarts));
            std::fflush(stdout);
        }
        sum.hash = sum.hash * 31 + outcome.hash;
        sum.client_count += outcome.client_count;
        sum.tick_messages += outcome.tick_messages;
        sum.events += outcome.events;
        sum.resumes += outcome.resumes;
    }
    std::printf("%llu seeds, hash %016llx: %llu clients, %llu ticks, %llu events, %llu resumes\n",
                static_cast<unsigned long long>(arguments.seed_count),
                static_cast<unsigned long long>(sum.hash),
                static_cast<unsigned long long>(sum.client_count),
                static_cast<unsigned long long>(sum.tick_messages),
                static_cast<unsigned long long>(sum.events), static_cast<unsigned long long>(sum.resumes));
    return 0;
}
