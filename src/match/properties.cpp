#include "match/properties.hpp"

#include "wire/json_writer.hpp"

namespace tickwire::match {
namespace {

/// As `welcome` has it: `"key":json,`. Escaping makes six bytes of some characters of a key; a value is
/// kept as it was written.
std::size_t written_size(std::string_view key, std::string_view json) noexcept {
    return wire::json_string_size(key) + json.size() + 2;
}

}  // namespace

Properties::Outcome Properties::apply(const wire::SetProperties& request) {
    if (request.if_version && *request.if_version != version_) {
        return Outcome::version_differs;
    }
    // Measured before anything changes. Of a key that the request names twice the last value counts.
    std::map<std::string_view, std::string_view> last;
    for (const wire::PropertySet& property : request.set) {
        last[property.key] = property.json;
    }
    std::size_t size = size_;
    std::size_t count = values_.size();
    for (const auto& [key, json] : last) {
        if (const auto held = values_.find(key); held != values_.end()) {
            size -= written_size(key, held->second);
            --count;
        }
        if (!json.empty()) {
            size += written_size(key, json);
            ++count;
        }
    }
    // What is over them, as the state of a process with others may be, can still shrink.
    if ((size > bounds_.size_max && size > size_) ||
        (count > bounds_.count_max && count > values_.size())) {
        return Outcome::too_large;
    }
    for (const auto& [key, json] : last) {
        if (json.empty()) {
            if (const auto held = values_.find(key); held != values_.end()) {
                values_.erase(held);
            }
        } else {
            values_.insert_or_assign(std::string(key), std::string(json));
        }
    }
    size_ = size;
    ++version_;
    return Outcome::accepted;
}

void Properties::restore(std::uint64_t version, const std::vector<wire::PropertySet>& set) {
    version_ = version;
    for (const wire::PropertySet& property : set) {
        if (!property.json.empty() && values_.emplace(property.key, property.json).second) {
            size_ += written_size(property.key, property.json);
        }
    }
}

std::vector<wire::PropertyView> Properties::list() const {
    std::vector<wire::PropertyView> views;
    views.reserve(values_.size());
    for (const auto& [key, json] : values_) {
        views.push_back({key, json});
    }
    return views;
}

}  // namespace tickwire::match
