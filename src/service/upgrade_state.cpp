#include "service/upgrade_state.hpp"

#include <openssl/evp.h>

#include <algorithm>
#include <array>
#include <functional>
#include <string_view>
#include <unordered_set>
#include <utility>

#include "base/byte_sink.hpp"
#include "base/check.hpp"
#include "ticket/grant.hpp"

namespace tickwire::service {
namespace {

using base::ByteReader;
using base::Bytes;
using base::ByteSink;

// magic 8 | version u32 | zero u32 | body size u64 | SHA-256 of the body 32
constexpr std::string_view magic = "tickwire";
constexpr std::size_t digest_size = 32;
constexpr std::size_t header_size = 8 + 4 + 4 + 8 + digest_size;
constexpr base::Duration key_age_max = std::chrono::hours(24 * 366);

using Digest = std::array<std::uint8_t, digest_size>;

Digest digest_of(Bytes bytes) {
    Digest digest;
    base::check(EVP_Digest(bytes.data(), bytes.size(), digest.data(), nullptr, EVP_sha256(), nullptr) == 1,
                "SHA-256 is there");
    return digest;
}

void put_key(const tls::TicketKeys::Key& key, ByteSink& sink) {
    sink.put_bytes(key.name);
    sink.put_bytes(key.cipher);
    sink.put_bytes(key.mac);
}

void take_key(ByteReader& reader, tls::TicketKeys::Key& key) {
    const auto take = [&](auto& to) { std::ranges::copy(reader.take_bytes(to.size()), to.begin()); };
    take(key.name);
    take(key.cipher);
    take(key.mac);
}

/// The body, if the header says of it what is true.
tl::expected<Bytes, std::string> check_header(Bytes bytes) {
    ByteReader reader(bytes);
    const Bytes begin = reader.take_bytes(magic.size());
    const auto version = reader.take<std::uint32_t>();
    const auto reserved = reader.take<std::uint32_t>();
    const auto body_size = reader.take<std::uint64_t>();
    const Bytes digest = reader.take_bytes(digest_size);
    if (reader.overran() || base::as_text(begin) != magic || reserved != 0) {
        return tl::unexpected(std::string("it is not tickwire's"));
    }
    if (version != upgrade_state_version) {
        return tl::unexpected("it is of version " + std::to_string(version) + ", this is " +
                              std::to_string(upgrade_state_version));
    }
    if (reader.rest().size() != body_size) {
        return tl::unexpected("it should have " + std::to_string(body_size) + " bytes and has " +
                              std::to_string(reader.rest().size()));
    }
    if (!std::ranges::equal(digest_of(reader.rest()), digest)) {
        return tl::unexpected(std::string("its checksum is wrong"));
    }
    return reader.rest();
}

bool decode_common(ByteReader& reader, CommonState& common) {
    take_key(reader, common.session_ticket_keys.current);
    take_key(reader, common.session_ticket_keys.previous);
    common.session_ticket_key_age = base::Duration(reader.take<std::int64_t>());
    for (auto count = reader.take<std::uint32_t>(); count != 0 && !reader.overran(); --count) {
        const auto until = reader.take<std::int64_t>();
        const Bytes id = base::take_sized(reader);
        if (id.empty() || id.size() > ticket::id_size_max) {
            return false;
        }
        common.used_tickets.push_back({std::string(base::as_text(id)), until});
    }
    return !reader.overran() && common.session_ticket_key_age >= base::Duration(0) &&
           common.session_ticket_key_age <= key_age_max;
}

}  // namespace

std::vector<std::uint8_t> encode_upgrade_state(const CommonState& common,
                                               const std::vector<std::vector<std::uint8_t>>& matches) {
    std::vector<std::uint8_t> bytes(header_size);
    ByteSink sink(bytes);
    put_key(common.session_ticket_keys.current, sink);
    put_key(common.session_ticket_keys.previous, sink);
    sink.put(static_cast<std::int64_t>(common.session_ticket_key_age.count()));
    sink.put(static_cast<std::uint32_t>(common.used_tickets.size()));
    for (const shard::UsedTicket& used : common.used_tickets) {
        sink.put(used.until);
        sink.put_sized(used.id);
    }
    sink.put(static_cast<std::uint32_t>(matches.size()));
    for (const std::vector<std::uint8_t>& match : matches) {
        sink.put_sized(match);
    }
    const Bytes body = Bytes(bytes).subspan(header_size);
    const Digest digest = digest_of(body);
    base::ByteWriter header(base::MutableBytes(bytes).first(header_size));
    header.put_bytes(base::as_bytes(magic));
    header.put(upgrade_state_version);
    header.put(std::uint32_t{0});
    header.put(std::uint64_t{body.size()});
    header.put_bytes(digest);
    return bytes;
}

Dropped drop_for_room(std::vector<std::vector<std::uint8_t>>& matches, std::size_t excess, base::Time now) {
    wire::ControlParser parser;
    const auto decode = [&](std::size_t index) {
        auto match = match::decode_snapshot(matches[index], now, parser);
        base::check(match.has_value(), "a snapshot of our own");
        return std::move(*match);
    };
    const auto encode_without_log = [&decode](std::size_t index) {
        match::MatchSnapshot match = decode(index);
        match.events.clear();
        match.newest_dropped_event = match.newest_event;
        std::vector<std::uint8_t> bytes;
        encode_snapshot(match, bytes);
        return bytes;
    };
    // Memory is short when this is needed: nothing is held of a match but this, and those that are to be
    // changed are encoded twice.
    struct Candidate {
        std::size_t index;
        std::size_t gain;
    };
    std::vector<Candidate> candidates;
    for (std::size_t index = 0; index < matches.size(); ++index) {
        candidates.push_back({index, matches[index].size() - encode_without_log(index).size()});
    }
    Dropped dropped;
    std::ranges::sort(candidates, std::greater<>(), &Candidate::gain);
    for (const auto [index, gain] : candidates) {
        if (excess == 0 || gain == 0) {
            break;
        }
        matches[index] = encode_without_log(index);
        excess -= std::min(excess, gain);
        ++dropped.log_count;
    }
    std::ranges::sort(candidates, std::greater<>(),
                      [&matches](const Candidate& candidate) { return matches[candidate.index].size(); });
    for (const auto [index, gain] : candidates) {
        if (excess == 0) {
            break;
        }
        dropped.matches.push_back(decode(index).name);
        // With the u32 that says how long it is.
        excess -= std::min(excess, matches[index].size() + sizeof(std::uint32_t));
        matches[index].clear();
    }
    std::erase_if(matches, [](const auto& match) { return match.empty(); });
    return dropped;
}

tl::expected<UpgradeState, std::string> decode_upgrade_state(Bytes bytes, base::Time now) {
    const auto body = check_header(bytes);
    if (!body) {
        return tl::unexpected(body.error());
    }
    ByteReader reader(*body);
    UpgradeState state;
    if (!decode_common(reader, state.common)) {
        return tl::unexpected(std::string("its keys or used tickets cannot be read"));
    }
    wire::ControlParser parser;
    std::unordered_set<std::string> names;
    for (auto count = reader.take<std::uint32_t>(); count != 0; --count) {
        auto match = match::decode_snapshot(base::take_sized(reader), now, parser);
        if (!match) {
            return tl::unexpected("a match cannot be read: " + std::string(match.error()));
        }
        if (!names.insert(match->name).second) {
            return tl::unexpected(std::string("a match is in it twice"));
        }
        state.player_count += match->slots.size();
        state.matches.push_back(std::move(*match));
    }
    if (reader.overran() || !reader.rest().empty()) {
        return tl::unexpected(std::string("its matches do not fill it"));
    }
    return state;
}

}  // namespace tickwire::service
