// The admin interface: HTTP on listeners of its own and threads of its own. It asks shards through their
// doors and never touches what is theirs.
#pragma once

#include <memory>
#include <string>
#include <tl/expected.hpp>
#include <vector>

#include "service/http_server.hpp"
#include "service/listeners.hpp"
#include "service/operations.hpp"

namespace tickwire::service {

/// Started when the shards accept, ended before they stop.
class Admin {
  public:
    /// `token`: what a bearer must show; empty: nothing, where only this machine reaches the listeners.
    static std::unique_ptr<Admin> start(const std::vector<Listeners::Admin>& listeners,
                                        const std::string& token, Operations& operations);
    ~Admin();
    Admin(const Admin&) = delete;
    Admin& operator=(const Admin&) = delete;

  private:
    class Server;
    Admin() = default;
    HttpServer::Counters counters_;  ///< of all listeners
    std::vector<std::unique_ptr<Server>> servers_;
};

/// The token in a file, without the white space around it; or one line that says what is wrong.
tl::expected<std::string, std::string> read_token(const std::string& file);

}  // namespace tickwire::service
