#include "cli/serve.hpp"

#include <CLI/CLI.hpp>
#include <cstdio>
#include <memory>
#include <string>

#include "service/config_sources.hpp"
#include "service/relay.hpp"

namespace tickwire::cli {
namespace {

struct Given {
    service::ConfigSources sources;
    bool is_print_only = false;
};

int fail(const std::string& message) {
    std::fprintf(stderr, "tickwire: %s\n", message.c_str());
    return service::exit_bad_setting;
}

int serve(Given& given) {
    given.sources.environment = service::process_environment();
    const auto resolved = service::resolve_config(given.sources);
    if (!resolved) {
        return fail(resolved.error());
    }
    if (given.is_print_only) {
        std::fputs(service::print_config(*resolved).c_str(), stdout);
        return service::exit_done;
    }
    return service::run_relay(given.sources, *resolved);
}

}  // namespace

void add_serve(CLI::App& app, int& exit_code) {
    CLI::App* const command = app.add_subcommand("serve", "run the relay");
    auto given = std::make_shared<Given>();
    given->sources.command_line.resize(service::settings().size());
    command
        ->add_option("--config", given->sources.file,
                     "settings from a TOML file; the environment and the command line win")
        ->type_name("FILE");
    command->add_flag("--print-config", given->is_print_only,
                      "print the settings and where each comes from, and end");
    std::vector<std::pair<std::size_t, CLI::Option*>> flags;  // by the setting's row
    for (std::size_t row = 0; row < service::settings().size(); ++row) {
        const service::Setting& setting = service::settings()[row];
        const std::string option = "--" + std::string(setting.name);
        std::string help(setting.help);
        if (setting.kind == service::SettingKind::flag) {
            // `--demo=false` takes back what the file or the environment says; the last one counts.
            const std::string& description = help;  // not const it would be a variable for the result
            flags.emplace_back(row, command->add_flag(option, description)
                                        ->multi_option_policy(CLI::MultiOptionPolicy::TakeLast));
            continue;
        }
        if (!setting.default_text.empty()) {
            help += " (default: " + std::string(setting.default_text) + ")";
        }
        CLI::Option* const added = command->add_option(option, given->sources.command_line[row], help);
        added->type_name(std::string(setting.value_name))->expected(1)->allow_extra_args(false);
        added->multi_option_policy(setting.kind == service::SettingKind::list
                                       ? CLI::MultiOptionPolicy::TakeAll
                                       : CLI::MultiOptionPolicy::TakeLast);
    }
    command->callback([given, flags, &exit_code] {
        for (const auto& [row, flag] : flags) {
            if (flag->count() != 0) {
                given->sources.command_line[row] = {flag->results().back()};
            }
        }
        exit_code = serve(*given);
    });
}

}  // namespace tickwire::cli
