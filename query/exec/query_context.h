// What all parts of one query's execution share.
#pragma once

#include <cstdint>
#include <memory>
#include <vector>

#include "base/thread_pool.h"
#include "engine/reader.h"
#include "query/exec/annotations.h"
#include "query/exec/budget.h"
#include "query/exec/name_rules.h"
#include "query/exec/plan.h"
#include "query/exec/plan_profile.h"
#include "query/exec/queryable_samples.h"
#include "query/exec/shared_values.h"

namespace varve::promql::exec {

struct QueryContext {
  QueryBudget* budget = nullptr;
  Annotations* annotations = nullptr;
  ThreadPool* pool = nullptr;      // nullptr: everything on the calling thread
  PlanProfile* profile = nullptr;  // nullptr: nobody asks for it
  SharedValues* shared = nullptr;
  QueryableSamples* queryable = nullptr;  // nullptr: not counted, as within subqueries
  int64_t lookback_ms = 0;
  NameRules names;
  bool use_start_timestamps = false;
  bool type_and_unit_labels = false;
  const std::vector<SelectorPlan>* selectors = nullptr;
  // One per selector of the plan.
  std::vector<std::shared_ptr<const engine::SeriesSelection>> selections;

  // Threads that may work on one query, the caller included.
  size_t worker_count() const { return pool == nullptr ? 1 : pool->thread_count() + 1; }
};

}  // namespace varve::promql::exec
