// tickwire: one program, one subcommand for each thing it does.
#include <CLI/CLI.hpp>
#include <cstdio>
#include <cstdlib>
#include <exception>

#include "cli/configuration.hpp"
#include "cli/operate.hpp"
#include "cli/serve.hpp"
#include "cli/swarm.hpp"
#include "cli/ticket.hpp"
#include "service/relay.hpp"
#include "tls/record_allocator.hpp"

namespace {

/// Before the constructors of shared libraries: one of them may let OpenSSL allocate, and after that no
/// allocator can be installed. Where it fails, TLS only allocates for each record.
void install_allocator(int /*argument_count*/, char** /*arguments*/, char** /*environment*/) {
    static_cast<void>(tickwire::tls::install_record_allocator());
}
[[gnu::section(".preinit_array"), gnu::used]] void (*const before_constructors)(int, char**,
                                                                                char**) = install_allocator;

int run(int argument_count, char** arguments) {
    CLI::App app("tickwire: a relay for real-time multiplayer games in browsers");
    app.set_version_flag("--version", "tickwire " TICKWIRE_VERSION);
    app.require_subcommand(1);
    int exit_code = 0;
    tickwire::cli::add_serve(app, exit_code);
    tickwire::cli::add_swarm(app, exit_code);
    tickwire::cli::add_ticket(app, exit_code);
    tickwire::cli::add_configuration(app, exit_code);
    tickwire::cli::add_operate(app, exit_code);
    try {
        app.parse(argument_count, arguments);
    } catch (const CLI::ParseError& error) {
        if (error.get_exit_code() == 0) {
            return app.exit(error);  // help and version
        }
        std::fprintf(stderr, "tickwire: %s\n", error.what());
        return tickwire::service::exit_bad_setting;
    }
    return exit_code;
}

}  // namespace

int main(int argument_count, char** arguments) {
    try {
        return run(argument_count, arguments);
    } catch (const std::exception& error) {
        std::fprintf(stderr, "tickwire: %s\n", error.what());
        return EXIT_FAILURE;
    }
}
