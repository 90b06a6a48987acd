// The files that the settings name: certificates, tokens, secrets, keys. Each error is one line that names
// the file.
#pragma once

#include <memory>
#include <string>
#include <tl/expected.hpp>
#include <vector>

#include "service/config.hpp"
#include "service/webhooks.hpp"
#include "ticket/key_set.hpp"
#include "tls/tls_engine.hpp"

namespace tickwire::service {

struct NamedFiles {
    std::shared_ptr<tls::TlsContext> certificates;      ///< null: none are named
    std::string admin_token;                            ///< empty: none is named
    WebhookSettings webhooks;                           ///< without URLs there is nobody to tell
    std::shared_ptr<const ticket::KeySet> ticket_keys;  ///< null: joining needs no ticket
};

/// All of them, or what is wrong with the first that is not good. `tickets` are the keys of TLS session
/// tickets that the certificates' contexts share; null: none.
tl::expected<NamedFiles, std::string> read_named_files(const ServeConfig& config,
                                                       const std::shared_ptr<tls::TicketKeys>& tickets);

/// Null where none are named, as the next.
tl::expected<std::shared_ptr<tls::TlsContext>, std::string> read_certificates(
    const ServeConfig& config, const std::shared_ptr<tls::TicketKeys>& tickets);
tl::expected<std::shared_ptr<const ticket::KeySet>, std::string> read_ticket_keys(
    const ServeConfig& config);

/// A line for each file with a secret that everybody on the machine may read or write: private keys,
/// secrets that sign, the admin token. Not refused: a mounted secret may have no other mode, in a folder
/// that does.
std::vector<std::string> exposed_secrets(const ServeConfig& config);

std::vector<std::string> certificate_paths(const ServeConfig& config);
std::vector<std::string> ticket_key_paths(const ServeConfig& config);

}  // namespace tickwire::service
