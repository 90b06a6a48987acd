// The load generator: one thread, one ring, as many members as asked for, in slots as the relay's own.
#pragma once

#include <string>
#include <tl/expected.hpp>

#include "swarm/options.hpp"
#include "swarm/report.hpp"

namespace tickwire::swarm {

/// Tells how a run goes, a line at a time.
class Progress {
  public:
    virtual void on_line(const std::string& line) = 0;

  protected:
    ~Progress() = default;
};

/// Connects, joins, warms up, measures, lets the last states arrive, checks, and leaves. The error is one
/// line: no ring, no TLS, or nobody could join.
tl::expected<Report, std::string> run_swarm(const SwarmOptions& options, Progress& progress);

}  // namespace tickwire::swarm
