#include "ticket/key_set.hpp"

#include <simdjson.h>

#include <cerrno>
#include <cstdio>
#include <cstring>
#include <memory>
#include <optional>
#include <utility>

#include "ticket/base64url.hpp"

namespace tickwire::ticket {
namespace {

using simdjson::dom::element;
using simdjson::dom::object;

std::optional<std::string_view> text_field(object from, std::string_view key) {
    std::string_view value;
    if (from.at_key(key).get(value) != simdjson::SUCCESS) {
        return std::nullopt;
    }
    return value;
}

std::optional<std::string> bytes_field(object from, std::string_view key) {
    const auto text = text_field(from, key);
    return text ? decode_base64url(*text) : std::nullopt;
}

/// Which algorithm a JSON Web Key is for; empty where it is for none of ours.
std::optional<Algorithm> algorithm_of_jwk(object jwk) {
    const auto type = text_field(jwk, "kty").value_or("");
    const auto curve = text_field(jwk, "crv").value_or("");
    std::optional<Algorithm> algorithm;
    if (type == "oct") {
        algorithm = Algorithm::hs256;
    } else if (type == "EC" && curve == "P-256") {
        algorithm = Algorithm::es256;
    } else if (type == "OKP" && curve == "Ed25519") {
        algorithm = Algorithm::eddsa;
    }
    if (!algorithm || text_field(jwk, "use").value_or("sig") != "sig" ||
        text_field(jwk, "alg").value_or(name_of(*algorithm)) != name_of(*algorithm)) {
        return std::nullopt;
    }
    return algorithm;
}

tl::expected<Key, std::string> key_of_jwk(object jwk, Algorithm algorithm) {
    if (text_field(jwk, "d")) {
        return tl::unexpected(std::string("holds a private key: give the relay the public one"));
    }
    switch (algorithm) {
        case Algorithm::hs256:
            return Key::from_secret(bytes_field(jwk, "k").value_or(""));
        case Algorithm::es256:
            return Key::from_p256_point(bytes_field(jwk, "x").value_or(""),
                                        bytes_field(jwk, "y").value_or(""));
        case Algorithm::eddsa:
            return Key::from_ed25519(bytes_field(jwk, "x").value_or(""));
    }
    return tl::unexpected(std::string("is of no algorithm"));
}

}  // namespace

tl::expected<std::string, std::string> read_small_file(const std::string& path, std::size_t size_max) {
    const std::unique_ptr<std::FILE, int (*)(std::FILE*)> file(std::fopen(path.c_str(), "rbe"),
                                                               &std::fclose);
    if (file == nullptr) {
        return tl::unexpected("cannot read " + path + ": " + std::strerror(errno));
    }
    std::string text(size_max + 1, '\0');
    text.resize(std::fread(text.data(), 1, text.size(), file.get()));
    if (std::ferror(file.get()) != 0) {
        return tl::unexpected("cannot read " + path + ": " + std::strerror(errno));
    }
    if (text.size() > size_max) {
        return tl::unexpected(path + " is longer than " + std::to_string(size_max) + " bytes");
    }
    return text;
}

tl::expected<std::shared_ptr<const KeySet>, std::string> KeySet::load(const KeySources& sources) {
    auto set = std::make_shared<KeySet>();
    const auto read = [](const std::string& path, auto&& add) -> tl::expected<void, std::string> {
        const auto text = read_small_file(path, file_size_max);
        if (!text) {
            return tl::unexpected(text.error());
        }
        if (const auto added = add(*text); !added) {
            return tl::unexpected(path + ": " + added.error());
        }
        return {};
    };
    for (const KeySources::File& file : sources.files) {
        const auto done =
            read(file.path, [&](const std::string& text) { return set->add_file(file.id, text); });
        if (!done) {
            return tl::unexpected(done.error());
        }
    }
    for (const std::string& path : sources.jwks_files) {
        if (const auto done = read(path, [&](const std::string& text) { return set->add_jwks(text); });
            !done) {
            return tl::unexpected(done.error());
        }
    }
    return std::shared_ptr<const KeySet>(std::move(set));
}

tl::expected<void, std::string> KeySet::add(const std::string& id, Key key) {
    if (keys_.size() >= count_max) {
        return tl::unexpected("more than " + std::to_string(count_max) + " keys");
    }
    if (!keys_.emplace(id, std::move(key)).second) {
        return tl::unexpected("a second key with the id '" + id + "'");
    }
    return {};
}

tl::expected<void, std::string> KeySet::add_file(const std::string& id, std::string_view text) {
    auto key = Key::from_verifying_text(text);
    if (!key) {
        return tl::unexpected(key.error());
    }
    return add(id, std::move(*key));
}

tl::expected<void, std::string> KeySet::add_jwks(std::string_view json) {
    simdjson::dom::parser parser;
    simdjson::dom::array listed;
    if (parser.parse(json.data(), json.size()).at_key("keys").get(listed) != simdjson::SUCCESS) {
        return tl::unexpected(std::string("is no JSON Web Key Set: an object with an array `keys`"));
    }
    std::size_t added_count = 0;
    for (const element item : listed) {
        object jwk;
        if (item.get(jwk) != simdjson::SUCCESS) {
            return tl::unexpected(std::string("has something in `keys` that is no object"));
        }
        const auto algorithm = algorithm_of_jwk(jwk);
        if (!algorithm) {
            continue;
        }
        const std::string id(text_field(jwk, "kid").value_or(""));
        auto key = key_of_jwk(jwk, *algorithm);
        if (!key) {
            return tl::unexpected("key '" + id + "': " + key.error());
        }
        if (auto added = add(id, std::move(*key)); !added) {
            return added;
        }
        ++added_count;
    }
    if (added_count == 0) {
        return tl::unexpected(std::string("has no key for HS256, ES256 (P-256) or EdDSA (Ed25519)"));
    }
    return {};
}

const Key* KeySet::find(std::string_view id) const noexcept {
    if (id.empty()) {
        return keys_.size() == 1 ? &keys_.begin()->second : nullptr;
    }
    const auto found = keys_.find(id);
    return found == keys_.end() ? nullptr : &found->second;
}

}  // namespace tickwire::ticket
