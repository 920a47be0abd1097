// How a batch finds its series: look-up, checks, creation.
#include <algorithm>

#include "base/bytes.h"
#include "engine/metrics/head.h"
#include "engine/metrics/label_check.h"
#include "storage/codec/histogram.h"

namespace varve::engine {
namespace {

// Of a histogram's spans, buckets and bounds. Far above what writers make; a chunk has room for
// several.
constexpr size_t kHistogramBytesMax = size_t{1} << 20;
static_assert(kHistogramBytesMax <= codec::kHistogramDecodedBytesMax);

// The times that samples may have.
struct TimeLimits {
  int64_t min_ms;
  int64_t max_ms;

  bool Allow(int64_t timestamp_ms) const {
    return timestamp_ms >= min_ms && timestamp_ms <= max_ms;
  }
  // REQUIRES: !Allow(timestamp_ms).
  void Refuse(int64_t timestamp_ms, RefusedCounts refused, AppendResult* result) const {
    const std::string time = std::to_string(timestamp_ms) + " ms";
    if (timestamp_ms > max_ms) {
      AddRejection(result, RejectReason::kTooFarInFuture, refused,
                   "timestamp " + time + " lies after the latest one accepted now, " +
                       std::to_string(max_ms) + " ms");
    } else {
      AddRejection(result, RejectReason::kOutOfRetention, refused,
                   "timestamp " + time + " lies before the oldest one retained, " +
                       std::to_string(min_ms) + " ms");
    }
  }
};

// Keeps the floats within the limits; the runs then point into accepted_samples.
void DropOutOfRange(PreparedBatch* batch, const TimeLimits& limits) {
  const std::span<const Sample> all = batch->samples;
  batch->accepted_samples.reserve(all.size());
  for (SeriesRun& run : batch->runs) {
    const uint32_t begin = run.sample_begin;
    run.sample_begin = static_cast<uint32_t>(batch->accepted_samples.size());
    for (uint32_t i = begin; i < begin + run.sample_count; ++i) {
      if (!limits.Allow(all[i].timestamp_ms)) {
        limits.Refuse(all[i].timestamp_ms, {.samples = 1}, &batch->result);
        continue;
      }
      batch->accepted_samples.push_back(all[i]);
      if (!batch->start_times_ms.empty())
        batch->accepted_start_times_ms.push_back(batch->start_ms(i));
    }
    run.sample_count = static_cast<uint32_t>(batch->accepted_samples.size()) - run.sample_begin;
  }
  batch->samples = batch->accepted_samples;
  batch->start_times_ms = batch->accepted_start_times_ms;
}

void CheckFloats(PreparedBatch* batch, const TimeLimits& limits) {
  batch->samples = batch->batch->samples();
  batch->start_times_ms = batch->batch->start_times_ms();
  for (const Sample& sample : batch->samples) batch->WidenTimes(sample.timestamp_ms);
  if (batch->min_time_ms >= limits.min_ms && batch->max_time_ms <= limits.max_ms) return;
  DropOutOfRange(batch, limits);
  batch->min_time_ms = INT64_MAX;
  batch->max_time_ms = INT64_MIN;
  for (const Sample& sample : batch->samples) batch->WidenTimes(sample.timestamp_ms);
}

Status CheckHistogram(const Histogram& histogram) {
  if (Status status = histogram.Validate(); !status.ok()) return status;
  const size_t bytes = codec::HistogramDecodedBytes(histogram);
  if (bytes <= kHistogramBytesMax) return OkStatus();
  return InvalidArgumentError("native histogram: spans, buckets and bounds take " +
                              std::to_string(bytes) + " bytes, more than " +
                              std::to_string(kHistogramBytesMax));
}

// Keeps the histograms that are valid and within the limits; the runs then point into
// batch->histograms.
void CheckHistograms(PreparedBatch* batch, const TimeLimits& limits) {
  const std::span<const HistogramSample> all = batch->batch->histograms();
  if (all.empty()) return;
  for (SeriesRun& run : batch->runs) {
    const std::span<const HistogramSample> samples =
        all.subspan(run.histogram_begin, run.histogram_count);
    run.histogram_begin = static_cast<uint32_t>(batch->histograms.size());
    for (const HistogramSample& sample : samples) {
      if (!limits.Allow(sample.timestamp_ms)) {
        limits.Refuse(sample.timestamp_ms, {.histograms = 1}, &batch->result);
      } else if (Status status = CheckHistogram(sample.histogram); !status.ok()) {
        AddRejection(&batch->result, RejectReason::kInvalidHistogram, {.histograms = 1},
                     status.message());
      } else {
        batch->histograms.push_back(&sample);
        batch->WidenTimes(sample.timestamp_ms);
      }
    }
    run.histogram_count = static_cast<uint32_t>(batch->histograms.size()) - run.histogram_begin;
  }
}

void RefuseRun(PreparedBatch* batch, SeriesRun* run, RejectReason reason,
               std::string_view example) {
  AddRejection(&batch->result, reason,
               {.samples = run->sample_count, .histograms = run->histogram_count}, example);
  run->sample_count = 0;
  run->histogram_count = 0;
}

std::string_view RawLabels(const PreparedBatch& batch, const SeriesRun& run) {
  const WriteBatch::Series& series = batch.batch->series()[run.batch_index];
  return batch.batch->label_bytes().substr(series.label_offset, series.label_size);
}

// Makes a pending series of a run whose labels the index does not know, or refuses it.
void Suspend(PreparedBatch* batch, uint32_t run_number, const Options& options) {
  SeriesRun& run = batch->runs[run_number];
  const size_t before = batch->canonical_labels.size();
  std::string example;
  const RejectReason reason =
      CheckLabels(RawLabels(*batch, run), options, &batch->canonical_labels, &example);
  if (reason != RejectReason::kNone) {
    batch->canonical_labels.resize(before);
    RefuseRun(batch, &run, reason, example);
    return;
  }
  batch->pending.push_back({run_number, static_cast<uint32_t>(before),
                            static_cast<uint32_t>(batch->canonical_labels.size() - before), 0});
}

void DropEmptyRuns(PreparedBatch* batch) {
  std::erase_if(batch->runs, [](const SeriesRun& run) { return run.empty(); });
}

}  // namespace

void AddRejection(AppendResult* result, RejectReason reason, RefusedCounts refused,
                  std::string_view example) {
  result->samples_rejected += refused.samples;
  result->histograms_rejected += refused.histograms;
  result->exemplars_rejected += refused.exemplars;
  const uint64_t count = refused.samples + refused.histograms + refused.exemplars;
  for (Rejection& rejection : result->rejections) {
    if (rejection.reason == reason) {
      rejection.sample_count += count;
      return;
    }
  }
  result->rejections.push_back({reason, count, std::string(example)});
}

void Head::Prepare(PreparedBatch* batch, int64_t min_time_ms, int64_t max_time_ms) {
  const std::span<WriteBatch::Series> all = batch->batch->mutable_series();
  batch->runs.reserve(all.size());
  for (uint32_t i = 0; i < all.size(); ++i) {
    if (all[i].sample_count == 0 && all[i].histogram_count == 0) continue;
    batch->runs.push_back({index::kNoSeriesId, all[i].sample_begin, all[i].sample_count, i,
                           all[i].histogram_begin, all[i].histogram_count});
  }
  const TimeLimits limits{min_time_ms, max_time_ms};
  CheckFloats(batch, limits);
  CheckHistograms(batch, limits);

  batch->lookup_labels.clear();
  batch->lookup_runs.clear();
  ReaderLock lock(&index_mutex);
  batch->index_generation = index_generation();
  for (uint32_t i = 0; i < batch->runs.size(); ++i) {
    SeriesRun& run = batch->runs[i];
    if (run.empty()) continue;  // all out of range or invalid
    const SeriesRef ref = all[run.batch_index].ref;
    if (ref != kNoSeries && ref - 1 < next_id() &&
        index.Contains(static_cast<index::SeriesId>(ref - 1))) {
      run.id = static_cast<index::SeriesId>(ref - 1);
    } else if (ref == kNoSeries || all[run.batch_index].label_size != 0) {
      // A batch appended once more, after its series left memory, still has their labels.
      all[run.batch_index].ref = kNoSeries;
      batch->lookup_labels.push_back(RawLabels(*batch, run));
      batch->lookup_runs.push_back(i);
    } else {
      RefuseRun(
          batch, &run, RejectReason::kUnknownSeriesRef,
          "no series in memory has reference " + std::to_string(ref) + "; append it by its labels");
      all[run.batch_index].ref = kNoSeries;
    }
  }
  batch->lookup_ids.resize(batch->lookup_labels.size());
  batch->lookup_hashes.resize(batch->lookup_labels.size());
  index.Lookup(batch->lookup_labels, batch->lookup_ids, batch->lookup_hashes);
  for (size_t i = 0; i < batch->lookup_ids.size(); ++i) {
    const uint32_t run = batch->lookup_runs[i];
    if (batch->lookup_ids[i] == index::kNoSeriesId) {
      Suspend(batch, run, options_);
      continue;
    }
    batch->runs[run].id = batch->lookup_ids[i];
    all[batch->runs[run].batch_index].ref = SeriesRef{batch->lookup_ids[i]} + 1;
  }
  if (batch->pending.empty()) DropEmptyRuns(batch);  // pending series hold run numbers
}

void Head::CreatePending(PreparedBatch* batch) {
  if (batch->pending.empty() && batch->index_generation == index_generation()) return;
  const std::span<WriteBatch::Series> all = batch->batch->mutable_series();
  WriterLock lock(&index_mutex);
  if (batch->index_generation != index_generation()) {
    // Series have left memory since the batch was resolved.
    for (uint32_t i = 0; i < batch->runs.size(); ++i) {
      SeriesRun& run = batch->runs[i];
      if (run.id == index::kNoSeriesId || index.Contains(run.id)) continue;
      run.id = index::kNoSeriesId;
      all[run.batch_index].ref = kNoSeries;
      if (all[run.batch_index].label_size != 0) {
        Suspend(batch, i, options_);
      } else {
        RefuseRun(batch, &run, RejectReason::kUnknownSeriesRef,
                  "a series has left memory; append it by its labels");
      }
    }
  }
  for (const PendingSeries& pending : batch->pending) {
    SeriesRun& run = batch->runs[pending.run];
    if (run.empty()) continue;
    const std::string_view labels = std::string_view(batch->canonical_labels)
                                        .substr(pending.labels_offset, pending.labels_size);
    uint64_t hash = 0;
    index.Lookup({&labels, 1}, {&run.id, 1}, {&hash, 1});
    if (run.id == index::kNoSeriesId) {
      if (index.series_count() >= options_.series_count_max ||
          next_id() / kSeriesPerBlock >= kBlockCount) {
        RefuseRun(batch, &run, RejectReason::kSeriesLimit,
                  "there are " + std::to_string(index.series_count()) +
                      " series in memory, the limit is " +
                      std::to_string(options_.series_count_max));
        continue;
      }
      run.id = next_id();
      index.Insert(run.id, labels, hash);
      AddSlot(run.id);
      ReserveIds(run.id + 1);
      batch->created.push_back({run.id, labels});
    }
    all[run.batch_index].ref = SeriesRef{run.id} + 1;
  }
  DropEmptyRuns(batch);
}

}  // namespace varve::engine
