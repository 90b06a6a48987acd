// Oracle: what stands behind a PROXY header does not change what is read of it, every byte of it counts,
// and a start of the bytes gives either no verdict yet or the verdict of the whole.
#include <memory>
#include <string>

#include "fuzz.hpp"
#include "wire/proxy_header.hpp"

namespace {

using namespace tickwire;

/// The verdict in words; empty where there is none yet. Parses a copy in memory of exactly its size, so
/// that the sanitizer sees a read too far.
std::string verdict_of(std::string_view bytes) {
    const auto copy = std::make_unique<std::uint8_t[]>(bytes.size());
    bytes.copy(reinterpret_cast<char*>(copy.get()), bytes.size());
    const auto parsed = wire::parse_proxy_header({copy.get(), bytes.size()});
    if (!parsed) {
        return "error " + std::to_string(static_cast<int>(parsed.error()));
    }
    if (!*parsed) {
        return "";
    }
    const auto& source = (*parsed)->source;
    return std::to_string((*parsed)->size) + " of " + (source ? source->text() : "itself");
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    const base::Bytes bytes{data, size};
    const std::string_view text = base::as_text(bytes);
    const std::string whole = verdict_of(text);
    for (std::size_t start = 0; start < std::min<std::size_t>(size, 256); ++start) {
        const std::string verdict = verdict_of(text.substr(0, start));
        fuzz::require(verdict.empty() || verdict == whole, "a start gives no other verdict");
    }
    if (const auto parsed = wire::parse_proxy_header(bytes); parsed && *parsed) {
        const std::size_t header_size = (*parsed)->size;
        fuzz::require(header_size <= size && header_size <= wire::proxy_header_size_max,
                      "inside its bounds");
        const std::string_view header = text.substr(0, header_size);
        fuzz::require(verdict_of(header) == whole, "the header alone gives the same");
        fuzz::require(verdict_of(std::string(header) + "\r\n\xff") == whole, "other bytes behind it, too");
        fuzz::require(verdict_of(header.substr(0, header_size - 1)).empty(), "its last byte counts");
    }
    if (whole.empty()) {
        fuzz::require(size < wire::proxy_header_size_max, "a verdict at the bound at the latest");
    }
    return 0;
}
