#include "query/traceql/search.h"

#include <algorithm>
#include <functional>
#include <map>
#include <queue>
#include <tuple>
#include <vector>

#include "base/status_macros.h"
#include "query/traceql/evaluator.h"
#include "query/traceql/result_values.h"

namespace varve::traceql {
namespace {

constexpr size_t kTracesPerCheck = 256;
// Searches for more traces than this take all blocks at once; others these, then twice as many.
constexpr size_t kShortLimit = 1000;
constexpr size_t kFirstWave = 4;

Attribute ServiceName() {
  Attribute attribute;
  attribute.scope = Scope::kResource;
  attribute.name = "service.name";
  return attribute;
}

Attribute IntrinsicOf(Intrinsic intrinsic) {
  Attribute attribute;
  attribute.intrinsic = intrinsic;
  return attribute;
}

struct Candidate {
  uint64_t start_ns = 0;  // of its first span in the table
  uint32_t trace = 0;
};

class Searcher {
 public:
  Searcher(const Query& query, const SearchRequest& request, const TimeWindow& window,
           TraceTable* table, const CheckTime& check)
      : request_(request),
        window_(window),
        table_(table),
        check_(check),
        evaluator_(&query, table) {}

  // Block by block, the newest first, until no trace that is still to come can be among the newest.
  Result<SearchResult> Run() {
    const bool is_short = request_.limit != 0 && request_.limit <= kShortLimit;
    for (size_t wave = is_short ? kFirstWave : SIZE_MAX;; wave *= 2) {
      RETURN_IF_ERROR(table_->AddNewest(wave));
      RETURN_IF_ERROR(evaluator_.MatchFilters());
      RETURN_IF_ERROR(check_());
      ASSIGN_OR_RETURN(const std::vector<Candidate> candidates, FindCandidates());
      const size_t block_count = table_->block_count();
      size_t looked_at = 0;
      for (const Candidate& candidate : candidates) {
        if (IsSettled(candidate.start_ns)) break;
        if (++looked_at % kTracesPerCheck == 0) {
          RETURN_IF_ERROR(check_());
          table_->CloseBeyond(kOpenBytesMax);
        }
        RETURN_IF_ERROR(Evaluate(candidate.trace));
      }
      // A trace that was completed may have brought blocks, and these traces.
      if (table_->block_count() > block_count) continue;
      if (table_->is_whole() || IsSettled(table_->pending_max_start_ns())) break;
    }
    std::stable_sort(result_.traces.begin(), result_.traces.end(),
                     [](const FoundTrace& a, const FoundTrace& b) {
                       return std::tie(b.start_ns, a.trace_id) < std::tie(a.start_ns, b.trace_id);
                     });
    if (request_.limit != 0 && result_.traces.size() > request_.limit) {
      result_.traces.resize(request_.limit);
    }
    return std::move(result_);
  }

 private:
  // True when as many traces as are wanted were found that start later.
  bool IsSettled(uint64_t start_ns) const {
    return request_.limit != 0 && newest_.size() == request_.limit && newest_.top() > start_ns;
  }

  void NoteStart(uint64_t start_ns) {
    if (request_.limit == 0) return;
    newest_.push(start_ns);
    if (newest_.size() > request_.limit) newest_.pop();
  }

  // Traces that may match and were not evaluated. A trace that has spans in blocks to come starts
  // no later than those.
  Result<std::vector<Candidate>> FindCandidates() {
    std::vector<Candidate> candidates;
    is_done_.resize(table_->trace_count());
    for (uint32_t trace = 0; trace < table_->trace_count(); ++trace) {
      if (is_done_[trace] || !evaluator_.MayMatch(trace)) continue;
      if (trace % kTracesPerCheck == 0) table_->CloseBeyond(kOpenBytesMax);
      Candidate candidate{UINT64_MAX, trace};
      bool is_in_window = window_.is_everything();
      for (const Segment& segment : table_->segments(trace)) {
        ASSIGN_OR_RETURN(const format::SpanBlock* block, table_->view(segment.block).Open());
        ASSIGN_OR_RETURN(const std::vector<uint64_t>* starts, block->Starts());
        for (uint32_t row = segment.begin; row < segment.end; ++row) {
          const uint64_t start = (*starts)[row];
          candidate.start_ns = std::min(candidate.start_ns, start);
          is_in_window = is_in_window || (start >= window_.min_ns && start <= window_.max_ns);
        }
      }
      if (is_in_window) candidates.push_back(candidate);
    }
    std::sort(candidates.begin(), candidates.end(), [this](const auto& a, const auto& b) {
      if (a.start_ns != b.start_ns) return a.start_ns > b.start_ns;
      return table_->trace_id(a.trace) < table_->trace_id(b.trace);
    });
    return candidates;
  }

  Status Evaluate(size_t trace) {
    is_done_[trace] = true;
    if (!window_.is_everything() || !table_->is_whole()) {
      ASSIGN_OR_RETURN(const bool any, table_->Complete(trace));
      if (any) RETURN_IF_ERROR(evaluator_.MatchFilters());
    }
    ASSIGN_OR_RETURN(const std::vector<Spanset> spansets, evaluator_.Evaluate(trace));
    if (spansets.empty()) return OkStatus();
    ASSIGN_OR_RETURN(const TraceSpans* spans, table_->Tree(trace));
    FoundTrace& found = result_.traces.emplace_back();
    found.trace_id = table_->trace_id(trace);
    found.start_ns = spans->start_ns;
    NoteStart(found.start_ns);
    found.duration_ns = static_cast<int64_t>(spans->end_ns - spans->start_ns);
    found.has_root = spans->root.has_value();
    found.orphan_count = static_cast<uint64_t>(
        std::count(spans->parents.begin(), spans->parents.end(), TraceSpans::kOrphan));
    if (spans->root) {
      const SpanRef root = spans->spans[*spans->root];
      ASSIGN_OR_RETURN(const Value service, table_->Get(ServiceName(), root));
      found.root_service = service.is_nil() ? "" : service.ToText();
      ASSIGN_OR_RETURN(const Value name, table_->Get(IntrinsicOf(Intrinsic::kName), root));
      found.root_name = name.text;
    }
    RETURN_IF_ERROR(CountServices(*spans, &found));
    for (const Spanset& spanset : spansets) {
      RETURN_IF_ERROR(Show(spanset, trace, &found.spansets.emplace_back()));
    }
    return OkStatus();
  }

  Status CountServices(const TraceSpans& spans, FoundTrace* found) {
    std::map<std::string_view, ServiceStatistics> services;
    uint32_t block = UINT32_MAX;
    const std::vector<uint64_t>* statuses = nullptr;
    const std::vector<Value>* names = nullptr;
    const std::vector<uint64_t>* resources = nullptr;
    uint64_t resource = UINT64_MAX;
    ServiceStatistics* counted = nullptr;
    for (const SpanRef span : spans.spans) {
      if (span.block != block) {
        ASSIGN_OR_RETURN(names, table_->view(span.block).ServiceNames());
        ASSIGN_OR_RETURN(const format::SpanBlock* opened, table_->view(span.block).Open());
        ASSIGN_OR_RETURN(statuses, opened->Values(format::SpanColumn::kStatusCodes));
        ASSIGN_OR_RETURN(resources, opened->Values(format::SpanColumn::kResources));
        block = span.block;
        resource = UINT64_MAX;
      }
      if ((*resources)[span.row] != resource) {
        resource = (*resources)[span.row];
        if (resource >= names->size()) return DataLossError("a resource that is not there");
        counted = &services[(*names)[resource].text];
      }
      ++counted->span_count;
      const auto status = static_cast<SpanStatus>((*statuses)[span.row]);
      counted->error_count += status == SpanStatus::kError ? 1 : 0;
    }
    for (auto& [name, statistics] : services) {
      statistics.service = name;
      found->services.push_back(std::move(statistics));
    }
    return OkStatus();
  }

  Status Show(const Spanset& spanset, size_t trace, FoundSpanset* found) {
    found->matched = spanset.spans.size();
    for (const auto& [name, value] : spanset.computed) {
      found->attributes.emplace_back(name, ToResult(value));
    }
    ASSIGN_OR_RETURN(const TraceSpans* spans, table_->Spans(trace));
    for (const uint32_t i : spanset.spans) {
      if (request_.spans_max != 0 && found->spans.size() == request_.spans_max) break;
      const SpanRef ref = spans->spans[i];
      FoundSpan& span = found->spans.emplace_back();
      ASSIGN_OR_RETURN(const format::SpanBlock* block, table_->view(ref.block).Open());
      ASSIGN_OR_RETURN(const std::string* ids, block->SpanIds());
      span.span_id = ids->substr(size_t{ref.row} * format::kSpanIdBytes, format::kSpanIdBytes);
      span.start_ns = spans->starts[i];
      ASSIGN_OR_RETURN(const Value name, table_->Get(IntrinsicOf(Intrinsic::kName), ref));
      span.name = name.text;
      ASSIGN_OR_RETURN(const Value duration, table_->Get(IntrinsicOf(Intrinsic::kDuration), ref));
      span.duration_ns = duration.integer;
      for (const Attribute& attribute : evaluator_.shown()) {
        if (attribute.intrinsic == Intrinsic::kDuration ||
            attribute.intrinsic == Intrinsic::kName) {
          continue;
        }
        ASSIGN_OR_RETURN(const Value value, table_->Get(attribute, ref));
        if (value.is_nil()) continue;
        span.attributes.emplace_back(attribute.name, ToResult(value));
      }
    }
    return OkStatus();
  }

  const SearchRequest& request_;
  const TimeWindow window_;
  TraceTable* const table_;
  const CheckTime& check_;
  Evaluator evaluator_;
  SearchResult result_;
  std::vector<bool> is_done_;  // by trace
  // The starts of the newest traces found, up to the limit, the oldest on top.
  std::priority_queue<uint64_t, std::vector<uint64_t>, std::greater<>> newest_;
};

bool FieldNeedsTrace(const FieldExpression* field) {
  if (field == nullptr) return false;
  if (field->kind == FieldExpression::Kind::kAttribute) {
    return BlockView::NeedsTrace(field->attribute);
  }
  return FieldNeedsTrace(field->left.get()) || FieldNeedsTrace(field->right.get());
}

bool SpansetNeedsTrace(const SpansetExpression* spanset);

bool PipelineNeedsTrace(const Pipeline& pipeline) {
  return std::any_of(pipeline.stages.begin(), pipeline.stages.end(),
                     [](const Stage& stage) { return SpansetNeedsTrace(stage.spanset.get()); });
}

bool SpansetNeedsTrace(const SpansetExpression* spanset) {
  if (spanset == nullptr) return false;
  return FieldNeedsTrace(spanset->filter.get()) || SpansetNeedsTrace(spanset->left.get()) ||
         SpansetNeedsTrace(spanset->right.get()) ||
         (spanset->pipeline != nullptr && PipelineNeedsTrace(*spanset->pipeline));
}

}  // namespace

bool NeedsEverything(const Query& query) { return PipelineNeedsTrace(query.pipeline); }

Result<SearchResult> Search(const Query& query, const SearchRequest& request,
                            const TimeWindow& window, TraceTable* table, const CheckTime& check) {
  return Searcher(query, request, window, table, check).Run();
}

}  // namespace varve::traceql
