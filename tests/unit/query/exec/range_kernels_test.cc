// Each kernel against a window-by-window evaluation that shares no code with it.
#include "query/exec/range_kernels.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <bit>
#include <cmath>
#include <functional>
#include <limits>
#include <optional>
#include <random>
#include <vector>

namespace varve::promql::exec {
namespace {

struct Window {
  std::vector<int64_t> times;
  std::vector<double> values;
  int64_t start_ms = 0;  // open
  int64_t end_ms = 0;
  int64_t eval_ms = 0;
  double arg0 = 0;
  double arg1 = 0;
  size_t size() const { return values.size(); }
  double seconds() const { return static_cast<double>(end_ms - start_ms) / 1000; }
};
using Naive = std::function<std::optional<double>(const Window&)>;

std::optional<double> NaiveExtrapolated(const Window& w, bool counter, bool per_second) {
  if (w.size() < 2) return std::nullopt;
  double result = w.values.back() - w.values.front();
  if (counter) {
    for (size_t i = 1; i < w.size(); ++i) {
      if (w.values[i] < w.values[i - 1]) result += w.values[i - 1];
    }
  }
  double to_start = static_cast<double>(w.times.front() - w.start_ms) / 1000;
  double to_end = static_cast<double>(w.end_ms - w.times.back()) / 1000;
  const double interval = static_cast<double>(w.times.back() - w.times.front()) / 1000;
  const double average = interval / static_cast<double>(w.size() - 1);
  if (to_start >= average * 1.1) to_start = average / 2;
  if (to_end >= average * 1.1) to_end = average / 2;
  if (counter && result > 0 && w.values.front() >= 0) {
    to_start = std::min(to_start, interval * (w.values.front() / result));
  }
  double factor = (interval + to_start + to_end) / interval;
  if (per_second) factor /= w.seconds();
  return result * factor;
}

// Sums in extended precision: what compensated summation comes close to.
long double PreciseSum(const std::vector<double>& values) {
  long double sum = 0;
  for (const double v : values) sum += v;
  return sum;
}

std::optional<double> NaiveExtreme(const Window& w, bool greater) {
  if (w.size() == 0) return std::nullopt;
  double best = w.values[0];
  for (const double v : w.values) {
    if (std::isnan(best) || (greater ? v > best : v < best)) best = v;
  }
  return best;
}

std::optional<double> NaiveVariance(const Window& w) {
  if (w.size() == 0) return std::nullopt;
  const long double mean = PreciseSum(w.values) / static_cast<long double>(w.size());
  long double squares = 0;
  for (const double v : w.values) squares += (v - mean) * (v - mean);
  return static_cast<double>(squares / static_cast<long double>(w.size()));
}

std::optional<double> NaiveSlope(const Window& w, int64_t origin, double* intercept) {
  if (w.size() < 2) return std::nullopt;
  if (std::all_of(w.values.begin(), w.values.end(), [&](double v) { return v == w.values[0]; })) {
    *intercept = w.values[0];
    return 0;
  }
  long double n = 0, sx = 0, sy = 0, sxy = 0, sxx = 0;
  for (size_t i = 0; i < w.size(); ++i) {
    const long double x = static_cast<long double>(w.times[i] - origin) / 1000;
    n += 1, sx += x, sy += w.values[i], sxy += x * w.values[i], sxx += x * x;
  }
  const long double slope = (n * sxy - sx * sy) / (n * sxx - sx * sx);
  *intercept = static_cast<double>((sy - slope * sx) / n);
  return static_cast<double>(slope);
}

std::optional<double> NaiveCount(const Window& w,
                                 const std::function<bool(double, double)>& event) {
  if (w.size() == 0) return std::nullopt;
  double count = 0;
  for (size_t i = 1; i < w.size(); ++i) count += event(w.values[i - 1], w.values[i]) ? 1 : 0;
  return count;
}

std::optional<double> NaiveInstant(const Window& w, bool rate) {
  if (w.size() < 2) return std::nullopt;
  const double last = w.values.back();
  const double before = w.values[w.size() - 2];
  const double seconds = static_cast<double>(w.times.back() - w.times[w.size() - 2]) / 1000;
  if (!rate) return last - before;
  return (last < before ? last : last - before) / seconds;
}

std::optional<double> NaiveSmoothing(const Window& w) {
  if (w.size() < 2) return std::nullopt;
  double level = w.values[0];
  double trend = w.values[1] - w.values[0];
  for (size_t i = 1; i < w.size(); ++i) {
    const double before = level;
    level = w.arg0 * w.values[i] + (1 - w.arg0) * (level + trend);
    trend = w.arg1 * (level - before) + (1 - w.arg1) * trend;
  }
  return level;
}

template <typename F>
Naive NonEmpty(F f) {
  return [f](const Window& w) -> std::optional<double> {
    if (w.size() == 0) return std::nullopt;
    return f(w);
  };
}

struct KernelCase {
  FunctionId function;
  Naive naive;
  double tolerance = 0;  // relative; 0: equal bits up to NaN
};

const std::vector<KernelCase>& Cases() {
  static const auto* const cases = new std::vector<KernelCase>{
      {FunctionId::kRate, [](const Window& w) { return NaiveExtrapolated(w, true, true); }},
      {FunctionId::kIncrease, [](const Window& w) { return NaiveExtrapolated(w, true, false); }},
      {FunctionId::kDelta, [](const Window& w) { return NaiveExtrapolated(w, false, false); }},
      {FunctionId::kIrate, [](const Window& w) { return NaiveInstant(w, true); }},
      {FunctionId::kIdelta, [](const Window& w) { return NaiveInstant(w, false); }},
      {FunctionId::kResets,
       [](const Window& w) { return NaiveCount(w, [](double a, double b) { return b < a; }); }},
      {FunctionId::kChanges,
       [](const Window& w) {
         return NaiveCount(w, [](double a, double b) {
           return std::isnan(a) || std::isnan(b) ? std::isnan(a) != std::isnan(b) : a != b;
         });
       }},
      {FunctionId::kSumOverTime,
       NonEmpty([](const Window& w) { return static_cast<double>(PreciseSum(w.values)); }), 1e-15},
      {FunctionId::kAvgOverTime, NonEmpty([](const Window& w) {
         return static_cast<double>(PreciseSum(w.values) / static_cast<long double>(w.size()));
       }),
       1e-15},
      {FunctionId::kCountOverTime,
       NonEmpty([](const Window& w) { return static_cast<double>(w.size()); })},
      {FunctionId::kPresentOverTime, NonEmpty([](const Window&) { return 1.0; })},
      {FunctionId::kFirstOverTime, NonEmpty([](const Window& w) { return w.values.front(); })},
      {FunctionId::kLastOverTime, NonEmpty([](const Window& w) { return w.values.back(); })},
      {FunctionId::kMaxOverTime, [](const Window& w) { return NaiveExtreme(w, true); }},
      {FunctionId::kMinOverTime, [](const Window& w) { return NaiveExtreme(w, false); }},
      {FunctionId::kStdvarOverTime, NaiveVariance, 1e-9},
      {FunctionId::kStddevOverTime,
       NonEmpty([](const Window& w) { return std::sqrt(*NaiveVariance(w)); }), 1e-9},
      {FunctionId::kTsOfFirstOverTime,
       NonEmpty([](const Window& w) { return static_cast<double>(w.times.front()) / 1000; })},
      {FunctionId::kTsOfLastOverTime,
       NonEmpty([](const Window& w) { return static_cast<double>(w.times.back()) / 1000; })},
      {FunctionId::kDeriv,
       [](const Window& w) {
         double ignored = 0;
         return w.size() == 0 ? std::nullopt : NaiveSlope(w, w.times[0], &ignored);
       },
       1e-9},
      {FunctionId::kPredictLinear,
       [](const Window& w) -> std::optional<double> {
         double intercept = 0;
         const auto slope = NaiveSlope(w, w.eval_ms, &intercept);
         if (!slope) return std::nullopt;
         return *slope * w.arg0 + intercept;
       },
       1e-6},
      {FunctionId::kDoubleExponentialSmoothing, NaiveSmoothing, 1e-12},
  };
  return *cases;
}

enum class Data { kCounter, kGauge, kSpecial };

struct Samples {
  std::vector<int64_t> times;
  std::vector<double> values;
};

Samples RandomSamples(Data data, std::mt19937_64* random) {
  Samples out;
  const size_t count = (*random)() % 120;
  int64_t time = 1'000'000 + static_cast<int64_t>((*random)() % 60'000);
  double value = 0;
  for (size_t i = 0; i < count; ++i) {
    time += 1 + static_cast<int64_t>((*random)() % ((*random)() % 20 == 0 ? 200'000 : 20'000));
    switch (data) {
      case Data::kCounter:
        value = (*random)() % 15 == 0 ? 0 : value + static_cast<double>((*random)() % 50) / 4;
        break;
      case Data::kGauge:
        value = static_cast<double>((*random)() % 2'000) / 8 - 100;
        break;
      case Data::kSpecial: {
        const double specials[] = {std::nan(""), 0.0, -0.0, 1.0, -1.0, 2.0};
        value = specials[(*random)() % 6];
      }
    }
    out.times.push_back(time);
    out.values.push_back(value);
  }
  return out;
}

void ExpectClose(double actual, double expected, double tolerance, double scale) {
  if (std::isnan(expected)) {
    EXPECT_TRUE(std::isnan(actual)) << actual;
  } else if (tolerance == 0) {
    EXPECT_EQ(actual, expected);
  } else {
    EXPECT_NEAR(actual, expected, tolerance * std::max(scale, std::fabs(expected)));
  }
}

void CompareWithNaive(const KernelCase& test, const Samples& samples, const TimeGrid& grid,
                      const TimeShift& shift, int64_t range_ms) {
  RangeWindows windows(grid, shift, range_ms);
  windows.Bind(samples.times);
  const std::vector<double> arg0(grid.count, 0.4);
  const std::vector<double> arg1(grid.count, 0.3);
  RangeInput input;
  input.times_ms = samples.times;
  input.values = samples.values;
  input.windows = &windows;
  input.arg0 = arg0;
  input.arg1 = arg1;
  KernelScratch scratch;
  ColumnBuffer row(grid.count);
  const Column column = row.Reset();
  FindRangeKernel(test.function)->run(input, {0, grid.count}, &scratch, column);
  for (size_t step = 0; step < grid.count; ++step) {
    Window window;
    window.eval_ms = grid.At(step);
    window.end_ms = shift.at_ms.value_or(window.eval_ms) - shift.offset_ms;
    window.start_ms = window.end_ms - range_ms;
    window.arg0 = 0.4;
    window.arg1 = 0.3;
    double scale = 1;
    for (size_t i = 0; i < samples.times.size(); ++i) {
      if (samples.times[i] <= window.start_ms || samples.times[i] > window.end_ms) continue;
      window.times.push_back(samples.times[i]);
      window.values.push_back(samples.values[i]);
      if (!std::isnan(samples.values[i]))
        scale = std::max(scale, samples.values[i] * samples.values[i]);
    }
    const std::optional<double> expected = test.naive(window);
    ASSERT_EQ(TestBit(column.present, step), expected.has_value())
        << "function " << static_cast<int>(test.function) << " step " << step;
    if (expected) ExpectClose(column.values[step], *expected, test.tolerance, scale);
  }
}

class RangeKernelTest : public testing::TestWithParam<size_t> {};

TEST_P(RangeKernelTest, EqualsWindowByWindow) {
  const KernelCase& test = Cases()[GetParam()];
  std::mt19937_64 random(GetParam() + 1);
  for (int round = 0; round < 150; ++round) {
    Data data = static_cast<Data>(random() % 3);
    // Regressions over NaN are NaN all the same, but not comparable step by step.
    if (test.function == FunctionId::kDeriv || test.function == FunctionId::kPredictLinear) {
      data = Data::kGauge;
    }
    const Samples samples = RandomSamples(data, &random);
    const TimeGrid grid{1'000'000 + static_cast<int64_t>(random() % 100'000),
                        1 + static_cast<int64_t>(random() % 90'000), 1 + random() % 40};
    TimeShift shift;
    if (random() % 3 == 0) shift.offset_ms = static_cast<int64_t>(random() % 200'000) - 100'000;
    if (random() % 5 == 0) shift.at_ms = 1'400'000;
    CompareWithNaive(test, samples, grid, shift, 1 + static_cast<int64_t>(random() % 400'000));
    if (HasFailure()) return;
  }
}

INSTANTIATE_TEST_SUITE_P(All, RangeKernelTest, testing::Range<size_t>(0, Cases().size()));

TEST(RangeKernels, SameTimesReuseWindowsWithNewValues) {
  const std::vector<int64_t> times{1000, 2000, 3000};
  RangeWindows windows({3000, 1000, 1}, {}, 3000);
  KernelScratch scratch;
  ColumnBuffer row(1);
  double expected = 6;
  for (const std::vector<double>& values : {std::vector<double>{1, 2, 3}, {10, 20, 30}}) {
    windows.Bind(times);
    RangeInput input;
    input.times_ms = times;
    input.values = values;
    input.windows = &windows;
    const Column column = row.Reset();
    FindRangeKernel(FunctionId::kSumOverTime)->run(input, {0, 1}, &scratch, column);
    EXPECT_EQ(column.values[0], expected);
    expected = 60;
  }
  windows.Bind(std::vector<int64_t>{1000, 2000, 3001});
  EXPECT_EQ(windows.windows()[0].size(), 2u);
}

TEST(RangeKernels, SumsCompensate) {
  const std::vector<int64_t> times{1, 2, 3, 4};
  const std::vector<double> values{1, 1e100, 1, -1e100};
  RangeWindows windows({4, 1, 1}, {}, 10);
  windows.Bind(times);
  RangeInput input;
  input.times_ms = times;
  input.values = values;
  input.windows = &windows;
  KernelScratch scratch;
  ColumnBuffer row(1);
  Column column = row.Reset();
  FindRangeKernel(FunctionId::kSumOverTime)->run(input, {0, 1}, &scratch, column);
  EXPECT_EQ(column.values[0], 2);
  column = row.Reset();
  FindRangeKernel(FunctionId::kAvgOverTime)->run(input, {0, 1}, &scratch, column);
  EXPECT_EQ(column.values[0], 0.5);
}

TEST(RangeKernels, AveragesDoNotOverflow) {
  const double max = std::numeric_limits<double>::max();
  const std::vector<int64_t> times{1, 2, 3};
  const std::vector<double> values{max, max, max};
  RangeWindows windows({3, 1, 1}, {}, 10);
  windows.Bind(times);
  RangeInput input;
  input.times_ms = times;
  input.values = values;
  input.windows = &windows;
  KernelScratch scratch;
  ColumnBuffer row(1);
  const Column column = row.Reset();
  FindRangeKernel(FunctionId::kAvgOverTime)->run(input, {0, 1}, &scratch, column);
  EXPECT_NEAR(column.values[0] / max, 1, 1e-15);
}

TEST(RangeKernels, RemovesStaleMarkersOnly) {
  const double stale = std::bit_cast<double>(kStaleMarkerBits);
  engine::SampleBuffer samples;
  samples.timestamps_ms = {1, 2, 3, 4};
  samples.values = {1, stale, std::nan(""), stale};
  samples.start_times_ms = {5, 6, 7, 8};
  RemoveStaleMarkers(&samples);
  EXPECT_EQ(samples.timestamps_ms, (std::vector<int64_t>{1, 3}));
  EXPECT_EQ(samples.start_times_ms, (std::vector<int64_t>{5, 7}));
  ASSERT_EQ(samples.values.size(), 2u);
  EXPECT_EQ(samples.values[0], 1);
  EXPECT_TRUE(std::isnan(samples.values[1]));
}

TEST(LookbackIndex, IsLeftOpen) {
  LookbackIndex index({10'000, 1'000, 4}, {}, 2'000);
  const auto found = index.Bind(std::vector<int64_t>{8'000, 9'500});
  EXPECT_EQ(found[0], 1u);
  EXPECT_EQ(found[1], 1u);
  EXPECT_EQ(found[2], LookbackIndex::kNone);
  LookbackIndex exact({10'000, 1'000, 1}, {}, 2'000);
  EXPECT_EQ(exact.Bind(std::vector<int64_t>{8'000})[0], LookbackIndex::kNone);
  EXPECT_EQ(exact.Bind(std::vector<int64_t>{8'001})[0], 0u);
  EXPECT_EQ(exact.Bind(std::vector<int64_t>{10'000})[0], 0u);
  EXPECT_EQ(exact.Bind(std::vector<int64_t>{10'001})[0], LookbackIndex::kNone);
}

TEST(SubqueryGrid, AlignsToMultiplesOfTheStep) {
  const auto grid_of = [](int64_t at, int64_t range, int64_t step, int64_t offset) {
    return SubqueryGrid({at, 1, 1}, {offset, std::nullopt}, range, step);
  };
  TimeGrid grid = grid_of(1'010'000, 30'000, 10'000, 3'000);
  EXPECT_EQ(grid.start_ms, 980'000);
  EXPECT_EQ(grid.count, 3u);
  grid = grid_of(20'000, 20'000, 5'000, 0);  // left-open: not at 0
  EXPECT_EQ(grid.start_ms, 5'000);
  EXPECT_EQ(grid.count, 4u);
  grid = grid_of(10'000, 45'000, 20'000, 0);  // before 1970
  EXPECT_EQ(grid.start_ms, -20'000);
  EXPECT_EQ(grid.count, 2u);
  grid = grid_of(11'000, 500, 10'000, 0);  // no multiple within
  EXPECT_EQ(grid.count, 0u);
}

}  // namespace
}  // namespace varve::promql::exec
