#include "engine/metrics/exemplar_prepare.h"

#include <string>
#include <string_view>
#include <vector>

#include "base/utf8.h"
#include "engine/metrics/exemplar_record.h"
#include "engine/metrics/label_check.h"
#include "storage/format/label_bytes.h"

namespace varve::engine {
namespace {

struct Limits {
  int64_t min_time_ms;
  int64_t max_time_ms;
  size_t label_bytes_max;
};

struct Refusal {
  RejectReason reason = RejectReason::kNone;
  std::string example;
};

Refusal CheckExemplarLabels(const Labels& labels, size_t bytes_max) {
  if (!format::CheckCanonical(labels.canonical_bytes()).ok()) {
    return {RejectReason::kInvalidExemplar, "the labels of an exemplar are not canonical"};
  }
  size_t bytes = 0;
  for (const LabelView label : labels) {
    bytes += label.name.size() + label.value.size();
    if (!IsValidUtf8(label.name) || !IsValidUtf8(label.value)) {
      return {RejectReason::kInvalidExemplar, "a label of an exemplar is not UTF-8"};
    }
  }
  if (bytes <= bytes_max) return {};
  return {RejectReason::kInvalidExemplar, "the labels of an exemplar have " +
                                              std::to_string(bytes) + " bytes, more than " +
                                              std::to_string(bytes_max)};
}

Refusal CheckExemplar(const Exemplar& exemplar, const Limits& limits) {
  const std::string time = "exemplar timestamp " + std::to_string(exemplar.timestamp_ms) + " ms";
  if (exemplar.timestamp_ms > limits.max_time_ms) {
    return {RejectReason::kTooFarInFuture, time + " lies after the latest one accepted now, " +
                                               std::to_string(limits.max_time_ms) + " ms"};
  }
  if (exemplar.timestamp_ms < limits.min_time_ms) {
    return {RejectReason::kOutOfRetention, time + " lies before the oldest one retained, " +
                                               std::to_string(limits.min_time_ms) + " ms"};
  }
  return CheckExemplarLabels(exemplar.labels, limits.label_bytes_max);
}

// Appends the canonical labels of a series of the batch to `labels`.
Refusal ResolveLabels(const WriteBatch& batch, const WriteBatch::Series& series, Head* head,
                      const Options& options, std::string* labels) {
  if (series.ref != kNoSeries) {
    ReaderLock lock(&head->index_mutex);
    if (series.ref - 1 < head->next_id() &&
        head->index.Contains(static_cast<index::SeriesId>(series.ref - 1))) {
      head->index.AppendLabels(static_cast<index::SeriesId>(series.ref - 1), labels);
      return {};
    }
    if (series.label_size == 0) {
      return {RejectReason::kUnknownSeriesRef, "no series in memory has reference " +
                                                   std::to_string(series.ref) +
                                                   "; append it by its labels"};
    }
  }
  Refusal refusal;
  refusal.reason = CheckLabels(batch.label_bytes().substr(series.label_offset, series.label_size),
                               options, labels, &refusal.example);
  return refusal;
}

// The valid ones; the views point into the batch.
std::vector<format::ExemplarView> AcceptedOf(std::span<const Exemplar> exemplars,
                                             const Limits& limits, AppendResult* result) {
  std::vector<format::ExemplarView> accepted;
  for (const Exemplar& exemplar : exemplars) {
    const Refusal refusal = CheckExemplar(exemplar, limits);
    if (refusal.reason != RejectReason::kNone) {
      AddRejection(result, refusal.reason, {.exemplars = 1}, refusal.example);
      continue;
    }
    accepted.push_back({exemplar.timestamp_ms, exemplar.value, exemplar.labels.canonical_bytes()});
  }
  result->exemplars_appended += accepted.size();
  return accepted;
}

}  // namespace

void PrepareExemplars(Head* head, const Options& options, int64_t min_time_ms, int64_t max_time_ms,
                      PreparedBatch* batch) {
  const std::span<const Exemplar> all = batch->batch->exemplars();
  if (all.empty()) return;
  const Limits limits{min_time_ms, max_time_ms, options.exemplar_label_bytes_max};
  std::vector<std::string> labels;  // of `record`'s series; reserved, so that views stay
  labels.reserve(batch->batch->series().size());
  std::vector<SeriesExemplarViews> record;
  for (const WriteBatch::Series& series : batch->batch->series()) {
    if (series.exemplar_count == 0) continue;
    labels.emplace_back();
    const Refusal refusal = ResolveLabels(*batch->batch, series, head, options, &labels.back());
    if (refusal.reason != RejectReason::kNone) {
      AddRejection(&batch->result, refusal.reason, {.exemplars = series.exemplar_count},
                   refusal.example);
      continue;
    }
    auto accepted = AcceptedOf(all.subspan(series.exemplar_begin, series.exemplar_count), limits,
                               &batch->result);
    if (!accepted.empty()) record.push_back({labels.back(), std::move(accepted)});
  }
  if (!record.empty()) EncodeExemplarRecord(record, &batch->exemplar_body);
}

}  // namespace varve::engine
