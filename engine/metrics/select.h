// Selecting series across the head and the parts: the read path.
#pragma once

#include <memory>
#include <span>
#include <string>
#include <vector>

#include "engine/metrics/head.h"
#include "engine/metrics/part_readers.h"
#include "engine/reader.h"
#include "index/matcher.h"
#include "storage/kv/store.h"
#include "varve/status.h"

namespace varve::engine {

// Compiles public matchers. kInvalidArgument for a bad regular expression.
Result<std::vector<index::LabelMatcher>> CompileMatchers(const Selector& selector);

// The reader of one database. Thread safety: any thread.
class MetricsReader final : public Reader {
 public:
  // All borrowed.
  MetricsReader(Head* head, kv::Store* store, PartReaders* readers)
      : head_(head), store_(store), readers_(readers) {}
  Result<std::vector<std::shared_ptr<const SeriesSelection>>> Select(
      std::span<const SelectRequest> requests) override;

 private:
  Head* const head_;
  kv::Store* const store_;
  PartReaders* const readers_;
};

}  // namespace varve::engine
