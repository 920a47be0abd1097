// Evaluating matchers over postings, wherever they are kept: one cost order for the head and for
// parts.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "index/id_set.h"
#include "index/matcher.h"
#include "varve/status.h"

namespace varve::index {

using ValueCondition = std::function<bool(std::string_view value)>;

// Postings of one set of series. Thread safety: const methods, any thread.
class PostingsSource {
 public:
  virtual ~PostingsSource() = default;
  virtual Result<IdSet> All() const = 0;
  // Series whose label `name` has one of the values; empty ones are ignored.
  virtual Result<IdSet> WithValues(std::string_view name,
                                   std::span<const std::string> values) const = 0;
  // Series whose label `name` has a value that starts with `prefix` and that `accepts`. Nothing
  // when the label has more than `values_max` values to look at: then filtering the candidates is
  // cheaper.
  virtual Result<std::optional<IdSet>> ScanValues(std::string_view name, std::string_view prefix,
                                                  uint64_t values_max,
                                                  const ValueCondition& accepts) const = 0;
  // Keeps of `ids` (ascending) those whose own labels satisfy all matchers.
  virtual Status Filter(std::span<const LabelMatcher* const> matchers,
                        std::vector<uint32_t>* ids) const = 0;
};

// Ids that satisfy all matchers, ascending. Errors: those of `source`.
Result<std::vector<uint32_t>> EvaluateMatchers(const PostingsSource& source,
                                               std::span<const LabelMatcher> matchers);

}  // namespace varve::index
