// The log's way to members: what happened is logged once, and each member is served from there.
#include <algorithm>

#include "base/bugs.hpp"
#include "match/implementation.hpp"
#include "wire/utf8.hpp"

namespace tickwire::match {

using websocket::Opcode;

void Match::Implementation::announce() {
    // Who resumes learns from `welcome`, so JSON is only for those who are here.
    if (members.count(MemberKind::player) + members.count(MemberKind::spectator) != 0) {
        make_room(json.size());
        log.append_control(json);
    }
}

void Match::Implementation::tell(MemberRecord& record) {
    materialise(record);
    outlet.queue_frame(record.connection, Opcode::text, base::as_bytes(json));
}

void Match::Implementation::make_room(std::size_t message_size) noexcept {
    const LogPosition tail = log.tail_after(message_size);
    if (tail <= cursor_floor) {
        return;
    }
    // A quarter of the ring further, so that a full ring does not mean a walk for every message.
    const LogPosition floor = std::min(tail + log.capacity() / 4, log.head());
    for (MemberRecord& record : members.records()) {
        if (record.is_game_lane() && record.cursor < floor) {
            materialise(record);
        }
    }
    cursor_floor = floor;
}

void Match::Implementation::materialise(MemberRecord& record) noexcept {
    if (record.cursor >= log.head()) {
        return;
    }
    queue_log(record.connection, record.cursor, {.player = record.player});
    if (!base::bug(base::Bug::event_twice)) {
        record.cursor = log.head();
    }
}

void Match::Implementation::queue_log(Connection connection, LogPosition from,
                                      const Audience& audience) noexcept {
    std::size_t payload_max = EventLog::run_size_max;
    while (const auto run = log.next_run(from, audience, payload_max)) {
        if (run->entry_count == 1) {
            outlet.queue_frame(connection, run->opcode, log.payload_of_one(*run));
            continue;
        }
        const base::MutableBytes scratch = pool.take(run->payload_size);
        if (scratch.empty()) {
            // No room to join them: they go one by one, straight from the ring.
            from = run->begin;
            payload_max = 0;
            continue;
        }
        log.write_run(*run, audience, scratch.data());
        outlet.queue_frame(connection, run->opcode, scratch.first(run->payload_size));
        pool.release(scratch);
    }
}

void Match::Implementation::send_plain(PlayerNumber addressee, protocol::Kind kind,
                                       base::Bytes body) noexcept {
    if (plain.empty() || kind.purpose != protocol::Purpose::event) {
        return;
    }
    // Nobody has looked into the body of an EVENT: as a text frame it must not break its receivers.
    const Opcode opcode = kind.is_text && wire::is_valid_utf8(body) ? Opcode::text : Opcode::binary;
    for (const Member member : plain) {
        const MemberRecord& record = members[member];
        if (addressee == protocol::nobody || addressee == record.player) {
            outlet.queue_frame(record.connection, opcode, body);
        }
    }
}

}  // namespace tickwire::match
