// Which web pages may connect: the Origin that a browser sends with every upgrade (RFC 6455 section 10.2),
// against what the operator lists. It guards players against foreign pages, not the relay against programs:
// those send what they like.
#pragma once

#include <string>
#include <string_view>
#include <tl/expected.hpp>
#include <vector>

namespace tickwire::session {

/// One entry: `https://game.example`, `http://localhost:8080`, `https://*.game.example` (any name below it,
/// however deep, but not itself), `null` (sandboxed pages and files).
class OriginPattern {
  public:
    /// The error says what an entry must look like.
    static tl::expected<OriginPattern, std::string> parse(std::string_view text);
    bool fits(std::string_view origin) const noexcept;

  private:
    std::string exact_;   ///< in lower case; where there is a wildcard, all before it: `https://`
    std::string suffix_;  ///< `.game.example:8443`; empty: no wildcard
};

struct Origins {
    std::vector<OriginPattern> allowed;  ///< none: every page may
    bool is_required = false;            ///< also of clients that send none, which no browser does

    /// `origin`: empty where none was sent.
    bool admit(std::string_view origin) const noexcept;
};

}  // namespace tickwire::session
