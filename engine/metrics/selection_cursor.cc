#include "engine/metrics/selection_cursor.h"

#include <algorithm>
#include <numeric>
#include <utility>

#include "base/status_macros.h"

namespace varve::engine {

SelectionCursor::SelectionCursor(std::shared_ptr<const SeriesSelection> selection, TimeRange range)
    : selection_(std::move(selection)), range_(range), order_(selection_->series_count()) {
  std::iota(order_.begin(), order_.end(), uint32_t{0});
  std::sort(order_.begin(), order_.end(), [this](uint32_t a, uint32_t b) {
    return selection_->labels(a) < selection_->labels(b);
  });
}

Result<bool> SelectionCursor::Next(SeriesSamples* out) {
  while (next_ < order_.size()) {
    const uint32_t series = order_[next_++];
    RETURN_IF_ERROR(selection_->Read(series, range_.min_ms, range_.max_ms, &buffer_));
    if (buffer_.size() == 0) continue;
    out->labels = selection_->labels(series);
    Take(out);
    return true;
  }
  return false;
}

void SelectionCursor::Take(SeriesSamples* out) {
  out->samples.resize(buffer_.timestamps_ms.size());
  for (size_t i = 0; i < out->samples.size(); ++i) {
    out->samples[i] = {buffer_.timestamps_ms[i], buffer_.values[i]};
  }
  out->start_times_ms = buffer_.start_times_ms;
  out->histograms.resize(buffer_.histograms.size());
  for (size_t i = 0; i < out->histograms.size(); ++i) {
    HistogramSample& sample = out->histograms[i];
    sample.timestamp_ms = buffer_.histogram_timestamps_ms[i];
    sample.start_ms =
        buffer_.histogram_start_times_ms.empty() ? 0 : buffer_.histogram_start_times_ms[i];
    sample.histogram = *buffer_.histograms[i];
  }
}

}  // namespace varve::engine
