// `tickwire reload`, `drain` and `status`: what an operator asks of a running relay, through its admin
// interface.
#pragma once

namespace CLI {
class App;
}

namespace tickwire::cli {

/// Adds the subcommands. When one was chosen, `exit_code` holds what main() returns: 1 where the relay
/// could not be reached or refused.
void add_operate(CLI::App& app, int& exit_code);

}  // namespace tickwire::cli
