#include <algorithm>
#include <deque>
#include <limits>
#include <map>
#include <memory>
#include <string>
#include <utility>

#include "base/status_macros.h"
#include "compaction/span_part.h"
#include "compaction/span_rows.h"

namespace varve::compaction {
namespace {

// A stretch of rows of one trace in one block.
struct Stretch {
  std::string trace_id;
  uint64_t first_start_ns = 0;  // of the trace, wherever it begins
  uint32_t source = 0;          // into Merger::sources_
  uint32_t begin = 0;
  uint32_t end = 0;
};

class Merger {
 public:
  Merger(kv::Store* store, const std::atomic<bool>* cancelled)
      : store_(store), cancelled_(cancelled) {}

  Result<format::PartInfo> Run(std::span<const std::shared_ptr<const kv::Part>> parts) {
    format::PartInfo info;
    info.min_sequence = parts.front()->info().min_sequence;
    for (const auto& part : parts) {
      info.level = std::max(info.level, part->info().level);
      info.min_sequence = std::min(info.min_sequence, part->info().min_sequence);
      info.max_sequence = std::max(info.max_sequence, part->info().max_sequence);
      RETURN_IF_ERROR(Open(part));
    }
    if (info.level < std::numeric_limits<uint8_t>::max()) ++info.level;
    SortStretches();
    ASSIGN_OR_RETURN(writer_, SpanPartWriter::Create(store_, kv::Compression::kSmall));
    for (size_t begin = 0; begin < stretches_.size();) {
      if (cancelled_ != nullptr && cancelled_->load()) return CancelledError("merging spans");
      size_t end = begin + 1;
      while (end < stretches_.size() && stretches_[end].trace_id == stretches_[begin].trace_id) {
        ++end;
      }
      RETURN_IF_ERROR(AddTrace(std::span(stretches_).subspan(begin, end - begin)));
      begin = end;
    }
    RETURN_IF_ERROR(WriteBlock());
    return writer_->Finish(std::move(info));
  }

 private:
  // A block of a part, open while rows of it are to be merged.
  struct Source {
    const SpanPartReader* part;
    uint32_t number;
    size_t stretches_left = 0;
    std::shared_ptr<const format::SpanBlock> block;
  };

  Status Open(const std::shared_ptr<const kv::Part>& part) {
    const SpanPartReader& reader = parts_.emplace_back(part);
    for (uint32_t i = 0; i < reader.block_count(); ++i) {
      Source& source = sources_.emplace_back(Source{&reader, i, 0, nullptr});
      ASSIGN_OR_RETURN(const format::SpanBlock block, reader.OpenBlock(i));
      ASSIGN_OR_RETURN(const std::string* ids, block.TraceIds());
      ASSIGN_OR_RETURN(const std::vector<uint32_t>* begins, block.TraceBegins());
      ASSIGN_OR_RETURN(const std::vector<uint64_t>* starts, block.Starts());
      source.stretches_left = begins->size() - 1;
      for (size_t trace = 0; trace + 1 < begins->size(); ++trace) {
        Stretch& stretch = stretches_.emplace_back();
        stretch.trace_id = ids->substr(trace * format::kTraceIdBytes, format::kTraceIdBytes);
        stretch.source = static_cast<uint32_t>(sources_.size() - 1);
        stretch.begin = (*begins)[trace];
        stretch.end = (*begins)[trace + 1];
        stretch.first_start_ns =
            *std::min_element(starts->begin() + stretch.begin, starts->begin() + stretch.end);
      }
    }
    return OkStatus();
  }

  void SortStretches() {
    std::map<std::string_view, uint64_t> firsts;
    for (const Stretch& stretch : stretches_) {
      const auto [at, is_new] = firsts.try_emplace(stretch.trace_id, stretch.first_start_ns);
      if (!is_new) at->second = std::min(at->second, stretch.first_start_ns);
    }
    for (Stretch& stretch : stretches_) stretch.first_start_ns = firsts[stretch.trace_id];
    std::stable_sort(stretches_.begin(), stretches_.end(), [](const auto& a, const auto& b) {
      return std::tie(a.first_start_ns, a.trace_id) < std::tie(b.first_start_ns, b.trace_id);
    });
  }

  Status AddTrace(std::span<const Stretch> stretches) {
    std::vector<StoredSpan> rows;
    format::SpanFields scratch;
    for (const Stretch& stretch : stretches) {
      Source& source = sources_[stretch.source];
      if (source.block == nullptr) {
        ASSIGN_OR_RETURN(format::SpanBlock opened, source.part->OpenBlock(source.number));
        source.block = std::make_shared<const format::SpanBlock>(std::move(opened));
      }
      for (uint32_t row = stretch.begin; row < stretch.end; ++row) {
        rows.emplace_back().owner = source.block;
        RETURN_IF_ERROR(ReadStoredSpan(*source.block, row, &scratch, &rows.back()));
      }
      if (--source.stretches_left == 0) source.block.reset();
    }
    SortUniqueSpans(&rows);
    if (!rows_.empty() && rows_.size() + rows.size() > kSpanBlockRows) {
      RETURN_IF_ERROR(WriteBlock());
    }
    for (StoredSpan& row : rows) {
      rows_.push_back(std::move(row));
      if (rows_.size() == format::kSpanBlockRowsMax) RETURN_IF_ERROR(WriteBlock());
    }
    return OkStatus();
  }

  Status WriteBlock() {
    if (rows_.empty()) return OkStatus();
    std::vector<format::SpanRow> views;
    views.reserve(rows_.size());
    for (const StoredSpan& row : rows_) views.push_back(row.row());
    ASSIGN_OR_RETURN(const format::SpanBlockBytes block, format::EncodeSpanBlock(views));
    rows_.clear();
    return writer_->Add(block);
  }

  kv::Store* const store_;
  const std::atomic<bool>* const cancelled_;  // may be null
  std::deque<SpanPartReader> parts_;
  std::vector<Source> sources_;
  std::vector<Stretch> stretches_;
  std::unique_ptr<SpanPartWriter> writer_;
  std::vector<StoredSpan> rows_;
};

}  // namespace

Result<format::PartInfo> MergeSpanParts(kv::Store* store,
                                        std::span<const std::shared_ptr<const kv::Part>> parts,
                                        const std::atomic<bool>* cancelled) {
  if (parts.empty()) return InvalidArgumentError("a merge needs at least one part");
  return Merger(store, cancelled).Run(parts);
}

}  // namespace varve::compaction
