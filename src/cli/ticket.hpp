// `tickwire ticket`: mints a ticket for development, or makes a key to mint with.
#pragma once

namespace CLI {
class App;
}

namespace tickwire::cli {

void add_ticket(CLI::App& app, int& exit_code);

}  // namespace tickwire::cli
