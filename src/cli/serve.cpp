#include "cli/serve.hpp"

#include <CLI/CLI.hpp>
#include <cstdio>
#include <memory>
#include <string>
#include <vector>

#include "service/config.hpp"
#include "service/relay.hpp"

namespace tickwire::cli {
namespace {

/// What the command line gave, by the row of the settings' table. It is applied after the file.
struct Given {
    std::string config_file;
    std::vector<std::vector<std::string>> values;
};

int serve(const Given& given) {
    service::ServeConfig config;
    const auto fail = [](const std::string& message) {
        std::fprintf(stderr, "tickwire: %s\n", message.c_str());
        return service::exit_bad_setting;
    };
    if (!given.config_file.empty()) {
        if (const auto loaded = service::load_config_file(given.config_file, config); !loaded) {
            return fail(loaded.error());
        }
    }
    for (std::size_t row = 0; row < given.values.size(); ++row) {
        const service::Setting& setting = service::settings()[row];
        if (setting.kind == service::SettingKind::list && !given.values[row].empty()) {
            setting.clear(config);
        }
        for (const std::string& value : given.values[row]) {
            if (const auto done = setting.set(config, value); !done) {
                return fail("--" + std::string(setting.name) + ": " + done.error());
            }
        }
    }
    if (const auto checked = service::check_config(config); !checked) {
        return fail(checked.error());
    }
    return service::run_relay(config);
}

}  // namespace

void add_serve(CLI::App& app, int& exit_code) {
    CLI::App* const command = app.add_subcommand("serve", "run the relay");
    auto given = std::make_shared<Given>();
    given->values.resize(service::settings().size());
    command->add_option("--config", given->config_file, "settings from a TOML file; the command line wins")
        ->type_name("FILE");
    for (std::size_t row = 0; row < service::settings().size(); ++row) {
        const service::Setting& setting = service::settings()[row];
        const std::string option = "--" + std::string(setting.name);
        if (setting.kind == service::SettingKind::flag) {
            command->add_flag_callback(
                option, [given, row] { given->values[row] = {"true"}; }, std::string(setting.help));
            continue;
        }
        CLI::Option* const added =
            command->add_option(option, given->values[row], std::string(setting.help));
        added->type_name(std::string(setting.value_name))->expected(1)->allow_extra_args(false);
        added->multi_option_policy(setting.kind == service::SettingKind::list
                                       ? CLI::MultiOptionPolicy::TakeAll
                                       : CLI::MultiOptionPolicy::TakeLast);
    }
    command->callback([given, &exit_code] { exit_code = serve(*given); });
}

}  // namespace tickwire::cli
