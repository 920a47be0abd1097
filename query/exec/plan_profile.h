// PlanProfile: what each node of a plan did while the query ran, for EXPLAIN. There is none unless
// it is asked for.
#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <unordered_map>
#include <vector>

#include "base/clock.h"
#include "engine/reader.h"
#include "query/exec/plan.h"
#include "varve/promql.h"

namespace varve::promql::exec {

// Of one node. Thread safety: all members from any thread.
struct NodeProfile {
  void CountRead(const engine::SampleBuffer& read) {
    samples.fetch_add(read.size(), std::memory_order_relaxed);
    chunks.fetch_add(read.chunk_count, std::memory_order_relaxed);
    bytes.fetch_add(read.chunk_bytes, std::memory_order_relaxed);
    if (read.rollup_row_count == 0) return;
    rollup_rows.fetch_add(read.rollup_row_count, std::memory_order_relaxed);
    int64_t coarsest = rollup_resolution_ms.load(std::memory_order_relaxed);
    while (coarsest < read.rollup_resolution_ms &&
           !rollup_resolution_ms.compare_exchange_weak(coarsest, read.rollup_resolution_ms)) {
    }
  }

  std::atomic<uint64_t> series{0};
  std::atomic<uint64_t> chunks{0};
  std::atomic<uint64_t> samples{0};
  std::atomic<uint64_t> bytes{0};
  std::atomic<uint64_t> rollup_rows{0};
  std::atomic<int64_t> rollup_resolution_ms{0};
  std::atomic<int64_t> elapsed_ns{0};
};

// Gives the nodes of a pass the time from its construction to its destruction.
class ProfiledTime {
 public:
  // Both borrowed.
  ProfiledTime(std::span<NodeProfile* const> profiles, const Clock* clock)
      : profiles_(profiles), clock_(clock) {
    if (!profiles_.empty()) started_ns_ = clock_->SteadyNs();
  }
  ~ProfiledTime() {
    if (profiles_.empty()) return;
    const int64_t elapsed_ns = clock_->SteadyNs() - started_ns_;
    for (NodeProfile* profile : profiles_) profile->elapsed_ns.store(elapsed_ns);
  }
  ProfiledTime(const ProfiledTime&) = delete;
  ProfiledTime& operator=(const ProfiledTime&) = delete;

 private:
  const std::span<NodeProfile* const> profiles_;
  const Clock* const clock_;
  int64_t started_ns_ = 0;
};

// Nodes that run as one pass over the series (a selector or range function, the row operations over
// it and the aggregation on top) share that pass' time.
class PlanProfile {
 public:
  // `plan` is borrowed.
  explicit PlanProfile(const Plan& plan);

  // nullptr for a node that is not in the plan.
  NodeProfile* Find(const PlanNode& node) const;
  // The plan's nodes, parents before their children.
  std::vector<ExplainNode> Render() const;

 private:
  void AddSubtree(const PlanNode& node);
  void RenderSubtree(const PlanNode& node, size_t depth, std::vector<ExplainNode>* out) const;

  const Plan& plan_;
  std::unordered_map<const PlanNode*, std::unique_ptr<NodeProfile>> profiles_;
};

}  // namespace varve::promql::exec
