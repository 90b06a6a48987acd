#include "match/shared_frames.hpp"

#include <cstring>
#include <utility>

#include "tickwire/websocket.hpp"

namespace tickwire::match {

SharedFrames::SharedFrames(base::BufferPool& pool) : pool_(pool) {
    entries_.reserve(entry_count_max);
}

SharedFrames::Frames SharedFrames::find_or_encode(Key key, const EventLog& log, const RateClass& rate_class,
                                                  const TickEncoder& tick) noexcept {
    for (const Entry& entry : entries_) {
        if (entry.key == key) {
            return entry.frames;
        }
    }
    base::Bytes tick_payload;
    if (key.content != TickContent::none) {
        const base::SharedBuffer& payload = payload_for(key, rate_class, tick);
        if (!payload) {
            return {};
        }
        tick_payload = payload.bytes();
    }
    Frames frames = encode(key.cursor, log, tick_payload);
    if (!frames.buffer) {
        return {};
    }
    if (entries_.size() < entry_count_max) {
        entries_.push_back({key, frames});
    } else {
        entries_[next_to_replace_++ % entry_count_max] = {key, frames};
    }
    return frames;
}

const base::SharedBuffer& SharedFrames::payload_for(const Key& key, const RateClass& rate_class,
                                                    const TickEncoder& tick) noexcept {
    if (key.content == TickContent::keyframe) {
        if (!keyframe_) {
            keyframe_ = tick.encode_keyframe();
        }
        return keyframe_;
    }
    base::SharedBuffer& delta = deltas_[key.class_index];
    if (!delta) {
        delta = tick.encode_delta(rate_class);
    }
    return delta;
}

SharedFrames::Frames SharedFrames::encode(LogPosition cursor, const EventLog& log,
                                          base::Bytes tick_payload) noexcept {
    // What is for one member alone is never behind the cursor of that member: it was served at once.
    const Audience everybody;
    std::size_t size =
        tick_payload.empty() ? 0 : websocket::server_header_size(tick_payload.size()) + tick_payload.size();
    std::uint32_t count = tick_payload.empty() ? 0 : 1;
    LogPosition position = cursor;
    while (const auto run = log.next_run(position, everybody)) {
        ++count;
        size += websocket::server_header_size(run->payload_size) + run->payload_size;
    }
    base::SharedBuffer frames = base::SharedBuffer::create(pool_, size);
    if (!frames) {
        return {};
    }
    std::uint8_t* to = frames.room().data();
    position = cursor;
    while (const auto run = log.next_run(position, everybody)) {
        to += websocket::encode_server_header(run->opcode, run->payload_size, to);
        log.write_run(*run, everybody, to);
        to += run->payload_size;
    }
    if (!tick_payload.empty()) {
        to += websocket::encode_server_header(websocket::Opcode::binary, tick_payload.size(), to);
        std::memcpy(to, tick_payload.data(), tick_payload.size());
    }
    frames.set_size(size);
    return {std::move(frames), count};
}

void SharedFrames::clear() noexcept {
    entries_.clear();
    keyframe_ = {};
    for (base::SharedBuffer& delta : deltas_) {
        delta = {};
    }
}

}  // namespace tickwire::match
