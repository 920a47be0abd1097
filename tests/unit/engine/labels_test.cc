#include "varve/labels.h"

#include <gtest/gtest.h>

#include <string>
#include <vector>

namespace varve {
namespace {

TEST(LabelsTest, AreSortedAndDropEmptyValues) {
  const Labels labels{{"b", "2"}, {"a", "1"}, {"c", ""}};
  std::string shown;
  for (const LabelView label : labels)
    shown += std::string(label.name) + "=" + std::string(label.value) + ";";
  EXPECT_EQ(shown, "a=1;b=2;");
  EXPECT_EQ(labels.size(), 2u);
  EXPECT_EQ(labels.Get("b"), "2");
  EXPECT_FALSE(labels.Has("c"));
  EXPECT_EQ(labels, (Labels{{"a", "1"}, {"b", "2"}}));
  EXPECT_EQ(labels.Hash(), (Labels{{"a", "1"}, {"b", "2"}}).Hash());
}

TEST(LabelsTest, FromViewsRefusesEmptyAndRepeatedNames) {
  const LabelView empty[] = {{"", "x"}};
  EXPECT_EQ(Labels::FromViews(empty).status().code(), StatusCode::kInvalidArgument);
  const LabelView repeated[] = {{"a", "x"}, {"a", "y"}};
  const Result<Labels> refused = Labels::FromViews(repeated);
  EXPECT_EQ(refused.status().code(), StatusCode::kInvalidArgument);
  EXPECT_NE(refused.status().message().find("a"), std::string::npos);
}

TEST(LabelsTest, OrderIsLabelByLabelAPrefixFirst) {
  const std::vector<Labels> ascending = {Labels{},
                                         Labels{{"a", "1"}},
                                         Labels{{"a", "1"}, {"b", "1"}},
                                         Labels{{"a", "10"}},
                                         Labels{{"a", "2"}},
                                         Labels{{"aa", "1"}},
                                         Labels{{"b", "1"}}};
  for (size_t i = 0; i + 1 < ascending.size(); ++i) EXPECT_LT(ascending[i], ascending[i + 1]) << i;
}

TEST(LabelsTest, PrintAsPromqlReadsThem) {
  EXPECT_EQ((Labels{{"__name__", "up"}, {"job", "x"}}).ToString(), "up{job=\"x\"}");
  EXPECT_EQ((Labels{{"__name__", "up"}}).ToString(), "up");
  EXPECT_EQ(Labels{}.ToString(), "{}");
  EXPECT_EQ((Labels{{"__name__", "a b"}, {"c.d", "e\"\\\n"}}).ToString(),
            "{\"a b\", \"c.d\"=\"e\\\"\\\\\\n\"}");
}

TEST(LabelsTest, BuilderSetsReplacesAndRemoves) {
  LabelsBuilder builder(Labels{{"a", "1"}, {"b", "2"}});
  builder.Set("a", "x").Remove("b").Set("c", "3");
  EXPECT_EQ(builder.Build(), (Labels{{"a", "x"}, {"c", "3"}}));
}

TEST(LabelsTest, ValuesMayHoldNul) {
  const Labels labels{{"a", std::string_view("x\0y", 3)}};
  EXPECT_EQ(labels.Get("a"), std::string_view("x\0y", 3));
}

}  // namespace
}  // namespace varve
