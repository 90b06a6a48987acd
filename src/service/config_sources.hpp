// Where settings come from, and which wins: the defaults, the file, the environment, the command line, each
// over the one before it. Kept for the life of the process, so that a reload asks the same places again.
#pragma once

#include <string>
#include <string_view>
#include <tl/expected.hpp>
#include <vector>

#include "service/config.hpp"

namespace tickwire::service {

/// `NAME=value` as the process was started with.
std::vector<std::string> process_environment();

struct ConfigSources {
    std::string file;                                    ///< empty: none
    std::vector<std::string> environment;                ///< other programs' variables are passed over
    std::vector<std::vector<std::string>> command_line;  ///< by the row of settings(); may be empty
};

/// What came of one setting.
struct SettingValue {
    std::vector<std::string> texts;  ///< empty: the default
    std::string origin;              ///< `default`, `relay.toml:12`, `TICKWIRE_LOG_LEVEL`, `--log-level`
};

struct ResolvedConfig {
    ServeConfig config;
    std::vector<SettingValue> values;  ///< by the row of settings()
};

/// Reads and checks all of it. The error is one line: where it stands (file and line), which key, what is
/// wrong, what is allowed, and for an unknown name the nearest known one.
tl::expected<ResolvedConfig, std::string> resolve_config(const ConfigSources& sources);

/// The settings in force after a reload: the changed ones that need no restart, and the old ones.
struct ReloadedConfig {
    ResolvedConfig resolved;
    std::vector<std::string> changed;        ///< names that are in force now
    std::vector<std::string> needs_restart;  ///< names whose change is not
};
tl::expected<ReloadedConfig, std::string> merge_reload(const ResolvedConfig& old_config,
                                                       const ResolvedConfig& new_config);

/// The settings as a file that would give them again, each with where it comes from.
std::string print_config(const ResolvedConfig& resolved);
/// A file in which every setting stands with its explanation and its default, all commented out.
std::string example_config();
/// The settings as the body of a manual page.
std::string settings_manual();

}  // namespace tickwire::service
