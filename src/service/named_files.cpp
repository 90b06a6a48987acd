#include "service/named_files.hpp"

#include <sys/stat.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <chrono>
#include <cstring>
#include <fstream>
#include <utility>

#include "service/admin.hpp"
#include "ticket/key_form.hpp"

namespace tickwire::service {
namespace {

ticket::KeySources key_sources(const ServeConfig& config) {
    ticket::KeySources sources;
    for (const std::string& pair : config.ticket_key) {
        const std::size_t equals = pair.find('=');
        sources.files.push_back({pair.substr(0, equals), pair.substr(equals + 1)});
    }
    sources.jwks_files = config.ticket_jwks;
    return sources;
}

/// The error is one line; without URLs there is nothing to read.
tl::expected<WebhookSettings, std::string> webhook_settings(const ServeConfig& config) {
    WebhookSettings settings;
    for (const std::string& url : config.webhook_url) {
        settings.urls.push_back(*WebhookUrl::parse(url));
    }
    if (!settings.urls.empty()) {
        auto secret = read_token(config.webhook_secret_file);
        if (!secret) {
            return tl::unexpected(std::move(secret.error()));
        }
        settings.secret = std::move(*secret);
    }
    if (!config.webhook_ca_file.empty() && !std::ifstream(config.webhook_ca_file)) {
        return tl::unexpected("cannot read " + config.webhook_ca_file + ": " + std::strerror(errno));
    }
    settings.ca_file = config.webhook_ca_file;
    settings.timeout =
        std::chrono::duration_cast<std::chrono::milliseconds>(to_duration(config.webhook_timeout_s));
    settings.retry_count = config.webhook_retries;
    settings.queue_max = config.webhook_queue;
    return settings;
}

}  // namespace

tl::expected<std::shared_ptr<tls::TlsContext>, std::string> read_certificates(
    const ServeConfig& config, const std::shared_ptr<tls::TicketKeys>& tickets) {
    std::vector<tls::TlsContext::Files> files;
    for (std::size_t index = 0; index < config.certificate.size(); ++index) {
        files.push_back({config.certificate[index], config.key[index]});
    }
    if (files.empty()) {
        return std::shared_ptr<tls::TlsContext>();
    }
    return tls::TlsContext::for_server(files, tickets);
}

tl::expected<std::shared_ptr<const ticket::KeySet>, std::string> read_ticket_keys(
    const ServeConfig& config) {
    const ticket::KeySources sources = key_sources(config);
    if (sources.is_empty()) {
        return std::shared_ptr<const ticket::KeySet>();
    }
    return ticket::KeySet::load(sources);
}

tl::expected<NamedFiles, std::string> read_named_files(const ServeConfig& config,
                                                       const std::shared_ptr<tls::TicketKeys>& tickets) {
    NamedFiles files;
    auto certificates = read_certificates(config, tickets);
    if (!certificates) {
        return tl::unexpected(std::move(certificates.error()));
    }
    files.certificates = std::move(*certificates);
    if (!config.admin_token_file.empty()) {
        auto token = read_token(config.admin_token_file);
        if (!token) {
            return tl::unexpected(std::move(token.error()));
        }
        files.admin_token = std::move(*token);
    }
    auto webhooks = webhook_settings(config);
    if (!webhooks) {
        return tl::unexpected(std::move(webhooks.error()));
    }
    files.webhooks = std::move(*webhooks);
    auto keys = read_ticket_keys(config);
    if (!keys) {
        return tl::unexpected(std::move(keys.error()));
    }
    files.ticket_keys = std::move(*keys);
    return files;
}

std::vector<std::string> exposed_secrets(const ServeConfig& config) {
    std::vector<std::string> paths = config.key;
    paths.push_back(config.admin_token_file);
    paths.push_back(config.webhook_secret_file);
    // Of what verifies tickets, only a secret is one: who has it can sign.
    for (const std::string& path : ticket_key_paths(config)) {
        const auto text = ticket::read_small_file(path, ticket::KeySet::file_size_max);
        if (!text) {
            continue;
        }
        const ticket::KeyForm form = ticket::form_of(*text);
        if (form == ticket::KeyForm::secret ||
            (form == ticket::KeyForm::json && text->find("\"oct\"") != text->npos)) {
            paths.push_back(path);
        }
    }
    std::vector<std::string> lines;
    for (const std::string& path : paths) {
        // Two settings may name one file.
        const bool is_known = std::ranges::any_of(
            lines, [&path](const std::string& line) { return line.starts_with(path + " holds"); });
        struct stat status {};
        if (!path.empty() && !is_known && ::stat(path.c_str(), &status) == 0 && S_ISREG(status.st_mode) &&
            (status.st_mode & (S_IROTH | S_IWOTH)) != 0) {
            std::array<char, 8> mode{};
            std::snprintf(mode.data(), mode.size(), "%04o", status.st_mode & 07777U);
            lines.push_back(path + " holds a secret, and everybody may read or write it (mode " +
                            mode.data() + "): chmod o-rwx");
        }
    }
    return lines;
}

std::vector<std::string> certificate_paths(const ServeConfig& config) {
    std::vector<std::string> paths = config.certificate;
    paths.insert(paths.end(), config.key.begin(), config.key.end());
    return paths;
}

std::vector<std::string> ticket_key_paths(const ServeConfig& config) {
    const ticket::KeySources sources = key_sources(config);
    std::vector<std::string> paths = sources.jwks_files;
    for (const ticket::KeySources::File& file : sources.files) {
        paths.push_back(file.path);
    }
    return paths;
}

}  // namespace tickwire::service
