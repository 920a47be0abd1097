#include "query/exec/label_ops.h"

#include <gtest/gtest.h>

#include "query/exec/sort_functions.h"

namespace varve::promql::exec {
namespace {

const Labels& Sample() {
  static const Labels labels{{"__name__", "up"}, {"a", "1"}, {"b", "2"}, {"c", "3"}};
  return labels;
}

TEST(LabelOps, CutsAndSets) {
  EXPECT_EQ(DropMetadata(Sample(), MetadataLabels::kName),
            (Labels{{"a", "1"}, {"b", "2"}, {"c", "3"}}));
  EXPECT_EQ(KeepLabels(Sample(), LabelNames({"c", "a", "x"})), (Labels{{"a", "1"}, {"c", "3"}}));
  EXPECT_EQ(DropLabels(Sample(), LabelNames({"c", "a", "x"})),
            (Labels{{"__name__", "up"}, {"b", "2"}}));
  for (const std::string name : {"0", "a", "aa", "c", "z"}) {
    for (const std::string value : {"", "v"}) {
      LabelsBuilder builder(Sample());
      EXPECT_EQ(SetLabel(Sample(), name, value), builder.Set(name, value).Build()) << name;
    }
  }
  EXPECT_EQ(SetLabel(Labels(), "a", "1"), (Labels{{"a", "1"}}));
}

TEST(LabelOps, LongValuesStayCanonical) {
  const std::string value(300, 'x');  // a length of two varint bytes
  EXPECT_EQ(SetLabel(Sample(), "b", value).Get("b"), value);
  EXPECT_EQ(DropMetadata(SetLabel(Sample(), "b", value), MetadataLabels::kName).Get("c"), "3");
}

TEST(LabelProjection, Groups) {
  const auto key = [](const LabelProjection& projection, const Labels& labels, MetricName name) {
    std::string out;
    projection.Key(labels, name, &out);
    return Labels::FromCanonicalBytes(out);
  };
  const auto by = LabelProjection::Only(LabelNames({"b", "__name__", "x"}));
  EXPECT_EQ(key(by, Sample(), MetricName::kKeep), (Labels{{"__name__", "up"}, {"b", "2"}}));
  EXPECT_EQ(key(by, Sample(), MetricName::kDrop), (Labels{{"b", "2"}}));
  const auto without = LabelProjection::AllBut(LabelNames({"b"}));
  EXPECT_EQ(key(without, Sample(), MetricName::kKeep), (Labels{{"a", "1"}, {"c", "3"}}));
  EXPECT_TRUE(key(LabelProjection::Only({}), Sample(), MetricName::kKeep).empty());
  EXPECT_EQ(without.Project(Sample()), (Labels{{"a", "1"}, {"c", "3"}}));
}

TEST(NaturalOrder, ComparesNumbersAsNumbers) {
  EXPECT_TRUE(NaturalLess("node9", "node10"));
  EXPECT_FALSE(NaturalLess("node10", "node9"));
  EXPECT_TRUE(NaturalLess("1.9.0", "1.10.0"));
  EXPECT_TRUE(NaturalLess("a", "b"));
  EXPECT_TRUE(NaturalLess("", "a"));
  EXPECT_TRUE(NaturalLess("a", "a1"));
  EXPECT_FALSE(NaturalLess("a", "a"));
  EXPECT_TRUE(NaturalLess("a1b2", "a1b10"));
  EXPECT_TRUE(NaturalLess("99999999999999999999", "100000000000000000000"));
  EXPECT_NE(NaturalLess("01", "1"), NaturalLess("1", "01"));
}

}  // namespace
}  // namespace varve::promql::exec
