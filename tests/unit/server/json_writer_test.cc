#include "server/api/json_writer.h"

#include <gtest/gtest.h>

#include <string>

namespace varve::server {
namespace {

std::string Escaped(std::string_view text) {
  std::string out;
  AppendJsonString(text, &out);
  return out;
}

TEST(JsonWriterTest, Nests) {
  std::string out;
  JsonWriter json(&out);
  json.BeginObject();
  json.Key("a");
  json.BeginArray();
  json.Integer(int64_t{-1});
  json.True();
  json.BeginObject();
  json.EndObject();
  json.Point(1500, 2.5);
  json.Point(2000, 3);
  json.EndArray();
  json.Key("b\"");
  json.Null();
  json.EndObject();
  EXPECT_EQ(out, R"({"a":[-1,true,{},[1.500,"2.5"],[2,"3"]],"b\"":null})");
}

TEST(JsonWriterTest, EscapesWhatJsonWantsEscaped) {
  EXPECT_EQ(Escaped("plain"), R"("plain")");
  EXPECT_EQ(Escaped(""), R"("")");
  EXPECT_EQ(Escaped("a\"b\\c/"), R"("a\"b\\c/")");
  EXPECT_EQ(Escaped("\n\r\t\x01\x1f\x7f"), R"("\n\r\t\u0001\u001f\u007f")");
  EXPECT_EQ(Escaped(std::string_view("a\0b", 3)), R"("a\u0000b")");
}

TEST(JsonWriterTest, KeepsUtf8AndReplacesWhatIsNone) {
  EXPECT_EQ(Escaped("h\xc3\xa9 \xe2\x82\xac \xf0\x9f\x98\x80"),
            "\"h\xc3\xa9 \xe2\x82\xac \xf0\x9f\x98\x80\"");
  const std::string replacement = "\xef\xbf\xbd";
  EXPECT_EQ(Escaped("a\xff"
                    "b"),
            "\"a" + replacement + "b\"");
  EXPECT_EQ(Escaped("\xc3"), '"' + replacement + '"');                    // cut off
  EXPECT_EQ(Escaped("\xc0\x80"), '"' + replacement + replacement + '"');  // overlong
  EXPECT_EQ(Escaped("\xed\xa0\x80"),
            '"' + replacement + replacement + replacement + '"');             // a surrogate
  EXPECT_EQ(Escaped("\xf4\x90\x80\x80").size(), 2 + 4 * replacement.size());  // above U+10FFFF
}

}  // namespace
}  // namespace varve::server
