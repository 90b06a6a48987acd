#include "shard/ticket_ledger.hpp"

namespace tickwire::shard {

TicketLedger::Verdict TicketLedger::take(std::string_view id, std::int64_t until, std::int64_t now) {
    while (!endings_.empty() && endings_.top().first <= now) {
        const auto found = used_.find(endings_.top().second);
        if (found != used_.end() && found->second <= now) {
            used_.erase(found);
        }
        endings_.pop();
    }
    if (used_.find(id) != used_.end()) {
        return Verdict::used;
    }
    if (endings_.size() >= count_max_) {
        return Verdict::full;
    }
    used_.emplace(id, until);
    endings_.emplace(until, std::string(id));
    return Verdict::taken;
}

void TicketLedger::give_back(std::string_view id) {
    if (const auto found = used_.find(id); found != used_.end()) {
        used_.erase(found);
    }
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
