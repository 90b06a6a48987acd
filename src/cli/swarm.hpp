// `tickwire swarm`: the load generator.
#pragma once

namespace CLI {
class App;
}

namespace tickwire::cli {

/// Adds the subcommand. When it was chosen, `exit_code` holds what main() returns: 0, 1 where a check
/// failed or nobody could join, 2 for a bad option.
void add_swarm(CLI::App& app, int& exit_code);

}  // namespace tickwire::cli
