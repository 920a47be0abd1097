#include "query/promql/parser.h"

#include <string>
#include <utility>

#include "base/status_macros.h"
#include "query/promql/grammar.h"
#include "query/promql/type_check.h"

namespace varve::promql {
namespace {

Status CheckSize(std::string_view text) {
  if (text.size() <= kQueryBytesMax) return OkStatus();
  return InvalidArgumentError("1:1: parse error: the expression has " +
                              std::to_string(text.size()) + " bytes, more than the " +
                              std::to_string(kQueryBytesMax) + " allowed");
}

}  // namespace

Result<ExprPtr> Parse(std::string_view text) {
  RETURN_IF_ERROR(CheckSize(text));
  ASSIGN_OR_RETURN(ExprPtr expr, Grammar(text).ParseExpression());
  RETURN_IF_ERROR(CheckTypes(text, expr.get()));
  return expr;
}

Result<std::unique_ptr<VectorSelector>> ParseVectorSelector(std::string_view text) {
  RETURN_IF_ERROR(CheckSize(text));
  return Grammar(text).ParseSelectorOnly();
}

}  // namespace varve::promql
