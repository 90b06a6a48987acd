// The heap behind BufferSource, for native clients and for what is off the relay's data path.
#include <algorithm>
#include <cstdlib>

#include "tickwire/websocket.hpp"

namespace tickwire::websocket {

std::span<std::uint8_t> HeapBufferSource::resize(std::span<std::uint8_t> held, std::size_t /*used*/,
                                                 std::size_t size) noexcept {
    // realloc() of size 0 would free.
    void* const room = std::realloc(held.data(), std::max<std::size_t>(size, 1));
    if (room == nullptr) {
        return {};
    }
    bytes_in_use_ += size - held.size();
    return {static_cast<std::uint8_t*>(room), size};
}

void HeapBufferSource::release(std::span<std::uint8_t> held) noexcept {
    bytes_in_use_ -= held.size();
    std::free(held.data());
}

}  // namespace tickwire::websocket
