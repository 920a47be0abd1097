// Tombstones: what was deleted and still lies in parts.
//
// A delete flushes the head and commits its tombstone in one step, so that everything written
// before it lies in parts that exist then, and everything after it in parts with other numbers. A
// tombstone names the parts it counts in; a merge of such a part leaves out what is hidden, and the
// part it makes is not named. So what is written after a delete is never hidden, whatever its
// timestamps. Layout: docs/FORMATS.md, "Tombstones".
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "base/mutex.h"
#include "compaction/hidden_samples.h"
#include "engine/metrics/head.h"
#include "index/part_index.h"
#include "storage/format/part_info.h"
#include "varve/database.h"
#include "varve/status.h"

namespace varve::engine {

struct Tombstone {
  std::vector<Selector> selectors;  // of each series they select together; never none
  TimeRange range;
  std::vector<uint64_t> part_ids;  // ascending: hides samples of these parts only

  std::vector<CompiledSelector> compiled;  // of `selectors`
};
// Oldest first.
using TombstoneList = std::vector<std::shared_ptr<const Tombstone>>;
inline constexpr std::string_view kTombstonesKey = "tombstones";  // in the store's state

std::string EncodeTombstones(const TombstoneList& tombstones);
// Errors: kDataLoss; kFailedPrecondition for a newer version. Memory is bounded by the bytes.
Result<TombstoneList> DecodeTombstones(std::string_view bytes);

// What the tombstones hide of a part. Errors: kDataLoss, kIoError.
Result<compaction::HiddenSamples> HiddenIn(const TombstoneList& tombstones,
                                           const format::PartInfo& part,
                                           const index::PartIndexReader& index);

// Drops the ordinals of which everything that the part may have in `range` is hidden.
void DropHidden(const compaction::HiddenSamples& hidden, const format::PartInfo& part,
                TimeRange range, std::vector<index::Ordinal>* ordinals);

// The tombstones that hold now. Thread safety: all methods from any thread.
class Tombstones {
 public:
  std::shared_ptr<const TombstoneList> current() const EXCLUDES(mutex_) {
    MutexLock lock(&mutex_);
    return current_;
  }
  void Publish(TombstoneList tombstones) EXCLUDES(mutex_) {
    auto next = std::make_shared<const TombstoneList>(std::move(tombstones));
    MutexLock lock(&mutex_);
    current_.swap(next);
  }

 private:
  mutable Mutex mutex_;
  std::shared_ptr<const TombstoneList> current_ GUARDED_BY(mutex_) =
      std::make_shared<const TombstoneList>();
};

}  // namespace varve::engine
