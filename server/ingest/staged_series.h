// What a series of a remote write message holds, while its labels may still be to come.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/wire_reader.h"
#include "server/ingest/sample_message.h"
#include "varve/histogram.h"
#include "varve/write_batch.h"

namespace varve::server {

// A few bytes on the wire become a few hundred in memory, so what one message may make of
// histograms and exemplars has a limit of its own.
inline constexpr size_t kStagedBytesMax = size_t{256} << 20;

// What every series of plain floats passes stands in the header, for the compiler to inline.
class StagedSeries {
 public:
  // Exemplars that cannot even be handed on: their labels are none.
  struct Refused {
    uint64_t count = 0;
    std::string example;  // of the first
  };

  void BeginMessage();
  void BeginSeries() {
    samples_.clear();
    if (has_more_) [[unlikely]] {
      ClearMore();
    }
  }

  void AddSample(const StartedSample& sample) {
    samples_.push_back(sample.sample);
    if (sample.start_ms != 0) [[unlikely]] {
      AddStart(sample.start_ms);
    }
  }
  // Both fail `reader` at `at` where the message goes beyond kStagedBytesMax.
  void AddHistogram(HistogramSample histogram, const uint8_t* at, WireReader* reader);
  void AddExemplar(std::span<const LabelView> labels, double value, int64_t timestamp_ms,
                   const uint8_t* at, WireReader* reader);

  // Adds the series to the batch, unless it holds nothing. `label_bytes`: as
  // WriteBatch::BeginEncodedSeries takes them.
  void MoveInto(std::string_view label_bytes, WriteBatch* batch) {
    if (has_more_) [[unlikely]] {
      return MoveAllInto(label_bytes, batch);
    }
    if (samples_.empty()) return;
    batch->BeginEncodedSeries(label_bytes);
    for (const Sample& sample : samples_) batch->AddSample(sample.timestamp_ms, sample.value);
  }
  const Refused& refused_exemplars() const { return refused_exemplars_; }

 private:
  void ClearMore();
  void AddStart(int64_t start_ms);  // of the last sample
  void MoveAllInto(std::string_view label_bytes, WriteBatch* batch);
  void Charge(size_t bytes, const uint8_t* at, WireReader* reader);

  std::vector<Sample> samples_;
  bool has_more_ = false;                // anything beside samples_
  std::vector<int64_t> start_times_ms_;  // of samples_, where known; may be shorter
  std::vector<HistogramSample> histograms_;
  std::vector<Exemplar> exemplars_;
  // Of the message so far.
  size_t bytes_ = 0;
  Refused refused_exemplars_;
};

}  // namespace varve::server
