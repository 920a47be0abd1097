// Aggregations split over accumulators and merged against one accumulator and plain arithmetic.
#include "query/exec/group_accumulator.h"

#include <gtest/gtest.h>

#include <cmath>
#include <limits>
#include <random>
#include <vector>

namespace varve::promql::exec {
namespace {

constexpr size_t kSteps = 70;  // more than one bitmap word
const double kNan = std::nan("");
constexpr double kInf = std::numeric_limits<double>::infinity();

struct Input {
  Labels labels;
  std::vector<double> values;
  std::vector<bool> present;
};

class GroupAccumulatorTest : public testing::Test {
 protected:
  void Add(const Input& input, GroupAccumulator* groups) {
    ColumnBuffer buffer(kSteps);
    const Column column = buffer.Reset();
    for (size_t i = 0; i < kSteps; ++i) {
      column.values[i] = input.values[i];
      if (input.present[i]) SetBit(column.present, i);
    }
    ASSERT_TRUE(groups->Add(input.labels, MetricName::kKeep, column).ok());
  }
  GroupAccumulator Make(AggregationOp op) {
    return GroupAccumulator(op, &projection_, NameRules{}, AggregationNotes{}, kSteps, &budget_);
  }
  VectorValue Aggregate(AggregationOp op, const std::vector<Input>& inputs, size_t parts) {
    std::vector<GroupAccumulator> accumulators;
    for (size_t p = 0; p < parts; ++p) accumulators.push_back(Make(op));
    for (size_t i = 0; i < inputs.size(); ++i) {
      Add(inputs[i], &accumulators[i * parts / inputs.size()]);
    }
    for (size_t p = 1; p < parts; ++p) {
      EXPECT_TRUE(accumulators[0].Merge(std::move(accumulators[p])).ok());
    }
    auto result = accumulators[0].Finish();
    EXPECT_TRUE(result.ok());
    return std::move(result).value();
  }
  // One group, one step: the aggregate of `values` split into `parts`.
  double Of(AggregationOp op, const std::vector<double>& values, size_t parts) {
    std::vector<Input> inputs;
    for (const double value : values) {
      inputs.push_back(
          {Labels(), std::vector<double>(kSteps, value), std::vector<bool>(kSteps, true)});
    }
    const VectorValue out = Aggregate(op, inputs, parts);
    EXPECT_EQ(out.rows().size(), 1u);
    return out.rows()[0].column.values[kSteps - 1];
  }

  ManualClock clock_{0};
  QueryBudget budget_{{}, &clock_, {}};
  LabelProjection projection_ = LabelProjection::Only(LabelNames({"g"}));
};

std::vector<Input> RandomInputs(size_t count) {
  std::mt19937_64 random(3);
  std::vector<Input> out(count);
  for (Input& input : out) {
    input.labels = Labels{
        {"__name__", "m"}, {"g", std::to_string(random() % 5)}, {"i", std::to_string(random())}};
    for (size_t i = 0; i < kSteps; ++i) {
      input.values.push_back(static_cast<double>(random() % 10'000) / 16 - 200);
      input.present.push_back(random() % 4 != 0);
    }
  }
  return out;
}

double Naive(AggregationOp op, const std::vector<double>& values) {
  long double sum = 0;
  double least = values[0];
  double greatest = values[0];
  for (const double v : values) {
    sum += v;
    least = std::min(least, v);
    greatest = std::max(greatest, v);
  }
  const long double count = static_cast<long double>(values.size());
  long double squares = 0;
  for (const double v : values) squares += (v - sum / count) * (v - sum / count);
  switch (op) {
    case AggregationOp::kSum:
      return static_cast<double>(sum);
    case AggregationOp::kAvg:
      return static_cast<double>(sum / count);
    case AggregationOp::kCount:
      return static_cast<double>(count);
    case AggregationOp::kMin:
      return least;
    case AggregationOp::kMax:
      return greatest;
    case AggregationOp::kGroup:
      return 1;
    case AggregationOp::kStdvar:
      return static_cast<double>(squares / count);
    default:
      return std::sqrt(static_cast<double>(squares / count));
  }
}

TEST_F(GroupAccumulatorTest, EqualsArithmeticHoweverSplit) {
  const std::vector<Input> inputs = RandomInputs(60);
  for (const AggregationOp op : {AggregationOp::kSum, AggregationOp::kAvg, AggregationOp::kCount,
                                 AggregationOp::kMin, AggregationOp::kMax, AggregationOp::kGroup,
                                 AggregationOp::kStdvar, AggregationOp::kStddev}) {
    for (const size_t parts : {1u, 2u, 3u, 7u}) {
      const VectorValue out = Aggregate(op, inputs, parts);
      EXPECT_EQ(out.rows().size(), 5u);
      for (const SeriesRow& row : out.rows()) {
        for (size_t step = 0; step < kSteps; ++step) {
          std::vector<double> values;
          for (const Input& input : inputs) {
            if (input.labels.Get("g") == row.labels.Get("g") && input.present[step]) {
              values.push_back(input.values[step]);
            }
          }
          ASSERT_EQ(TestBit(row.column.present, step), !values.empty());
          if (values.empty()) continue;
          const double expected = Naive(op, values);
          ASSERT_NEAR(row.column.values[step], expected, 1e-12 * std::max(1.0, std::fabs(expected)))
              << AggregationName(op) << " in " << parts;
        }
      }
    }
  }
}

TEST_F(GroupAccumulatorTest, CompensatesAcrossParts) {
  const std::vector<double> values{1, 1e100, 1, -1e100};
  for (const size_t parts : {1u, 2u, 4u}) {
    EXPECT_EQ(Of(AggregationOp::kSum, values, parts), 2) << parts;
    EXPECT_EQ(Of(AggregationOp::kAvg, values, parts), 0.5) << parts;
  }
}

TEST_F(GroupAccumulatorTest, AveragesDoNotOverflow) {
  const double max = std::numeric_limits<double>::max();
  for (const size_t parts : {1u, 2u, 3u}) {
    EXPECT_NEAR(Of(AggregationOp::kAvg, {max, max, max}, parts) / max, 1, 1e-15) << parts;
    EXPECT_NEAR(Of(AggregationOp::kAvg, {-max, -max, -max, -max / 2}, parts) / -max, 0.875, 1e-15)
        << parts;
  }
}

TEST_F(GroupAccumulatorTest, SpecialValues) {
  for (const size_t parts : {1u, 2u}) {
    EXPECT_EQ(Of(AggregationOp::kSum, {1, kInf}, parts), kInf);
    EXPECT_TRUE(std::isnan(Of(AggregationOp::kSum, {-kInf, kInf}, parts)));
    EXPECT_TRUE(std::isnan(Of(AggregationOp::kSum, {1, kNan}, parts)));
    EXPECT_EQ(Of(AggregationOp::kAvg, {kInf, kInf}, parts), kInf);
    EXPECT_EQ(Of(AggregationOp::kAvg, {-kInf, 5}, parts), -kInf);
    EXPECT_TRUE(std::isnan(Of(AggregationOp::kAvg, {-kInf, kInf}, parts)));
    EXPECT_EQ(Of(AggregationOp::kMax, {kNan, 1}, parts), 1);
    EXPECT_EQ(Of(AggregationOp::kMax, {1, kNan}, parts), 1);
    EXPECT_EQ(Of(AggregationOp::kMin, {kNan, kInf}, parts), kInf);
    EXPECT_TRUE(std::isnan(Of(AggregationOp::kMin, {kNan, kNan}, parts)));
    EXPECT_EQ(Of(AggregationOp::kCount, {kNan, 1}, parts), 2);
    EXPECT_TRUE(std::isnan(Of(AggregationOp::kStdvar, {kInf, 1}, parts)));
    EXPECT_TRUE(std::isnan(Of(AggregationOp::kStddev, {1, kNan}, parts)));
    EXPECT_EQ(Of(AggregationOp::kStddev, {3.7, 3.7}, parts), 0);
  }
  EXPECT_TRUE(std::isnan(Of(AggregationOp::kStddev, {kInf}, 1)));
}

TEST_F(GroupAccumulatorTest, GivesBackWhatItHeld) {
  {
    const VectorValue out = Aggregate(AggregationOp::kSum, RandomInputs(20), 4);
    EXPECT_GT(budget_.bytes_held(), 0u);
  }
  EXPECT_EQ(budget_.bytes_held(), 0u);
  EXPECT_EQ(budget_.samples_held(), 0u);
}

TEST_F(GroupAccumulatorTest, StopsAtTheBudget) {
  QueryBudget small({.samples_max = 1000, .bytes_max = 4000}, &clock_, {});
  GroupAccumulator groups(AggregationOp::kAvg, &projection_, NameRules{}, AggregationNotes{},
                          kSteps, &small);
  ColumnBuffer buffer(kSteps);
  const Column column = buffer.Reset();
  SetBit(column.present, 0);
  column.values[0] = 1;
  EXPECT_TRUE(groups.Add(Labels{{"g", "1"}}, MetricName::kKeep, column).ok());
  EXPECT_TRUE(groups.Add(Labels{{"g", "1"}, {"x", "y"}}, MetricName::kKeep, column).ok());
  EXPECT_TRUE(groups.Add(Labels{{"g", "2"}}, MetricName::kKeep, column).ok());
  EXPECT_EQ(groups.Add(Labels{{"g", "3"}}, MetricName::kKeep, column).code(),
            StatusCode::kResourceExhausted);
}

}  // namespace
}  // namespace varve::promql::exec
