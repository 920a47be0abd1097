// WriteBatch: samples on their way in, grouped by series; reusable, so that a steady writer
// allocates nothing.
//
// Thread safety: none; one thread builds and appends a batch.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "varve/labels.h"

namespace varve {

// Names a series of one open Database for as long as that series is in memory; 0 is no series.
// Appending by reference skips the look-up by labels. Learned from WriteBatch::series_ref() after
// an append; never persisted.
using SeriesRef = uint64_t;
inline constexpr SeriesRef kNoSeries = 0;

// NaN with the bits 0x7ff0000000000002: "this series ended here" (Prometheus' staleness marker).
inline constexpr uint64_t kStaleMarkerBits = 0x7ff0000000000002;

struct Sample {
  int64_t timestamp_ms = 0;  // Unix epoch
  double value = 0;          // every bit pattern is kept, NaN payloads and -0.0 included
};

enum class MetricType : uint8_t {  // the numbers of Prometheus' remote write and of our disk format
  kUnknown = 0,
  kCounter = 1,
  kGauge = 2,
  kHistogram = 3,
  kGaugeHistogram = 4,
  kSummary = 5,
  kInfo = 6,
  kStateset = 7,
};

// What is known about a metric family besides its samples.
struct MetricMetadata {
  std::string metric;
  MetricType type = MetricType::kUnknown;
  std::string help;
  std::string unit;
  friend bool operator==(const MetricMetadata&, const MetricMetadata&) = default;
};

class WriteBatch {
 public:
  // Starts a series by its labels; later AddSample calls belong to it. Order and validity of the
  // labels are checked by Database::Append (a bad series is refused alone).
  void BeginSeries(std::span<const LabelView> labels);
  void BeginSeries(const Labels& labels);
  // Starts a series by a reference learned from an earlier append.
  void BeginSeries(SeriesRef ref);
  // Starts a series whose labels follow by AddLabel, before its first sample.
  void BeginSeries() { BeginSeries(std::span<const LabelView>()); }
  void AddLabel(std::string_view name, std::string_view value);
  // Starts a series whose labels are encoded already as Series::label_offset describes, in the
  // order they came; for decoders that build the bytes while they parse. REQUIRES: the encoding is
  // well-formed.
  void BeginEncodedSeries(std::string_view label_bytes) {
    Series series;
    series.label_offset = static_cast<uint32_t>(label_bytes_.size());
    series.label_size = static_cast<uint32_t>(label_bytes.size());
    series.sample_begin = static_cast<uint32_t>(samples_.size());
    series_.push_back(series);
    label_bytes_.append(label_bytes);
  }

  // REQUIRES: a series was begun.
  void AddSample(int64_t timestamp_ms, double value) {
    samples_.push_back({timestamp_ms, value});
    ++series_.back().sample_count;
  }
  void AddMetadata(MetricMetadata metadata) { metadata_.push_back(std::move(metadata)); }

  void Clear();
  size_t series_count() const { return series_.size(); }
  size_t sample_count() const { return samples_.size(); }
  // After a successful append: the reference of the i-th series of the batch; kNoSeries if it was
  // refused.
  SeriesRef series_ref(size_t i) const { return series_[i].ref; }

  // One series of the batch, as the engine reads it.
  struct Series {
    SeriesRef ref = kNoSeries;  // kNoSeries: resolve by labels
    uint32_t label_offset =
        0;  // into label_bytes(): varint length + name + varint length + value, as added
    uint32_t label_size = 0;    // bytes
    uint32_t sample_begin = 0;  // into samples()
    uint32_t sample_count = 0;
  };
  std::span<const Series> series() const { return series_; }
  std::span<Series> mutable_series() { return series_; }
  std::span<const Sample> samples() const { return samples_; }
  std::string_view label_bytes() const { return label_bytes_; }
  std::span<const MetricMetadata> metadata() const { return metadata_; }

 private:
  std::string label_bytes_;
  std::vector<Series> series_;
  std::vector<Sample> samples_;
  std::vector<MetricMetadata> metadata_;
};

}  // namespace varve
