#include "server/remote_read/series_chunks.h"

#include <span>

#include "server/remote_read/histogram_chunk.h"
#include "server/remote_read/xor_chunk.h"

namespace varve::server {

bool SeriesChunks::Next(EncodedChunk* chunk) {
  const bool has_float = sample_ < series_->samples.size();
  const bool has_histogram = histogram_ < series_->histograms.size();
  if (!has_float && !has_histogram) return false;
  if (!has_histogram || (has_float && series_->samples[sample_].timestamp_ms <
                                          series_->histograms[histogram_].timestamp_ms)) {
    TakeFloats(chunk);
  } else {
    TakeHistograms(chunk);
  }
  return true;
}

void SeriesChunks::TakeFloats(EncodedChunk* chunk) {
  const std::span<const Sample> rest = std::span(series_->samples).subspan(sample_);
  const bool has_histogram = histogram_ < series_->histograms.size();
  size_t count = 1;
  while (
      count < rest.size() && count < kSamplesMax &&
      (!has_histogram || rest[count].timestamp_ms < series_->histograms[histogram_].timestamp_ms)) {
    ++count;
  }
  chunk->encoding = ChunkEncoding::kXor;
  chunk->min_time_ms = rest[0].timestamp_ms;
  chunk->max_time_ms = rest[count - 1].timestamp_ms;
  chunk->data = EncodeXorChunk(rest.first(count));
  sample_ += count;
}

void SeriesChunks::TakeHistograms(EncodedChunk* chunk) {
  const std::span<const HistogramSample> rest = std::span(series_->histograms).subspan(histogram_);
  const bool has_float = sample_ < series_->samples.size();
  size_t count = 1;
  while (count < rest.size() && count < kSamplesMax &&
         (!has_float || rest[count].timestamp_ms < series_->samples[sample_].timestamp_ms) &&
         FollowsInChunk(rest[count - 1].histogram, rest[count].histogram)) {
    ++count;
  }
  const Histogram& first = rest[0].histogram;
  const Histogram* last = histogram_ > 0 ? &series_->histograms[histogram_ - 1].histogram : nullptr;
  chunk->encoding = first.form == Histogram::Form::kInteger ? ChunkEncoding::kHistogram
                                                            : ChunkEncoding::kFloatHistogram;
  chunk->min_time_ms = rest[0].timestamp_ms;
  chunk->max_time_ms = rest[count - 1].timestamp_ms;
  chunk->data = EncodeHistogramChunk(rest.first(count), HeaderOf(last, first));
  histogram_ += count;
}

}  // namespace varve::server
