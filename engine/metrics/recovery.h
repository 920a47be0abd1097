// Recovery: the head as it was, from the manifest's checkpoints and the journal after them.
#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <string_view>

#include "engine/metrics/checkpoint.h"
#include "engine/metrics/exemplar_store.h"
#include "engine/metrics/head.h"
#include "engine/traces/span_head.h"
#include "engine/traces/span_metrics.h"
#include "storage/file_system.h"
#include "storage/kv/store.h"
#include "varve/options.h"
#include "varve/status.h"

namespace varve::engine {

struct RecoveredHead {
  HeadManifest manifest;
  MappedFiles mapped_files;
  uint64_t series_checkpointed = 0;  // series with lower ids are in the manifest's files
  uint64_t next_segment = 1;         // of the journal
  uint64_t next_sequence = 1;
  uint64_t journal_bytes = 0;         // of the segments replayed
  std::vector<JournaledSpans> spans;  // of the segments replayed
  std::string span_state;             // of them, the last; empty: none
  uint64_t damaged_records = 0;       // journal records and checkpoint chunks that were skipped
};

// Fills `head`, `exemplars` and `spans`. Damage is reported through `log` (file, offset, what was
// lost), skipped and counted; a checkpoint that cannot be read at all is set aside as
// <name>.damaged. Errors: kIoError, kDataLoss (the manifest itself), kFailedPrecondition (newer
// format). Checkpoints lie in `directory`, the journal in `journal_directory`.
Result<RecoveredHead> RecoverHead(FileSystem* file_system, const std::string& directory,
                                  const std::string& journal_directory, kv::Store* store,
                                  Head* head, ExemplarStore* exemplars, SpanHead* spans,
                                  const std::function<void(LogLevel, std::string_view)>& log);

}  // namespace varve::engine
