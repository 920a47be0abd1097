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

#include "varve/histogram.h"
#include "varve/labels.h"
#include "varve/sample.h"

namespace varve {

// Names a series of one open Database for as long as that series is in memory; 0 is no series.
// Appending by reference skips the look-up by labels. Learned from WriteBatch::series_ref() after
// an append; never persisted.
using SeriesRef = uint64_t;
inline constexpr SeriesRef kNoSeries = 0;

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

// One observation that stands for many: its labels usually name a trace.
struct Exemplar {
  Labels labels;
  double value = 0;
  int64_t timestamp_ms = 0;  // Unix epoch
  friend bool operator==(const Exemplar&, const Exemplar&) = default;
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
    PushSeries(series);
    label_bytes_.append(label_bytes);
  }

  // REQUIRES: a series was begun.
  void AddSample(int64_t timestamp_ms, double value) {
    samples_.push_back({timestamp_ms, value});
    ++series_.back().sample_count;
  }
  // As above, of a counter that is known to have started from zero at `start_ms`; 0: not known.
  void AddSample(int64_t timestamp_ms, double value, int64_t start_ms) {
    if (start_ms != 0) {
      start_times_ms_.resize(samples_.size());
      start_times_ms_.push_back(start_ms);
    }
    AddSample(timestamp_ms, value);
  }
  // A native histogram. Its validity is checked by Database::Append. REQUIRES: a series was begun.
  void AddHistogram(int64_t timestamp_ms, Histogram histogram, int64_t start_ms = 0) {
    histograms_.push_back({timestamp_ms, start_ms, std::move(histogram)});
    ++series_.back().histogram_count;
  }
  // An exemplar: one observation of the series, pointing elsewhere by its labels (trace_id).
  // REQUIRES: a series was begun.
  void AddExemplar(Exemplar exemplar) {
    exemplars_.push_back(std::move(exemplar));
    ++series_.back().exemplar_count;
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
    uint32_t histogram_begin = 0;  // into histograms()
    uint32_t histogram_count = 0;
    uint32_t exemplar_begin = 0;  // into exemplars()
    uint32_t exemplar_count = 0;
  };
  std::span<const Series> series() const { return series_; }
  std::span<Series> mutable_series() { return series_; }
  std::span<const Sample> samples() const { return samples_; }
  // Of samples()[i], where known; may be shorter than samples(): the rest is 0, not known.
  std::span<const int64_t> start_times_ms() const { return start_times_ms_; }
  std::span<const HistogramSample> histograms() const { return histograms_; }
  std::span<const Exemplar> exemplars() const { return exemplars_; }
  std::string_view label_bytes() const { return label_bytes_; }
  std::span<const MetricMetadata> metadata() const { return metadata_; }

 private:
  void PushSeries(Series series) {
    series.sample_begin = static_cast<uint32_t>(samples_.size());
    series.histogram_begin = static_cast<uint32_t>(histograms_.size());
    series.exemplar_begin = static_cast<uint32_t>(exemplars_.size());
    series_.push_back(series);
  }

  std::string label_bytes_;
  std::vector<Series> series_;
  std::vector<Sample> samples_;
  std::vector<int64_t> start_times_ms_;
  std::vector<HistogramSample> histograms_;
  std::vector<Exemplar> exemplars_;
  std::vector<MetricMetadata> metadata_;
};

}  // namespace varve
