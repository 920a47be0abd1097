#include "server/ingest/staged_series.h"

#include <utility>

namespace varve::server {

void StagedSeries::BeginMessage() {
  BeginSeries();
  bytes_ = 0;
  refused_exemplars_ = {};
}

void StagedSeries::Charge(size_t bytes, const uint8_t* at, WireReader* reader) {
  bytes_ += bytes;
  if (bytes_ > kStagedBytesMax) {
    reader->Fail(at, "histograms and exemplars that take less than 256 MiB of memory");
  }
}

void StagedSeries::AddHistogram(HistogramSample histogram, const uint8_t* at, WireReader* reader) {
  Charge(sizeof(HistogramSample) + histogram.histogram.MemoryBytes(), at, reader);
  if (!reader->failed()) histograms_.push_back(std::move(histogram));
}

void StagedSeries::AddExemplar(std::span<const LabelView> labels, double value,
                               int64_t timestamp_ms, const uint8_t* at, WireReader* reader) {
  size_t bytes = sizeof(Exemplar);
  for (const LabelView label : labels) bytes += label.name.size() + label.value.size();
  Charge(bytes, at, reader);
  if (reader->failed()) return;
  Result<Labels> canonical = Labels::FromViews(labels);
  if (canonical.ok()) {
    exemplars_.push_back({std::move(*canonical), value, timestamp_ms});
    return;
  }
  if (refused_exemplars_.count++ == 0) refused_exemplars_.example = canonical.status().message();
}

void StagedSeries::MoveOthersInto(WriteBatch* batch) {
  for (HistogramSample& histogram : histograms_) {
    batch->AddHistogram(histogram.timestamp_ms, std::move(histogram.histogram), histogram.start_ms);
  }
  for (Exemplar& exemplar : exemplars_) batch->AddExemplar(std::move(exemplar));
}

}  // namespace varve::server
