#include "engine/metrics/late_buffer.h"

#include <algorithm>
#include <bit>
#include <utility>
#include <vector>

namespace varve::engine {
namespace {

size_t PlaceOf(const std::vector<int64_t>& times, int64_t timestamp_ms) {
  return static_cast<size_t>(std::lower_bound(times.begin(), times.end(), timestamp_ms) -
                             times.begin());
}

bool IsAt(const std::vector<int64_t>& times, size_t place, int64_t timestamp_ms) {
  return place < times.size() && times[place] == timestamp_ms;
}

template <typename T>
auto Iterator(std::vector<T>* column, size_t place) {
  return column->begin() + static_cast<ptrdiff_t>(place);
}

// Columns of start times stay empty until one is known.
void InsertStart(size_t place, size_t size_before, int64_t start_ms, std::vector<int64_t>* starts) {
  if (starts->empty() && start_ms == 0) return;
  starts->resize(size_before);
  starts->insert(Iterator(starts, place), start_ms);
}

int64_t StartAt(const std::vector<int64_t>& starts, size_t place) {
  return starts.empty() ? 0 : starts[place];
}

void SetStart(size_t place, size_t size, int64_t start_ms, std::vector<int64_t>* starts) {
  if (starts->empty() && start_ms == 0) return;
  starts->resize(size);
  (*starts)[place] = start_ms;
}

// Removes the sample of this time from columns of one kind, if there is one.
template <typename T>
bool Remove(int64_t timestamp_ms, std::vector<int64_t>* times, std::vector<T>* values,
            std::vector<int64_t>* starts) {
  const size_t place = PlaceOf(*times, timestamp_ms);
  if (!IsAt(*times, place, timestamp_ms)) return false;
  times->erase(Iterator(times, place));
  values->erase(Iterator(values, place));
  if (!starts->empty()) starts->erase(Iterator(starts, place));
  return true;
}

}  // namespace

LateBuffer::Insertion LateBuffer::InsertFloat(int64_t timestamp_ms, double value,
                                              int64_t start_ms) {
  std::vector<int64_t>& times = samples_.timestamps_ms;
  std::vector<int64_t>& starts = samples_.start_times_ms;
  const size_t place = PlaceOf(times, timestamp_ms);
  if (IsAt(times, place, timestamp_ms)) {
    const bool same =
        std::bit_cast<uint64_t>(samples_.values[place]) == std::bit_cast<uint64_t>(value) &&
        StartAt(starts, place) == start_ms;
    samples_.values[place] = value;
    SetStart(place, times.size(), start_ms, &starts);
    return same ? Insertion::kDuplicate : Insertion::kOverwritten;
  }
  InsertStart(place, times.size(), start_ms, &starts);
  times.insert(Iterator(&times, place), timestamp_ms);
  samples_.values.insert(Iterator(&samples_.values, place), value);
  const bool replaced = Remove(timestamp_ms, &samples_.histogram_timestamps_ms,
                               &samples_.histograms, &samples_.histogram_start_times_ms);
  return replaced ? Insertion::kOverwritten : Insertion::kNew;
}

LateBuffer::Insertion LateBuffer::InsertHistogram(int64_t timestamp_ms, HistogramPtr histogram,
                                                  int64_t start_ms) {
  std::vector<int64_t>& times = samples_.histogram_timestamps_ms;
  std::vector<int64_t>& starts = samples_.histogram_start_times_ms;
  histogram_bytes_ += histogram->MemoryBytes();  // one that is replaced counts until the seal
  const size_t place = PlaceOf(times, timestamp_ms);
  if (IsAt(times, place, timestamp_ms)) {
    const bool same =
        SameBits(*samples_.histograms[place], *histogram) && StartAt(starts, place) == start_ms;
    samples_.histograms[place] = std::move(histogram);
    SetStart(place, times.size(), start_ms, &starts);
    return same ? Insertion::kDuplicate : Insertion::kOverwritten;
  }
  InsertStart(place, times.size(), start_ms, &starts);
  times.insert(Iterator(&times, place), timestamp_ms);
  samples_.histograms.insert(Iterator(&samples_.histograms, place), std::move(histogram));
  const bool replaced =
      Remove(timestamp_ms, &samples_.timestamps_ms, &samples_.values, &samples_.start_times_ms);
  return replaced ? Insertion::kOverwritten : Insertion::kNew;
}

int64_t LateBuffer::min_time_ms() const {
  if (samples_.timestamps_ms.empty()) return samples_.histogram_timestamps_ms.front();
  if (samples_.histogram_timestamps_ms.empty()) return samples_.timestamps_ms.front();
  return std::min(samples_.timestamps_ms.front(), samples_.histogram_timestamps_ms.front());
}

int64_t LateBuffer::max_time_ms() const {
  if (samples_.timestamps_ms.empty()) return samples_.histogram_timestamps_ms.back();
  if (samples_.histogram_timestamps_ms.empty()) return samples_.timestamps_ms.back();
  return std::max(samples_.timestamps_ms.back(), samples_.histogram_timestamps_ms.back());
}

size_t LateBuffer::MemoryBytes() const {
  return sizeof(*this) + histogram_bytes_ +
         sizeof(int64_t) *
             (samples_.timestamps_ms.capacity() + samples_.values.capacity() +
              samples_.start_times_ms.capacity() + samples_.histogram_timestamps_ms.capacity() +
              samples_.histogram_start_times_ms.capacity()) +
         sizeof(HistogramPtr) * samples_.histograms.capacity();
}

}  // namespace varve::engine
