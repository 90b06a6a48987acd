#include "vector_file.hpp"

namespace tickwire::test {
namespace {

void append_hex(std::string_view hex, ByteString& out) {
    constexpr std::string_view digits = "0123456789abcdef";
    ASSERT_EQ(hex.size() % 2, 0U);
    for (std::size_t at = 0; at < hex.size(); at += 2) {
        const std::size_t high = digits.find(hex[at]);
        const std::size_t low = digits.find(hex[at + 1]);
        ASSERT_TRUE(high < 16 && low < 16) << "not lower-case hex: " << hex;
        out.push_back(static_cast<std::uint8_t>(high * 16 + low));
    }
}

void append_bytes(Element value, ByteString& out) {
    switch (value.type()) {
        case simdjson::dom::element_type::ARRAY:
            for (const Element part : get<simdjson::dom::array>(value)) {
                append_bytes(part, out);
            }
            return;
        case simdjson::dom::element_type::OBJECT:
            for (auto times = get<std::uint64_t>(value, "times"); times > 0; --times) {
                append_hex(get<std::string_view>(value, "repeat"), out);
            }
            return;
        default:
            append_hex(get<std::string_view>(value), out);
    }
}

}  // namespace

ByteString bytes(Element value) {
    ByteString out;
    append_bytes(value, out);
    return out;
}

}  // namespace tickwire::test
