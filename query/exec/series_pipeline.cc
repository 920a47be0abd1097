#include "query/exec/series_pipeline.h"

#include <algorithm>
#include <atomic>
#include <cmath>
#include <string>
#include <string_view>
#include <utility>

#include "base/check.h"
#include "base/histogram/statistics.h"
#include "base/status_macros.h"
#include "query/exec/go_format.h"
#include "query/exec/histogram_range.h"
#include "query/exec/rollup_use.h"
#include "query/exec/smoothed_series.h"
#include "query/exec/start_times.h"

namespace varve::promql::exec {
namespace {

// What a series costs, roughly, and what is worth a thread: being woken and waited for costs more
// than a few hundred series of little.
constexpr uint64_t kSeriesNs = 1000;
constexpr uint64_t kStepNs = 10;
constexpr uint64_t kWindowedStepNs = 200;
constexpr uint64_t kSinkNsMin = 2'000'000;
// Windowed kernels look at about so many samples between two looks at the clock.
constexpr uint64_t kVisitsPerTimeCheck = 1 << 20;

bool IsInvalidQuantile(double q) { return std::isnan(q) || q < 0 || q > 1; }

// Samples may have been left out between those of a subquery: what a hint says of its neighbour no
// longer holds.
HistogramPtr WithoutResetHint(const HistogramPtr& histogram) {
  if (histogram->reset_hint == CounterResetHint::kUnknown ||
      histogram->reset_hint == CounterResetHint::kGauge) {
    return histogram;
  }
  auto out = std::make_shared<Histogram>(*histogram);
  out->reset_hint = CounterResetHint::kUnknown;
  return out;
}

bool LooksLikeCounter(std::string_view metric) {
  for (const std::string_view suffix : {"_total", "_sum", "_count", "_bucket"}) {
    if (metric.ends_with(suffix)) return true;
  }
  return false;
}

// Whether some window holds two neighbouring samples whose start times contradict each other.
bool AnyOverlap(const std::vector<int64_t>& times_ms, const std::vector<int64_t>& start_times_ms,
                std::span<const StepWindow> windows) {
  for (size_t i = 1; i < start_times_ms.size(); ++i) {
    if (!StartOverlaps({times_ms[i - 1], start_times_ms[i - 1]},
                       {times_ms[i], start_times_ms[i]})) {
      continue;
    }
    const auto holds = [i](StepWindow window) { return window.begin < i && i < window.end; };
    if (std::any_of(windows.begin(), windows.end(), holds)) return true;
  }
  return false;
}

// Turns series into columns; one per worker, with the worker's scratch.
class PipelineWorker {
 public:
  PipelineWorker(const SeriesPipeline& pipeline, const QueryContext& context)
      : pipeline_(pipeline),
        context_(context),
        held_(context.budget),
        row_(pipeline.grid.count),
        lookback_(pipeline.grid, pipeline.shift, context.lookback_ms) {
    const int64_t span_ms = SpanMs();
    const RangeReach reach = Reach();
    const int64_t before_ms = SaturatingSub(pipeline.shift.Apply(pipeline.grid.start_ms), span_ms);
    read_min_ms_ = SaturatingAdd(SaturatingSub(before_ms, reach.before_ms), 1);
    read_max_ms_ = SaturatingAdd(pipeline.shift.Apply(pipeline.grid.end_ms()), reach.after_ms);
    if (pipeline.range || smoothed()) {
      windows_.emplace(pipeline.grid, pipeline.shift, span_ms, reach);
    }
    samples_.rollups = Rollups();
    if (!pipeline.range) return;
    kernel_ = FindRangeKernel(pipeline.range->function, pipeline.range->edges);
    VARVE_CHECK(kernel_ != nullptr);
  }

  Status Process(size_t series, RowSink* sink);

 private:
  bool smoothed() const { return pipeline_.lookback.edges == RangeEdges::kSmoothed; }
  bool counts_and_sums() const { return pipeline_.histograms == HistogramDetail::kCountAndSum; }
  bool wants_start_times() const {
    return pipeline_.lookback.output == ScanNode::Output::kStartTimestamp;
  }
  int64_t SpanMs() const {
    return pipeline_.range ? pipeline_.range->range_ms : context_.lookback_ms;
  }
  engine::RollupUse Rollups() const {
    if (pipeline_.range) {
      engine::RollupUse use =
          RollupsForRange(pipeline_.range->function, pipeline_.range->edges, pipeline_.grid,
                          pipeline_.shift, pipeline_.range->range_ms);
      use.heeds_start_times = context_.use_start_timestamps;
      return use;
    }
    if (smoothed() || wants_start_times()) return RollupsForSamples(context_.lookback_ms);
    return RollupsForLookback(pipeline_.grid, pipeline_.shift, context_.lookback_ms);
  }
  PositionRange position() const {
    return pipeline_.range ? pipeline_.range->range_position : pipeline_.lookback.position;
  }
  // Beyond the span.
  RangeReach Reach() const {
    if (pipeline_.range) return ReachOf(pipeline_.range->edges, context_.lookback_ms);
    return {0, smoothed() ? context_.lookback_ms : 0};
  }
  Status Charge();
  void LookBack(Column column);
  void LookBackAtHistograms(Column column);
  void BindHistograms();
  HistogramRangeInput HistogramInput(const Labels& labels);
  void FinishWithHistograms(const Labels& labels, Column column);
  void Smooth(const Labels& labels, Column column);
  Status RunKernel(Column column);
  void CountQueryable(Column column);
  Status RunWindowed(const RangeInput& input, Column column);
  Status CheckArguments();
  void AnnotateQuantiles();
  void AnnotateNonCounter(const Labels& labels);
  bool HasFloats(const Column& column) const;
  void AnnotateStartTimes(const Labels& labels);

  const SeriesPipeline& pipeline_;
  const QueryContext& context_;
  BudgetShare held_;  // the decoded samples of the series at hand
  ColumnBuffer row_;
  engine::SampleBuffer samples_;
  LookbackIndex lookback_;
  std::optional<RangeWindows> windows_;
  // Made for the first series that has histograms.
  std::optional<LookbackIndex> histogram_lookback_;
  std::optional<RangeWindows> histogram_windows_;
  KernelScratch scratch_;
  const RangeKernel* kernel_ = nullptr;
  int64_t read_min_ms_ = 0;
  int64_t read_max_ms_ = 0;
  std::string last_metric_;  // that was checked for looking like a counter
};

Status PipelineWorker::Charge() {
  held_.Reset();
  return held_.Add(SampleCount(samples_), SampleBytes(samples_));
}

// The time that timestamp() or start_timestamp() gives for a sample.
double TimeInSeconds(ScanNode::Output output, const std::vector<int64_t>& times_ms,
                     const std::vector<int64_t>& start_times_ms, uint32_t sample) {
  if (output == ScanNode::Output::kTimestamp) return static_cast<double>(times_ms[sample]) / 1000;
  if (start_times_ms.empty()) return 0;  // not known
  return static_cast<double>(start_times_ms[sample]) / 1000;
}

void PipelineWorker::LookBack(Column column) {
  const std::span<const uint32_t> index = lookback_.Bind(samples_.timestamps_ms);
  const ScanNode::Output output = pipeline_.lookback.output;
  for (size_t step = 0; step < index.size(); ++step) {
    if (index[step] == LookbackIndex::kNone) continue;
    const double value = samples_.values[index[step]];
    if (IsStaleMarker(value)) continue;
    column.values[step] =
        output == ScanNode::Output::kValue
            ? value
            : TimeInSeconds(output, samples_.timestamps_ms, samples_.start_times_ms, index[step]);
    SetBit(column.present, step);
  }
}

// A histogram stands for its series where it is newer than the last float.
void PipelineWorker::LookBackAtHistograms(Column column) {
  if (!histogram_lookback_) {
    histogram_lookback_.emplace(pipeline_.grid, pipeline_.shift, context_.lookback_ms);
  }
  const std::span<const uint32_t> floats = lookback_.Bind(samples_.timestamps_ms);
  const std::span<const uint32_t> index =
      histogram_lookback_->Bind(samples_.histogram_timestamps_ms);
  const ScanNode::Output output = pipeline_.lookback.output;
  for (size_t step = 0; step < index.size(); ++step) {
    if (index[step] == LookbackIndex::kNone) continue;
    const int64_t time_ms = samples_.histogram_timestamps_ms[index[step]];
    const bool float_is_newer =
        floats[step] != LookbackIndex::kNone && samples_.timestamps_ms[floats[step]] > time_ms;
    if (float_is_newer) continue;
    const HistogramPtr& histogram = samples_.histograms[index[step]];
    if (histogram->is_stale_marker()) {
      ClearBit(column.present, step);
    } else if (output != ScanNode::Output::kValue) {
      column.SetFloat(step, TimeInSeconds(output, samples_.histogram_timestamps_ms,
                                          samples_.histogram_start_times_ms, index[step]));
    } else {
      column.SetHistogram(step, histogram);
    }
  }
}

// The reference looks at these arguments only where there is something to compute.
Status PipelineWorker::CheckArguments() {
  const RangeStage& range = *pipeline_.range;
  if (range.function != FunctionId::kDoubleExponentialSmoothing) return OkStatus();
  const auto windows = windows_->windows();
  for (size_t step = 0; step < windows.size(); ++step) {
    const bool any_histogram =
        !samples_.histograms.empty() && histogram_windows_->windows()[step].size() > 0;
    if (windows[step].size() == 0 && !any_histogram) continue;
    if (range.arg0[step] <= 0 || range.arg0[step] >= 1) {
      return OutOfRangeError("invalid smoothing factor. Expected: 0 < sf < 1, got: " +
                             FormatGoDecimal(range.arg0[step]));
    }
    if (range.arg1[step] <= 0 || range.arg1[step] >= 1) {
      return OutOfRangeError("invalid trend factor. Expected: 0 < tf < 1, got: " +
                             FormatGoDecimal(range.arg1[step]));
    }
  }
  return OkStatus();
}

void PipelineWorker::AnnotateQuantiles() {
  const RangeStage& range = *pipeline_.range;
  if (range.function != FunctionId::kQuantileOverTime) return;
  const auto windows = windows_->windows();
  double last = 0.5;
  for (size_t step = 0; step < windows.size(); ++step) {
    const double q = range.arg0[step];
    if (windows[step].size() == 0 || !IsInvalidQuantile(q) || q == last) continue;
    context_.annotations->InvalidQuantile(q, range.arg0_position);
    last = q;
  }
}

void PipelineWorker::AnnotateNonCounter(const Labels& labels) {
  const FunctionId function = pipeline_.range->function;
  if (function != FunctionId::kRate && function != FunctionId::kIncrease) return;
  const std::string_view metric = labels.Get(kMetricNameLabel);
  if (metric.empty()) return;
  const std::string_view type = labels.Get(kTypeLabel);
  if (context_.type_and_unit_labels && !type.empty()) {
    // Who writes types as labels has said what it is.
    if (type == "counter" || type == "histogram") return;
    context_.annotations->NotOfCounterType(metric, type, pipeline_.range->range_position);
    return;
  }
  if (metric == last_metric_) return;
  last_metric_ = std::string(metric);
  if (LooksLikeCounter(metric)) return;
  context_.annotations->PossibleNonCounter(metric, pipeline_.range->range_position);
}

// REQUIRES: the column is present somewhere.
bool PipelineWorker::HasFloats(const Column& column) const {
  if (column.histograms == nullptr) return true;
  bool any = false;
  ForEachBit(column.present, pipeline_.grid.count,
             [&](size_t step) { any = any || !column.IsHistogram(step); });
  return any;
}

// Start times that contradict each other within a window.
void PipelineWorker::AnnotateStartTimes(const Labels& labels) {
  const RangeStage& range = *pipeline_.range;
  const bool heeds = range.function == FunctionId::kRate || range.function == FunctionId::kIncrease;
  if (!heeds || range.edges != RangeEdges::kPlain || !context_.use_start_timestamps) return;
  const bool overlap =
      AnyOverlap(samples_.timestamps_ms, samples_.start_times_ms, windows_->windows()) ||
      (histogram_windows_ &&
       AnyOverlap(samples_.histogram_timestamps_ms, samples_.histogram_start_times_ms,
                  histogram_windows_->windows()));
  if (!overlap) return;
  context_.annotations->StartTimesOverlap(labels.Get(kMetricNameLabel), range.range_position);
}

// Over parts of the steps, so that a costly function over long windows can be ended.
Status PipelineWorker::RunWindowed(const RangeInput& input, Column column) {
  const auto windows = windows_->windows();
  StepSpan part;
  uint64_t visits = 0;
  for (size_t step = 0; step < windows.size(); ++step) {
    visits += windows[step].size();
    part.end = step + 1;
    if (visits < kVisitsPerTimeCheck && part.end < windows.size()) continue;
    RETURN_IF_ERROR(context_.budget->CheckTime());
    kernel_->run(input, part, &scratch_, column);
    part.begin = part.end;
    visits = 0;
  }
  return OkStatus();
}

void PipelineWorker::BindHistograms() {
  RemoveStaleHistograms(&samples_);
  if (!histogram_windows_) {
    histogram_windows_.emplace(pipeline_.grid, pipeline_.shift, SpanMs(), Reach());
  }
  histogram_windows_->Bind(samples_.histogram_timestamps_ms, samples_.histogram_weights);
}

HistogramRangeInput PipelineWorker::HistogramInput(const Labels& labels) {
  HistogramRangeInput input;
  input.samples = &samples_;
  input.float_windows = &*windows_;
  input.histogram_windows = &*histogram_windows_;
  input.metric = labels.Get(kMetricNameLabel);
  return input;
}

void PipelineWorker::FinishWithHistograms(const Labels& labels, Column column) {
  if (samples_.histograms.empty()) return;
  const RangeStage& range = *pipeline_.range;
  HistogramRangeInput input = HistogramInput(labels);
  input.edges = range.edges;
  SeriesNotes notes(context_.annotations, input.metric, range.range_position);
  const StartTimes start_times =
      context_.use_start_timestamps ? StartTimes::kHeeded : StartTimes::kIgnored;
  EvaluateHistogramRange(range.function, input, start_times, &notes, column);
}

void PipelineWorker::Smooth(const Labels& labels, Column column) {
  RemoveStaleMarkers(&samples_);
  windows_->Bind(samples_.timestamps_ms);
  SmoothFloats(samples_, *windows_, column);
  if (column.histograms == nullptr) return;
  BindHistograms();
  const HistogramRangeInput input = HistogramInput(labels);
  SeriesNotes notes(context_.annotations, input.metric, pipeline_.lookback.position);
  SmoothHistograms(input, &notes, column);
}

Status PipelineWorker::RunKernel(Column column) {
  RemoveStaleMarkers(&samples_);
  windows_->Bind(samples_.timestamps_ms, samples_.weights);
  if (column.histograms != nullptr) BindHistograms();
  RETURN_IF_ERROR(CheckArguments());
  AnnotateQuantiles();
  RangeInput input;
  input.times_ms = samples_.timestamps_ms;
  input.values = samples_.values;
  if (context_.use_start_timestamps) input.start_times_ms = samples_.start_times_ms;
  input.weights = samples_.weights;
  input.windows = &*windows_;
  input.arg0 = pipeline_.range->arg0;
  input.arg1 = pipeline_.range->arg1;
  if (kernel_->cost == RangeKernel::Cost::kWindowed &&
      windows_->visit_count() > kVisitsPerTimeCheck) {
    return RunWindowed(input, column);
  }
  kernel_->run(input, {0, pipeline_.grid.count}, &scratch_, column);
  return OkStatus();
}

// By windows, or by the values that looking back found; before row operations.
void PipelineWorker::CountQueryable(Column column) {
  const bool has_histograms = !samples_.histograms.empty();
  QueryableSamples* const counts = context_.queryable;
  if (!has_histograms && !counts->wants_steps()) {
    counts->Add(pipeline_.range ? windows_->visit_count()
                                : CountBits(column.present, pipeline_.grid.count));
    return;
  }
  const bool histogram_windows = pipeline_.range && has_histograms;
  for (size_t step = 0; step < pipeline_.grid.count; ++step) {
    uint64_t samples = 0;
    if (pipeline_.range) {
      samples = windows_->windows()[step].size();
    } else if (TestBit(column.present, step)) {
      samples = column.IsHistogram(step) ? QueryableSamplesOf(*column.histograms[step]) : 1;
    }
    if (histogram_windows) {
      const StepWindow window = histogram_windows_->windows()[step];
      for (uint32_t i = window.begin; i < window.end; ++i) {
        samples += QueryableSamplesOf(*samples_.histograms[i]);
      }
    }
    counts->Add(samples);
    if (counts->wants_steps()) counts->AddAt(step, samples);
  }
}

Status PipelineWorker::Process(size_t series, RowSink* sink) {
  RETURN_IF_ERROR(context_.budget->CheckTime());
  RETURN_IF_ERROR(pipeline_.source->Read(series, read_min_ms_, read_max_ms_, &samples_));
  if (!pipeline_.profiles.empty()) pipeline_.profiles.back()->CountRead(samples_);
  if (samples_.size() == 0) return OkStatus();
  RETURN_IF_ERROR(Charge());
  const bool has_histograms = !samples_.histograms.empty();
  if (has_histograms && counts_and_sums()) KeepCountsAndSums(&samples_);
  const Column column = has_histograms ? row_.ResetWithHistograms() : row_.Reset();
  const Labels& labels = pipeline_.source->labels(series);
  if (samples_.rollups_stand_in) {
    context_.annotations->RollupsStandIn(labels.Get(kMetricNameLabel),
                                         samples_.rollup_resolution_ms, position());
  }
  if (pipeline_.range) {
    RETURN_IF_ERROR(RunKernel(column));
    AnnotateStartTimes(labels);
    if (has_histograms) FinishWithHistograms(labels, column);
  } else if (smoothed()) {
    Smooth(labels, column);
  } else if (wants_start_times() && !context_.use_start_timestamps) {
    return OkStatus();  // there is no start_timestamp() then
  } else {
    LookBack(column);
    if (has_histograms) LookBackAtHistograms(column);
  }
  if (context_.queryable != nullptr) CountQueryable(column);
  if (!AnyBit(column.present, pipeline_.grid.count)) return OkStatus();
  if (pipeline_.range && HasFloats(column)) AnnotateNonCounter(labels);
  for (const RowOperation& operation : pipeline_.operations) {
    Apply(operation, pipeline_.grid, context_.annotations, column);
  }
  if (!AnyBit(column.present, pipeline_.grid.count)) return OkStatus();
  for (NodeProfile* profile : pipeline_.profiles) profile->series.fetch_add(1);
  const bool drop_name =
      pipeline_.name == MetricName::kDrop || pipeline_.source->name(series) == MetricName::kDrop;
  return sink->Consume(labels, drop_name ? MetricName::kDrop : MetricName::kKeep, column);
}

}  // namespace

Status SelectionSource::Read(size_t i, int64_t min_ms, int64_t max_ms,
                             engine::SampleBuffer* out) const {
  out->sample_count_max = budget_->samples_left();
  Status status = selection_->Read(i, min_ms, max_ms, out);
  if (status.code() == StatusCode::kResourceExhausted) return budget_->SamplesExceeded();
  RETURN_IF_ERROR(std::move(status));
  VARVE_CHECK(out->timestamps_ms.size() == out->values.size());
  VARVE_CHECK(out->histogram_timestamps_ms.size() == out->histograms.size());
  budget_->CountRead(SampleCount(*out));
  return OkStatus();
}

Status SubquerySource::Read(size_t i, int64_t min_ms, int64_t max_ms,
                            engine::SampleBuffer* out) const {
  out->Clear();
  const Column& column = value_.rows()[i].column;
  ForEachBit(column.present, grid_.count, [&](size_t step) {
    const int64_t time_ms = grid_.At(step);
    if (time_ms < min_ms || time_ms > max_ms) return;
    if (column.IsHistogram(step)) {
      out->histogram_timestamps_ms.push_back(time_ms);
      out->histograms.push_back(WithoutResetHint(column.histograms[step]));
      return;
    }
    out->timestamps_ms.push_back(time_ms);
    out->values.push_back(column.values[step]);
  });
  return OkStatus();
}

uint64_t SampleCount(const engine::SampleBuffer& samples) {
  uint64_t count = samples.timestamps_ms.size();
  for (const HistogramPtr& histogram : samples.histograms) {
    count += histogram::SampleCount(*histogram);
  }
  return count;
}

uint64_t SampleBytes(const engine::SampleBuffer& samples) {
  uint64_t bytes = samples.timestamps_ms.size() * (sizeof(int64_t) + sizeof(double));
  for (const HistogramPtr& histogram : samples.histograms) {
    bytes += sizeof(int64_t) + sizeof(HistogramPtr) + histogram->MemoryBytes();
  }
  return bytes;
}

size_t SinkCount(const SeriesPipeline& pipeline, const QueryContext& context) {
  const bool windowed = pipeline.range && FindRangeKernel(pipeline.range->function)->cost ==
                                              RangeKernel::Cost::kWindowed;
  const uint64_t series_ns =
      kSeriesNs + pipeline.grid.count * (windowed ? kWindowedStepNs : kStepNs);
  const uint64_t total_ns = pipeline.source->series_count() * series_ns;
  return std::clamp<size_t>(total_ns / kSinkNsMin, 1, context.worker_count());
}

Status RunPipeline(const SeriesPipeline& pipeline, const QueryContext& context,
                   const std::vector<RowSink*>& sinks) {
  if (pipeline.grid.count == 0) return OkStatus();
  const ProfiledTime time(pipeline.profiles, context.budget->clock());
  const size_t series_count = pipeline.source->series_count();
  std::vector<Status> statuses(sinks.size());
  std::atomic<bool> failed{false};
  const auto run = [&](size_t part) {
    PipelineWorker worker(pipeline, context);
    const size_t begin = series_count * part / sinks.size();
    const size_t end = series_count * (part + 1) / sinks.size();
    for (size_t i = begin; i < end && !failed.load(std::memory_order_relaxed); ++i) {
      statuses[part] = worker.Process(i, sinks[part]);
      if (!statuses[part].ok()) failed.store(true, std::memory_order_relaxed);
    }
  };
  if (sinks.size() == 1 || context.pool == nullptr) {
    for (size_t part = 0; part < sinks.size(); ++part) run(part);
  } else {
    context.pool->ParallelFor(sinks.size(), run);
  }
  for (Status& status : statuses) RETURN_IF_ERROR(std::move(status));
  return OkStatus();
}

}  // namespace varve::promql::exec
