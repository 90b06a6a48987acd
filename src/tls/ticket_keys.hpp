// The keys that session tickets are sealed with: shared by all shards and by the contexts before and after
// a reload, so that who comes back resumes; rotated, so that a key that leaks opens little.
#pragma once

#include <array>
#include <atomic>
#include <cstdint>
#include <memory>

struct ssl_ctx_st;

namespace tickwire::tls {

/// Made once, outlives every context that use() was called for. rotate() is one thread's; handshakes on any
/// thread read an immutable set.
class TicketKeys {
  public:
    struct Key {
        std::array<std::uint8_t, 16> name;
        std::array<std::uint8_t, 32> cipher;
        std::array<std::uint8_t, 32> mac;
    };
    struct Set {
        Key current;
        Key previous;
    };

    /// Null where the system has no random bits to give.
    static std::shared_ptr<TicketKeys> create();

    /// A new key seals from now on; the one before still opens. What it sealed is sealed anew as it comes.
    /// False, and nothing changes, where there are no random bits.
    bool rotate();

    /// Goes on with the keys of the process before: who has a ticket of theirs resumes.
    void restore(const Set& set);

    /// Has a context seal and open with these. The context must not outlive them.
    void use(ssl_ctx_st* context) noexcept;

    std::shared_ptr<const Set> set() const noexcept { return set_.load(); }

  private:
    TicketKeys() = default;
    std::atomic<std::shared_ptr<const Set>> set_;
};

}  // namespace tickwire::tls
