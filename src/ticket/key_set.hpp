// The keys that the relay trusts, by their ids: what it reads from files, and reads anew when they change.
#pragma once

#include <cstddef>
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <tl/expected.hpp>
#include <vector>

#include "ticket/key.hpp"

namespace tickwire::ticket {

/// Where keys come from.
struct KeySources {
    struct File {
        std::string id;
        std::string path;
    };
    std::vector<File> files;              ///< a public key in PEM, or a secret for HS256
    std::vector<std::string> jwks_files;  ///< JSON Web Key Sets (RFC 7517)

    bool is_empty() const noexcept { return files.empty() && jwks_files.empty(); }
};

/// Immutable once made: shards share it, and get another one when a file has changed.
class KeySet {
  public:
    static constexpr std::size_t count_max = 256;
    static constexpr std::size_t file_size_max = std::size_t{1} << 20U;

    /// Reads all sources; the error is one line that names the file.
    static tl::expected<std::shared_ptr<const KeySet>, std::string> load(const KeySources& sources);

    /// A file's text under an id.
    tl::expected<void, std::string> add_file(const std::string& id, std::string_view text);
    /// Every key of a set that can verify tickets. Others (RSA, encryption, unknown curves) are passed
    /// over, as RFC 7517 section 5 has it; a set without one that can is an error.
    tl::expected<void, std::string> add_jwks(std::string_view json);
    tl::expected<void, std::string> add(const std::string& id, Key key);

    /// Without an id the only key there is; null where none fits.
    const Key* find(std::string_view id) const noexcept;
    std::size_t count() const noexcept { return keys_.size(); }

  private:
    std::map<std::string, Key, std::less<>> keys_;
};

/// A small file's bytes, or one line that says why not.
tl::expected<std::string, std::string> read_small_file(const std::string& path, std::size_t size_max);

}  // namespace tickwire::ticket
