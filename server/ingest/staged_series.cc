#include "server/ingest/staged_series.h"

#include <utility>

namespace varve::server {

void StagedSeries::BeginMessage() {
  BeginSeries();
  bytes_ = 0;
  refused_exemplars_ = {};
}

void StagedSeries::ClearMore() {
  has_more_ = false;
  start_times_ms_.clear();
  histograms_.clear();
  exemplars_.clear();
}

void StagedSeries::AddStart(int64_t start_ms) {
  has_more_ = true;
  start_times_ms_.resize(samples_.size() - 1);
  start_times_ms_.push_back(start_ms);
}

void StagedSeries::Charge(size_t bytes, const uint8_t* at, WireReader* reader) {
  bytes_ += bytes;
  if (bytes_ > kStagedBytesMax) {
    reader->Fail(at, "histograms and exemplars that take less than 256 MiB of memory");
  }
}

void StagedSeries::AddHistogram(HistogramSample histogram, const uint8_t* at, WireReader* reader) {
  Charge(sizeof(HistogramSample) + histogram.histogram.MemoryBytes(), at, reader);
  if (reader->failed()) return;
  has_more_ = true;
  histograms_.push_back(std::move(histogram));
}

void StagedSeries::AddExemplar(std::span<const LabelView> labels, double value,
                               int64_t timestamp_ms, const uint8_t* at, WireReader* reader) {
  size_t bytes = sizeof(Exemplar);
  for (const LabelView label : labels) bytes += label.name.size() + label.value.size();
  Charge(bytes, at, reader);
  if (reader->failed()) return;
  Result<Labels> canonical = Labels::FromViews(labels);
  if (canonical.ok()) {
    has_more_ = true;
    exemplars_.push_back({std::move(*canonical), value, timestamp_ms});
    return;
  }
  if (refused_exemplars_.count++ == 0) refused_exemplars_.example = canonical.status().message();
}

void StagedSeries::MoveAllInto(std::string_view label_bytes, WriteBatch* batch) {
  batch->BeginEncodedSeries(label_bytes);
  start_times_ms_.resize(samples_.size());
  for (size_t i = 0; i < samples_.size(); ++i) {
    batch->AddSample(samples_[i].timestamp_ms, samples_[i].value, start_times_ms_[i]);
  }
  for (HistogramSample& histogram : histograms_) {
    batch->AddHistogram(histogram.timestamp_ms, std::move(histogram.histogram), histogram.start_ms);
  }
  for (Exemplar& exemplar : exemplars_) batch->AddExemplar(std::move(exemplar));
}

}  // namespace varve::server
