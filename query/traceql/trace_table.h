// TraceTable: the blocks that a query looks at, and what traces their spans belong to.
#pragma once

#include <cstdint>
#include <deque>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <unordered_map>
#include <unordered_set>
#include <utility>
#include <vector>

#include "engine/span_reader.h"
#include "query/traceql/block_view.h"
#include "varve/status.h"

namespace varve::traceql {

// A query lets blocks go that hold more in decoded columns than this.
inline constexpr size_t kOpenBytesMax = size_t{256} << 20;

// A span: a row of a block.
struct SpanRef {
  uint32_t block = 0;
  uint32_t row = 0;
};

// Rows of a trace that stand together.
struct Segment {
  uint32_t block = 0;
  uint32_t begin = 0;
  uint32_t end = 0;
};

// The spans of a trace, each once, by start time, and how they hang together.
struct TraceSpans {
  static constexpr int32_t kRoot = -1;    // has no parent
  static constexpr int32_t kOrphan = -2;  // its parent is not there

  std::vector<SpanRef> spans;
  std::vector<uint64_t> starts;  // ns
  std::vector<int32_t> parents;  // into spans, kRoot or kOrphan
  std::vector<uint32_t> child_counts;
  // Numbered depth first from 1, as Tempo does; 0: not below a root. Empty until asked for.
  std::vector<int32_t> nested_left;
  std::vector<int32_t> nested_right;
  uint64_t start_ns = UINT64_MAX;  // of the first span
  uint64_t end_ns = 0;             // of the span that ends last
  std::optional<uint32_t> root;

  void Clear();
};

// Thread safety: none.
class TraceTable {
 public:
  // Looks at the blocks that may have spans that start within [min_ns, max_ns]. `reader` is
  // borrowed.
  static Result<std::unique_ptr<TraceTable>> Open(const engine::SpanReader* reader, uint64_t min_ns,
                                                  uint64_t max_ns);
  // The same, but takes none of them in yet.
  static Result<std::unique_ptr<TraceTable>> OpenEmpty(const engine::SpanReader* reader,
                                                       uint64_t min_ns, uint64_t max_ns);
  // Takes in the next `count` blocks, those with the newest spans first.
  Status AddNewest(size_t count);
  // True when all were taken in.
  bool is_whole();
  // No span of the blocks still to come starts later. REQUIRES: !is_whole().
  uint64_t pending_max_start_ns() const { return pending_.back().max_start_ns; }

  size_t block_count() const { return blocks_.size(); }
  uint32_t row_count(size_t block) const { return blocks_[block].begins.back(); }
  BlockView& view(size_t block) { return *blocks_[block].view; }
  size_t trace_count() const { return traces_.size(); }
  std::string_view trace_id(size_t trace) const { return traces_[trace].id; }
  std::span<const Segment> segments(size_t trace) const { return traces_[trace].segments; }
  uint32_t TraceOf(SpanRef span) const;
  // The rows of each trace in a block, from begin to end.
  std::vector<std::pair<uint32_t, uint32_t>> TraceRows(size_t block) const;

  // Takes in whatever further blocks have spans of the trace. True when there were some.
  Result<bool> Complete(size_t trace);
  // Lets blocks go when those that are open hold more than `bytes_max`, and all values that were
  // got from them.
  void CloseBeyond(size_t bytes_max);

  // Without parents and what comes of them. Valid until a call for another trace.
  Result<const TraceSpans*> Spans(size_t trace);
  // With them.
  Result<const TraceSpans*> Tree(size_t trace);
  // Where a span stands among Spans(TraceOf(span)).
  Result<uint32_t> IndexOf(SpanRef span);

  // An attribute of a span, trace-wide ones included. Texts live as long as the block is open, or,
  // of those that need the trace, until the next call.
  Result<Value> Get(const Attribute& attribute, SpanRef span);
  // Of what needs the tree, of the trace that Tree was called for last, by index. REQUIRES:
  // BlockView::NeedsTrace, and not the trace's id.
  Result<Value> TreeValue(const Attribute& attribute, uint32_t index);

 private:
  struct Block {
    std::unique_ptr<BlockView> view;
    std::string trace_ids;         // 16 bytes each
    std::vector<uint32_t> begins;  // of each trace's rows; one more than there are traces
    std::vector<uint32_t> traces;  // into traces_
  };
  struct Trace {
    std::string_view id;
    std::vector<Segment> segments;
  };
  struct Pending {
    engine::SpanBlockRef ref;
    uint64_t max_start_ns;
  };

  explicit TraceTable(const engine::SpanReader* reader) : reader_(reader) {}
  Status AddBlock(const engine::SpanBlockRef& ref);
  Result<const format::SpanBlock*> OpenBlock(uint32_t block) { return view(block).Open(); }
  Status Collect(size_t trace, TraceSpans* spans);
  Status RemoveRepeated(TraceSpans* spans);
  static void AddParent(int32_t parent, TraceSpans* spans);
  Status FindParentsWithin(const Segment& segment, TraceSpans* spans);
  Status FindParents(TraceSpans* spans);
  static void NumberNested(TraceSpans* spans);
  Result<uint64_t> SpanId(SpanRef span);
  Status SortIds(const TraceSpans& spans);
  Result<bool> AreEqual(SpanRef a, SpanRef b);
  Result<Value> TraceValue(const Attribute& attribute, SpanRef span);

  const engine::SpanReader* const reader_;
  std::unordered_set<uint64_t> opened_;  // ids of blocks_
  std::deque<Block> blocks_;
  std::vector<Pending> pending_;  // the newest last
  std::unordered_map<std::string_view, uint32_t> numbers_;
  std::vector<Trace> traces_;
  std::optional<size_t> spans_of_;  // whose spans_ holds
  TraceSpans spans_;
  std::vector<std::pair<uint64_t, SpanRef>> rows_;  // scratch
  std::vector<std::pair<uint64_t, uint32_t>> ids_;  // of spans_, sorted, with their indices
  // Where rows stand in spans_: of a trace that stands together by row from its begin, else by
  // block and row, once has_indices_.
  std::vector<int32_t> row_indices_;
  bool has_indices_ = false;
  std::unordered_map<uint64_t, uint32_t> span_indices_;
  std::string text_;
};

}  // namespace varve::traceql
