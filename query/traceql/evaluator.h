// Evaluator: what the pipeline of a query makes of a trace.
#pragma once

#include <cstdint>
#include <string>
#include <utility>
#include <vector>

#include "query/traceql/ast.h"
#include "query/traceql/bitmap.h"
#include "query/traceql/trace_table.h"
#include "varve/status.h"

namespace varve::traceql {

// Spans of one trace, by index into TraceTable::Spans.
struct Spanset {
  std::vector<uint32_t> spans;                          // ascending
  std::vector<std::pair<std::string, Value>> computed;  // "count()", "by(.x)"; texts are kept
};

// Thread safety: none.
class Evaluator {
 public:
  // All are borrowed.
  Evaluator(const Query* query, TraceTable* table);

  // Finds for every filter of the query the rows of every block on which it holds. Again after
  // blocks were added.
  Status MatchFilters();
  // False when no spanset can come of the trace.
  bool MayMatch(size_t trace) const;
  // The trace's spansets at the pipeline's end.
  Result<std::vector<Spanset>> Evaluate(size_t trace);
  // Attributes that the query names in filters and select(): what a result shows of a span.
  const std::vector<Attribute>& shown() const { return shown_; }
  // True when the filters' matches alone decide about a trace, span by span.
  bool is_plain_filter() const;

  // True when every span passes.
  bool takes_everything() const {
    return is_plain_filter() &&
           (plain_filter_ == SIZE_MAX || filters_[plain_filter_]->filter == nullptr);
  }

  // Whether a span passes the filter that is_plain_filter speaks of, or filter number `filter`.
  // REQUIRES: MatchFilters.
  bool HoldsFor(SpanRef span) const {
    return plain_filter_ == SIZE_MAX || FilterHoldsFor(plain_filter_, span);
  }
  bool FilterHoldsFor(size_t filter, SpanRef span) const {
    return matches_[filter][span.block].Test(span.row);
  }

  Result<Value> EvaluateField(const FieldExpression& field, SpanRef span);

 private:
  using Indices = std::vector<uint32_t>;

  void Note(const SpansetExpression& spanset);
  void NoteField(const FieldExpression* field);
  void NotePipeline(const Pipeline& pipeline);
  Status Match(const FieldExpression& field, size_t block, Bitmap* rows);
  Status MatchNegation(const FieldExpression& field, size_t block, Bitmap* rows);
  Status MatchByTrace(const FieldExpression& field, size_t block, Bitmap* rows);
  Status MatchByTree(const BlockView::Comparison& comparison, size_t block, Bitmap* rows);
  Status MatchByRow(const FieldExpression& field, size_t block, Bitmap* rows);
  bool MayMatch(const SpansetExpression& spanset, size_t trace) const;
  bool AnyMatch(size_t filter, size_t trace) const;
  Result<std::vector<Spanset>> EvaluatePipeline(const Pipeline& pipeline, size_t trace,
                                                std::vector<Spanset> spansets);
  Result<Indices> EvaluateSpanset(const SpansetExpression& spanset, size_t trace,
                                  const Indices& universe);
  Result<Indices> Structural(const SpansetExpression& spanset, size_t trace, const Indices& left,
                             const Indices& right);
  Result<Value> EvaluateScalar(const ScalarExpression& scalar, const TraceSpans& spans,
                               Spanset* spanset);
  Result<Value> EvaluateAggregate(const ScalarExpression& scalar, const TraceSpans& spans,
                                  const Indices& indices);
  Status GroupBy(const FieldExpression& field, const TraceSpans& spans,
                 std::vector<Spanset>* spansets);

  const Query* const query_;
  TraceTable* const table_;
  std::vector<const SpansetExpression*> filters_;  // by filter_index
  std::vector<std::vector<Bitmap>> matches_;       // by filter and block
  size_t matched_blocks_ = 0;
  std::vector<Attribute> shown_;
  size_t plain_filter_ = SIZE_MAX;  // the filter that the pipeline begins with; SIZE_MAX: none
};

// As it was written, more or less: "count()", "avg(duration)", ".a + 1".
std::string ToText(const ScalarExpression& scalar);
std::string ToText(const FieldExpression& field);

}  // namespace varve::traceql
