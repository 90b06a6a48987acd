#include "match/members.hpp"

#include <utility>

namespace tickwire::match {

Member MemberTable::add(MemberRecord record) {
    Member member = static_cast<Member>(records_.size());
    if (free_.empty()) {
        records_.grow();
    } else {
        member = free_.back();
        free_.pop_back();
    }
    MemberRecord& held = records_[member];
    record.is_on_waiting_list = held.is_on_waiting_list;
    record.is_on_pong_list = held.is_on_pong_list;
    ++count_;
    ++counts_[static_cast<std::size_t>(record.kind)];
    held = std::move(record);
    return member;
}

void MemberTable::remove(Member member) noexcept {
    MemberRecord& record = (*this)[member];
    --count_;
    --counts_[static_cast<std::size_t>(record.kind)];
    record.kind = MemberKind::none;
    record.has_pong = false;
    record.gauge = LinkGauge();
    record.cursor = MemberRecord::not_welcomed;
    free_.push_back(member);
}

}  // namespace tickwire::match
