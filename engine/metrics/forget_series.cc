// Letting go of the head's series that have no samples: after a compaction the head, its checkpoint
// and the journal hold nothing but what came meanwhile.
#include <utility>

#include "base/status_macros.h"
#include "engine/metrics/maintenance.h"

namespace varve::engine {

// Like a checkpoint, but of everything that is left, in place of all files before it. Runs behind a
// flush, under the same lock: no chunk of the head lies in a file then.
Status Maintenance::ForgetIdleSeries() {
  Result<uint64_t> segment = uint64_t{0};
  std::vector<FrozenSeries> frozen;
  std::shared_ptr<const ExemplarMap> exemplars;
  HeadManifest next = manifest_;
  const uint64_t journal_end = journal_bytes_replayed_ + context_.journal->bytes_appended();
  context_.commits->RunAlone([&] {
    segment = context_.journal->StartSegment();
    if (!segment.ok()) return;
    context_.head->RemoveIdle(INT64_MAX);
    frozen = context_.head->Freeze(Head::FreezeScope::kAllSeries);
    exemplars = context_.exemplars->Freeze();
    context_.spans->Freeze();
    next.sequence = context_.commits->last_sequence();
    next.next_series_id = context_.head->next_id();
  });
  RETURN_IF_ERROR(segment.status());

  std::vector<index::SeriesId> series;
  for (const FrozenSeries& one : frozen) series.push_back(one.id);
  const std::vector<std::string> old_files = std::exchange(next.files, {});
  uint64_t number = 0;
  std::vector<uint64_t> payload_offsets;
  if (!frozen.empty()) {
    number = TakeFileNumber(&next);
    RETURN_IF_ERROR(WriteCheckpointFile(number, series, frozen, &payload_offsets));
    next.files.push_back(CheckpointFileName(number));
  }
  next.first_segment = *segment;
  kv::CatalogEdit edit;
  RETURN_IF_ERROR(WriteExemplars(*exemplars, next.sequence, &edit));
  RETURN_IF_ERROR(WriteSpans(next.sequence, &edit));
  RETURN_IF_ERROR(CommitManifest(std::move(next), std::move(edit)));
  context_.exemplars->DropFrozen();
  context_.spans->DropFrozen();
  series_checkpointed_ = manifest_.next_series_id;
  journal_bytes_at_checkpoint_.store(journal_end);
  if (!frozen.empty()) {
    RETURN_IF_ERROR(AdoptCheckpoint(context_.directory + "/" + CheckpointFileName(number), frozen,
                                    payload_offsets));
  }
  RemoveFiles(old_files);
  return context_.journal->RemoveSegmentsBefore(manifest_.first_segment);
}

}  // namespace varve::engine
