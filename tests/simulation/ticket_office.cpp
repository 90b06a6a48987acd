#include "ticket_office.hpp"

#include "base/check.hpp"

namespace tickwire::simulation {
namespace {

/// Longer than any run, its jumps of the clock included.
constexpr std::int64_t validity_s = 1'000'000;
constexpr std::int64_t first_day = 1'750'000'000;

ticket::Key make_key(char filling) {
    return *ticket::Key::from_secret(std::string(ticket::secret_size_min, filling));
}

}  // namespace

TicketOffice::TicketOffice() : key_(make_key('k')) {
    auto keys = std::make_shared<ticket::KeySet>();
    base::check(keys->add("key", make_key('k')).has_value(), "TicketOffice: a key");
    keys_ = std::move(keys);
}

std::int64_t TicketOffice::unix_time() noexcept {
    return first_day + World::current().now().time_since_epoch() / std::chrono::seconds(1);
}

ticket::TicketText TicketOffice::text_for(const std::string& match) {
    ticket::TicketText text;
    text.match = match;
    text.grant.expires = unix_time() + validity_s;
    return text;
}

std::string TicketOffice::sign(const ticket::TicketText& text) const {
    return ticket::mint(key_, "key", ticket::claims_of(text));
}

std::string TicketOffice::make(Random& random, const std::string& match, wire::Role role,
                               const std::string& name) {
    ticket::TicketText text =
        text_for(random.chance(300) ? match.substr(0, match.size() - 1) + "*" : match);
    text.grant.subject = name;
    if (random.chance(300)) {
        text.grant.role = role;
    }
    if (random.chance(300)) {
        text.grant.name = name;
    }
    if (role == wire::Role::player && random.chance(50)) {
        text.grant.is_host = true;
    }
    if (random.chance(300)) {
        text.grant.is_single_use = true;
        text.grant.id = "ticket-" + std::to_string(++count_);
    }
    std::string ticket = sign(text);
    if (text.grant.is_single_use) {
        single_use_.insert(ticket);
    }
    return ticket;
}

void TicketOffice::note_spent(const std::string& ticket) {
    if (single_use_.erase(ticket) != 0) {
        spent_.push_back(ticket);
    }
}

const std::array<TicketOffice::Forgery, 7>& TicketOffice::forgeries() noexcept {
    static const std::array<Forgery, 7> forgeries{{
        {"no ticket", [](TicketOffice&, const std::string&, Random&) { return std::string(); }},
        {"a spent ticket, or none",
         [](TicketOffice& office, const std::string&, Random& random) {
             return office.spent_.empty() ? "" : office.spent_[random.below(office.spent_.size())];
         }},
        {"a ticket for another match",
         [](TicketOffice& office, const std::string& match, Random&) {
             const std::string another = match + "x";
             return office.sign(text_for(another));
         }},
        {"an old ticket",
         [](TicketOffice& office, const std::string& match, Random&) {
             ticket::TicketText text = text_for(match);
             text.grant.expires = unix_time() - ticket::leeway_s - 1;
             return office.sign(text);
         }},
        {"a ticket for later",
         [](TicketOffice& office, const std::string& match, Random&) {
             ticket::TicketText text = text_for(match);
             text.not_before = unix_time() + validity_s / 2;
             return office.sign(text);
         }},
        {"a ticket of another's making",
         [](TicketOffice&, const std::string& match, Random&) {
             return ticket::mint(make_key('x'), "key", ticket::claims_of(text_for(match)));
         }},
        {"half a ticket",
         [](TicketOffice& office, const std::string& match, Random&) {
             const std::string token = office.sign(text_for(match));
             return token.substr(0, token.size() / 2);
         }},
    }};
    return forgeries;
}

}  // namespace tickwire::simulation
