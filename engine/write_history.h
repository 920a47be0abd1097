// WriteHistory: how far back the writes of the last while reached, so that whoever kept something
// computed from the samples before some time can tell whether it still holds.
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

#include "base/mutex.h"

namespace varve::engine {

// Writes are numbered; version n is the state after the n-th. Deletions and dropped parts count as
// writes.
//
// Memory: bounded, whatever is written: of writes that reached back to nearly the same time only
// the last is kept, and the oldest ones become one when there are too many. Both may make a write
// seem to have reached further back than it did, never less far.
//
// Thread safety: all methods from any thread.
class WriteHistory {
 public:
  // To be called under the lock that makes the write visible, so that a reader never sees a write
  // that the history does not have yet. `min_ms`: the earliest time it touches.
  void Record(int64_t min_ms) EXCLUDES(mutex_);
  uint64_t version() EXCLUDES(mutex_);
  // No write after `version` touched a time before this; INT64_MAX when there was none.
  int64_t MinTimeSince(uint64_t version) EXCLUDES(mutex_);

 private:
  // The last write that reached back as far as `min_ms`.
  struct Entry {
    uint64_t version = 0;
    int64_t min_ms = 0;
  };

  Mutex mutex_;
  uint64_t version_ GUARDED_BY(mutex_) = 0;
  // Ascending by both: a later write that reaches further back takes the place of those before it.
  std::vector<Entry> entries_ GUARDED_BY(mutex_);
};

}  // namespace varve::engine
