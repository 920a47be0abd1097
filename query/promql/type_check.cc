#include "query/promql/type_check.h"

#include <algorithm>
#include <string>

#include "base/status_macros.h"
#include "query/promql/function_table.h"
#include "query/promql/literal.h"
#include "query/promql/selector_check.h"

namespace varve::promql {
namespace {

bool IsOperand(ValueType type) { return type == ValueType::kScalar || type == ValueType::kVector; }

class TypeChecker {
 public:
  explicit TypeChecker(std::string_view text) : text_(text) {}

  Status Check(Expr* expr) {
    switch (expr->kind()) {
      case ExprKind::kNumberLiteral:
      case ExprKind::kStringLiteral:
        return OkStatus();
      case ExprKind::kVectorSelector:
        return CheckSelector(expr->As<VectorSelector>());
      case ExprKind::kMatrixSelector:
        return CheckSelector(*expr->As<MatrixSelector>().vector);
      case ExprKind::kSubquery:
        return CheckSubquery(&expr->As<Subquery>());
      case ExprKind::kCall:
        return CheckCall(&expr->As<Call>());
      case ExprKind::kAggregation:
        return CheckAggregation(&expr->As<Aggregation>());
      case ExprKind::kBinary:
        return CheckBinary(&expr->As<Binary>());
      case ExprKind::kUnary:
        return CheckUnary(&expr->As<Unary>());
      case ExprKind::kParen:
        return Check(expr->As<Paren>().expr.get());
    }
    return OkStatus();
  }

 private:
  Status Fail(uint32_t offset, const std::string& message) const {
    return ParseErrorAt(text_, offset, message);
  }
  Status Fail(const Expr& expr, const std::string& message) const {
    return Fail(expr.position.begin, message);
  }

  Status ExpectType(Expr* expr, ValueType want, const std::string& context) {
    RETURN_IF_ERROR(Check(expr));
    if (expr->type() == want) return OkStatus();
    return Fail(*expr, "expected type " + std::string(DocumentedType(want)) + " in " + context +
                           ", got " + std::string(DocumentedType(expr->type())));
  }

  Status CheckSelector(const VectorSelector& selector) const {
    RETURN_IF_ERROR(CheckName(selector));
    if (!selector.name.empty()) return OkStatus();
    for (const Matcher& matcher : selector.matchers) {
      const Result<bool> matches_empty = MatchesEmpty(matcher);
      if (!matches_empty.ok()) return Fail(selector, matches_empty.status().message());
      if (!*matches_empty) return OkStatus();
    }
    return Fail(selector, "vector selector must contain at least one non-empty matcher");
  }

  Status CheckName(const VectorSelector& selector) const {
    if (selector.name.empty()) return OkStatus();
    for (size_t i = 0; i + 1 < selector.matchers.size(); ++i) {
      if (selector.matchers[i].name != "__name__") continue;
      return Fail(selector, "metric name must not be set twice: " + Quote(selector.name) + " or " +
                                Quote(selector.matchers[i].value));
    }
    return OkStatus();
  }

  Status CheckSubquery(Subquery* subquery) {
    RETURN_IF_ERROR(Check(subquery->expr.get()));
    const ValueType type = subquery->expr->type();
    if (type == ValueType::kVector) return OkStatus();
    return Fail(*subquery, "subquery is only allowed on instant vector, got " +
                               std::string(ShortType(type)) + " instead");
  }

  Status CheckArgumentCount(const Call& call) const {
    const Function& function = *call.function;
    const size_t listed = function.arg_types.size();
    const size_t given = call.args.size();
    const std::string rest =
        " argument(s) in call to " + Quote(function.name) + ", got " + std::to_string(given);
    if (function.variadic == 0) {
      if (listed == given) return OkStatus();
      return Fail(call, "expected " + std::to_string(listed) + rest);
    }
    const size_t least = listed - 1;
    if (least > given) return Fail(call, "expected at least " + std::to_string(least) + rest);
    if (function.variadic < 0) return OkStatus();
    const size_t most = least + static_cast<size_t>(function.variadic);
    if (most >= given) return OkStatus();
    return Fail(call, "expected at most " + std::to_string(most) + rest);
  }

  Status CheckCall(Call* call) {
    RETURN_IF_ERROR(CheckArgumentCount(*call));
    const std::span<const ValueType> types = call->function->arg_types;
    const bool has_label_selectors =
        call->function->id == FunctionId::kInfo && call->args.size() > 1;
    if (has_label_selectors) RETURN_IF_ERROR(CheckLabelSelectors(*call));
    for (size_t i = 0; i < call->args.size() - (has_label_selectors ? 1 : 0); ++i) {
      const ValueType want = types[std::min(i, types.size() - 1)];
      RETURN_IF_ERROR(
          ExpectType(call->args[i].get(), want, "call to function " + Quote(call->function->name)));
    }
    return OkStatus();
  }

  // The second argument of info() is written as a selector, but chooses labels: it has no name, and
  // all its matchers may accept the empty string.
  Status CheckLabelSelectors(const Call& call) const {
    const Expr& selectors = *call.args[1];
    if (selectors.type() != ValueType::kVector) {
      return Fail(call, "expected type instant vector in call to function \"info\", got " +
                            std::string(DocumentedType(selectors.type())));
    }
    const auto* selector = selectors.TryAs<VectorSelector>();
    if (selector == nullptr) return Fail(selectors, "expected label selectors only");
    if (selector->name.empty()) return OkStatus();
    return Fail(selectors, "expected label selectors only, got vector selector instead");
  }

  Status CheckAggregation(Aggregation* aggregation) {
    RETURN_IF_ERROR(
        ExpectType(aggregation->expr.get(), ValueType::kVector, "aggregation expression"));
    if (aggregation->param == nullptr) return OkStatus();
    return ExpectType(aggregation->param.get(), AggregationParamType(aggregation->op),
                      "aggregation parameter");
  }

  Status CheckUnary(Unary* unary) {
    RETURN_IF_ERROR(Check(unary->expr.get()));
    const ValueType type = unary->expr->type();
    if (IsOperand(type)) return OkStatus();
    return Fail(
        *unary,
        "unary expression only allowed on expressions of type scalar or instant vector, got " +
            Quote(DocumentedType(type)));
  }

  // Where the operator stands: the first character behind the left side that is no space.
  uint32_t OperatorOffset(const Binary& binary) const {
    const size_t at = text_.find_first_not_of(" \t\r\n", binary.lhs->position.end);
    return at == std::string_view::npos ? binary.position.begin : static_cast<uint32_t>(at);
  }

  Status CheckBinary(Binary* binary) {
    RETURN_IF_ERROR(Check(binary->lhs.get()));
    RETURN_IF_ERROR(Check(binary->rhs.get()));
    RETURN_IF_ERROR(CheckModifiers(*binary));
    constexpr std::string_view kOperands =
        "binary expression must contain only scalar and instant vector types";
    for (const Expr* side : {binary->lhs.get(), binary->rhs.get()}) {
      if (!IsOperand(side->type())) return Fail(*side, std::string(kOperands));
    }
    return SettleMatching(binary);
  }

  Status CheckModifiers(const Binary& binary) const {
    const bool comparison = IsComparison(binary.op);
    const bool returns_bool = binary.comparison == ComparisonResult::kBool;
    if (returns_bool && !comparison) {
      return Fail(OperatorOffset(binary), "bool modifier can only be used on comparison operators");
    }
    if (comparison && !returns_bool && binary.lhs->type() == ValueType::kScalar &&
        binary.rhs->type() == ValueType::kScalar) {
      return Fail(OperatorOffset(binary), "comparisons between scalars must use BOOL modifier");
    }
    const VectorMatching& matching = *binary.matching;
    if (matching.on != MatchOn::kOn) return OkStatus();
    for (const std::string& label : matching.labels) {
      if (std::find(matching.include.begin(), matching.include.end(), label) ==
          matching.include.end())
        continue;
      return Fail(OperatorOffset(binary),
                  "label " + Quote(label) + " must not occur in ON and GROUP clause at once");
    }
    return OkStatus();
  }

  Status SettleMatching(Binary* binary) const {
    const bool set_operator = IsSetOperator(binary->op);
    const std::string name = Quote(BinaryOpText(binary->op));
    const bool fills =
        binary->matching->fill_left.has_value() || binary->matching->fill_right.has_value();
    if (binary->lhs->type() == ValueType::kVector && binary->rhs->type() == ValueType::kVector) {
      if (!set_operator) return OkStatus();
      if (binary->matching->cardinality != Cardinality::kOneToOne) {
        return Fail(*binary, "no grouping allowed for " + name + " operation");
      }
      if (fills) {
        return Fail(*binary, "filling in missing series not allowed for set operators");
      }
      binary->matching->cardinality = Cardinality::kManyToMany;
      return OkStatus();
    }
    if (!binary->matching->labels.empty()) {
      return Fail(*binary, "vector matching only allowed between instant vectors");
    }
    if (fills) {
      return Fail(*binary, "filling in missing series only allowed between instant vectors");
    }
    if (set_operator) {
      return Fail(*binary, "set operator " + name + " not allowed in binary scalar expression");
    }
    binary->matching.reset();
    return OkStatus();
  }

  const std::string_view text_;
};

}  // namespace

Status CheckTypes(std::string_view text, Expr* root) { return TypeChecker(text).Check(root); }

Status ParseErrorAt(std::string_view text, uint32_t offset, std::string_view message) {
  return InvalidArgumentError(LineColumn(text, offset) + ": parse error: " + std::string(message));
}

}  // namespace varve::promql
