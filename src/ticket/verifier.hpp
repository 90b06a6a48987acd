// Judges tickets: JSON Web Tokens (RFC 7519) in compact form, as strictly as RFC 8725 asks. Small on
// purpose: three algorithms, no key in the token, nothing encrypted, nothing nested.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <tl/expected.hpp>

#include "ticket/grant.hpp"
#include "ticket/key_set.hpp"

namespace tickwire::ticket {

/// What an operator may set.
struct Policy {
    bool is_required = true;     ///< false: who brings none plays without, who brings a bad one does not
    bool is_single_use = false;  ///< every ticket, and not only one that says so
    std::string audience;        ///< must be in `aud`; empty: the ticket may have none
};

/// One for each shard: it keeps a JSON parser. Signatures are checked before claims are read.
class Verifier {
  public:
    Verifier(Policy policy, std::shared_ptr<const KeySet> keys);
    ~Verifier();
    Verifier(const Verifier&) = delete;
    Verifier& operator=(const Verifier&) = delete;

    const Policy& policy() const noexcept { return policy_; }
    void set_keys(std::shared_ptr<const KeySet> keys) noexcept { keys_ = std::move(keys); }

    /// `now`: Unix time, in seconds. Whether a ticket of single use was used is for the caller to judge.
    tl::expected<Grant, Fault> verify(std::string_view token, std::string_view match, std::int64_t now);

  private:
    struct Parser;

    Policy policy_;
    std::shared_ptr<const KeySet> keys_;
    std::unique_ptr<Parser> parser_;
};

/// Whether `pattern` (a name, or a prefix and `*`) means `match`.
bool match_fits(std::string_view pattern, std::string_view match) noexcept;

}  // namespace tickwire::ticket
