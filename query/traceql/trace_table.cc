#include "query/traceql/trace_table.h"

#include <algorithm>
#include <numeric>
#include <utility>

#include "base/status_macros.h"
#include "compaction/span_rows.h"

namespace varve::traceql {
namespace {

using format::SpanColumn;

uint64_t KeyOf(SpanRef span) { return uint64_t{span.block} << 32 | span.row; }

Attribute ServiceName() {
  Attribute attribute;
  attribute.scope = Scope::kResource;
  attribute.name = "service.name";
  return attribute;
}

}  // namespace

Result<std::unique_ptr<TraceTable>> TraceTable::Open(const engine::SpanReader* reader,
                                                     uint64_t min_ns, uint64_t max_ns) {
  std::unique_ptr<TraceTable> table(new TraceTable(reader));
  ASSIGN_OR_RETURN(const std::vector<engine::SpanBlockRef> refs, reader->Blocks(min_ns, max_ns));
  for (const engine::SpanBlockRef& ref : refs) {
    ASSIGN_OR_RETURN(format::SpanBlock block, ref.open());
    const format::SpanBlockHeader& header = block.header();
    if (header.min_start_ns > max_ns || header.max_start_ns < min_ns) continue;
    RETURN_IF_ERROR(table->AddBlock(ref));
  }
  return table;
}

Status TraceTable::AddBlock(const engine::SpanBlockRef& ref) {
  ASSIGN_OR_RETURN(format::SpanBlock opened, ref.open());
  refs_.push_back(ref);
  if (ref.id != 0) opened_.insert(ref.id);
  const auto number = static_cast<uint32_t>(blocks_.size());
  blocks_.push_back(std::make_unique<BlockView>(std::move(opened)));
  format::SpanBlock& block = blocks_.back()->block();
  ASSIGN_OR_RETURN(const std::string* ids, block.TraceIds());
  ASSIGN_OR_RETURN(const std::vector<uint32_t>* begins, block.TraceBegins());
  std::vector<uint32_t>& row_traces = row_traces_.emplace_back(block.row_count());
  for (size_t i = 0; i + 1 < begins->size(); ++i) {
    const std::string_view id =
        std::string_view(*ids).substr(i * format::kTraceIdBytes, format::kTraceIdBytes);
    const auto [at, is_new] = numbers_.try_emplace(id, static_cast<uint32_t>(traces_.size()));
    if (is_new) traces_.push_back({id, {}});
    traces_[at->second].segments.push_back({number, (*begins)[i], (*begins)[i + 1]});
    std::fill(row_traces.begin() + (*begins)[i], row_traces.begin() + (*begins)[i + 1], at->second);
  }
  return OkStatus();
}

Result<bool> TraceTable::Complete(size_t trace) {
  ASSIGN_OR_RETURN(const std::vector<engine::SpanBlockRef> refs,
                   reader_->BlocksOf(traces_[trace].id));
  bool any = false;
  for (const engine::SpanBlockRef& ref : refs) {
    if (ref.id != 0 && opened_.contains(ref.id)) continue;
    if (ref.id == 0) {
      // Of blocks in memory only those in range were opened, and they have no name: all of them
      // come again, and what is there twice is seen once.
      ASSIGN_OR_RETURN(const format::SpanBlock block, ref.open());
      bool is_open = false;
      for (size_t i = 0; i < refs_.size() && !is_open; ++i) {
        const format::SpanBlockHeader& known = blocks_[i]->block().header();
        is_open = refs_[i].id == 0 && known.row_count == block.header().row_count &&
                  known.min_start_ns == block.header().min_start_ns &&
                  known.max_start_ns == block.header().max_start_ns;
      }
      if (is_open) continue;
    }
    RETURN_IF_ERROR(AddBlock(ref));
    any = true;
  }
  if (any) spans_of_.reset();
  return any;
}

Result<std::string_view> TraceTable::SpanId(SpanRef span) {
  ASSIGN_OR_RETURN(const std::string* ids, blocks_[span.block]->block().SpanIds());
  return std::string_view(*ids).substr(size_t{span.row} * format::kSpanIdBytes,
                                       format::kSpanIdBytes);
}

Result<const TraceSpans*> TraceTable::Spans(size_t trace) {
  if (spans_of_ == trace) return &spans_;
  spans_of_.reset();
  RETURN_IF_ERROR(Collect(trace, &spans_));
  RETURN_IF_ERROR(FindParents(&spans_));
  NumberNested(&spans_);
  spans_of_ = trace;
  return &spans_;
}

Status TraceTable::Collect(size_t trace, TraceSpans* spans) {
  *spans = TraceSpans();
  span_indices_.clear();
  std::vector<std::pair<uint64_t, SpanRef>> rows;
  spans->start_ns = UINT64_MAX;
  for (const Segment& segment : traces_[trace].segments) {
    format::SpanBlock& block = blocks_[segment.block]->block();
    ASSIGN_OR_RETURN(const std::vector<uint64_t>* ends, block.Ends());
    ASSIGN_OR_RETURN(const std::vector<uint64_t>* starts, block.Starts());
    for (uint32_t row = segment.begin; row < segment.end; ++row) {
      rows.push_back({(*starts)[row], {segment.block, row}});
      spans->start_ns = std::min(spans->start_ns, (*starts)[row]);
      spans->end_ns = std::max(spans->end_ns, (*ends)[row]);
    }
  }
  std::stable_sort(rows.begin(), rows.end(),
                   [](const auto& a, const auto& b) { return a.first < b.first; });
  for (const auto& [start, span] : rows) {
    spans->spans.push_back(span);
    spans->starts.push_back(start);
  }
  if (traces_[trace].segments.size() > 1) RETURN_IF_ERROR(RemoveRepeated(trace, spans));
  for (uint32_t i = 0; i < spans->spans.size(); ++i) {
    span_indices_[KeyOf(spans->spans[i])] = i;
  }
  return OkStatus();
}

// Spans of one id and content are one, wherever they came from.
Status TraceTable::RemoveRepeated(size_t trace, TraceSpans* spans) {
  (void)trace;
  std::unordered_map<std::string_view, std::vector<uint32_t>> by_id;  // indices kept
  std::vector<bool> is_repeated(spans->spans.size());
  std::unordered_map<uint64_t, uint32_t> same_as;
  format::SpanFields scratch;
  for (uint32_t i = 0; i < spans->spans.size(); ++i) {
    const SpanRef span = spans->spans[i];
    ASSIGN_OR_RETURN(const std::string_view id, SpanId(span));
    std::vector<uint32_t>& known = by_id[id];
    for (const uint32_t other : known) {
      const SpanRef kept = spans->spans[other];
      compaction::StoredSpan a;
      compaction::StoredSpan b;
      RETURN_IF_ERROR(
          compaction::ReadStoredSpan(&blocks_[span.block]->block(), span.row, &scratch, &a));
      RETURN_IF_ERROR(
          compaction::ReadStoredSpan(&blocks_[kept.block]->block(), kept.row, &scratch, &b));
      if (a.key() != b.key()) continue;
      is_repeated[i] = true;
      break;
    }
    if (!is_repeated[i]) known.push_back(i);
  }
  size_t kept = 0;
  for (size_t i = 0; i < spans->spans.size(); ++i) {
    if (is_repeated[i]) continue;
    spans->spans[kept] = spans->spans[i];
    spans->starts[kept] = spans->starts[i];
    ++kept;
  }
  spans->spans.resize(kept);
  spans->starts.resize(kept);
  return OkStatus();
}

Status TraceTable::FindParents(TraceSpans* spans) {
  std::unordered_map<std::string_view, uint32_t> by_id;
  by_id.reserve(spans->spans.size());
  for (uint32_t i = 0; i < spans->spans.size(); ++i) {
    ASSIGN_OR_RETURN(const std::string_view id, SpanId(spans->spans[i]));
    by_id.try_emplace(id, i);
  }
  spans->child_counts.assign(spans->spans.size(), 0);
  for (uint32_t i = 0; i < spans->spans.size(); ++i) {
    format::SpanBlock& block = blocks_[spans->spans[i].block]->block();
    ASSIGN_OR_RETURN(const std::vector<uint32_t>* parents, block.Parents());
    const uint32_t parent = (*parents)[spans->spans[i].row];
    if (parent == format::SpanBlock::kNoParent) {
      spans->parents.push_back(TraceSpans::kRoot);
      if (!spans->root) spans->root = i;
      continue;
    }
    const bool is_elsewhere = parent >= format::SpanBlock::kParentElsewhere;
    ASSIGN_OR_RETURN(const std::string* ids, is_elsewhere ? block.ParentIds() : block.SpanIds());
    const uint32_t index = is_elsewhere ? parent - format::SpanBlock::kParentElsewhere : parent;
    const auto found = by_id.find(
        std::string_view(*ids).substr(size_t{index} * format::kSpanIdBytes, format::kSpanIdBytes));
    if (found == by_id.end() || found->second == i) {
      spans->parents.push_back(TraceSpans::kOrphan);
      continue;
    }
    spans->parents.push_back(static_cast<int32_t>(found->second));
    ++spans->child_counts[found->second];
  }
  return OkStatus();
}

void TraceTable::NumberNested(TraceSpans* spans) {
  const size_t count = spans->spans.size();
  spans->nested_left.assign(count, 0);
  spans->nested_right.assign(count, 0);
  std::vector<std::vector<uint32_t>> children(count);
  for (uint32_t i = 0; i < count; ++i) {
    if (spans->parents[i] >= 0) children[static_cast<size_t>(spans->parents[i])].push_back(i);
  }
  int32_t next = 1;
  std::vector<std::pair<uint32_t, size_t>> path;  // span, next child
  for (uint32_t root = 0; root < count; ++root) {
    if (spans->parents[root] != TraceSpans::kRoot) continue;
    path.emplace_back(root, 0);
    spans->nested_left[root] = next++;
    while (!path.empty()) {
      auto& [span, child] = path.back();
      if (child == children[span].size()) {
        spans->nested_right[span] = next++;
        path.pop_back();
        continue;
      }
      const uint32_t below = children[span][child++];
      spans->nested_left[below] = next++;
      path.emplace_back(below, 0);
    }
  }
}

Result<uint32_t> TraceTable::IndexOf(SpanRef span) {
  RETURN_IF_ERROR(Spans(TraceOf(span)).status());
  const auto found = span_indices_.find(KeyOf(span));
  return found == span_indices_.end() ? UINT32_MAX : found->second;
}

Result<Value> TraceTable::Get(const Attribute& attribute, SpanRef span) {
  if (!BlockView::NeedsTrace(attribute)) return blocks_[span.block]->Get(attribute, span.row);
  return TraceValue(attribute, span);
}

Result<Value> TraceTable::TraceValue(const Attribute& attribute, SpanRef span) {
  if (attribute.intrinsic == Intrinsic::kTraceId) {
    static constexpr char kDigits[] = "0123456789abcdef";
    text_.clear();
    for (const char c : traces_[TraceOf(span)].id) {
      text_ += kDigits[static_cast<uint8_t>(c) >> 4];
      text_ += kDigits[static_cast<uint8_t>(c) & 15];
    }
    return Value::String(text_);
  }
  ASSIGN_OR_RETURN(const uint32_t index, IndexOf(span));
  if (index == UINT32_MAX) return Value::Nil();  // it is there twice: the other one tells
  const auto integer = [](int64_t value) { return Value::Of(ValueType::kInt, value); };
  const int32_t parent = spans_.parents[index];
  if (attribute.of_parent) {
    if (parent < 0) return Value::Nil();
    Attribute own = attribute;
    own.of_parent = false;
    const SpanRef above = spans_.spans[static_cast<size_t>(parent)];
    return blocks_[above.block]->Get(own, above.row);
  }
  switch (attribute.intrinsic) {
    case Intrinsic::kChildCount:
      return integer(spans_.child_counts[index]);
    case Intrinsic::kNestedSetLeft:
      return integer(spans_.nested_left[index]);
    case Intrinsic::kNestedSetRight:
      return integer(spans_.nested_right[index]);
    case Intrinsic::kNestedSetParent:
      return integer(parent >= 0                   ? spans_.nested_left[static_cast<size_t>(parent)]
                     : parent == TraceSpans::kRoot ? -1
                                                   : 0);
    case Intrinsic::kTraceDuration:
      return Value::Of(ValueType::kDuration, static_cast<int64_t>(spans_.end_ns - spans_.start_ns));
    case Intrinsic::kTraceRootName:
    case Intrinsic::kTraceRootService: {
      if (!spans_.root) return Value::Nil();
      const SpanRef root = spans_.spans[*spans_.root];
      Attribute name;
      name.intrinsic = Intrinsic::kName;
      return blocks_[root.block]->Get(
          attribute.intrinsic == Intrinsic::kTraceRootName ? name : ServiceName(), root.row);
    }
    default:
      return Value::Nil();
  }
}

}  // namespace varve::traceql
