#include "cli/operate.hpp"

#include <CLI/CLI.hpp>
#include <cstdint>
#include <cstdio>
#include <memory>
#include <string>

#include "service/admin_client.hpp"
#include "service/http_text.hpp"
#include "service/relay.hpp"

namespace tickwire::cli {
namespace {

struct Given {
    service::AdminTarget target;
    std::uint32_t timeout_s = 300;
    std::uint32_t window_s = 10;
    std::string url;
};

int call(const Given& given, const service::AdminCall& call) {
    const auto answer = service::call_admin(given.target, call);
    if (!answer) {
        std::fprintf(stderr, "tickwire: %s\n", answer.error().c_str());
        return 1;
    }
    std::fputs(answer->c_str(), stdout);
    return service::exit_done;
}

CLI::App* add_command(CLI::App& app, const std::shared_ptr<Given>& given, const char* name,
                      const char* help) {
    CLI::App* const command = app.add_subcommand(name, help);
    command
        ->add_option("--config", given->target.config_file,
                     "the relay's configuration file, which says where its admin interface is")
        ->type_name("FILE");
    command->add_option("--admin", given->target.address, "the admin interface: ADDR:PORT or unix:PATH")
        ->type_name("ADDR:PORT");
    command->add_option("--token-file", given->target.token_file, "a file with its bearer token")
        ->type_name("FILE");
    return command;
}

}  // namespace

void add_operate(CLI::App& app, int& exit_code) {
    auto given = std::make_shared<Given>();
    add_command(app, given, "reload",
                "have a running relay read its settings again, and wait for the result")
        ->callback([given, &exit_code] {
            exit_code = call(*given, {"POST", "/v1/reload"});
        });
    add_command(app, given, "status", "print how a running relay is, as JSON")
        ->callback([given, &exit_code] {
            exit_code = call(*given, {"GET", "/v1/status"});
        });
    add_command(app, given, "ready", "say whether a running relay takes new matches, for health checks")
        ->callback([given, &exit_code] {
            exit_code = call(*given, {"GET", "/readyz"});
        });
    CLI::App* const drain = add_command(
        app, given, "drain", "have a running relay take no new matches, and end with its last one");
    drain->add_option("--timeout", given->timeout_s, "seconds after which matches are ended (default 300)")
        ->check(CLI::Range(0, 86400));
    drain
        ->add_option("--window", given->window_s,
                     "seconds over which members are told to come back (default 10)")
        ->check(CLI::Range(0, 3600));
    drain->add_option("--url", given->url, "where members are told to go (default: here)")
        ->type_name("URL");
    drain->callback([given, &exit_code] {
        exit_code = call(*given, {"POST", "/v1/drain?timeout=" + std::to_string(given->timeout_s) +
                                              "&window=" + std::to_string(given->window_s) +
                                              "&url=" + service::percent_encode(given->url)});
    });
}

}  // namespace tickwire::cli
