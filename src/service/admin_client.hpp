// The other end of the admin interface: for the command line's `reload`, `status` and `drain`.
#pragma once

#include <string>
#include <tl/expected.hpp>

namespace tickwire::service {

/// Where a relay's admin interface is: what is empty is taken from the configuration file, and without one
/// from where the Debian package puts it.
struct AdminTarget {
    std::string config_file;
    std::string address;
    std::string token_file;
};

struct AdminCall {
    std::string method;
    std::string path;
};

/// The answer's body; or one line that says what is wrong: the relay's own words where it refused.
tl::expected<std::string, std::string> call_admin(const AdminTarget& target, const AdminCall& call);

}  // namespace tickwire::service
