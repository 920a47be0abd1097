#include "query/exec/histogram_group.h"

#include <utility>

#include "base/histogram/arithmetic.h"

namespace varve::promql::exec {

void HistogramGroup::Note(const histogram::CombineOutcome& outcome, std::string_view metric,
                          const AggregationNotes& notes, StepState* state) const {
  if (outcome.incompatible) {
    notes.annotations->Histogram(HistogramNote::kMixedSchemas, metric, notes.vector);
    state->incompatible = true;
  }
  if (outcome.bounds_reconciled) {
    notes.annotations->Histogram(HistogramNote::kBoundsReconciledInAggregation, {}, notes.vector);
  }
}

uint64_t HistogramGroup::Add(const Column& column, std::string_view metric,
                             const AggregationNotes& notes) {
  uint64_t bytes = 0;
  ForEachBit(column.present, steps_.size(), [&](size_t step) {
    if (!column.IsHistogram(step)) return;
    const Histogram& histogram = *column.histograms[step];
    std::unique_ptr<StepState>& state = steps_[step];
    if (state == nullptr) {
      state = std::make_unique<StepState>();
      bytes += sizeof(StepState) + 2 * histogram.MemoryBytes();
      if (kind_ == Kind::kSum) {
        state->sum.emplace(histogram);
      } else {
        state->mean.emplace(histogram);
      }
    } else if (!state->incompatible) {
      Note(kind_ == Kind::kSum ? state->sum->Add(histogram) : state->mean->Add(histogram), metric,
           notes, state.get());
    }
    state->hints.See(histogram.reset_hint);
  });
  return bytes;
}

void HistogramGroup::Merge(HistogramGroup&& later, const AggregationNotes& notes) {
  for (size_t step = 0; step < steps_.size(); ++step) {
    std::unique_ptr<StepState>& from = later.steps_[step];
    std::unique_ptr<StepState>& state = steps_[step];
    if (from == nullptr) continue;
    if (state == nullptr) {
      state = std::move(from);
      continue;
    }
    state->hints.See(from->hints);
    state->incompatible = state->incompatible || from->incompatible;
    if (state->incompatible) continue;
    Note(kind_ == Kind::kSum ? state->sum->Add(*from->sum) : state->mean->Merge(*from->mean), {},
         notes, state.get());
  }
}

HistogramPtr HistogramGroup::Result(const StepState& state) const {
  auto out =
      std::make_shared<Histogram>(kind_ == Kind::kSum ? state.sum->Total() : state.mean->Mean());
  histogram::Compact(out.get());
  return out;
}

std::vector<HistogramPtr> HistogramGroup::Finish(const AggregationNotes& notes, uint64_t* present) {
  std::vector<HistogramPtr> out(steps_.size());
  for (size_t step = 0; step < steps_.size(); ++step) {
    if (steps_[step] == nullptr) continue;
    const StepState& state = *steps_[step];
    if (TestBit(present, step)) {
      ClearBit(present, step);
      notes.annotations->Histogram(HistogramNote::kMixedSamplesInAggregation, {}, notes.vector);
      continue;
    }
    if (state.incompatible) continue;
    if (state.hints.Collides()) {
      notes.annotations->Histogram(HistogramNote::kResetsCollideInAggregation, {}, notes.vector);
    }
    out[step] = Result(state);
    SetBit(present, step);
    steps_[step].reset();
  }
  return out;
}

}  // namespace varve::promql::exec
