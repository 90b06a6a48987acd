// Keeps OpenSSL's records off the heap. With SSL_MODE_RELEASE_BUFFERS it takes and gives back a buffer of
// about 17 KB for every record, which is what makes an idle connection small; and, framing a record, 3.0
// takes four blocks of 40 bytes.
//
// What it cannot serve from what it keeps (a handshake, a record of which only a part has arrived, an
// error) comes from malloc, also on the data path, and is counted: while players play the count stands
// still.
#pragma once

#include <cstddef>
#include <cstdint>

namespace tickwire::tls {

/// Gives OpenSSL an allocator that keeps a few blocks of those sizes per thread; every other size goes to
/// malloc. Once, at the start of the process: false where OpenSSL has allocated before, and then nothing
/// changes.
[[nodiscard]] bool install_record_allocator() noexcept;

/// While it lives, and one at a time, OpenSSL gets no block of more than `size_max` bytes on this thread,
/// if the allocator is installed: what it wanted it for fails.
class BlockLimit {
  public:
    explicit BlockLimit(std::size_t size_max) noexcept;
    ~BlockLimit();
    BlockLimit(const BlockLimit&) = delete;
    BlockLimit& operator=(const BlockLimit&) = delete;
};

/// How often OpenSSL took memory from malloc on the calling thread.
std::uint64_t malloc_count() noexcept;
/// Bytes that OpenSSL has taken on this thread and not given back; what is kept for its next record does
/// not count. Below zero on a thread that frees what another took: the sum over all threads is what is
/// held. 0 where the allocator was not installed.
std::int64_t held_by_openssl() noexcept;

}  // namespace tickwire::tls
