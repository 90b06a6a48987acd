#include "cli/ticket.hpp"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <CLI/CLI.hpp>
#include <cerrno>
#include <cstdio>
#include <cstring>
#include <ctime>
#include <memory>
#include <string>

#include "ticket/key_set.hpp"
#include "ticket/mint.hpp"
#include "wire/http.hpp"

namespace tickwire::cli {
namespace {

struct Given {
    std::string key_file;
    std::string key_id;
    std::string new_key;
    std::string role;
    std::int64_t lifetime_s = 3600;
    std::int64_t delay_s = 0;
    ticket::TicketText ticket;
};

constexpr int bad_option = 2;

int fail(const std::string& message) {
    std::fprintf(stderr, "tickwire: ticket: %s\n", message.c_str());
    return bad_option;
}

/// A file that was not there, and that only its owner reads. False where it cannot be had; errno says why.
bool write_new_file(const std::string& path, const std::string& text) {
    constexpr mode_t owner_only = S_IRUSR | S_IWUSR;
    const int file = ::open(path.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, owner_only);
    if (file < 0) {
        return false;
    }
    const bool is_written = ::write(file, text.data(), text.size()) == static_cast<ssize_t>(text.size());
    return ::close(file) == 0 && is_written;
}

int make_key(const Given& given) {
    const auto algorithm = ticket::algorithm_of(given.new_key);
    if (!algorithm) {
        return fail("--new-key is HS256, ES256 or EdDSA");
    }
    const ticket::Key key = ticket::Key::generate(*algorithm);
    const std::string public_file = given.key_file + ".pub";
    if (!write_new_file(given.key_file, key.private_text())) {
        return fail("cannot write " + given.key_file + ": " + std::strerror(errno));
    }
    if (!key.public_text().empty() && !write_new_file(public_file, key.public_text())) {
        return fail("cannot write " + public_file + ": " + std::strerror(errno));
    }
    std::printf("%s\n", key.public_text().empty() ? given.key_file.c_str() : public_file.c_str());
    return 0;
}

int mint(Given given) {
    if (!given.new_key.empty()) {
        return make_key(given);
    }
    ticket::TicketText& text = given.ticket;
    const std::string& match = text.match;
    const std::string name = match.ends_with('*') ? match.substr(0, match.size() - 1) : match;
    if (match.empty() || (!name.empty() && !wire::is_match_name(name))) {
        return fail("--match is the name of a match, or the beginning of one and *");
    }
    const auto key_text = ticket::read_small_file(given.key_file, ticket::KeySet::file_size_max);
    if (!key_text) {
        return fail(key_text.error());
    }
    const auto key = ticket::Key::from_signing_text(*key_text);
    if (!key) {
        return fail(given.key_file + ": " + key.error());
    }
    const std::int64_t now = ::time(nullptr);
    text.grant.expires = now + given.lifetime_s;
    text.not_before = given.delay_s == 0 ? 0 : now + given.delay_s;
    if (!given.role.empty()) {
        text.grant.role = given.role == "player" ? wire::Role::player : wire::Role::spectator;
    }
    if (text.grant.is_single_use && text.grant.id.empty()) {
        return fail("--single-use needs --id");
    }
    std::printf("%s\n", ticket::mint(*key, given.key_id, ticket::claims_of(text)).c_str());
    return 0;
}

}  // namespace

void add_ticket(CLI::App& app, int& exit_code) {
    CLI::App* const command =
        app.add_subcommand("ticket", "mint a ticket for development, or make a key to mint with");
    auto given = std::make_shared<Given>();
    ticket::TicketText& text = given->ticket;
    ticket::Grant& grant = text.grant;
    command
        ->add_option("--key", given->key_file,
                     "what signs: a private key in PEM (P-256, Ed25519), or a secret for HS256")
        ->required()
        ->type_name("FILE");
    command->add_option("--new-key", given->new_key,
                        "HS256, ES256 or EdDSA: makes that key in FILE, and its public half in FILE.pub");
    command->add_option("--kid", given->key_id, "the key's id, as `serve --ticket-key KID=FILE` has it");
    command->add_option("--match", text.match, "the match, or the beginning of its name and *");
    command->add_option("--expires-in", given->lifetime_s, "seconds (default 3600)")
        ->check(CLI::Range(-86'400, 315'360'000));
    command->add_option("--valid-in", given->delay_s, "seconds until it is good (default 0)")
        ->check(CLI::Range(0, 315'360'000));
    command->add_option("--audience", text.audience, "whom it is for");
    command->add_option("--role", given->role, "player or spectator")
        ->check(CLI::IsMember({"player", "spectator"}));
    command->add_option("--name", grant.name, "the member's name");
    command->add_option("--subject", grant.subject, "who it is, for the game's own server");
    command->add_flag("--host", grant.is_host, "becomes host when it joins or comes back");
    command->add_option("--state-bytes", grant.state_bytes, "size of its STATE messages")
        ->check(CLI::Range(6, 32'767));
    command->add_option("--event-bytes", grant.event_bytes, "size of its EVENT messages")
        ->check(CLI::Range(4, 65'535));
    command->add_option("--messages-per-second", grant.messages_per_second, "frames that it may send")
        ->check(CLI::Range(1, 100'000));
    command->add_option("--match-size", grant.match_size, "players of the match, if this opens it")
        ->check(CLI::Range(1, 65'535));
    command->add_option("--tick-hz", grant.tick_hz, "ticks per second of the match, if this opens it")
        ->check(CLI::Range(1, 128));
    command->add_option("--id", grant.id, "the ticket's own id, `jti`");
    command->add_flag("--single-use", grant.is_single_use, "good for one join; needs --id");
    command->callback([given, &exit_code] { exit_code = mint(*given); });
}

}  // namespace tickwire::cli
