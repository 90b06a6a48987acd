// `tickwire check-config` and `tickwire reference`: settings without a relay.
#pragma once

namespace CLI {
class App;
}

namespace tickwire::cli {

/// Adds the subcommands. When one was chosen, `exit_code` holds what main() returns.
void add_configuration(CLI::App& app, int& exit_code);

}  // namespace tickwire::cli
