// The free functions of varve/promql.h, which work on text alone.
#include <algorithm>
#include <string>
#include <utility>
#include <vector>

#include "base/status_macros.h"
#include "query/promql/literal.h"
#include "query/promql/parser.h"
#include "query/promql/printer.h"
#include "query/promql/selector_check.h"
#include "query/promql/tree_json.h"
#include "query/promql/walk.h"
#include "varve/promql.h"

namespace varve::promql {

Result<std::string> Format(std::string_view expression) {
  ASSIGN_OR_RETURN(const ExprPtr expr, Parse(expression));
  return Prettify(*expr);
}

Result<std::string> ParseToJson(std::string_view expression) {
  ASSIGN_OR_RETURN(const ExprPtr expr, Parse(expression));
  return PrintJson(*expr);
}

Result<std::vector<Selector>> Selectors(std::string_view expression) {
  ASSIGN_OR_RETURN(const ExprPtr expr, Parse(expression));
  std::vector<Selector> selectors;
  const auto collect = [&](const Expr& node, const auto& self) -> void {
    if (const auto* selector = node.TryAs<VectorSelector>()) {
      selectors.push_back(selector->matchers);
    }
    ForEachChild(node, [&](const Expr& child) { self(child, self); });
  };
  collect(*expr, collect);
  return selectors;
}

Result<Selector> ParseSelector(std::string_view text) {
  ASSIGN_OR_RETURN(const std::unique_ptr<VectorSelector> selector, ParseVectorSelector(text));
  const bool selects_something =
      std::any_of(selector->matchers.begin(), selector->matchers.end(), [](const Matcher& matcher) {
        const Result<bool> matches_empty = MatchesEmpty(matcher);
        return matches_empty.ok() && !*matches_empty;
      });
  if (!selects_something)
    return InvalidArgumentError("match[] must contain at least one non-empty matcher");
  return std::move(selector->matchers);
}

Result<int64_t> ParseDurationMs(std::string_view text) {
  ASSIGN_OR_RETURN(const int64_t ns, ParseDurationNs(text));
  return ns / 1'000'000;
}

}  // namespace varve::promql
