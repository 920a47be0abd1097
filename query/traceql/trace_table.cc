#include "query/traceql/trace_table.h"

#include <algorithm>
#include <cstring>
#include <utility>

#include "base/status_macros.h"
#include "compaction/span_rows.h"

namespace varve::traceql {
namespace {

using format::SpanColumn;

// The i-th of span ids that stand one after the other.
uint64_t IdAt(const std::string& ids, uint32_t i) {
  uint64_t id = 0;
  std::memcpy(&id, ids.data() + size_t{i} * format::kSpanIdBytes, sizeof id);
  return id;
}

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
  ASSIGN_OR_RETURN(std::unique_ptr<TraceTable> table, OpenEmpty(reader, min_ns, max_ns));
  RETURN_IF_ERROR(table->AddNewest(SIZE_MAX));
  return table;
}

Result<std::unique_ptr<TraceTable>> TraceTable::OpenEmpty(const engine::SpanReader* reader,
                                                          uint64_t min_ns, uint64_t max_ns) {
  std::unique_ptr<TraceTable> table(new TraceTable(reader));
  ASSIGN_OR_RETURN(std::vector<engine::SpanBlockRef> refs, reader->Blocks(min_ns, max_ns));
  for (engine::SpanBlockRef& ref : refs) {
    ASSIGN_OR_RETURN(const std::shared_ptr<const format::SpanBlock> block, ref.open());
    const format::SpanBlockHeader& header = block->header();
    if (header.min_start_ns > max_ns || header.max_start_ns < min_ns) continue;
    table->pending_.push_back({std::move(ref), header.max_start_ns});
  }
  std::stable_sort(
      table->pending_.begin(), table->pending_.end(),
      [](const Pending& a, const Pending& b) { return a.max_start_ns < b.max_start_ns; });
  return table;
}

Status TraceTable::AddNewest(size_t count) {
  for (; count > 0 && !is_whole(); --count) {
    RETURN_IF_ERROR(AddBlock(pending_.back().ref));
    pending_.pop_back();
  }
  return OkStatus();
}

bool TraceTable::is_whole() {
  // Complete took some in before their turn.
  while (!pending_.empty() && opened_.contains(pending_.back().ref.id)) pending_.pop_back();
  return pending_.empty();
}

Status TraceTable::AddBlock(const engine::SpanBlockRef& ref) {
  auto view = std::make_unique<BlockView>(ref);
  ASSIGN_OR_RETURN(const format::SpanBlock* opened, view->Open());
  opened_.insert(ref.id);
  const auto number = static_cast<uint32_t>(blocks_.size());
  Block& block = blocks_.emplace_back();
  block.view = std::move(view);
  ASSIGN_OR_RETURN(const std::string* ids, opened->TraceIds());
  ASSIGN_OR_RETURN(const std::vector<uint32_t>* begins, opened->TraceBegins());
  block.trace_ids = *ids;
  block.begins = *begins;
  block.traces.reserve(begins->size());
  for (size_t i = 0; i + 1 < block.begins.size(); ++i) {
    const std::string_view id =
        std::string_view(block.trace_ids).substr(i * format::kTraceIdBytes, format::kTraceIdBytes);
    const auto [at, is_new] = numbers_.try_emplace(id, static_cast<uint32_t>(traces_.size()));
    if (is_new) traces_.push_back({id, {}});
    block.traces.push_back(at->second);
    traces_[at->second].segments.push_back({number, block.begins[i], block.begins[i + 1]});
  }
  return OkStatus();
}

uint32_t TraceTable::TraceOf(SpanRef span) const {
  const Block& block = blocks_[span.block];
  const auto after = std::upper_bound(block.begins.begin(), block.begins.end(), span.row);
  return block.traces[static_cast<size_t>(after - block.begins.begin()) - 1];
}

std::vector<std::pair<uint32_t, uint32_t>> TraceTable::TraceRows(size_t block) const {
  std::vector<std::pair<uint32_t, uint32_t>> rows;
  const std::vector<uint32_t>& begins = blocks_[block].begins;
  for (size_t i = 0; i + 1 < begins.size(); ++i) rows.emplace_back(begins[i], begins[i + 1]);
  return rows;
}

Result<bool> TraceTable::Complete(size_t trace) {
  ASSIGN_OR_RETURN(const std::vector<engine::SpanBlockRef> refs,
                   reader_->BlocksOf(traces_[trace].id));
  bool any = false;
  for (const engine::SpanBlockRef& ref : refs) {
    if (opened_.contains(ref.id)) continue;
    RETURN_IF_ERROR(AddBlock(ref));
    any = true;
  }
  if (any) spans_of_.reset();
  return any;
}

void TraceTable::CloseBeyond(size_t bytes_max) {
  size_t bytes = 0;
  for (const Block& block : blocks_) bytes += block.view->memory_bytes();
  if (bytes <= bytes_max) return;
  for (const Block& block : blocks_) block.view->Close();
}

Result<uint64_t> TraceTable::SpanId(SpanRef span) {
  ASSIGN_OR_RETURN(const format::SpanBlock* block, OpenBlock(span.block));
  ASSIGN_OR_RETURN(const std::string* ids, block->SpanIds());
  return IdAt(*ids, span.row);
}

Result<const TraceSpans*> TraceTable::Spans(size_t trace) {
  if (spans_of_ == trace) return &spans_;
  spans_of_.reset();
  RETURN_IF_ERROR(Collect(trace, &spans_));
  if (traces_[trace].segments.size() > 1) RETURN_IF_ERROR(RemoveRepeated(&spans_));
  spans_of_ = trace;
  return &spans_;
}

Result<const TraceSpans*> TraceTable::Tree(size_t trace) {
  RETURN_IF_ERROR(Spans(trace).status());
  if (spans_.parents.size() == spans_.spans.size()) return &spans_;
  spans_.parents.clear();
  const std::vector<Segment>& segments = traces_[trace].segments;
  RETURN_IF_ERROR(segments.size() == 1 ? FindParentsWithin(segments.front(), &spans_)
                                       : FindParents(&spans_));
  return &spans_;
}

void TraceSpans::Clear() {
  spans.clear();
  starts.clear();
  parents.clear();
  child_counts.clear();
  nested_left.clear();
  nested_right.clear();
  start_ns = UINT64_MAX;
  end_ns = 0;
  root.reset();
}

Status TraceTable::Collect(size_t trace, TraceSpans* spans) {
  spans->Clear();
  has_indices_ = false;
  std::vector<std::pair<uint64_t, SpanRef>>& rows = rows_;
  rows.clear();
  for (const Segment& segment : traces_[trace].segments) {
    ASSIGN_OR_RETURN(const format::SpanBlock* block, OpenBlock(segment.block));
    ASSIGN_OR_RETURN(const std::vector<uint64_t>* starts, block->Starts());
    ASSIGN_OR_RETURN(const std::vector<uint64_t>* durations, block->Durations());
    for (uint32_t row = segment.begin; row < segment.end; ++row) {
      rows.push_back({(*starts)[row], {segment.block, row}});
      spans->start_ns = std::min(spans->start_ns, (*starts)[row]);
      spans->end_ns = std::max(spans->end_ns, (*starts)[row] + (*durations)[row]);
    }
  }
  const auto is_earlier = [](const auto& a, const auto& b) { return a.first < b.first; };
  if (!std::is_sorted(rows.begin(), rows.end(), is_earlier)) {
    std::stable_sort(rows.begin(), rows.end(), is_earlier);
  }
  for (const auto& [start, span] : rows) {
    spans->spans.push_back(span);
    spans->starts.push_back(start);
  }
  return OkStatus();
}

// By id, equal ones in the order in which they start.
Status TraceTable::SortIds(const TraceSpans& spans) {
  ids_.clear();
  for (uint32_t i = 0; i < spans.spans.size(); ++i) {
    ASSIGN_OR_RETURN(const uint64_t id, SpanId(spans.spans[i]));
    ids_.emplace_back(id, i);
  }
  std::sort(ids_.begin(), ids_.end());
  return OkStatus();
}

Result<bool> TraceTable::AreEqual(SpanRef a, SpanRef b) {
  format::SpanFields scratch;
  compaction::StoredSpan stored_a;
  compaction::StoredSpan stored_b;
  ASSIGN_OR_RETURN(const format::SpanBlock* block_a, OpenBlock(a.block));
  RETURN_IF_ERROR(compaction::ReadStoredSpan(*block_a, a.row, &scratch, &stored_a));
  ASSIGN_OR_RETURN(const format::SpanBlock* block_b, OpenBlock(b.block));
  RETURN_IF_ERROR(compaction::ReadStoredSpan(*block_b, b.row, &scratch, &stored_b));
  return stored_a.key() == stored_b.key();
}

// Spans of one id and content are one, wherever they came from.
Status TraceTable::RemoveRepeated(TraceSpans* spans) {
  RETURN_IF_ERROR(SortIds(*spans));
  std::vector<bool> is_repeated(spans->spans.size());
  bool any = false;
  for (size_t begin = 0; begin < ids_.size();) {
    size_t end = begin + 1;
    while (end < ids_.size() && ids_[end].first == ids_[begin].first) ++end;
    for (size_t i = begin + 1; i < end; ++i) {
      for (size_t k = begin; k < i && !is_repeated[ids_[i].second]; ++k) {
        if (is_repeated[ids_[k].second]) continue;
        ASSIGN_OR_RETURN(const bool are_equal,
                         AreEqual(spans->spans[ids_[i].second], spans->spans[ids_[k].second]));
        is_repeated[ids_[i].second] = are_equal;
        any = any || are_equal;
      }
    }
    begin = end;
  }
  if (!any) return OkStatus();
  size_t kept = 0;
  for (size_t i = 0; i < spans->spans.size(); ++i) {
    if (is_repeated[i]) continue;
    spans->spans[kept] = spans->spans[i];
    spans->starts[kept] = spans->starts[i];
    ++kept;
  }
  spans->spans.resize(kept);
  spans->starts.resize(kept);
  return SortIds(*spans);
}

void TraceTable::AddParent(int32_t parent, TraceSpans* spans) {
  const auto i = static_cast<uint32_t>(spans->parents.size());
  if (parent == static_cast<int32_t>(i)) parent = TraceSpans::kOrphan;
  if (parent == TraceSpans::kRoot && !spans->root) spans->root = i;
  if (parent >= 0) ++spans->child_counts[static_cast<size_t>(parent)];
  spans->parents.push_back(parent);
}

// Where all spans stand together, parents are told by their rows.
Status TraceTable::FindParentsWithin(const Segment& segment, TraceSpans* spans) {
  ASSIGN_OR_RETURN(const format::SpanBlock* block, OpenBlock(segment.block));
  ASSIGN_OR_RETURN(const std::vector<uint32_t>* parents, block->Parents());
  std::vector<int32_t>& indices = row_indices_;
  indices.resize(segment.end - segment.begin);
  for (size_t i = 0; i < spans->spans.size(); ++i) {
    indices[spans->spans[i].row - segment.begin] = static_cast<int32_t>(i);
  }
  spans->child_counts.assign(spans->spans.size(), 0);
  for (const SpanRef span : spans->spans) {
    const uint32_t parent = (*parents)[span.row];
    int32_t index = TraceSpans::kOrphan;
    if (parent == format::SpanBlock::kNoParent) {
      index = TraceSpans::kRoot;
    } else if (parent >= segment.begin && parent < segment.end) {
      index = indices[parent - segment.begin];
    }
    AddParent(index, spans);
  }
  return OkStatus();
}

// REQUIRES: SortIds.
Status TraceTable::FindParents(TraceSpans* spans) {
  spans->child_counts.assign(spans->spans.size(), 0);
  for (const SpanRef span : spans->spans) {
    ASSIGN_OR_RETURN(const format::SpanBlock* block, OpenBlock(span.block));
    ASSIGN_OR_RETURN(const std::vector<uint32_t>* parents, block->Parents());
    const uint32_t parent = (*parents)[span.row];
    if (parent == format::SpanBlock::kNoParent) {
      AddParent(TraceSpans::kRoot, spans);
      continue;
    }
    const bool is_elsewhere = parent >= format::SpanBlock::kParentElsewhere;
    ASSIGN_OR_RETURN(const std::string* ids, is_elsewhere ? block->ParentIds() : block->SpanIds());
    const uint64_t id =
        IdAt(*ids, is_elsewhere ? parent - format::SpanBlock::kParentElsewhere : parent);
    const auto found = std::lower_bound(ids_.begin(), ids_.end(), std::pair(id, uint32_t{0}));
    const bool is_there = found != ids_.end() && found->first == id;
    AddParent(is_there ? static_cast<int32_t>(found->second) : TraceSpans::kOrphan, spans);
  }
  return OkStatus();
}

void TraceTable::NumberNested(TraceSpans* spans) {
  if (!spans->nested_left.empty()) return;
  const auto count = static_cast<int32_t>(spans->spans.size());
  constexpr int32_t kNone = -1;
  spans->nested_left.assign(spans->spans.size(), 0);
  spans->nested_right.assign(spans->spans.size(), 0);
  std::vector<int32_t> first_child(spans->spans.size(), kNone);
  std::vector<int32_t> next_sibling(spans->spans.size(), kNone);
  for (int32_t i = count - 1; i >= 0; --i) {
    const int32_t parent = spans->parents[static_cast<size_t>(i)];
    if (parent < 0) continue;
    next_sibling[static_cast<size_t>(i)] = first_child[static_cast<size_t>(parent)];
    first_child[static_cast<size_t>(parent)] = i;
  }
  int32_t next = 1;
  for (int32_t root = 0; root < count; ++root) {
    if (spans->parents[static_cast<size_t>(root)] != TraceSpans::kRoot) continue;
    for (int32_t at = root; at != kNone;) {
      const auto span = static_cast<size_t>(at);
      if (spans->nested_left[span] == 0) {
        spans->nested_left[span] = next++;
        if (first_child[span] != kNone) {
          at = first_child[span];
          continue;
        }
      }
      spans->nested_right[span] = next++;
      if (at == root) break;
      // Its parent comes again once the last child is done.
      at = next_sibling[span] != kNone ? next_sibling[span] : spans->parents[span];
    }
  }
}

Result<uint32_t> TraceTable::IndexOf(SpanRef span) {
  const uint32_t trace = TraceOf(span);
  RETURN_IF_ERROR(Tree(trace).status());
  const std::vector<Segment>& segments = traces_[trace].segments;
  if (segments.size() == 1) {
    return static_cast<uint32_t>(row_indices_[span.row - segments.front().begin]);
  }
  if (!has_indices_) {
    span_indices_.clear();
    for (uint32_t i = 0; i < spans_.spans.size(); ++i) span_indices_[KeyOf(spans_.spans[i])] = i;
    has_indices_ = true;
  }
  const auto found = span_indices_.find(KeyOf(span));
  return found == span_indices_.end() ? UINT32_MAX : found->second;
}

Result<Value> TraceTable::Get(const Attribute& attribute, SpanRef span) {
  if (!BlockView::NeedsTrace(attribute)) return view(span.block).Get(attribute, span.row);
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
  return TreeValue(attribute, index);
}

Result<Value> TraceTable::TreeValue(const Attribute& attribute, uint32_t index) {
  const auto integer = [](int64_t value) { return Value::Of(ValueType::kInt, value); };
  const int32_t parent = spans_.parents[index];
  if (attribute.of_parent) {
    if (parent < 0) return Value::Nil();
    Attribute own = attribute;
    own.of_parent = false;
    const SpanRef above = spans_.spans[static_cast<size_t>(parent)];
    return view(above.block).Get(own, above.row);
  }
  switch (attribute.intrinsic) {
    case Intrinsic::kChildCount:
      return integer(spans_.child_counts[index]);
    case Intrinsic::kNestedSetLeft:
      NumberNested(&spans_);
      return integer(spans_.nested_left[index]);
    case Intrinsic::kNestedSetRight:
      NumberNested(&spans_);
      return integer(spans_.nested_right[index]);
    case Intrinsic::kNestedSetParent:
      NumberNested(&spans_);
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
      return view(root.block)
          .Get(attribute.intrinsic == Intrinsic::kTraceRootName ? name : ServiceName(), root.row);
    }
    default:
      return Value::Nil();
  }
}

}  // namespace varve::traceql
