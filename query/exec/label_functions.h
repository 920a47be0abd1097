// label_replace and label_join.
#pragma once

#include <string>
#include <vector>

#include "query/exec/vector_value.h"
#include "varve/status.h"

namespace varve::promql::exec {

// A compiled label_replace. Not copyable.
class LabelReplacer {
 public:
  // Errors: kOutOfRange, in the reference's words, for a bad pattern or label name.
  static Result<std::unique_ptr<LabelReplacer>> Compile(const std::string& destination,
                                                        const std::string& replacement,
                                                        const std::string& source,
                                                        const std::string& pattern);
  ~LabelReplacer();

  // Errors: kOutOfRange when series become equal at one step.
  Status Apply(VectorValue* value) const;

 private:
  class Impl;
  explicit LabelReplacer(std::unique_ptr<Impl> impl);
  std::unique_ptr<Impl> impl_;
};

// Sets `destination` to the values of `sources` with `separator` between them. Errors: as above.
Status JoinLabels(const std::string& destination, const std::string& separator,
                  const std::vector<std::string>& sources, VectorValue* value);

}  // namespace varve::promql::exec
