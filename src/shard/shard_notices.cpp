// What a shard tells the service of its matches and their players, where somebody wants to know.
#include <string>

#include "base/heap_trap.hpp"
#include "shard/shard.hpp"

namespace tickwire::shard {

void Shard::on_player_joined(const match::PlayerSlot& slot, match::Connection connection) noexcept {
    if (setting_.notices == nullptr) {
        return;
    }
    Notice notice;
    notice.kind = Notice::Kind::player_joined;
    if (const Connection* const found = connections_.find(connection); found != nullptr) {
        notice.peer = found->peer;
    }
    notify(notice, slot);
}

void Shard::on_player_left(const match::PlayerSlot& slot, wire::LeftReason reason) noexcept {
    if (setting_.notices == nullptr) {
        return;
    }
    Notice notice;
    notice.kind = Notice::Kind::player_left;
    notice.reason = reason;
    notify(notice, slot);
}

void Shard::notify(Notice& notice, const match::PlayerSlot& slot) noexcept {
    const base::HeapAllowed joining_and_leaving_allocate;  // the room's name, to look for it
    if (const MatchRoom* const room = rooms_.find(find_room(slot.match)); room != nullptr) {
        notice.opening = room->opening;
    }
    notice.match.set(slot.match);
    notice.player = slot.player;
    notice.is_plain = slot.is_plain;
    notice.name.set(slot.name);
    notice.subject.set(slot.subject);
    put_notice(notice);
}

void Shard::notify(Notice::Kind kind, const MatchRoom& room) noexcept {
    if (setting_.notices == nullptr) {
        return;
    }
    Notice notice;
    notice.kind = kind;
    notice.opening = room.opening;
    notice.match.set(room.match->name());
    put_notice(notice);
}

void Shard::put_notice(Notice& notice) noexcept {
    notice.at = now_;
    counters_.notices_lost += setting_.notices->put(notice) ? 0U : 1U;
}

}  // namespace tickwire::shard
