// ExportMetricsServiceRequest of OTLP to a write batch of Prometheus series.
//
// Names and labels as Prometheus' own receiver makes them: service.namespace/service.name is `job`,
// service.instance.id is `instance`, all other attributes of a resource make one target_info
// series; explicit-bucket histograms become _bucket, _sum and _count, exponential ones native
// histograms. Delta temporality becomes cumulative. Times are cut to milliseconds.
//
// Thread safety: none of the scratch is shared; one thread decodes with one OtlpMetricsScratch.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "server/ingest/remote_write.h"
#include "server/otlp/point_messages.h"
#include "varve/status.h"
#include "varve/write_batch.h"

namespace varve::server {

class DeltaState;

// Data points that cannot be taken, and what is wrong with the first.
struct OtlpRefused {
  uint64_t count = 0;
  std::string example;
  void Add(std::string text) {
    if (count++ == 0) example = std::move(text);
  }
};

struct OtlpMetricsContent {
  uint64_t point_count = 0;  // those refused included
  bool needs_delta_state = false;
  OtlpRefused refused;
};

using OtlpLabels = std::vector<std::pair<std::string, std::string>>;

// Memory that one worker keeps between requests.
struct OtlpMetricsScratch {
  WriteBatch batch;
  OtlpPoint point;
  MetadataFilter metadata_filter;
};

// Clears scratch->batch and fills it from `body`, which is borrowed until return. kInvalidArgument,
// naming the byte and what was expected, for anything that is not such a message; kOutOfRange when
// it would make more than `batch_bytes_max` bytes of labels and numbers (histograms repeat their
// labels for every bucket). Points of delta temporality are added to `delta`; where there are some
// and `delta` is null, the content says so and the batch is not complete.
Result<OtlpMetricsContent> DecodeOtlpMetrics(std::string_view body, size_t batch_bytes_max,
                                             DeltaState* delta, OtlpMetricsScratch* scratch);

}  // namespace varve::server
