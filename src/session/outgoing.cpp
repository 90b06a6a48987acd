#include "session/outgoing.hpp"

#include <cstring>
#include <utility>

#include "base/bugs.hpp"

namespace tickwire::session {

base::MutableBytes ByteQueue::room(std::size_t size, websocket::BufferSource& source) noexcept {
    if (capacity_ - used_ < size) {
        const base::MutableBytes grown = source.resize({start_, capacity_}, used_, used_ + size);
        if (grown.empty()) {
            return {};
        }
        start_ = grown.data();
        capacity_ = static_cast<std::uint32_t>(grown.size());
    }
    return {start_ + used_, capacity_ - used_};
}

bool ByteQueue::append(base::Bytes bytes, websocket::BufferSource& source) noexcept {
    if (bytes.empty()) {
        return true;
    }
    const base::MutableBytes free = room(bytes.size(), source);
    if (free.empty()) {
        return false;
    }
    std::memcpy(free.data(), bytes.data(), bytes.size());
    commit(bytes.size());
    return true;
}

void ByteQueue::release(websocket::BufferSource& source) noexcept {
    if (start_ != nullptr) {
        source.release({start_, capacity_});
    }
    *this = {};
}

void ByteQueue::drop_first(std::size_t size) noexcept {
    used_ -= static_cast<std::uint32_t>(size);
    if (used_ != 0) {
        std::memmove(start_, start_ + size, used_);
    }
}

Outgoing::~Outgoing() {
    outbox_.release(*source_);
    sealed_.release(*source_);
    end_send();
}

bool Outgoing::move_to(websocket::BufferSource& source) noexcept {
    bool has_room = true;
    for (ByteQueue* const queue : {&outbox_, &sealed_}) {
        ByteQueue moved;
        has_room = moved.append(queue->bytes(), source) && has_room;
        queue->release(*source_);
        *queue = moved;
    }
    source_ = &source;
    return has_room;
}

bool Outgoing::append(base::Bytes bytes) noexcept {
    return append(bytes, {});
}

bool Outgoing::append(base::Bytes header, base::Bytes payload) noexcept {
    if (shared_) {
        // What is queued now comes after the shared frames: they become part of the outbox.
        const base::SharedBuffer shared = std::exchange(shared_, {});
        if (!outbox_.append(shared.bytes(), *source_)) {
            return false;
        }
    }
    const std::size_t size = header.size() + payload.size();
    if (size != 0 && outbox_.room(size, *source_).empty()) {
        return false;
    }
    return outbox_.append(header, *source_) && outbox_.append(payload, *source_);
}

bool Outgoing::append_shared(const base::SharedBuffer& shared) noexcept {
    if (shared.bytes().empty()) {
        return true;  // a tick may have nothing for this member; an empty send would look like a failure
    }
    if (shared_) {
        return append(shared.bytes());
    }
    shared_ = shared;
    return true;
}

void Outgoing::drop_queued() noexcept {
    outbox_.release(*source_);
    shared_ = {};
}

base::Bytes Outgoing::begin_send(tls::TlsEngine* engine) noexcept {
    base::check(!is_in_flight_, "Outgoing: one send in flight");
    if (engine != nullptr) {
        Sealed sink(*this);
        const bool is_outbox_sealed =
            outbox_.empty() || engine->write(outbox_.bytes(), sink) == tls::TlsStatus::ok;
        const bool is_shared_sealed =
            is_outbox_sealed && (!shared_ || engine->write(shared_.bytes(), sink) == tls::TlsStatus::ok);
        drop_queued();
        if (!is_shared_sealed) {
            return {};
        }
        in_flight_ = std::exchange(sealed_, {});
        in_flight_source_ = source_;
    } else if (outbox_.empty() && shared_) {
        in_flight_shared_ = std::exchange(shared_, {});
        is_in_flight_ = true;
        return in_flight_shared_.bytes();
    } else {
        if (shared_ && !append({})) {
            return {};
        }
        in_flight_ = std::exchange(outbox_, {});
        in_flight_source_ = source_;
    }
    is_in_flight_ = !in_flight_.empty();
    if (!is_in_flight_) {
        in_flight_.release(*source_);  // room that was asked for and not used
    }
    return in_flight_.bytes();
}

void Outgoing::end_send() noexcept {
    if (!in_flight_.empty()) {
        if (base::bug(base::Bug::buffer_returned_twice)) {
            ByteQueue(in_flight_).release(*in_flight_source_);
        }
        in_flight_.release(*in_flight_source_);
    }
    in_flight_shared_ = {};
    is_in_flight_ = false;
}

base::MutableBytes Outgoing::Sealed::room(std::size_t size) noexcept {
    return outgoing_.sealed_.room(size, *outgoing_.source_);
}

void Outgoing::Sealed::commit(std::size_t size) noexcept {
    outgoing_.sealed_.commit(size);
}

}  // namespace tickwire::session
