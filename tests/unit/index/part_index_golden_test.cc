// The example of docs/FORMATS.md, "Series table" and "Postings", byte by byte: what is on disks
// stays readable.
#include <gtest/gtest.h>

#include <cstdio>
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "index/part_index.h"
#include "tests/unit/index/fake_part.h"
#include "tests/unit/index/label_set_model.h"

namespace varve::index {
namespace {

std::string FromHex(std::string_view hex) {
  std::string bytes;
  for (size_t i = 0; i + 2 <= hex.size(); i += 2) {
    bytes.push_back(static_cast<char>(std::stoi(std::string(hex.substr(i, 2)), nullptr, 16)));
  }
  return bytes;
}

std::string ToHex(std::string_view bytes) {
  std::string hex;
  for (const char c : bytes) {
    char digits[3];
    std::snprintf(digits, sizeof digits, "%02x", static_cast<unsigned>(static_cast<uint8_t>(c)));
    hex += digits;
  }
  return hex;
}

const std::vector<LabelSet>& Series() {
  static const std::vector<LabelSet> series = {{{"__name__", "up"}, {"job", "db"}},
                                               {{"__name__", "up"}, {"job", "web"}}};
  return series;
}

struct GoldenValue {
  kv::Family family;
  const char* key;
  const char* value;
};
constexpr GoldenValue kVersion1[] = {
    {kv::Family::kSeries, "0100000000",
     "010200020001010102"
     "1230e5b8"},
    {kv::Family::kSeries, "0200000000",
     "010300085f5f6e616d655f5f02757000036a6f620264620203776562c8aee98b"},
    {kv::Family::kSeries, "03", "0102033b73ae32"},
    {kv::Family::kPostings, "5f5f6e616d655f5f000175700001", "010000040e"},
    {kv::Family::kPostings, "6a6f62000164620001", "0100c076"},
    {kv::Family::kPostings, "6a6f6200017765620001", "0101f365"},
};

TEST(PartIndexGoldenTest, WritesTheBytesOfTheSpecification) {
  FakePartWriter writer;
  PartIndexWriter index(&writer);
  for (const LabelSet& labels : Series()) ASSERT_TRUE(index.Add(ToBytes(labels)).ok());
  ASSERT_TRUE(index.Finish().ok());
  ASSERT_EQ(writer.bytes.size(), std::size(kVersion1));
  for (const GoldenValue& golden : kVersion1) {
    const auto written = writer.bytes.find({golden.family, FromHex(golden.key)});
    ASSERT_NE(written, writer.bytes.end()) << golden.key;
    EXPECT_EQ(ToHex(written->second), golden.value) << golden.key;
  }
}

TEST(PartIndexGoldenTest, ReadsTheBytesOfTheSpecification) {
  FakeBytes bytes;
  for (const GoldenValue& golden : kVersion1) {
    bytes[{golden.family, FromHex(golden.key)}] = FromHex(golden.value);
  }
  auto reader = PartIndexReader::Open(std::make_shared<FakePart>(bytes));
  ASSERT_TRUE(reader.ok()) << reader.status().ToString();
  ASSERT_EQ((*reader)->series_count(), 2u);
  std::vector<LabelMatcher> matchers;
  matchers.push_back(MustCompile(MatchOp::kEqual, "job", "web"));
  const auto matched = (*reader)->Match(matchers);
  ASSERT_TRUE(matched.ok()) << matched.status().ToString();
  ASSERT_EQ(*matched, std::vector<Ordinal>{1});
  std::vector<std::string> seen;
  const Ordinal both[] = {0, 1};
  const Status status = (*reader)->VisitLabels(
      both, [&](size_t, std::string_view labels) { seen.emplace_back(labels); });
  ASSERT_TRUE(status.ok()) << status.ToString();
  EXPECT_EQ(seen, (std::vector<std::string>{ToBytes(Series()[0]), ToBytes(Series()[1])}));
}

}  // namespace
}  // namespace varve::index
