// Anchored and smoothed ranges, and start times: by hand, and against a window-by-window evaluation
// that shares no code with the kernels.
#include <gtest/gtest.h>

#include <cmath>
#include <optional>
#include <random>
#include <vector>

#include "query/exec/range_kernels.h"
#include "query/exec/start_times.h"

namespace varve::promql::exec {
namespace {

struct Series {
  std::vector<int64_t> times;
  std::vector<double> values;
  std::vector<int64_t> starts;
};

constexpr int64_t kLookback = 60'000;

// The function over the range (start, end] of each of `count` steps.
std::vector<std::optional<double>> Evaluate(FunctionId function, RangeEdges edges,
                                            const Series& series, const TimeGrid& grid,
                                            int64_t range_ms) {
  RangeWindows windows(grid, {}, range_ms, ReachOf(edges, kLookback));
  windows.Bind(series.times);
  RangeInput input;
  input.times_ms = series.times;
  input.values = series.values;
  input.start_times_ms = series.starts;
  input.windows = &windows;
  KernelScratch scratch;
  ColumnBuffer row(grid.count);
  const Column column = row.Reset();
  FindRangeKernel(function, edges)->run(input, {0, grid.count}, &scratch, column);
  std::vector<std::optional<double>> out(grid.count);
  for (size_t step = 0; step < grid.count; ++step) {
    if (TestBit(column.present, step)) out[step] = column.values[step];
  }
  return out;
}

std::optional<double> At(FunctionId function, RangeEdges edges, const Series& series,
                         int64_t time_ms, int64_t range_ms) {
  return Evaluate(function, edges, series, {time_ms, 1, 1}, range_ms)[0];
}

// A sample every ten seconds, counting.
Series Counter() {
  Series out;
  for (int i = 0; i < 8; ++i) {
    out.times.push_back(i * 10'000);
    out.values.push_back(i < 5 ? i + 1 : i - 4);  // 1 2 3 4 5 1 2 3
  }
  return out;
}

TEST(ExtendedKernels, AnchoredBeginsWithTheSampleBefore) {
  const Series series = Counter();
  EXPECT_EQ(At(FunctionId::kIncrease, RangeEdges::kAnchored, series, 35'000, 20'000), 2);
  EXPECT_EQ(At(FunctionId::kRate, RangeEdges::kAnchored, series, 35'000, 20'000), 0.1);
  EXPECT_EQ(At(FunctionId::kDelta, RangeEdges::kAnchored, series, 65'000, 20'000), -3);
  EXPECT_EQ(At(FunctionId::kIncrease, RangeEdges::kAnchored, series, 65'000, 20'000), 2);
  EXPECT_EQ(At(FunctionId::kResets, RangeEdges::kAnchored, series, 59'000, 10'000), 1);
  EXPECT_EQ(At(FunctionId::kChanges, RangeEdges::kAnchored, series, 59'000, 30'000), 3);
  // The start of the range is no part of it.
  EXPECT_EQ(At(FunctionId::kIncrease, RangeEdges::kAnchored, series, 80'000, 10'000), std::nullopt);
  EXPECT_EQ(At(FunctionId::kChanges, RangeEdges::kAnchored, series, 80'000, 10'000), std::nullopt);
  EXPECT_EQ(At(FunctionId::kIncrease, RangeEdges::kAnchored, series, 5'000, 10'000), 0);
}

TEST(ExtendedKernels, SmoothedInterpolatesBothEdges) {
  const Series series = Counter();
  EXPECT_EQ(At(FunctionId::kIncrease, RangeEdges::kSmoothed, series, 35'000, 20'000), 2);
  EXPECT_EQ(At(FunctionId::kDelta, RangeEdges::kSmoothed, series, 25'000, 5'000), 0.5);
  // Between 5 and 1 the counter began anew: half way it was at 0.5.
  EXPECT_EQ(At(FunctionId::kIncrease, RangeEdges::kSmoothed, series, 45'000, 5'000), 0.5);
  EXPECT_EQ(At(FunctionId::kIncrease, RangeEdges::kSmoothed, series, 50'000, 5'000), 0.5);
  EXPECT_EQ(At(FunctionId::kIncrease, RangeEdges::kSmoothed, series, -5'000, 2'000), std::nullopt);
  EXPECT_EQ(At(FunctionId::kIncrease, RangeEdges::kSmoothed, series, 90'000, 5'000), std::nullopt);
}

TEST(ExtendedKernels, NeighbouringSmoothedIncreasesAddUp) {
  std::mt19937_64 random(7);
  Series series;
  int64_t time = 0;
  double value = 0;
  for (int i = 0; i < 300; ++i) {
    time += 1'000 + static_cast<int64_t>(random() % 20'000);
    value += static_cast<double>(random() % 100) / 4;
    series.times.push_back(time);
    series.values.push_back(value);
  }
  const TimeGrid fine{100'000, 5'000, 400};
  double sum = 0;
  for (const auto& part :
       Evaluate(FunctionId::kIncrease, RangeEdges::kSmoothed, series, fine, 5'000)) {
    sum += part.value();
  }
  const auto whole =
      At(FunctionId::kIncrease, RangeEdges::kSmoothed, series, fine.end_ms(), 400 * 5'000);
  EXPECT_NEAR(sum, whole.value(), 1e-9 * sum);
}

// The increase over (start, end] sample by sample, edges made by hand.
std::optional<double> NaiveExtended(const Series& all, int64_t start, int64_t end, bool smoothed,
                                    bool counter) {
  Series s;
  const int64_t reach_end = end + (smoothed ? kLookback : 0);
  for (size_t i = 0; i < all.times.size(); ++i) {
    if (all.times[i] <= start - kLookback || all.times[i] > reach_end) continue;
    s.times.push_back(all.times[i]);
    s.values.push_back(all.values[i]);
  }
  const auto between = [&](size_t i, int64_t t) {
    double a = s.values[i];
    if (counter && s.values[i + 1] < a) a = 0;
    return a + (s.values[i + 1] - a) * static_cast<double>(t - s.times[i]) /
                   static_cast<double>(s.times[i + 1] - s.times[i]);
  };
  std::vector<double> path;  // the values from edge to edge
  std::optional<size_t> before;
  std::optional<size_t> behind;
  std::vector<size_t> inside;
  for (size_t i = 0; i < s.times.size(); ++i) {
    if (s.times[i] <= start) before = i;
    if (s.times[i] > start && s.times[i] <= end) inside.push_back(i);
    if (s.times[i] > end && !behind) behind = i;
  }
  if (inside.empty() && !(smoothed && before && behind)) return std::nullopt;
  if (before) {
    const bool exact = s.times[*before] == start;
    path.push_back(smoothed && !exact ? between(*before, start) : s.values[*before]);
  }
  for (const size_t i : inside) path.push_back(s.values[i]);
  if (smoothed && behind && (inside.empty() || s.times[inside.back()] != end)) {
    path.push_back(between(*behind - 1, end));
  }
  double result = path.back() - path.front();
  for (size_t i = 1; counter && i < path.size(); ++i) {
    if (path[i] < path[i - 1]) result += path[i - 1];
  }
  return result;
}

TEST(ExtendedKernels, EqualWindowByWindow) {
  std::mt19937_64 random(11);
  for (int round = 0; round < 300; ++round) {
    Series series;
    int64_t time = 1'000'000;
    double value = 0;
    for (uint64_t i = 0, n = random() % 60; i < n; ++i) {
      time += 1 + static_cast<int64_t>(random() % (random() % 10 == 0 ? 150'000 : 15'000));
      value = random() % 8 == 0 ? 0 : value + static_cast<double>(random() % 40) / 4;
      series.times.push_back(time);
      series.values.push_back(value);
    }
    const TimeGrid grid{1'000'000, 1 + static_cast<int64_t>(random() % 20'000), 30};
    const int64_t range = 1 + static_cast<int64_t>(random() % 60'000);
    for (const bool smoothed : {false, true}) {
      for (const bool counter : {false, true}) {
        const auto got =
            Evaluate(counter ? FunctionId::kIncrease : FunctionId::kDelta,
                     smoothed ? RangeEdges::kSmoothed : RangeEdges::kAnchored, series, grid, range);
        for (size_t step = 0; step < grid.count; ++step) {
          const auto expected =
              NaiveExtended(series, grid.At(step) - range, grid.At(step), smoothed, counter);
          ASSERT_EQ(got[step].has_value(), expected.has_value()) << round << " " << step;
          if (!expected) continue;
          ASSERT_NEAR(*got[step], *expected, 1e-9) << round << " " << step;
        }
      }
    }
  }
}

TEST(ExtendedKernels, OnlySomeFunctionsKnowThem) {
  EXPECT_EQ(FindRangeKernel(FunctionId::kDeriv, RangeEdges::kAnchored), nullptr);
  EXPECT_EQ(FindRangeKernel(FunctionId::kResets, RangeEdges::kSmoothed), nullptr);
  EXPECT_NE(FindRangeKernel(FunctionId::kResets, RangeEdges::kAnchored), nullptr);
}

TEST(StartTimes, SayWhereACounterBegan) {
  EXPECT_FALSE(IsStartReset({10, 1}, {20, 0}));
  EXPECT_FALSE(IsStartReset({10, 1}, {20, 20}));
  EXPECT_FALSE(IsStartReset({10, 1}, {20, 25}));
  EXPECT_FALSE(IsStartReset({10, 1}, {20, 1}));
  EXPECT_TRUE(IsStartReset({10, 1}, {20, 11}));
  EXPECT_TRUE(IsStartReset({10, 1}, {20, 10}));
  EXPECT_FALSE(IsStartReset({10, 0}, {20, 10}));
  EXPECT_FALSE(IsStartReset({10, 10}, {20, 10}));
  EXPECT_FALSE(IsStartReset({10, 15}, {20, 10}));
}

TEST(StartTimes, RatesHeedThem) {
  Series series;
  series.times = {60'000, 120'000, 180'000};
  series.values = {5, 5, 6};
  series.starts = {30'000, 100'000, 100'000};
  // 5 since 30 s, then 5 anew and 1 more.
  EXPECT_EQ(At(FunctionId::kIncrease, RangeEdges::kPlain, series, 180'000, 160'000), 11);
  EXPECT_EQ(At(FunctionId::kResets, RangeEdges::kPlain, series, 180'000, 160'000), 1);
  EXPECT_EQ(At(FunctionId::kIrate, RangeEdges::kPlain, series, 120'000, 100'000), 5.0 / 60);
  EXPECT_EQ(At(FunctionId::kIrate, RangeEdges::kPlain, series, 180'000, 100'000), 1.0 / 60);
  // One sample will do when counting began within the range, and not otherwise.
  EXPECT_EQ(At(FunctionId::kIncrease, RangeEdges::kPlain, series, 60'000, 40'000), 5);
  EXPECT_EQ(At(FunctionId::kIncrease, RangeEdges::kPlain, series, 60'000, 30'000), std::nullopt);
  // Not for what is no counter.
  EXPECT_EQ(At(FunctionId::kDelta, RangeEdges::kPlain, series, 60'000, 40'000), std::nullopt);
  series.starts = {0, 0, 0};
  EXPECT_EQ(At(FunctionId::kResets, RangeEdges::kPlain, series, 180'000, 160'000), 0);
  Series plain = series;
  plain.starts.clear();
  EXPECT_EQ(At(FunctionId::kRate, RangeEdges::kPlain, series, 190'000, 150'000),
            At(FunctionId::kRate, RangeEdges::kPlain, plain, 190'000, 150'000));
}

}  // namespace
}  // namespace varve::promql::exec
