// SharedValues: what a plan says more than once is evaluated once.
//
// Two nodes are the same when they print alike and are evaluated over the same steps. A value is
// not kept when its evaluation raised annotations, which name their place in the query.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "query/exec/plan.h"
#include "query/exec/vector_value.h"
#include "varve/status.h"

namespace varve::promql::exec {

// Not thread-safe: for the one thread that walks the plan.
class SharedValues {
 public:
  // Nothing is shared.
  SharedValues() = default;
  // `plan` is borrowed.
  explicit SharedValues(const Plan& plan);

  // Whether Take would give a value.
  bool Has(const PlanNode& node) const;
  // Whether another node, not evaluated yet, is the same.
  bool IsAwaited(const PlanNode& node) const;
  // The value of the node if it is kept: a copy, or the value itself for the last that is the same.
  // Errors: kResourceExhausted.
  Result<std::optional<VectorValue>> Take(const PlanNode& node);
  // REQUIRES: IsAwaited(node). Keeps a copy. `looked_at`: queryable samples that the evaluation
  // counted, once more for each Take. Errors: kResourceExhausted.
  Status Keep(const PlanNode& node, const VectorValue& value, uint64_t looked_at);
  // REQUIRES: Take gave a value.
  uint64_t LookedAt(const PlanNode& node) const {
    return shared_[number_by_node_.at(&node)].looked_at;
  }

 private:
  struct Shared {
    size_t uses_left = 0;
    uint64_t looked_at = 0;
    std::optional<VectorValue> value;
  };
  using Numbers = std::unordered_map<std::string, size_t>;

  // Numbers the node and those below it by what they say and `steps`, where they say it.
  void AddSubtree(const PlanNode& node, const std::string& steps, Numbers* numbers);

  std::vector<Shared> shared_;
  std::unordered_map<const PlanNode*, size_t> number_by_node_;
};

}  // namespace varve::promql::exec
