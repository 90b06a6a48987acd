#include "tls/record_allocator.hpp"

#include <malloc.h>
#include <openssl/crypto.h>
#include <openssl/evp.h>

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdlib>

#include "base/heap_trap.hpp"
#include "tls/cipher_memory.hpp"

namespace tickwire::tls {
namespace {

// One block each for reading and for writing is in use at a time; the rest is for connections whose record
// has arrived in part. 16 x 17 KB + 16 x 40 = 273 KB per thread.
constexpr std::size_t kept_count_max = 16;

/// Requests from `request_min` to `size` get a block of `size` bytes. Any block that malloc made of `size`
/// to `usable_max` bytes serves for one, wherever it came from: so blocks need no header.
struct SizeClass {
    std::size_t request_min;
    std::size_t size;
    std::size_t usable_max;
};
// A buffer is 16 KiB and up to 330 bytes of framing and alignment (16,584 to write, 16,712 to read).
constexpr SizeClass record_buffers{16384, 17408, 17408 + 4096};
// WPACKET_SUB, the nesting of a length inside a record.
constexpr SizeClass packet_parts{33, 40, 48};

/// Trivially destructible, for OpenSSL frees memory after the thread's own objects are gone.
struct KeptBlocks {
    std::array<void*, kept_count_max> blocks;
    std::size_t count;

    void* take() noexcept { return count != 0 ? blocks[--count] : nullptr; }
    bool keep(void* block) noexcept {
        if (count == kept_count_max) {
            return false;
        }
        blocks[count++] = block;
        return true;
    }
};
thread_local KeptBlocks kept_buffers{};
thread_local KeptBlocks kept_parts{};
thread_local bool is_thread_over = false;
thread_local std::uint64_t mallocs = 0;

/// Frees what is kept when its thread ends.
struct Keeper {
    ~Keeper() {
        is_thread_over = true;
        for (KeptBlocks* const kept : {&kept_buffers, &kept_parts}) {
            while (void* const block = kept->take()) {
                std::free(block);
            }
        }
    }
    bool is_alive = true;  // reading it makes the thread have one
};
thread_local Keeper keeper;

thread_local std::int64_t held_bytes = 0;

void* count(void* block) noexcept {
    if (block != nullptr) {
        held_bytes += static_cast<std::int64_t>(malloc_usable_size(block));
    }
    return block;
}

bool serves(const SizeClass& size_class, std::size_t request) noexcept {
    return request >= size_class.request_min && request <= size_class.size;
}

bool is_of(const SizeClass& size_class, std::size_t usable) noexcept {
    return usable >= size_class.size && usable <= size_class.usable_max;
}

void* counted_malloc(std::size_t size) noexcept {
    const base::HeapAllowed counted_instead;
    ++mallocs;
    return std::malloc(size);
}

void* allocate_of(const SizeClass& size_class, KeptBlocks& kept) noexcept {
    void* const block = kept.take();
    return block != nullptr ? block : counted_malloc(size_class.size);
}

thread_local std::size_t block_size_max = SIZE_MAX;

thread_local CipherMemory* watched = nullptr;
/// The last request that was not for a record.
thread_local std::size_t last_request = 0;

/// What OpenSSL takes for a cipher: asked of itself, once, for it depends on version and machine.
struct CipherSizes {
    std::size_t context = 0;
    std::array<std::size_t, 2>
        states{};  ///< of AES-GCM with either length of key, and of ChaCha20-Poly1305
};

CipherSizes learn_cipher_sizes() noexcept {
    CipherSizes sizes;
    last_request = 0;
    EVP_CIPHER_CTX* const context = EVP_CIPHER_CTX_new();
    sizes.context = last_request;
    const EVP_CIPHER* const ciphers[] = {EVP_aes_128_gcm(), EVP_chacha20_poly1305()};
    for (std::size_t index = 0; context != nullptr && index < sizes.states.size(); ++index) {
        // The analyzer loses the bound. NOLINTNEXTLINE(clang-analyzer-core.CallAndMessage)
        if (EVP_EncryptInit_ex(context, ciphers[index], nullptr, nullptr, nullptr) == 1) {
            sizes.states[index] = last_request;
        }
    }
    EVP_CIPHER_CTX_free(context);
    return sizes;
}

const CipherSizes& cipher_sizes() noexcept {
    static const CipherSizes sizes = learn_cipher_sizes();
    return sizes;
}

void note(const void* (&newest)[2], const void* block) noexcept {
    newest[0] = newest[1];
    newest[1] = block;
}

void* watch(void* block, std::size_t size) noexcept {
    last_request = size;
    if (watched != nullptr) {
        const CipherSizes& sizes = cipher_sizes();
        if (size == sizes.context) {
            note(watched->contexts, block);
        } else if (std::find(sizes.states.begin(), sizes.states.end(), size) != sizes.states.end()) {
            note(watched->states, block);
        }
    }
    return block;
}

void* allocate(std::size_t size, const char*, int) {
    if (size > block_size_max) {
        return nullptr;
    }
    if (serves(packet_parts, size)) {
        return count(allocate_of(packet_parts, kept_parts));
    }
    if (serves(record_buffers, size)) {
        return count(allocate_of(record_buffers, kept_buffers));
    }
    return size == 0 ? nullptr : watch(count(counted_malloc(size)), size);
}

void release(void* block, const char*, int) {
    if (block == nullptr) {
        return;
    }
    const base::HeapAllowed first_use_of_the_keeper;
    const std::size_t usable = malloc_usable_size(block);
    held_bytes -= static_cast<std::int64_t>(usable);
    bool is_kept = false;
    if (!is_thread_over && keeper.is_alive) {
        is_kept = (is_of(packet_parts, usable) && kept_parts.keep(block)) ||
                  (is_of(record_buffers, usable) && kept_buffers.keep(block));
    }
    if (!is_kept) {
        std::free(block);
    }
}

void* reallocate(void* block, std::size_t size, const char*, int) {
    const auto before = static_cast<std::int64_t>(block == nullptr ? 0 : malloc_usable_size(block));
    if (size == 0) {
        held_bytes -= before;
        std::free(block);
        return nullptr;
    }
    if (size > block_size_max) {
        return nullptr;
    }
    const base::HeapAllowed counted_instead;
    ++mallocs;
    void* const grown = std::realloc(block, size);
    if (grown != nullptr) {
        held_bytes -= before;
        count(grown);
    }
    return grown;
}

}  // namespace

bool install_record_allocator() noexcept {
    return CRYPTO_set_mem_functions(allocate, reallocate, release) == 1;
}

std::size_t cipher_context_size() noexcept {
    return cipher_sizes().context;
}

std::size_t cipher_state_size() noexcept {
    return cipher_sizes().states[0];
}

CipherWatch::CipherWatch(CipherMemory& memory) noexcept {
    cipher_sizes();  // before anything is watched, for it takes such memory itself
    watched = &memory;
}

CipherWatch::~CipherWatch() {
    watched = nullptr;
}

BlockLimit::BlockLimit(std::size_t size_max) noexcept {
    block_size_max = size_max;
}

BlockLimit::~BlockLimit() {
    block_size_max = SIZE_MAX;
}

std::uint64_t malloc_count() noexcept {
    return mallocs;
}

std::int64_t held_by_openssl() noexcept {
    return held_bytes;
}

}  // namespace tickwire::tls
