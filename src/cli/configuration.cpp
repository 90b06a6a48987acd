#include "cli/configuration.hpp"

#include <CLI/CLI.hpp>
#include <cstdio>
#include <memory>
#include <string>

#include "service/config_sources.hpp"
#include "service/relay.hpp"

namespace tickwire::cli {

void add_configuration(CLI::App& app, int& exit_code) {
    CLI::App* const check = app.add_subcommand(
        "check-config", "say whether a configuration file is good, the files that it names included");
    auto file = std::make_shared<std::string>();
    check->add_option("file", *file, "a TOML file")->required()->type_name("FILE");
    check->callback([file, &exit_code] {
        const auto checked = service::check_config_file(*file);
        if (!checked) {
            std::fprintf(stderr, "tickwire: %s\n", checked.error().c_str());
            exit_code = service::exit_bad_setting;
            return;
        }
        for (const std::string& line : *checked) {
            std::fprintf(stderr, "tickwire: warning: %s\n", line.c_str());
        }
        std::printf("%s: good\n", file->c_str());
    });

    CLI::App* const reference = app.add_subcommand("reference", "print every setting, for the package");
    reference->require_subcommand(1);
    reference->add_subcommand("toml", "as a configuration file with the defaults")->callback([] {
        std::fputs(service::example_config().c_str(), stdout);
    });
    reference->add_subcommand("manual", "as a part of tickwire.toml(5)")->callback([] {
        std::fputs(service::settings_manual().c_str(), stdout);
    });
}

}  // namespace tickwire::cli
