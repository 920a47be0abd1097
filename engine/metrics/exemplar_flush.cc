#include "engine/metrics/exemplar_flush.h"

#include <algorithm>
#include <map>
#include <memory>
#include <utility>

#include "base/status_macros.h"
#include "compaction/exemplar_part.h"
#include "compaction/planner.h"

namespace varve::engine {
namespace {

constexpr int64_t kDayMs = 12 * compaction::kPartitionMs;
static_assert(kDayMs == int64_t{24} * 3600 * 1000);

int64_t PartitionWidth(const ExemplarMap& exemplars) {
  int64_t min_ms = INT64_MAX;
  int64_t max_ms = INT64_MIN;
  for (const auto& [labels, of_series] : exemplars) {
    min_ms = std::min(min_ms, of_series.front().timestamp_ms);
    max_ms = std::max(max_ms, of_series.back().timestamp_ms);
  }
  return std::max(kDayMs, compaction::FlushPartitionWidth(min_ms, max_ms));
}

}  // namespace

Result<std::vector<format::PartInfo>> WriteExemplarParts(kv::Store* store,
                                                         const ExemplarMap& exemplars,
                                                         uint64_t min_sequence,
                                                         uint64_t max_sequence) {
  std::vector<format::PartInfo> parts;
  if (exemplars.empty()) return parts;
  const int64_t width = PartitionWidth(exemplars);
  // By begin of their partition.
  std::map<int64_t, std::unique_ptr<compaction::ExemplarPartWriter>> writers;
  std::vector<format::ExemplarView> run;
  for (const auto& [labels, of_series] : exemplars) {
    for (auto at = of_series.begin(); at != of_series.end();) {
      const compaction::Partition partition = compaction::PartitionOf(at->timestamp_ms, width);
      run.clear();
      for (; at != of_series.end() && at->timestamp_ms <= partition.end_ms; ++at) {
        run.push_back(at->view());
      }
      std::unique_ptr<compaction::ExemplarPartWriter>& writer = writers[partition.begin_ms];
      if (writer == nullptr) {
        ASSIGN_OR_RETURN(writer, compaction::ExemplarPartWriter::Create(store));
      }
      RETURN_IF_ERROR(writer->Add(labels, run));
    }
  }
  for (auto& [begin, writer] : writers) {
    format::PartInfo info;
    info.min_sequence = min_sequence;
    info.max_sequence = max_sequence;
    ASSIGN_OR_RETURN(info, writer->Finish(info));
    parts.push_back(std::move(info));
  }
  return parts;
}

}  // namespace varve::engine
