#include "query/exec/histogram_detail.h"

#include <memory>
#include <utility>

#include "base/check.h"
#include "base/histogram/counter_reset.h"
#include "query/exec/scalar_ops.h"
#include "query/promql/function_table.h"

namespace varve::promql::exec {
namespace {

CounterResetHint HintOf(const Histogram& histogram, const Histogram* previous) {
  if (histogram.reset_hint != CounterResetHint::kUnknown || previous == nullptr) {
    return histogram.reset_hint;
  }
  return histogram::DetectReset(histogram, *previous) ? CounterResetHint::kReset
                                                      : CounterResetHint::kNoReset;
}

}  // namespace

HistogramDetailTracker::Scope::Scope(const Expr& expr, HistogramDetailTracker* tracker)
    : tracker_(tracker), before_(*tracker) {
  if (const auto* call = expr.TryAs<Call>()) {
    switch (call->function->id) {
      case FunctionId::kHistogramAvg:
      case FunctionId::kHistogramCount:
      case FunctionId::kHistogramSum:
        tracker->counts_and_sums_ = true;
        break;
      case FunctionId::kHistogramFraction:
      case FunctionId::kHistogramQuantile:
      case FunctionId::kHistogramQuantiles:
        tracker->buckets_ = true;
        break;
      default:
        break;
    }
  } else if (const auto* binary = expr.TryAs<Binary>()) {
    if (IsTrim(binary->op)) tracker->buckets_ = true;
  } else if (expr.TryAs<Subquery>() != nullptr) {
    // Between the samples that a subquery picks, resets show in the buckets only.
    tracker->buckets_ = true;
  }
}

void KeepCountsAndSums(engine::SampleBuffer* samples) {
  HistogramPtr previous;
  for (HistogramPtr& at : samples->histograms) {
    if (at->is_stale_marker()) continue;
    auto small = std::make_shared<Histogram>();
    small->form = at->form;
    small->schema = at->schema;  // still not to be mixed with others
    small->reset_hint = HintOf(*at, previous.get());
    small->count = at->count;
    small->sum = at->sum;
    previous = std::exchange(at, std::move(small));
  }
}

}  // namespace varve::promql::exec
