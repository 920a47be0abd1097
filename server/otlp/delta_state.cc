#include "server/otlp/delta_state.h"

#include <bit>
#include <memory>
#include <utility>

#include "base/histogram/arithmetic.h"
#include "base/status_macros.h"

namespace varve::server {
namespace {

bool IsStale(double value) { return std::bit_cast<uint64_t>(value) == kStaleMarkerBits; }

}  // namespace

Result<DeltaState::Total> DeltaState::Load(const Labels& labels, int64_t time_ms) {
  Selector selector;
  for (const LabelView& label : labels) {
    selector.push_back({MatchOp::kEqual, std::string(label.name), std::string(label.value)});
  }
  ASSIGN_OR_RETURN(const std::unique_ptr<SeriesCursor> cursor,
                   database_->Read({&selector, 1}, {time_ms - kSilenceMaxMs, INT64_MAX}));
  Total total;
  SeriesSamples series;
  while (true) {
    ASSIGN_OR_RETURN(const bool has_series, cursor->Next(&series));
    if (!has_series) return total;
    if (series.labels == labels) break;  // others have these labels and more
  }
  for (size_t i = series.samples.size(); i-- > 0;) {
    if (IsStale(series.samples[i].value)) continue;
    total.time_ms = series.samples[i].timestamp_ms;
    total.value = series.samples[i].value;
    total.start_ms = i < series.start_times_ms.size() ? series.start_times_ms[i] : 0;
    break;
  }
  for (size_t i = series.histograms.size(); i-- > 0;) {
    HistogramSample& sample = series.histograms[i];
    if (sample.histogram.is_stale_marker()) continue;
    if (sample.timestamp_ms < total.time_ms) break;
    total.time_ms = sample.timestamp_ms;
    total.start_ms = sample.start_ms;
    total.histogram = std::move(sample.histogram);
    total.has_histogram = true;
    break;
  }
  return total;
}

Result<DeltaState::Total*> DeltaState::Find(std::span<const LabelView> labels, int64_t time_ms) {
  ASSIGN_OR_RETURN(const Labels key, Labels::FromViews(labels));
  touched_.push_back(key.canonical_bytes());
  auto found = totals_.find(key.canonical_bytes());
  if (found == totals_.end()) {
    ASSIGN_OR_RETURN(Total total, Load(key, time_ms));
    found = totals_.emplace(key.canonical_bytes(), std::move(total)).first;
  }
  Total* total = &found->second;
  const bool is_silent = total->time_ms != INT64_MIN && time_ms - kSilenceMaxMs > total->time_ms;
  if (is_silent) *total = Total();
  return total;
}

DeltaState::Outcome DeltaState::Compare(const Total& total, int64_t time_ms) {
  if (time_ms > total.time_ms) return Outcome::kAdded;
  return time_ms == total.time_ms ? Outcome::kCounted : Outcome::kTooOld;
}

Result<DeltaState::Outcome> DeltaState::Add(std::span<const LabelView> labels, int64_t time_ms,
                                            int64_t* start_ms, double* value) {
  ASSIGN_OR_RETURN(Total* const total, Find(labels, time_ms));
  const Outcome outcome = Compare(*total, time_ms);
  if (outcome != Outcome::kAdded) return outcome;
  if (total->time_ms == INT64_MIN || total->has_histogram) {
    total->start_ms = *start_ms;
    total->value = 0;
    total->has_histogram = false;
  }
  total->time_ms = time_ms;
  total->value += *value;
  *value = total->value;
  *start_ms = total->start_ms;
  return outcome;
}

Result<DeltaState::Outcome> DeltaState::Add(std::span<const LabelView> labels, int64_t time_ms,
                                            int64_t* start_ms, Histogram* histogram) {
  RETURN_IF_ERROR(histogram->Validate());
  ASSIGN_OR_RETURN(Total* const total, Find(labels, time_ms));
  const Outcome outcome = Compare(*total, time_ms);
  if (outcome != Outcome::kAdded) return outcome;
  histogram->form = Histogram::Form::kFloat;
  bool is_continued = total->time_ms != INT64_MIN && total->has_histogram;
  if (is_continued) {
    Histogram sum = total->histogram;
    is_continued = !histogram::Add(*histogram, &sum).incompatible;
    if (is_continued) *histogram = std::move(sum);
  }
  if (!is_continued) total->start_ms = *start_ms;
  histogram->reset_hint = CounterResetHint::kUnknown;
  total->time_ms = time_ms;
  total->histogram = *histogram;
  total->has_histogram = true;
  *start_ms = total->start_ms;
  return outcome;
}

void DeltaState::Confirm() {
  touched_.clear();
  if (totals_.size() > kEntriesMax) totals_.clear();
}

void DeltaState::Forget() {
  for (const std::string& key : touched_) totals_.erase(key);
  Confirm();
}

}  // namespace varve::server
