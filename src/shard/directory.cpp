#include "shard/directory.hpp"

#include <algorithm>

#include "base/check.hpp"

namespace tickwire::shard {
namespace {

/// So many more in flight are worth the way through a mailbox, which costs a fortieth of a handshake.
constexpr std::uint32_t handshakes_apart = 4;
constexpr std::uint32_t loads_apart_permille = 100;

}  // namespace

Directory::Directory(std::uint32_t shard_count, const DirectoryLimits& limits)
    : shards_(shard_count),
      addresses_(limits.address),
      openers_({.count_max = limits.matches_per_address_max}),
      tickets_(limits.used_ticket_count_max),
      connection_count_max_(limits.connection_count_max),
      match_count_max_(limits.match_count_max),
      memory_max_(limits.memory_max) {}

void Directory::change_limits(const DirectoryLimits& limits) {
    memory_max_.store(limits.memory_max, std::memory_order_relaxed);
    const std::lock_guard lock(mutex_);
    addresses_.set_limits(limits.address);
    openers_.set_limits({.count_max = limits.matches_per_address_max});
    tickets_.set_count_max(limits.used_ticket_count_max);
}

/// Loads that are hardly apart are the same, so that an idle machine spreads matches by their number.
std::uint32_t Directory::least_loaded_shard() const noexcept {
    const auto load_of = [this](std::uint32_t shard) {
        return shards_[shard].play_permille.load(std::memory_order_relaxed);
    };
    std::uint32_t least = load_of(0);
    for (std::uint32_t index = 1; index < shards_.size(); ++index) {
        least = std::min(least, load_of(index));
    }
    std::uint32_t best = shard_count();
    for (std::uint32_t index = 0; index < shards_.size(); ++index) {
        if (load_of(index) <= least + loads_apart_permille &&
            (best == shard_count() || shards_[index].match_count < shards_[best].match_count)) {
            best = index;
        }
    }
    return best == shard_count() ? 0 : best;  // all have become busier since
}

std::uint32_t Directory::place(std::string_view match) {
    const std::lock_guard lock(mutex_);
    const auto found = entries_.find(match);
    if (found != entries_.end()) {
        ++found->second.reference_count;
        return found->second.shard;
    }
    if (entries_.size() >= match_count_max_ || is_draining()) {
        return shard_count();
    }
    const std::uint32_t shard = least_loaded_shard();
    entries_.emplace(std::string(match), Entry{shard, 1});
    ++shards_[shard].match_count;
    return shard;
}

void Directory::retain(std::string_view match) {
    const std::lock_guard lock(mutex_);
    const auto found = entries_.find(match);
    base::check(found != entries_.end(), "Directory: retain of a match that is held");
    ++found->second.reference_count;
}

void Directory::release(std::string_view match) {
    const std::lock_guard lock(mutex_);
    const auto found = entries_.find(match);
    base::check(found != entries_.end(), "Directory: release of a match that is held");
    if (--found->second.reference_count == 0) {
        --shards_[found->second.shard].match_count;
        entries_.erase(found);
    }
}

std::uint32_t Directory::shard_of(std::string_view match) const {
    const std::lock_guard lock(mutex_);
    const auto found = entries_.find(match);
    base::check(found != entries_.end(), "Directory: the shard of a match that is held");
    return found->second.shard;
}

std::optional<std::uint32_t> Directory::find(std::string_view match) const {
    const std::lock_guard lock(mutex_);
    const auto found = entries_.find(match);
    return found == entries_.end() ? std::nullopt : std::optional(found->second.shard);
}

Admission Directory::admit_connection(base::AddressKey address, base::Time now) {
    const std::uint32_t before = connection_count_.fetch_add(1, std::memory_order_relaxed);
    if (before >= connection_count_max_) {
        return Admission::over_connections;
    }
    if (const std::uint64_t bound = memory_max(); bound != 0 && memory_in_use() >= bound) {
        return Admission::over_memory;
    }
    return charge_address(address, now);
}

Admission Directory::charge_address(base::AddressKey address, base::Time now) {
    if (address == 0) {
        return Admission::admitted;
    }
    const std::lock_guard lock(mutex_);
    switch (addresses_.take(address, now)) {
        case AddressVerdict::admitted:
            return Admission::admitted;
        case AddressVerdict::too_many:
            return Admission::over_address_count;
        case AddressVerdict::too_fast:
            return Admission::over_address_rate;
    }
    return Admission::admitted;
}

void Directory::release_connection(base::AddressKey address, base::Time now) {
    connection_count_.fetch_sub(1, std::memory_order_relaxed);
    release_address(address, now);
}

void Directory::release_address(base::AddressKey address, base::Time now) {
    if (address != 0) {
        const std::lock_guard lock(mutex_);
        addresses_.release(address, now);
    }
}

bool Directory::charge_match(base::AddressKey opener, base::Time now) {
    const std::lock_guard lock(mutex_);
    return openers_.take(opener, now) == AddressVerdict::admitted;
}

void Directory::release_match(base::AddressKey opener, base::Time now) {
    const std::lock_guard lock(mutex_);
    openers_.release(opener, now);
}

TicketLedger::Verdict Directory::use_ticket(std::string_view id, std::int64_t until, std::int64_t now) {
    const std::lock_guard lock(mutex_);
    return tickets_.take(id, until, now);
}

void Directory::give_ticket_back(std::string_view id) {
    const std::lock_guard lock(mutex_);
    tickets_.give_back(id);
}

std::vector<UsedTicket> Directory::used_tickets(std::int64_t now) const {
    const std::lock_guard lock(mutex_);
    return tickets_.list(now);
}

void Directory::restore_used_ticket(const UsedTicket& used) {
    const std::lock_guard lock(mutex_);
    tickets_.restore(used);
}

std::size_t Directory::used_ticket_count() const {
    const std::lock_guard lock(mutex_);
    return tickets_.count();
}

void Directory::report_memory(std::uint32_t shard, std::int64_t bytes) noexcept {
    shards_[shard].memory_bytes.store(bytes, std::memory_order_relaxed);
}

std::uint64_t Directory::memory_in_use() const noexcept {
    std::int64_t sum = 0;
    for (const ShardLoad& shard : shards_) {
        sum += shard.memory_bytes.load(std::memory_order_relaxed);
    }
    return sum > 0 ? static_cast<std::uint64_t>(sum) : 0;
}

void Directory::report_load(std::uint32_t shard, Load load) noexcept {
    shards_[shard].load_permille.store(load.permille, std::memory_order_relaxed);
    shards_[shard].play_permille.store(load.play_permille, std::memory_order_relaxed);
}

std::uint32_t Directory::choose_for_handshake(std::uint32_t shard, bool is_full) noexcept {
    std::uint32_t chosen = shard;
    std::uint32_t fewest = shards_[shard].handshake_count.load(std::memory_order_relaxed);
    if (!is_full) {
        fewest -= std::min(fewest, handshakes_apart);
    }
    for (std::uint32_t index = 0; index < shards_.size(); ++index) {
        const std::uint32_t count = shards_[index].handshake_count.load(std::memory_order_relaxed);
        if (count < fewest) {
            fewest = count;
            chosen = index;
        }
    }
    shards_[chosen].handshake_count.fetch_add(1, std::memory_order_relaxed);
    return chosen;
}

void Directory::end_handshake(std::uint32_t shard) noexcept {
    shards_[shard].handshake_count.fetch_sub(1, std::memory_order_relaxed);
}

std::uint32_t Directory::match_count() const {
    const std::lock_guard lock(mutex_);
    return static_cast<std::uint32_t>(entries_.size());
}

}  // namespace tickwire::shard
