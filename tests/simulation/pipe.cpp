#include "pipe.hpp"

#include <algorithm>
#include <cstring>

#include "base/check.hpp"

namespace tickwire::simulation {

void Pipe::write(base::Bytes bytes, Segment segment) {
    if (bytes.empty()) {
        return;
    }
    bytes_.insert(bytes_.end(), bytes.begin(), bytes.end());
    written_ += bytes.size();
    last_readable_at_ = std::max(last_readable_at_, segment.readable_at);
    segment.readable_at = last_readable_at_;
    segment.end = written_;
    segments_.push_back(segment);
}

std::size_t Pipe::readable(base::Time now) const noexcept {
    std::uint64_t end = read_;
    for (const Segment& segment : segments_) {
        if (segment.readable_at > now) {
            break;
        }
        end = std::max(end, segment.end);
    }
    return static_cast<std::size_t>(end - read_);
}

void Pipe::read(std::size_t count, std::uint8_t* to) noexcept {
    base::check(count <= in_transit(), "Pipe: bytes that are there");
    if (count != 0) {
        std::memcpy(to, bytes_.data() + unread_begin_, count);
    }
    unread_begin_ += count;
    read_ += count;
    if (unread_begin_ > 65536 || unread_begin_ == bytes_.size()) {
        bytes_.erase(bytes_.begin(), bytes_.begin() + static_cast<std::ptrdiff_t>(unread_begin_));
        unread_begin_ = 0;
    }
}

void Pipe::truncate(std::uint64_t end) noexcept {
    base::check(end >= read_ && end <= written_, "Pipe: a cut among unread bytes");
    bytes_.resize(bytes_.size() - static_cast<std::size_t>(written_ - end));
    written_ = end;
    for (Segment& segment : segments_) {
        segment.end = std::min(segment.end, end);
    }
}

const Pipe::Segment& Pipe::segment_of(std::uint64_t offset) const noexcept {
    const auto found =
        std::partition_point(segments_.begin(), segments_.end(),
                             [offset](const Segment& segment) { return segment.end <= offset; });
    base::check(found != segments_.end(), "Pipe: a segment that was not forgotten");
    return *found;
}

void Pipe::forget_before(std::uint64_t offset) noexcept {
    while (!segments_.empty() && segments_.front().end <= offset && segments_.front().end <= read_) {
        segments_.pop_front();
    }
}

}  // namespace tickwire::simulation
