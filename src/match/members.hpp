// The members of a match: one record for each connection in it.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <memory>
#include <vector>

#include "base/block_vector.hpp"
#include "base/check.hpp"
#include "match/event_log.hpp"
#include "match/freshness.hpp"
#include "match/match.hpp"

namespace tickwire::match {

enum class MemberKind : std::uint8_t {
    none,       ///< the record is free
    player,     ///< of the game lane
    spectator,  ///< of the game lane
    plain,      ///< a player of the plain lane
};

struct MemberRecord {
    /// Where a member reads that has not been welcomed: the log holds nothing for it.
    static constexpr LogPosition not_welcomed = std::numeric_limits<LogPosition>::max();

    MemberKind kind = MemberKind::none;
    PlayerNumber player = protocol::nobody;
    Connection connection;
    LogPosition cursor = not_welcomed;

    std::uint8_t class_index = 0;
    std::uint8_t asked_divisor = 1;
    std::uint8_t shed_divisor = 1;  ///< of a spectator whose shard is late
    bool is_visible = true;
    bool is_synced = false;          ///< has the baselines of its class
    bool is_keyframe_due = true;     ///< at its next tick
    bool is_keyframe_asked = false;  ///< at its next tick from keyframe_allowed on

    // Being on a list outlives the member: whoever gets the record next inherits the place.
    bool is_on_waiting_list = false;
    bool is_on_pong_list = false;
    bool has_pong = false;
    std::uint32_t pong_client_time = 0;

    base::Time keyframe_allowed = base::Time::min();  ///< one that it asks for
    LinkDivisor link;
    LinkGauge gauge;
    std::unique_ptr<const wire::Limits> own_limits;  ///< of a spectator's ticket; a player's are its slot's

    bool is_game_lane() const noexcept {
        return kind == MemberKind::player || kind == MemberKind::spectator;
    }
};

/// Lives in its match. Records are reused; a Member is an index.
class MemberTable {
  public:
    /// `record`'s places on lists are those of the record that it gets.
    Member add(MemberRecord record);
    void remove(Member member) noexcept;

    /// Stops the process for a member that the match has forgotten.
    MemberRecord& operator[](Member member) noexcept {
        base::check(member < records_.size() && records_[member].kind != MemberKind::none,
                    "a member of the match");
        return records_[member];
    }
    const MemberRecord& operator[](Member member) const noexcept {
        return const_cast<MemberTable&>(*this)[member];
    }

    /// Every record, free ones too.
    base::BlockVector<MemberRecord>& records() noexcept { return records_; }
    const base::BlockVector<MemberRecord>& records() const noexcept { return records_; }
    std::size_t size() const noexcept { return records_.size(); }
    std::uint32_t count() const noexcept { return count_; }
    std::uint32_t count(MemberKind kind) const noexcept { return counts_[static_cast<std::size_t>(kind)]; }

  private:
    base::BlockVector<MemberRecord>
        records_;  ///< of 19,000 spectators a copy would hold twice their memory
    std::vector<Member> free_;
    std::uint32_t count_ = 0;
    std::array<std::uint32_t, 4> counts_{};
};

}  // namespace tickwire::match
