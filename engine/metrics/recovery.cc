#include "engine/metrics/recovery.h"

#include <algorithm>
#include <optional>

#include "base/status_macros.h"
#include "engine/metrics/exemplar_record.h"
#include "engine/metrics/sample_record.h"
#include "storage/journal/journal.h"

namespace varve::engine {
namespace {

using Log = std::function<void(LogLevel, std::string_view)>;

// Applies journal records.
class Replayer {
 public:
  Replayer(Head* head, ExemplarStore* exemplars, SpanHead* spans, RecoveredHead* recovered)
      : head_(head),
        exemplars_(exemplars),
        spans_(spans),
        journaled_spans_(&recovered->spans),
        span_state_(&recovered->span_state) {}

  Status Apply(const journal::Record& record) {
    switch (record.kind) {
      case journal::RecordKind::kSamples:
        return ApplySamples(record.body);
      case journal::RecordKind::kExemplars:
        return exemplars_->Add(record.body);
      case journal::RecordKind::kSamplesAndExemplars: {
        std::string_view samples;
        std::string_view exemplars;
        RETURN_IF_ERROR(SplitRecords(record.body, &samples, &exemplars));
        RETURN_IF_ERROR(ApplySamples(samples));
        return exemplars_->Add(exemplars);
      }
      case journal::RecordKind::kSpans: {
        auto body = std::make_shared<const std::string>(record.body);
        RETURN_IF_ERROR(spans_->Add(body));
        journaled_spans_->push_back({record.sequence, std::move(body)});
        return OkStatus();
      }
      case journal::RecordKind::kSpanState:
        *span_state_ = record.body;
        return OkStatus();
      case journal::RecordKind::kMetadata:
        break;
    }
    return DataLossError("record kind " + std::to_string(static_cast<int>(record.kind)) +
                         " is unknown");
  }
  // Samples whose series was defined in a damaged place.
  uint64_t lost_samples() const { return lost_samples_; }

 private:
  Status ApplySamples(std::string_view body) {
    RETURN_IF_ERROR(DecodeSampleRecord(body, &decoded_));
    for (const NewSeries& series : decoded_.created)
      RETURN_IF_ERROR(head_->RestoreSeries(series.id, series.labels));
    batch_.Reset(nullptr);
    batch_.samples = decoded_.samples;
    batch_.start_times_ms = decoded_.start_times_ms;
    for (const Sample& sample : decoded_.samples) batch_.WidenTimes(sample.timestamp_ms);
    for (const HistogramSample& sample : decoded_.histograms) {
      batch_.histograms.push_back(&sample);
      batch_.WidenTimes(sample.timestamp_ms);
    }
    {
      ReaderLock lock(&head_->index_mutex);
      for (const SeriesRun& run : decoded_.runs) {
        if (head_->index.Contains(run.id)) {
          batch_.runs.push_back(run);
        } else {
          lost_samples_ += run.sample_count + run.histogram_count;
        }
      }
    }
    MutexLock lock(&head_->visibility_mutex);
    head_->Apply(batch_);
    return OkStatus();
  }

  Head* const head_;
  ExemplarStore* const exemplars_;
  SpanHead* const spans_;
  std::vector<JournaledSpans>* const journaled_spans_;
  std::string* const span_state_;
  SampleRecord decoded_;
  PreparedBatch batch_;
  uint64_t lost_samples_ = 0;
};

// A checkpoint that the manifest names is missing while a newer one is there: then it is the
// manifest that is old (the store lost its last commits), and going on would throw away what the
// newer one stands for.
Status CheckManifestIsCurrent(FileSystem* file_system, const std::string& directory,
                              const HeadManifest& manifest) {
  ASSIGN_OR_RETURN(const std::vector<std::string> names, file_system->List(directory));
  for (const std::string& named : manifest.files) {
    if (std::find(names.begin(), names.end(), named) != names.end()) continue;
    for (const std::string& name : names) {
      if (!name.starts_with("checkpoint-") || !name.ends_with(".vc") || name <= named) continue;
      if (std::find(manifest.files.begin(), manifest.files.end(), name) != manifest.files.end())
        continue;
      return DataLossError(
          "the store names checkpoint " + named + ", which is missing, while " + name +
          " is newer: the store's last commits are lost; restore store/ from a copy");
    }
  }
  return OkStatus();
}

Status LoadCheckpoints(FileSystem* file_system, const std::string& directory, uint64_t database_id,
                       Head* head, const Log& log, RecoveredHead* recovered) {
  for (const std::string& name : recovered->manifest.files) {
    const std::string path = directory + "/" + name;
    LoadedCheckpoint loaded;
    const Status status = LoadCheckpoint(file_system, path, database_id, head, &loaded);
    const StatusCode code = status.code();
    if (!status.ok() && code != StatusCode::kDataLoss && code != StatusCode::kNotFound)
      return status;
    if (loaded.damaged_chunks != 0) {
      recovered->damaged_records += loaded.damaged_chunks;
      log(LogLevel::kError, "checkpoint " + path + ": " + std::to_string(loaded.damaged_chunks) +
                                " chunks fail their checksum and were skipped");
    }
    // Part of a damaged one may have been adopted, so its mapping stays too.
    if (loaded.file != nullptr) recovered->mapped_files.push_back(std::move(loaded.file));
    if (status.ok()) continue;
    ++recovered->damaged_records;
    log(LogLevel::kError, status.message() + "; the samples in it are lost");
    if (code == StatusCode::kNotFound) continue;
    if (Status aside = file_system->Link(path, path + ".damaged");
        !aside.ok() && aside.code() != StatusCode::kAlreadyExists) {
      log(LogLevel::kWarning, aside.WithContext("setting the damaged checkpoint aside").ToString());
    }
  }
  return OkStatus();
}

// Checkpoints that no manifest names: a crash came between writing and committing, or between
// committing and removing.
Status RemoveStrays(FileSystem* file_system, const std::string& directory,
                    const HeadManifest& manifest) {
  ASSIGN_OR_RETURN(const std::vector<std::string> names, file_system->List(directory));
  for (const std::string& name : names) {
    if (!name.starts_with("checkpoint-") || !name.ends_with(".vc")) continue;
    if (std::find(manifest.files.begin(), manifest.files.end(), name) != manifest.files.end())
      continue;
    RETURN_IF_ERROR(file_system->Remove(directory + "/" + name));
  }
  return OkStatus();
}

Status ReplayJournal(FileSystem* file_system, const std::string& directory, uint64_t database_id,
                     Head* head, ExemplarStore* exemplars, SpanHead* spans, const Log& log,
                     RecoveredHead* recovered) {
  Replayer replayer(head, exemplars, spans, recovered);
  journal::ReplayCallbacks callbacks;
  callbacks.on_record = [&](const journal::Record& record) {
    // The checksum was right, so what cannot be applied is damage that was written so; it must not
    // stop the rest.
    if (Status status = replayer.Apply(record); !status.ok()) {
      ++recovered->damaged_records;
      log(LogLevel::kError,
          "journal record " + std::to_string(record.sequence) + " skipped: " + status.message());
    }
    return OkStatus();
  };
  ASSIGN_OR_RETURN(
      const journal::ReplayReport report,
      journal::Replay(file_system, directory, database_id, recovered->manifest.first_segment,
                      recovered->manifest.sequence, callbacks));
  for (const journal::Damage& damage : report.damage) {
    log(LogLevel::kError, "journal " + damage.file + ": " + std::to_string(damage.bytes) +
                              " bytes at offset " + std::to_string(damage.offset) +
                              " skipped: " + damage.reason);
  }
  recovered->damaged_records += report.damage.size();
  recovered->journal_bytes = report.byte_count;
  if (replayer.lost_samples() != 0) {
    log(LogLevel::kError,
        std::to_string(replayer.lost_samples()) +
            " samples in the journal belong to series that were defined in damaged records");
    recovered->damaged_records += 1;
  }
  recovered->next_segment = std::max(report.next_segment, recovered->manifest.first_segment);
  recovered->next_sequence = std::max(report.last_sequence, recovered->manifest.sequence) + 1;
  return OkStatus();
}

}  // namespace

Result<RecoveredHead> RecoverHead(FileSystem* file_system, const std::string& directory,
                                  const std::string& journal_directory, kv::Store* store,
                                  Head* head, ExemplarStore* exemplars, SpanHead* spans,
                                  const Log& log) {
  RecoveredHead recovered;
  ASSIGN_OR_RETURN(const std::optional<std::string> bytes, store->GetState(kManifestKey));
  if (bytes) {
    ASSIGN_OR_RETURN(recovered.manifest, DecodeHeadManifest(*bytes));
  }
  RETURN_IF_ERROR(CheckManifestIsCurrent(file_system, directory, recovered.manifest));
  RETURN_IF_ERROR(
      LoadCheckpoints(file_system, directory, store->database_id(), head, log, &recovered));
  head->ReserveIds(static_cast<index::SeriesId>(recovered.manifest.next_series_id));
  recovered.series_checkpointed = recovered.manifest.next_series_id;
  {
    MutexLock lock(&head->visibility_mutex);
    head->mapped_files = std::make_shared<const MappedFiles>(recovered.mapped_files);
  }
  RETURN_IF_ERROR(RemoveStrays(file_system, directory, recovered.manifest));
  RETURN_IF_ERROR(ReplayJournal(file_system, journal_directory, store->database_id(), head,
                                exemplars, spans, log, &recovered));
  MutexLock lock(&head->visibility_mutex);
  head->PublishCounters();
  return recovered;
}

}  // namespace varve::engine
