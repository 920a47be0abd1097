// ResultCache: results of range queries, so that a dashboard which asks again for nearly the same
// range has only the steps evaluated that are new or could have changed.
//
// What makes it exact: an entry carries the version of the database that it was computed from, and
// a step of it is used only while no write since then touched a time that the step looks at
// (Reader::MinTimeSince). Late samples, backfill and deletions are such writes.
#pragma once

#include <cstddef>
#include <cstdint>
#include <list>
#include <memory>
#include <optional>
#include <string>
#include <unordered_map>

#include "base/mutex.h"
#include "query/exec/time_grid.h"
#include "query/promql/ast.h"
#include "varve/promql.h"

namespace varve::promql::exec {

struct CachedResult {
  Matrix matrix;  // floats alone, sorted by labels
  TimeGrid grid;
  uint64_t version = 0;  // of the database
};

// Recently used results up to a number of bytes. Thread safety: all methods from any thread.
class ResultCache {
 public:
  explicit ResultCache(uint64_t bytes_max) : bytes_max_(bytes_max) {}

  // nullptr when there is none.
  std::shared_ptr<const CachedResult> Find(const std::string& key) EXCLUDES(mutex_);
  // Takes the place of what was kept under `key`. Results too large to keep others beside them are
  // not kept.
  void Store(const std::string& key, std::shared_ptr<const CachedResult> result) EXCLUDES(mutex_);

 private:
  struct Entry {
    std::string key;
    std::shared_ptr<const CachedResult> result;
    uint64_t bytes = 0;
  };
  void Remove(std::list<Entry>::iterator entry) REQUIRES(mutex_);

  const uint64_t bytes_max_;
  Mutex mutex_;
  std::list<Entry> entries_ GUARDED_BY(mutex_);  // the last used first
  std::unordered_map<std::string, std::list<Entry>::iterator> by_key_ GUARDED_BY(mutex_);
  uint64_t bytes_ GUARDED_BY(mutex_) = 0;
};

// How far beyond its own time a step of the expression looks (negative: it looks only so far back);
// nullopt when its results must not be kept, because a step's value depends on the query's range,
// on times fixed by `@`, or in its last bits or between equals on the order in which series are
// found.
std::optional<int64_t> InputReachMs(const Expr& expr);

// What results must have in common to be parts of each other.
std::string ResultKey(const Expr& expr, const TimeGrid& grid, int64_t lookback_ms);

// How many of the first steps of `grid` `cached` answers, when writes since its version touched
// times from `changed_from_ms` on.
size_t UsableSteps(const CachedResult& cached, const TimeGrid& grid, int64_t reach_ms,
                   int64_t changed_from_ms);

// The first `step_count` steps of `grid` from `cached`, followed by `fresh`, which begins after
// them.
Matrix JoinResults(const CachedResult& cached, const TimeGrid& grid, size_t step_count,
                   Matrix fresh);

}  // namespace varve::promql::exec
