// Names that fall at once or at the end of the query: the rules by themselves, and through queries.
#include "query/exec/name_rules.h"

#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "query/exec/query_engine.h"
#include "tests/unit/query/exec/fake_reader.h"

namespace varve::promql::exec {
namespace {

class NameRulesTest : public testing::Test {
 protected:
  NameRulesTest() {
    store_.Add({{"__name__", "a_total"}, {"env", "1"}}, 60'000, {0, 60, 120});
    store_.Add({{"__name__", "b_total"}, {"env", "1"}}, 60'000, {60, 120, 180});
  }
  std::vector<std::string> Instant(const std::string& text, const EngineOptions& options) {
    QueryEngine engine([this] { return std::make_unique<FakeReader>(&store_); }, options, &clock_);
    auto result = engine.Instant(text, 120'000, {});
    if (!result.ok()) return {result.status().ToString()};
    std::vector<std::string> out;
    for (const VectorSample& sample : std::get<Vector>(result->value)) {
      out.push_back(sample.labels.ToString() + " " + std::to_string(sample.point.value));
    }
    return out;
  }
  std::vector<std::string> AtOnce(const std::string& text) { return Instant(text, Options(false)); }
  std::vector<std::string> Delayed(const std::string& text) { return Instant(text, Options(true)); }
  static EngineOptions Options(bool delayed) {
    EngineOptions options;
    options.thread_count = 1;
    options.delayed_name_removal = delayed;
    return options;
  }

  FakeStore store_;
  ManualClock clock_{1'000'000};
};

using Lines = std::vector<std::string>;
constexpr char kSameLabels[] = "out_of_range: vector cannot contain metrics with the same labelset";

TEST_F(NameRulesTest, EqualLabelsMatterOnlyAtTheEnd) {
  EXPECT_EQ(AtOnce("sum(rate({env=\"1\"}[2m]))"), Lines{kSameLabels});
  EXPECT_EQ(Delayed("sum(increase({env=\"1\"}[2m]))"), Lines{"{} 240.000000"});
  EXPECT_EQ(Delayed("rate({env=\"1\"}[2m])"), Lines{kSameLabels});
  EXPECT_EQ(Delayed("rate(a_total[2m])"), Lines{"{env=\"1\"} 1.000000"});
  EXPECT_EQ(Delayed("-{env=\"1\"}"), Lines{kSameLabels});
}

TEST_F(NameRulesTest, LabelFunctionsMayKeepTheName) {
  const std::string copy =
      R"q(label_replace(abs({env="1"}), "__name__", "x_$1", "__name__", "(.+)"))q";
  EXPECT_EQ(AtOnce(copy), Lines{kSameLabels});
  EXPECT_EQ(Delayed(copy),
            (Lines{R"(x_a_total{env="1"} 120.000000)", R"(x_b_total{env="1"} 180.000000)"}));
  EXPECT_EQ(Delayed(R"(label_join(abs({env="1"}), "from", "", "__name__"))"),
            (Lines{R"({env="1", from="a_total"} 120.000000)",
                   R"({env="1", from="b_total"} 180.000000)"}));
  // A pattern that does not match writes nothing.
  EXPECT_EQ(Delayed(R"(label_replace(abs(a_total), "__name__", "x", "env", "9"))"),
            Lines{R"({env="1"} 120.000000)"});
}

TEST_F(NameRulesTest, GroupsLoseTheNameThatAnyMemberLoses) {
  EXPECT_EQ(Delayed("sum by (__name__) (abs({env=\"1\"}))"), Lines{kSameLabels});
  EXPECT_EQ(Delayed("sum by (__name__) (a_total)"), Lines{R"(a_total 120.000000)"});
  EXPECT_EQ(Delayed("sum by (__name__) (abs(a_total))"), Lines{"{} 120.000000"});
  EXPECT_EQ(Delayed("quantile by (__name__) (0.5, abs(a_total))"), Lines{"{} 120.000000"});
  EXPECT_EQ(Delayed("sum by (__name__) (a_total or abs(b_total))"), Lines{R"(a_total 120.000000)"});
}

TEST_F(NameRulesTest, BinaryOperators) {
  EXPECT_EQ(Delayed("a_total + 1"), Lines{R"({env="1"} 121.000000)"});
  EXPECT_EQ(Delayed("a_total > 1"), Lines{R"(a_total{env="1"} 120.000000)"});
  EXPECT_EQ(Delayed("a_total < bool b_total"), Lines{R"({env="1"} 1.000000)"});
  EXPECT_EQ(Delayed(R"(label_join(a_total < bool b_total, "from", "", "__name__"))"),
            Lines{R"({env="1", from="a_total"} 1.000000)"});
  // The name of a result of two metrics means nothing and falls at once.
  EXPECT_EQ(Delayed(R"(label_join(a_total - b_total, "from", "", "__name__"))"),
            Lines{R"({env="1"} -60.000000)"});
}

TEST_F(NameRulesTest, SubqueriesPassTheFlagOn) {
  EXPECT_EQ(Delayed("last_over_time(abs(a_total)[1m:1m])"), Lines{R"({env="1"} 120.000000)"});
  EXPECT_EQ(Delayed("last_over_time(a_total[1m:1m])"), Lines{R"(a_total{env="1"} 120.000000)"});
}

TEST_F(NameRulesTest, TypeAndUnitFallWithTheName) {
  store_.Add({{"__name__", "t"}, {"__type__", "gauge"}, {"__unit__", "s"}, {"x", "1"}}, 60'000,
             {1, 2, 3});
  EXPECT_EQ(AtOnce("t * 2"), Lines{R"({x="1"} 6.000000)"});
  EXPECT_EQ(AtOnce("t + t"), Lines{R"({x="1"} 6.000000)"});
  EXPECT_EQ(AtOnce("sum by (__type__, x) (abs(t))"), Lines{R"({x="1"} 3.000000)"});
  EXPECT_EQ(AtOnce("sum by (__type__, x) (t)"), Lines{R"({__type__="gauge", x="1"} 3.000000)"});
  EXPECT_EQ(Delayed("abs(t)"), Lines{R"({x="1"} 3.000000)"});
  EngineOptions names_only = Options(false);
  names_only.type_and_unit_labels = false;
  EXPECT_EQ(Instant("abs(t)", names_only),
            Lines{R"({__type__="gauge", __unit__="s", x="1"} 3.000000)"});
}

TEST(GroupNameRemovalTest, TheLastStepDecides) {
  double values[3] = {};
  uint64_t early = 0b011;
  uint64_t late = 0b100;
  GroupNameRemoval first;
  first.Add({values, &early}, 3, MetricName::kDrop);
  EXPECT_TRUE(first.drop_name());
  first.Add({values, &late}, 3, MetricName::kKeep);
  EXPECT_FALSE(first.drop_name());
  first.Add({values, &early}, 3, MetricName::kDrop);
  EXPECT_FALSE(first.drop_name());
  GroupNameRemoval other;
  other.Add({values, &late}, 3, MetricName::kDrop);
  first.Merge(other);
  EXPECT_TRUE(first.drop_name());
  first.Merge(GroupNameRemoval());
  EXPECT_TRUE(first.drop_name());
}

}  // namespace
}  // namespace varve::promql::exec
