#include "report.hpp"

#include <unistd.h>

#include <csignal>
#include <cstdio>
#include <cstdlib>

#if defined(__SANITIZE_ADDRESS__)
#define TICKWIRE_HAS_ASAN 1
#elif defined(__has_feature)
#if __has_feature(address_sanitizer)
#define TICKWIRE_HAS_ASAN 1
#endif
#endif
#ifdef TICKWIRE_HAS_ASAN
#include <sanitizer/common_interface_defs.h>
#endif

namespace tickwire::simulation {
namespace {

constexpr base::Time run_begin(std::chrono::seconds(1000));
std::string the_command;
std::uint64_t the_seed = 0;
base::Time the_time = run_begin;

void print_failure(const char* what) {
    const auto elapsed_us = (the_time - run_begin).count() / 1000;
    std::fflush(stdout);
    std::fprintf(stderr, "seed %llu failed at %lld.%06lld s: %s\nrepeat with: %s %llu\n",
                 static_cast<unsigned long long>(the_seed), static_cast<long long>(elapsed_us / 1'000'000),
                 static_cast<long long>(elapsed_us % 1'000'000), what, the_command.c_str(),
                 static_cast<unsigned long long>(the_seed));
}

extern "C" void on_abort(int /*signal*/) {
    print_failure("the relay stopped itself (see above)");
    ::_exit(1);
}

#ifdef TICKWIRE_HAS_ASAN
void on_sanitizer_death() {
    print_failure("a sanitizer stopped it (see above)");
}
#endif

}  // namespace

void report_aborts(std::string command) {
    the_command = std::move(command);
    std::signal(SIGABRT, on_abort);
#ifdef TICKWIRE_HAS_ASAN
    __sanitizer_set_death_callback(on_sanitizer_death);
#else
    std::signal(SIGSEGV, on_abort);  // broken memory may end it so, before any check sees it
#endif
}

void report_seed(std::uint64_t seed) noexcept {
    the_seed = seed;
    the_time = run_begin;
}

void report_time(base::Time now) noexcept {
    the_time = now;
}

void report_failure(const std::string& what) {
    print_failure(what.c_str());
    ::_exit(1);
}

}  // namespace tickwire::simulation
