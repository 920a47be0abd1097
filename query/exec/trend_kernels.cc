// deriv, predict_linear, double_exponential_smoothing.
#include <cmath>
#include <limits>

#include "base/kahan.h"
#include "query/exec/range_kernels.h"

namespace varve::promql::exec {
namespace {

struct Line {
  double slope = 0;
  double intercept = 0;
};

// The least-squares line through the window's samples, with `origin_ms` as x = 0 and seconds as
// its unit.
Line LinearRegression(const RangeInput& in, StepWindow window, int64_t origin_ms) {
  KahanSum x_sum;
  KahanSum y_sum;
  KahanSum xy_sum;
  KahanSum xx_sum;
  const double y_first = in.values[window.begin];
  bool constant = true;
  for (uint32_t i = window.begin; i < window.end; ++i) {
    const double y = in.values[i];
    if (i > window.begin && y != y_first) constant = false;
    const double x = static_cast<double>(in.times_ms[i] - origin_ms) / 1e3;
    x_sum.Add(x);
    y_sum.Add(y);
    xy_sum.Add(x * y);
    xx_sum.Add(x * x);
  }
  if (constant) {
    if (!std::isinf(y_first)) return {0, y_first};
    const double nan = std::numeric_limits<double>::quiet_NaN();
    return {nan, nan};
  }
  const double n = window.size();
  const double sum_x = x_sum.sum + x_sum.compensation;
  const double sum_y = y_sum.sum + y_sum.compensation;
  const double covariance = (xy_sum.sum + xy_sum.compensation) - sum_x * sum_y / n;
  const double variance = (xx_sum.sum + xx_sum.compensation) - sum_x * sum_x / n;
  const double slope = covariance / variance;
  return {slope, sum_y / n - slope * sum_x / n};
}

void Deriv(const RangeInput& in, StepSpan steps, KernelScratch*, Column out) {
  ForEachWindow(in, steps, 2, out, [&](StepWindow window, size_t) {
    return LinearRegression(in, window, in.times_ms[window.begin]).slope;
  });
}

void PredictLinear(const RangeInput& in, StepSpan steps, KernelScratch*, Column out) {
  ForEachWindow(in, steps, 2, out, [&](StepWindow window, size_t step) {
    const Line line = LinearRegression(in, window, in.windows->grid().At(step));
    return line.slope * in.arg0[step] + line.intercept;
  });
}

// Holt's linear smoothing; arg0 is the smoothing factor, arg1 the trend factor.
void DoubleExponentialSmoothing(const RangeInput& in, StepSpan steps, KernelScratch*, Column out) {
  ForEachWindow(in, steps, 2, out, [&](StepWindow window, size_t step) {
    const double smoothing = in.arg0[step];
    const double trend_factor = in.arg1[step];
    double previous = 0;
    double smoothed = in.values[window.begin];
    double trend = in.values[window.begin + 1] - in.values[window.begin];
    for (uint32_t i = window.begin + 1; i < window.end; ++i) {
      if (i > window.begin + 1) {
        trend = trend_factor * (smoothed - previous) + (1 - trend_factor) * trend;
      }
      const double next = smoothing * in.values[i] + (1 - smoothing) * (smoothed + trend);
      previous = smoothed;
      smoothed = next;
    }
    return smoothed;
  });
}

}  // namespace

const RangeKernel* FindTrendKernel(FunctionId function) {
  using Cost = RangeKernel::Cost;
  static constexpr RangeKernel kDeriv{Deriv, Cost::kWindowed};
  static constexpr RangeKernel kPredictLinear{PredictLinear, Cost::kWindowed};
  static constexpr RangeKernel kSmoothing{DoubleExponentialSmoothing, Cost::kWindowed};
  switch (function) {
    case FunctionId::kDeriv:
      return &kDeriv;
    case FunctionId::kPredictLinear:
      return &kPredictLinear;
    case FunctionId::kDoubleExponentialSmoothing:
      return &kSmoothing;
    default:
      return nullptr;
  }
}

}  // namespace varve::promql::exec
