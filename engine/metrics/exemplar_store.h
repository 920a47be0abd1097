// ExemplarStore: the exemplars that are in the journal and not in a part yet.
#pragma once

#include <atomic>
#include <cstdint>
#include <map>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/mutex.h"
#include "engine/metrics/head.h"
#include "storage/format/exemplar_block.h"
#include "storage/format/label_bytes.h"
#include "varve/database.h"
#include "varve/status.h"

namespace varve::engine {

struct StoredExemplar {
  int64_t timestamp_ms = 0;
  double value = 0;
  std::string labels;  // canonical

  format::ExemplarView view() const { return {timestamp_ms, value, labels}; }
};

struct LabelBytesLess {
  using is_transparent = void;
  bool operator()(std::string_view a, std::string_view b) const {
    return format::CompareLabelBytes(a, b) < 0;
  }
};

// By canonical labels of the series, in label order.
using ExemplarMap = std::map<std::string, std::vector<StoredExemplar>, LabelBytesLess>;

// Any of the selectors (none: yes) selects a series of these labels.
bool SelectsLabels(std::span<const CompiledSelector> selectors, std::string_view labels);

// Thread safety: all methods from any thread.
class ExemplarStore {
 public:
  // Reaching it starts a checkpoint, which moves the exemplars to a part; appends of exemplars
  // wait at twice as much.
  static constexpr uint64_t kBytesMax = uint64_t{32} << 20;

  // Adds the exemplars of a journal record; what is here already is dropped. Error: kDataLoss, then
  // nothing of the record is added.
  Status Add(std::string_view record_body) EXCLUDES(mutex_);

  // Sets aside everything that was added, to be written into parts, and shows it together with what
  // an earlier Freeze set aside that was not dropped. It stays visible until DropFrozen. Each
  // series' exemplars are as SortUnique leaves them.
  std::shared_ptr<const ExemplarMap> Freeze() EXCLUDES(mutex_);
  // What was frozen is in parts now.
  void DropFrozen() EXCLUDES(mutex_);

  // Adds copies of what the selectors select within the range to `found`, in no order and perhaps
  // repeated.
  void Collect(std::span<const CompiledSelector> selectors, TimeRange range,
               ExemplarMap* found) const EXCLUDES(mutex_);

  uint64_t bytes() const { return bytes_.load(std::memory_order_relaxed); }  // estimate

 private:
  mutable Mutex mutex_;
  ExemplarMap active_ GUARDED_BY(mutex_);
  std::shared_ptr<const ExemplarMap> frozen_ GUARDED_BY(mutex_) = std::make_shared<ExemplarMap>();
  std::atomic<uint64_t> bytes_{0};  // of both
  uint64_t frozen_bytes_ GUARDED_BY(mutex_) = 0;
};

}  // namespace varve::engine
