// PreparedBatch: a WriteBatch on its way through the engine, resolved to series of the head. Reused
// from call to call.
#pragma once

#include <algorithm>
#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "index/head_index.h"
#include "varve/database.h"
#include "varve/write_batch.h"

namespace varve::engine {

// Consecutive samples of one series. Its histograms count as written after its floats.
struct SeriesRun {
  index::SeriesId id = index::kNoSeriesId;
  uint32_t sample_begin = 0;  // into PreparedBatch::samples
  uint32_t sample_count = 0;
  uint32_t batch_index = 0;      // which series of the WriteBatch
  uint32_t histogram_begin = 0;  // into PreparedBatch::histograms
  uint32_t histogram_count = 0;

  bool empty() const { return sample_count == 0 && histogram_count == 0; }  // refused
};

// A run whose series is not in the head yet.
struct PendingSeries {
  uint32_t run = 0;            // into PreparedBatch::runs
  uint32_t labels_offset = 0;  // into PreparedBatch::canonical_labels
  uint32_t labels_size = 0;    // bytes
  uint64_t hash = 0;           // of the labels
};

// A series created by this batch; travels in the batch's journal record.
struct NewSeries {
  index::SeriesId id = index::kNoSeriesId;
  std::string_view labels;  // into PreparedBatch::canonical_labels
};

struct PreparedBatch {
  WriteBatch* batch = nullptr;
  std::span<const Sample> samples;       // the batch's, or `accepted_samples`
  std::vector<Sample> accepted_samples;  // used when some samples were refused
  // Of `samples`, where known; may be shorter: the rest is 0, not known.
  std::span<const int64_t> start_times_ms;
  std::vector<int64_t> accepted_start_times_ms;
  std::vector<const HistogramSample*> histograms;  // valid ones; the batch's
  std::vector<SeriesRun> runs;
  std::vector<PendingSeries> pending;
  std::vector<NewSeries> created;
  std::string canonical_labels;
  uint64_t index_generation = 0;    // of the head when the runs were resolved
  int64_t min_time_ms = INT64_MAX;  // of `samples` and `histograms`
  int64_t max_time_ms = INT64_MIN;
  std::string journal_buffer;     // only grows, so that it is not cleared batch by batch
  std::string_view journal_body;  // the record, in journal_buffer
  std::string exemplar_body;      // a record of the exemplars; empty: none
  std::string joined_body;        // both records, where there are both
  std::shared_ptr<const std::string> span_body;  // a record of spans alone; null: none
  std::string span_state_body;  // a record of what span metrics wait for; empty: none
  AppendResult result;

  // Scratch of the look-up.
  std::vector<std::string_view> lookup_labels;
  std::vector<index::SeriesId> lookup_ids;
  std::vector<uint64_t> lookup_hashes;
  std::vector<uint32_t> lookup_runs;

  int64_t start_ms(size_t sample) const {
    return sample < start_times_ms.size() ? start_times_ms[sample] : 0;
  }
  void WidenTimes(int64_t timestamp_ms) {
    min_time_ms = std::min(min_time_ms, timestamp_ms);
    max_time_ms = std::max(max_time_ms, timestamp_ms);
  }

  void Reset(WriteBatch* next) {
    batch = next;
    samples = {};
    accepted_samples.clear();
    start_times_ms = {};
    accepted_start_times_ms.clear();
    histograms.clear();
    runs.clear();
    pending.clear();
    created.clear();
    canonical_labels.clear();
    index_generation = 0;
    min_time_ms = INT64_MAX;
    max_time_ms = INT64_MIN;
    journal_body = {};
    exemplar_body.clear();
    joined_body = {};
    span_body.reset();
    span_state_body.clear();
    result = {};
  }
};

// How much a refusal concerns.
struct RefusedCounts {
  uint64_t samples = 0;
  uint64_t histograms = 0;
  uint64_t exemplars = 0;
};

// Counts a refusal; `example` is kept for the first of its reason.
void AddRejection(AppendResult* result, RejectReason reason, RefusedCounts refused,
                  std::string_view example);

}  // namespace varve::engine
