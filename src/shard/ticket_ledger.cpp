#include "shard/ticket_ledger.hpp"

namespace tickwire::shard {

TicketLedger::Verdict TicketLedger::take(std::string_view id, std::int64_t until, std::int64_t now) {
    while (!endings_.empty() && endings_.begin()->first < now) {
        forget(used_.find(endings_.begin()->second));
    }
    if (used_.find(id) != used_.end()) {
        return Verdict::used;
    }
    if (used_.size() >= count_max_) {
        return Verdict::full;
    }
    remember(id, until);
    return Verdict::taken;
}

void TicketLedger::restore(const UsedTicket& used) {
    remember(used.id, used.until);
}

void TicketLedger::remember(std::string_view id, std::int64_t until) {
    if (const auto [ticket, is_new] = used_.emplace(id, until); is_new) {
        endings_.emplace(until, ticket->first);
    }
}

void TicketLedger::give_back(std::string_view id) {
    if (const auto ticket = used_.find(id); ticket != used_.end()) {
        forget(ticket);
    }
}

void TicketLedger::forget(Used::iterator ticket) {
    endings_.erase({ticket->second, ticket->first});
    used_.erase(ticket);
}

std::vector<UsedTicket> TicketLedger::list(std::int64_t now) const {
    std::vector<UsedTicket> used;
    for (const auto& [id, until] : used_) {
        if (until > now) {
            used.push_back({id, until});
        }
    }
    return used;
}

}  // namespace tickwire::shard
