// `tickwire serve`: the relay.
#pragma once

namespace CLI {
class App;
}

namespace tickwire::cli {

/// Adds the subcommand. When it was chosen, `exit_code` holds what main() returns.
void add_serve(CLI::App& app, int& exit_code);

}  // namespace tickwire::cli
