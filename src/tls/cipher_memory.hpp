// Where OpenSSL keeps the ciphers of a connection. Its structures are its own, but its memory comes through
// our allocator (record_allocator.hpp), and what it takes for a cipher has a size that nothing else of its
// has: enough for a hint to the cache, not for more.
#pragma once

#include <cstddef>

namespace tickwire::tls {

/// The two newest blocks of either kind, the newest last: of a connection that has shaken hands, those of
/// its two directions. They may be freed and taken for something else at any time, so only their addresses
/// are of use. Null where none was seen: without the allocator there is none.
struct CipherMemory {
    const void* contexts[2];  ///< EVP_CIPHER_CTX
    const void* states[2];    ///< what the provider hangs on it: keys, tables, counters
};
/// Bytes of either; 0 without the allocator. That of a state is AES-GCM's.
std::size_t cipher_context_size() noexcept;
std::size_t cipher_state_size() noexcept;

/// While it lives, what OpenSSL takes for ciphers on this thread is noted.
class CipherWatch {
  public:
    explicit CipherWatch(CipherMemory& memory) noexcept;
    ~CipherWatch();
    CipherWatch(const CipherWatch&) = delete;
    CipherWatch& operator=(const CipherWatch&) = delete;
};

}  // namespace tickwire::tls
