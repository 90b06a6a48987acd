#include "shard/address_ledger.hpp"

#include <algorithm>

#include "base/check.hpp"

namespace tickwire::shard {
namespace {

constexpr base::Duration second = std::chrono::seconds(1);
/// Entries looked at for each call: more than one call can leave behind.
constexpr int forgotten_per_call = 4;

}  // namespace

bool AddressLedger::take_token(Entry& entry, base::Time now) const noexcept {
    if (limits_.rate_per_second == 0) {
        return true;
    }
    const base::Time full_at = std::max(entry.full_at, now) + second / limits_.rate_per_second;
    if (full_at - now > second) {
        return false;
    }
    entry.full_at = full_at;
    return true;
}

AddressVerdict AddressLedger::take(base::AddressKey address, base::Time now) {
    if (address == 0) {
        return AddressVerdict::admitted;
    }
    forget_settled(now);
    Entry& entry = entries_[address];
    AddressVerdict verdict = AddressVerdict::admitted;
    if (!take_token(entry, now)) {
        verdict = AddressVerdict::too_fast;
    } else if (limits_.count_max != 0 && entry.count >= limits_.count_max) {
        verdict = AddressVerdict::too_many;
    } else {
        ++entry.count;
    }
    settle(address, entry, now);
    return verdict;
}

void AddressLedger::release(base::AddressKey address, base::Time now) {
    const auto found = entries_.find(address);
    if (found == entries_.end()) {
        return;
    }
    base::check(found->second.count != 0, "AddressLedger: a connection that was counted");
    --found->second.count;
    settle(address, found->second, now);
    forget_settled(now);
}

/// An address without connections waits for its bucket.
void AddressLedger::settle(base::AddressKey address, Entry& entry, base::Time now) {
    if (entry.count == 0 && !entry.is_lingering) {
        entry.is_lingering = true;
        lingering_.push_back({address, std::max(entry.full_at, now)});
    }
}

void AddressLedger::forget_settled(base::Time now) {
    for (int count = 0; count < forgotten_per_call && !lingering_.empty(); ++count) {
        const Lingering first = lingering_.front();
        if (first.until > now) {
            return;
        }
        lingering_.pop_front();
        const auto found = entries_.find(first.address);
        found->second.is_lingering = false;
        if (found->second.count != 0) {
            continue;
        }
        if (found->second.full_at > now) {
            settle(first.address, found->second, now);  // it came back meanwhile, and went
        } else {
            entries_.erase(found);
        }
    }
}

}  // namespace tickwire::shard
