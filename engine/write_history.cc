#include "engine/write_history.h"

#include <algorithm>
#include <limits>

namespace varve::engine {
namespace {

// Writes within so much time of each other are not told apart.
constexpr int64_t kGrainMs = 1000;
constexpr size_t kEntryCountMax = 4096;

int64_t RoundDown(int64_t time_ms) {
  if (time_ms < std::numeric_limits<int64_t>::min() + kGrainMs) return time_ms;
  const int64_t rest = time_ms % kGrainMs;
  return time_ms - (rest < 0 ? rest + kGrainMs : rest);
}

}  // namespace

void WriteHistory::Record(int64_t min_ms) {
  const int64_t rounded_ms = RoundDown(min_ms);
  MutexLock lock(&mutex_);
  ++version_;
  while (!entries_.empty() && entries_.back().min_ms >= rounded_ms) entries_.pop_back();
  if (entries_.size() == kEntryCountMax) {
    // The older half becomes its last write, which is taken to have reached back as far as the
    // first.
    const int64_t oldest_ms = entries_.front().min_ms;
    entries_.erase(entries_.begin(), entries_.begin() + kEntryCountMax / 2);
    entries_.front().min_ms = oldest_ms;
  }
  entries_.push_back({version_, rounded_ms});
}

uint64_t WriteHistory::version() {
  MutexLock lock(&mutex_);
  return version_;
}

int64_t WriteHistory::MinTimeSince(uint64_t version) {
  MutexLock lock(&mutex_);
  const auto first =
      std::partition_point(entries_.begin(), entries_.end(),
                           [version](const Entry& entry) { return entry.version <= version; });
  return first == entries_.end() ? std::numeric_limits<int64_t>::max() : first->min_ms;
}

}  // namespace varve::engine
