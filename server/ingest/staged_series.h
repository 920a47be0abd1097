// What a series of a remote write message holds, while its labels may still be to come.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "server/ingest/sample_message.h"
#include "server/ingest/wire_reader.h"
#include "varve/histogram.h"
#include "varve/write_batch.h"

namespace varve::server {

// A few bytes on the wire become a few hundred in memory, so what one message may make of
// histograms and exemplars has a limit of its own.
inline constexpr size_t kStagedBytesMax = size_t{256} << 20;

// What every series of floats passes is in the header: it is worth a tenth of the decoding.
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
    histograms_.clear();
    exemplars_.clear();
  }

  void AddSample(const StartedSample& sample) { samples_.push_back(sample); }
  // Both fail `reader` at `at` where the message goes beyond kStagedBytesMax.
  void AddHistogram(HistogramSample histogram, const uint8_t* at, WireReader* reader);
  void AddExemplar(std::span<const LabelView> labels, double value, int64_t timestamp_ms,
                   const uint8_t* at, WireReader* reader);

  // Adds the series to the batch, unless it holds nothing. `label_bytes`: as
  // WriteBatch::BeginEncodedSeries takes them.
  void MoveInto(std::string_view label_bytes, WriteBatch* batch) {
    const bool has_others = !histograms_.empty() || !exemplars_.empty();
    if (samples_.empty() && !has_others) return;
    batch->BeginEncodedSeries(label_bytes);
    for (const StartedSample& started : samples_) {
      batch->AddSample(started.sample.timestamp_ms, started.sample.value, started.start_ms);
    }
    if (has_others) [[unlikely]] {
      MoveOthersInto(batch);
    }
  }
  const Refused& refused_exemplars() const { return refused_exemplars_; }

 private:
  void MoveOthersInto(WriteBatch* batch);
  void Charge(size_t bytes, const uint8_t* at, WireReader* reader);

  std::vector<StartedSample> samples_;
  std::vector<HistogramSample> histograms_;
  std::vector<Exemplar> exemplars_;
  // Of the message so far.
  size_t bytes_ = 0;
  Refused refused_exemplars_;
};

}  // namespace varve::server
