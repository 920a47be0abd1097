// SeriesPipeline: series read, turned into columns and through row operations, one at a time and
// on several threads, into sinks that keep them or add them up.
#pragma once

#include <cstddef>
#include <memory>
#include <optional>
#include <vector>

#include "engine/reader.h"
#include "query/exec/label_ops.h"
#include "query/exec/query_context.h"
#include "query/exec/range_kernels.h"
#include "query/exec/row_operation.h"
#include "query/exec/vector_value.h"

namespace varve::promql::exec {

// Where series come from. Thread safety: all methods from any thread.
class SeriesSource {
 public:
  virtual ~SeriesSource() = default;
  virtual size_t series_count() const = 0;
  virtual const Labels& labels(size_t i) const = 0;
  // kDrop: what made the series has left its name to fall at the end of the query.
  virtual MetricName name(size_t) const { return MetricName::kKeep; }
  // Replaces `out` by the samples within [min_ms, max_ms].
  virtual Status Read(size_t i, int64_t min_ms, int64_t max_ms,
                      engine::SampleBuffer* out) const = 0;
};

// A selector's series. `selection` and `budget` are borrowed.
class SelectionSource final : public SeriesSource {
 public:
  SelectionSource(const engine::SeriesSelection* selection, QueryBudget* budget)
      : selection_(selection), budget_(budget) {}
  size_t series_count() const override { return selection_->series_count(); }
  const Labels& labels(size_t i) const override { return selection_->labels(i); }
  Status Read(size_t i, int64_t min_ms, int64_t max_ms, engine::SampleBuffer* out) const override;

 private:
  const engine::SeriesSelection* const selection_;
  QueryBudget* const budget_;
};

// A subquery's result, as samples at the times of its grid.
class SubquerySource final : public SeriesSource {
 public:
  SubquerySource(VectorValue value, const TimeGrid& grid) : value_(std::move(value)), grid_(grid) {}
  size_t series_count() const override { return value_.rows().size(); }
  const Labels& labels(size_t i) const override { return value_.rows()[i].labels; }
  MetricName name(size_t i) const override { return NameOf(value_.rows()[i]); }
  Status Read(size_t i, int64_t min_ms, int64_t max_ms, engine::SampleBuffer* out) const override;

 private:
  const VectorValue value_;
  const TimeGrid grid_;
};

// How many samples a series counts for in limits and statistics (a histogram by its size), and the
// memory that they take.
uint64_t SampleCount(const engine::SampleBuffer& samples);
uint64_t SampleBytes(const engine::SampleBuffer& samples);

// Takes the columns of consecutive series. Not thread-safe; each worker has its own.
class RowSink {
 public:
  virtual ~RowSink() = default;
  // `labels` are the source's; kDrop: the result has no metric name. Never called with an empty
  // column.
  virtual Status Consume(const Labels& labels, MetricName name, const Column& column) = 0;
};

// The samples of a series become one value per step either by a range function or by looking back.
struct RangeStage {
  FunctionId function = FunctionId::kRate;
  int64_t range_ms = 0;
  RangeEdges edges = RangeEdges::kPlain;
  ScalarColumn arg0;
  ScalarColumn arg1;
  PositionRange range_position;
  PositionRange arg0_position;
};
struct LookbackStage {
  ScanNode::Output output = ScanNode::Output::kValue;
  RangeEdges edges = RangeEdges::kPlain;  // or kSmoothed
  PositionRange position;
};

struct SeriesPipeline {
  std::unique_ptr<SeriesSource> source;
  // Whether series still differ without their metric names.
  SelectorPlan::Names names = SelectorPlan::Names::kAny;
  TimeGrid grid;
  TimeShift shift;
  HistogramDetail histograms = HistogramDetail::kWhole;
  std::optional<RangeStage> range;  // LookbackStage when not set
  LookbackStage lookback;
  std::vector<RowOperation> operations;
  MetricName name = MetricName::kKeep;  // after all stages
  // Of the nodes that the pipeline runs, the leaf last; empty when nobody asks.
  std::vector<NodeProfile*> profiles;
};

// How many sinks RunPipeline wants: a function of the series and the threads allowed, so that a
// result does not depend on which thread was faster.
size_t SinkCount(const SeriesPipeline& pipeline, const QueryContext& context);

// Gives each sink a contiguous run of series, in order: sinks[0] the first series.
// Errors: of reading, of the sinks, of the budget; kOutOfRange for arguments that the reference
// refuses.
Status RunPipeline(const SeriesPipeline& pipeline, const QueryContext& context,
                   const std::vector<RowSink*>& sinks);

}  // namespace varve::promql::exec
