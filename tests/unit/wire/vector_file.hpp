// Reads proto/vectors/*.json for the tests: cases, and the compact forms of bytes that its README defines.
// A missing field is a failure of the test and reads as empty.
#pragma once

#include <gtest/gtest.h>
#include <simdjson.h>

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "tickwire/protocol.hpp"

namespace tickwire::test {

using Element = simdjson::dom::element;
using ByteString = std::vector<std::uint8_t>;

inline Element field(Element object, std::string_view key) {
    Element value;
    EXPECT_EQ(object.at_key(key).get(value), simdjson::SUCCESS) << "no field " << key;
    return value;
}

inline bool has_field(Element object, std::string_view key) {
    return object.at_key(key).error() == simdjson::SUCCESS;
}

/// As the field's own type: std::string_view, bool, std::uint64_t, simdjson::dom::array or object.
template <typename T>
T get(Element value) {
    T result{};
    EXPECT_EQ(value.get(result), simdjson::SUCCESS) << "a field of another type";
    return result;
}

template <typename T>
T get(Element object, std::string_view key) {
    return get<T>(field(object, key));
}

inline std::string text(Element object, std::string_view key) {
    return std::string(get<std::string_view>(object, key));
}

/// An integer that must fit `Integer`.
template <typename Integer>
Integer number(Element object, std::string_view key) {
    const auto value = get<std::uint64_t>(object, key);
    EXPECT_EQ(static_cast<Integer>(value), value) << key;
    return static_cast<Integer>(value);
}

/// Hex, {"repeat":hex,"times":n}, or an array of these.
ByteString bytes(Element value);
inline ByteString bytes(Element object, std::string_view key) {
    return bytes(field(object, key));
}

/// Calls `check` for each case of a file under proto/vectors, with the case's name in every failure.
template <typename Check>
void for_each_case(const char* file, Check check) {
    simdjson::dom::parser parser;
    Element document;
    ASSERT_EQ(parser.load(std::string(TICKWIRE_VECTORS) + "/" + file).get(document), simdjson::SUCCESS)
        << file;
    const auto cases = get<simdjson::dom::array>(document, "cases");
    EXPECT_GT(cases.size(), 0U) << file << " has no cases";
    for (const Element entry : cases) {
        SCOPED_TRACE(text(entry, "name"));
        check(entry);
    }
}

}  // namespace tickwire::test
