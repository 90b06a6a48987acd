// The control writer beyond the vectors: every byte escaped or kept, every enum named, and that it appends.
#include <gtest/gtest.h>
#include <simdjson.h>

#include <string>

#include "wire/control.hpp"
#include "wire/json_writer.hpp"

namespace tickwire::wire {
namespace {

TEST(ControlWriter, escapes_so_that_a_parser_reads_what_was_meant) {
    simdjson::dom::parser parser;
    for (unsigned value = 0; value < 0x80; ++value) {
        const std::string meant = std::string("a") + static_cast<char>(value) + "b";
        std::string alone;
        append_json_string(meant, alone);
        EXPECT_EQ(json_string_size(meant), alone.size());
        std::string out;
        write_joined(1, meant, false, out);
        std::string_view read;
        ASSERT_EQ(parser.parse(out)["name"].get(read), simdjson::SUCCESS) << out;
        EXPECT_EQ(read, meant);
    }
}

TEST(ControlWriter, escapes_nothing_that_need_not_be) {
    std::string out;
    append_json_string("/<>&'\x7f\xe2\x80\xa8\xf0\x9f\x98\x80", out);
    EXPECT_EQ(out, "\"/<>&'\x7f\xe2\x80\xa8\xf0\x9f\x98\x80\"");
}

TEST(ControlWriter, appends_and_keeps_what_was_there) {
    std::string out = "kept";
    write_ok(1, out);
    write_ok(2, out);
    EXPECT_EQ(out, R"(kept{"op":"ok","id":1}{"op":"ok","id":2})");
}

TEST(ControlWriter, writes_the_largest_numbers) {
    std::string out;
    write_ok(0xffffffffffffffff, out);
    EXPECT_EQ(out, R"({"op":"ok","id":18446744073709551615})");
}

TEST(ControlWriter, a_deleted_property_is_null_and_the_string_null_is_not) {
    std::string out;
    write_properties(2, {{"gone", ""}, {"text", "\"null\""}}, 4, out);
    EXPECT_EQ(out, R"({"op":"properties","version":2,"set":{"gone":null,"text":"null"},"by":4})");
}

TEST(ControlWriter, names_every_error_code_differently) {
    using Code = ControlErrorCode;
    std::string all;
    for (const Code code : {Code::unknown_op, Code::bad_request, Code::forbidden, Code::no_such_player,
                            Code::version, Code::too_large}) {
        all += name_of(code);
        all += ' ';
    }
    EXPECT_EQ(all, "unknown_op bad_request forbidden no_such_player version too_large ");
}

TEST(ControlWriter, properties_come_back_from_the_parser_as_they_were_written) {
    const std::string value = R"({ "deep" : [ 1.0 , "\u0041" , 99999999999999999999 ] })";
    ControlParser parser;
    const auto request = parser.parse_request(R"({"op":"properties","set":{"k\"\n":)" + value + "}}");
    ASSERT_TRUE(request);
    std::string out;
    write_properties(1, std::get<SetProperties>(request->request).set, 0, out);
    EXPECT_EQ(out, R"({"op":"properties","version":1,"set":{"k\"\n":)" + value + R"(},"by":0})");
}

}  // namespace
}  // namespace tickwire::wire
