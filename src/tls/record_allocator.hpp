// Keeps OpenSSL's records off the heap. With SSL_MODE_RELEASE_BUFFERS it takes and gives back a buffer of
// about 17 KB for every record, which is what makes an idle connection small; and, framing a record, 3.0
// takes four blocks of 40 bytes.
#pragma once

namespace tickwire::tls {

/// Gives OpenSSL an allocator that keeps a few blocks of those sizes per thread; every other size goes to
/// malloc. Once, at the start of the process: false where OpenSSL has allocated before, and then nothing
/// changes.
[[nodiscard]] bool install_record_allocator() noexcept;

}  // namespace tickwire::tls
