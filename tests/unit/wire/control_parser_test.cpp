// The control parser beyond the vectors: large and hostile texts, one parser for many texts, and the raw
// text of values.
#include <gtest/gtest.h>

#include <random>
#include <string>

#include "wire/control.hpp"
#include "wire/json_text.hpp"

namespace tickwire::wire {
namespace {

class ControlParserTest : public testing::Test {
  protected:
    ControlParser parser;

    /// The values of a `properties` request, in order.
    std::vector<PropertySet> parsed_set(const std::string& text) {
        auto request = parser.parse_request(text);
        EXPECT_TRUE(request) << text;
        return request ? std::get<SetProperties>(request->request).set : std::vector<PropertySet>{};
    }

    RequestError fault_of(const std::string& text) {
        auto request = parser.parse_request(text);
        EXPECT_FALSE(request) << text;
        return request ? RequestError{} : request.error();
    }
};

std::string repeated(std::string_view part, std::size_t count) {
    std::string text;
    for (; count > 0; --count) {
        text += part;
    }
    return text;
}

TEST_F(ControlParserTest, judges_by_the_bounds_of_now) {
    const std::string join = R"({"op":"join","name":"Anna"})";
    EXPECT_TRUE(parser.parse_join(join));
    parser.set_bounds({3, control_depth_max});
    EXPECT_EQ(parser.parse_join(join).error(), JoinFault::bad_value);
    parser.set_bounds({4, 4});
    EXPECT_TRUE(parser.parse_join(join));
    fault_of(R"({"op":"properties","set":{"a":[[[1]]]}})");
}

TEST_F(ControlParserTest, stays_usable_after_every_kind_of_fault) {
    const std::string faults[] = {"",          "{",    "[1e999",
                                  "\"\\ud800", "\xff", repeated("[", 5000),
                                  "7",         "{}",   repeated("[", 500) + repeated("]", 500)};
    for (const std::string& fault : faults) {
        EXPECT_FALSE(parser.parse_request(fault));
        EXPECT_FALSE(parser.parse_join(fault));
        EXPECT_TRUE(parser.parse_request(R"({"op":"leave"})"));
    }
}

TEST_F(ControlParserTest, reads_text_that_is_a_view_into_something_longer) {
    const std::string longer = R"({"op":"rate","divisor":4}garbage{"op")";
    const auto request = parser.parse_request(std::string_view(longer).substr(0, 25));
    ASSERT_TRUE(request);
    EXPECT_EQ(std::get<SetRate>(request->request).divisor, 4);
}

TEST_F(ControlParserTest, a_depth_bomb_is_a_bad_request) {
    for (const std::size_t depth :
         {std::size_t{65}, std::size_t{1024}, std::size_t{1025}, std::size_t{100000}}) {
        const std::string bomb = repeated("[", depth) + repeated("]", depth);
        EXPECT_EQ(fault_of(bomb).fault, RequestFault::bad_request) << depth;
        EXPECT_EQ(fault_of(R"({"op":"leave","x":)" + bomb + "}").fault, RequestFault::bad_request) << depth;
        const auto join = parser.parse_join(R"({"op":"join","x":)" + bomb + "}");
        ASSERT_FALSE(join);
        EXPECT_EQ(join.error(), JoinFault::bad_value);
    }
    EXPECT_EQ(fault_of(repeated("[", 64) + repeated("]", 64)).message, "not an object");
    EXPECT_EQ(fault_of(repeated("[", 65) + repeated("]", 65)).message, "nested too deeply");
    EXPECT_EQ(fault_of(repeated(R"({"a":)", 100000)).fault, RequestFault::not_json);
}

TEST_F(ControlParserTest, brackets_in_strings_do_not_nest) {
    const std::string text = R"({"op":"properties","set":{"a":"\")" + repeated("[{", 500) + R"("}})";
    EXPECT_EQ(parsed_set(text).at(0).json.size(), 1004U);
}

TEST_F(ControlParserTest, a_thousand_fields_that_only_number_two_keys_are_two_properties) {
    const auto set =
        parsed_set(R"({"op":"properties","set":{"b":0)" + repeated(R"(,"a":1,"b":2)", 20000) + "}}");
    ASSERT_EQ(set.size(), 2U);
    EXPECT_EQ(set[0].json, "0");
    EXPECT_EQ(set[1].json, "1");
}

TEST_F(ControlParserTest, a_huge_number_elsewhere_leaves_other_numbers_alone) {
    const auto request = parser.parse_request(
        R"({"x":1e999,"id":9007199254740991,"op":"properties","if_version":1234567,"set":{"a":12345,"b":1e999}})");
    ASSERT_TRUE(request);
    EXPECT_EQ(request->id, 9007199254740991U);
    const auto& properties = std::get<SetProperties>(request->request);
    EXPECT_EQ(properties.if_version, 1234567U);
    EXPECT_EQ(properties.set.at(0).json, "12345");
    EXPECT_EQ(properties.set.at(1).json, "1e999");
}

TEST_F(ControlParserTest, a_huge_number_in_a_field_is_as_wrong_as_it_was) {
    EXPECT_EQ(fault_of(R"({"op":"leave","id":123456789012345678901234567890})").fault,
              RequestFault::bad_request);
    EXPECT_EQ(fault_of(R"({"op":"leave","id":1e999})").fault, RequestFault::bad_request);
    EXPECT_EQ(fault_of(R"({"op":"rate","divisor":1e999,"id":3})").id, 3U);
    EXPECT_EQ(fault_of(R"({"op":12345678901234567890123})").fault, RequestFault::bad_request);
}

TEST_F(ControlParserTest, numbers_that_are_none_stay_so_beside_one_that_is_huge) {
    for (const char* number : {"01",         "-01.5",
                               "1.",         ".5",
                               "+1",         "1e",
                               "1e+",        "--1",
                               "1.5.5",      "1e5e5",
                               "0x10",       "1_000",
                               "Infinity",   "-Infinity",
                               "NaN",        "-",
                               "1e999x",     "1234567890123456789012 3",
                               "true1e999",  "1e999true",
                               "\"a\"1e999", "12345678901234567890\"a\""}) {
        const std::string text = R"({"op":"leave","y":1e999,"x":)" + std::string(number) + "}";
        EXPECT_EQ(fault_of(text).fault, RequestFault::not_json) << number;
    }
}

TEST_F(ControlParserTest, escapes_that_are_none_stay_so_beside_a_lone_surrogate) {
    for (const char* escape : {R"(\u)", R"(\u12)", R"(\u123g)", R"(\ud8)", R"(\ud800\u)", R"(\ud800\uzzzz)",
                               R"(\x)", R"(\)", "\x01", "\\\n"}) {
        EXPECT_EQ(fault_of(R"({"op":"leave","y":"\udead","x":")" + std::string(escape) + "\"}").fault,
                  RequestFault::not_json)
            << escape;
    }
}

TEST_F(ControlParserTest, size_limits_count_bytes_of_utf8_and_not_escapes) {
    EXPECT_TRUE(parser.parse_join(R"({"op":"join","name":")" + repeated("\\u0041", 64) + "\"}"));
    EXPECT_FALSE(parser.parse_join(R"({"op":"join","name":")" + repeated("\\u0041", 65) + "\"}"));
    EXPECT_TRUE(
        parser.parse_request(R"({"op":"kick","player":1,"reason":")" + repeated("\\u20ac", 40) + "\"}"));
    EXPECT_FALSE(
        parser.parse_request(R"({"op":"kick","player":1,"reason":")" + repeated("\\u20ac", 41) + "\"}"));
}

/// Writes random values, of which each must come back byte for byte.
class RandomJson {
  public:
    explicit RandomJson(unsigned seed) : random_(seed) {}

    std::string value(int depth) {
        switch (random_() % (depth > 0 ? 6 : 4)) {
            case 0:
                return pick({"true", "false", "[]", "{ }", "[ null ]"});
            case 1:
                return pick(
                    {"0", "-0", "1.0", "1e2", "-1E+400", "99999999999999999999999", "0.10", "-12.50e-3"});
            case 2:
            case 3:
                return string();
            case 4:
                return "[" + space() + value(depth - 1) + space() + "," + value(depth - 1) + "]";
            default:
                return "{" + space() + string() + ":" + value(depth - 1) + "," + string() + space() + ":" +
                       space() + value(depth - 1) + space() + "}";
        }
    }

    std::string string() {
        std::string text = "\"";
        for (auto count = random_() % 5; count > 0; --count) {
            text += pick({"a", "\\\"", "\\\\", "{", "}", "[", "]", ",", ":", " ", "\\u0022",
                          "\\ud83d\\ude00", "\\ud800", "\xe2\x82\xac", "\\/", "/", "\\n"});
        }
        return text + "\"";
    }

    std::string space() { return pick({"", "", " ", "\n", "\t \r"}); }

  private:
    std::string pick(std::initializer_list<const char*> from) {
        return from.begin()[random_() % from.size()];
    }

    std::mt19937 random_;
};

TEST_F(ControlParserTest, random_values_come_back_as_they_were_written) {
    RandomJson json(77);
    for (int round = 0; round < 3000; ++round) {
        std::vector<std::string> values;
        std::string set;
        for (int index = 0; index < 4; ++index) {
            values.push_back(json.value(4));
            set += (index > 0 ? "," : "") + json.space() + "\"k" + std::to_string(index) + "\"" +
                   json.space() + ":" + json.space() + values.back() + json.space();
        }
        const std::string text = json.space() + R"({"op":"properties","x":)" + json.value(3) +
                                 R"(,"set":)" + json.space() + "{" + set + "}}";
        const auto parsed = parsed_set(text);
        ASSERT_EQ(parsed.size(), values.size()) << text;
        for (std::size_t index = 0; index < values.size(); ++index) {
            ASSERT_EQ(parsed[index].json, values[index]) << text;
        }
    }
}

TEST_F(ControlParserTest, random_damage_is_survived) {
    RandomJson json(78);
    std::mt19937 random(79);
    for (int round = 0; round < 20000; ++round) {
        std::string text = R"({"op":"properties","set":{"a":)" + json.value(3) + "}}";
        for (auto count = 1 + random() % 3; count > 0; --count) {
            text[random() % text.size()] = static_cast<char>("{}[]\",:\\u0e-. \xff"[random() % 16]);
        }
        text.resize(text.size() - random() % 3);
        static_cast<void>(parser.parse_request(text));
        static_cast<void>(parser.parse_join(text));
    }
}

TEST(JsonText, softens_in_place_without_moving_a_byte) {
    std::string text = R"([1e999,-1.5,"1.0",12345678901234567890,1234567890123456,"\uD800\uDC00\udc00"])";
    ASSERT_TRUE(soften_json(text));
    EXPECT_EQ(text, R"([0.5  ,0.5 ,"1.0",0.5                 ,1234567890123456,"\uD800\uDC00\ufffd"])");
    std::string plain = R"({"op":"leave","id":7})";
    EXPECT_FALSE(soften_json(plain));
}

TEST(JsonText, softening_takes_any_bytes) {
    std::mt19937 random(80);
    for (int round = 0; round < 50000; ++round) {
        // A vector of its own size each time: the sanitizer sees a step beyond the end.
        std::vector<char> text(random() % 24);
        for (char& c : text) {
            c = static_cast<char>("\"\"\\\\uuddD8c0e1.-+ {}"[random() % 20]);
        }
        const std::size_t size = text.size();
        soften_json(text);
        ASSERT_EQ(text.size(), size);
    }
}

TEST_F(ControlParserTest, raw_values_end_where_the_object_does) {
    RawValues values(R"({"a": 1, "b": [2]} )");
    EXPECT_EQ(values.next(), "1");
    EXPECT_EQ(values.next(), "[2]");
    EXPECT_EQ(values.next(), "");
    EXPECT_EQ(RawValues("{}").next(), "");
}

}  // namespace
}  // namespace tickwire::wire
