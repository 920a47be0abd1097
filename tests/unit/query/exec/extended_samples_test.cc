#include "query/exec/extended_samples.h"

#include <gtest/gtest.h>

#include <vector>

namespace varve::promql::exec {
namespace {

engine::SampleBuffer Extended(RangeEdges edges, int64_t start_ms, int64_t end_ms,
                              std::vector<int64_t> times, std::vector<double> values) {
  engine::SampleBuffer out;
  out.timestamps_ms = std::move(times);
  out.values = std::move(values);
  ExtendToEdges(edges, start_ms, end_ms, &out);
  return out;
}

TEST(ExtendedSamples, AnchoredStartsWithTheValueBefore) {
  const auto out = Extended(RangeEdges::kAnchored, 15, 35, {0, 10, 20, 30}, {1, 2, 4, 8});
  EXPECT_EQ(out.timestamps_ms, (std::vector<int64_t>{15, 20, 30, 35}));
  EXPECT_EQ(out.values, (std::vector<double>{2, 4, 8, 8}));
  EXPECT_EQ(Extended(RangeEdges::kAnchored, 30, 40, {20, 30}, {4, 8}).size(), 0u);
  EXPECT_EQ(Extended(RangeEdges::kAnchored, 30, 40, {}, {}).size(), 0u);
}

TEST(ExtendedSamples, SmoothedInterpolates) {
  const auto out = Extended(RangeEdges::kSmoothed, 15, 25, {0, 10, 20, 30}, {1, 2, 4, 8});
  EXPECT_EQ(out.timestamps_ms, (std::vector<int64_t>{15, 20, 25}));
  EXPECT_EQ(out.values, (std::vector<double>{3, 4, 6}));
  const auto exact = Extended(RangeEdges::kSmoothed, 10, 20, {10, 20}, {2, 4});
  EXPECT_EQ(exact.timestamps_ms, (std::vector<int64_t>{10, 20}));
  EXPECT_EQ(exact.values, (std::vector<double>{2, 4}));
}

}  // namespace
}  // namespace varve::promql::exec
