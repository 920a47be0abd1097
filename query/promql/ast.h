// The typed syntax tree of PromQL.
//
// Parse() (parser.h) yields a tree that has been type-checked, so that whoever walks it may rely
// on:
//   1. Every node's type() is what Prometheus assigns to it, and every argument has the type its
//   parent asks for.
//   2. Call::function and its argument count agree with the function table (function_table.h).
//   3. Binary::matching is set exactly when both sides are instant vectors.
//   4. Aggregation::param is set exactly when the operator takes one.
//   5. The tree is at most kTreeDepthMax nodes deep, so that recursion over it is safe.
//
// Thread safety: const trees may be read from any thread.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/check.h"
#include "varve/matcher.h"

namespace varve::promql {

inline constexpr size_t kTreeDepthMax = 1000;

enum class ValueType : uint8_t { kNone, kScalar, kString, kVector, kMatrix };
// As in Prometheus' messages: "scalar", "string", "instant vector", "range vector".
std::string_view DocumentedType(ValueType type);
// The names of the types in its code, its syntax trees and some messages: "vector", "matrix".
std::string_view ShortType(ValueType type);

// Half-open byte range [begin, end) of a node in the query text.
struct PositionRange {
  uint32_t begin = 0;
  uint32_t end = 0;
};
// "line:column" of byte `offset` of `text`, both from 1, as annotations and parse errors show it.
std::string LineColumn(std::string_view text, uint32_t offset);

enum class ExprKind : uint8_t {
  kNumberLiteral,
  kStringLiteral,
  kVectorSelector,
  kMatrixSelector,
  kSubquery,
  kCall,
  kAggregation,
  kBinary,
  kUnary,
  kParen,
};

class Expr {
 public:
  virtual ~Expr() = default;
  Expr(const Expr&) = delete;
  Expr& operator=(const Expr&) = delete;

  ExprKind kind() const { return kind_; }
  ValueType type() const { return type_; }
  // Nodes on the longest way down to a leaf, this one included.
  size_t depth() const { return depth_; }

  // The node as its concrete type; nullptr when it is of another one.
  template <typename T>
  const T* TryAs() const {
    return kind_ == T::kKind ? static_cast<const T*>(this) : nullptr;
  }
  template <typename T>
  T* TryAs() {
    return kind_ == T::kKind ? static_cast<T*>(this) : nullptr;
  }
  // REQUIRES: kind() is T's.
  template <typename T>
  const T& As() const {
    VARVE_CHECK(kind_ == T::kKind);
    return static_cast<const T&>(*this);
  }
  template <typename T>
  T& As() {
    VARVE_CHECK(kind_ == T::kKind);
    return static_cast<T&>(*this);
  }

  PositionRange position;

 protected:
  Expr(ExprKind kind, ValueType type) : kind_(kind), type_(type) {}
  void CoverChild(const Expr& child) {
    if (child.depth_ + 1 > depth_) depth_ = child.depth_ + 1;
  }

 private:
  const ExprKind kind_;
  const ValueType type_;
  size_t depth_ = 1;
};

using ExprPtr = std::unique_ptr<Expr>;

// How a number was written, which the printer repeats.
enum class NumberForm : uint8_t { kNumber, kDuration };

struct NumberLiteral final : Expr {
  static constexpr ExprKind kKind = ExprKind::kNumberLiteral;
  NumberLiteral(double v, NumberForm f) : Expr(kKind, ValueType::kScalar), value(v), form(f) {}
  double value;  // seconds for kDuration
  NumberForm form;
};

struct StringLiteral final : Expr {
  static constexpr ExprKind kKind = ExprKind::kStringLiteral;
  explicit StringLiteral(std::string v) : Expr(kKind, ValueType::kString), value(std::move(v)) {}
  std::string value;  // unescaped
};

// What stands where a duration is expected and is more than a literal: `[step() * 2]`. Not an Expr:
// it has no type, and ResolveDurations (durations.h) turns it into plain milliseconds before
// anything else looks at the tree.
enum class DurationOp : uint8_t {
  kLiteral,
  kAdd,  // kAdd and kSub without a left side are signs
  kSub,
  kMul,
  kDiv,
  kMod,
  kPow,
  kStep,   // step()
  kRange,  // range()
  kMinOf,
  kMaxOf,
};
std::string_view DurationOpText(DurationOp op);

struct DurationExpr;
using DurationPtr = std::unique_ptr<DurationExpr>;

struct DurationExpr {
  DurationOp op = DurationOp::kLiteral;
  double value = 0;  // seconds; kLiteral only
  NumberForm form = NumberForm::kNumber;
  DurationPtr lhs;
  DurationPtr rhs;
  bool wrapped = false;  // written in parentheses; never set on a literal
  size_t depth = 1;      // as Expr::depth()
  PositionRange position;
};

// The `@` modifier.
struct AtModifier {
  enum class Kind : uint8_t { kNone, kTimestamp, kStart, kEnd };
  Kind kind = Kind::kNone;
  int64_t timestamp_ms = 0;  // kTimestamp only
  bool present() const { return kind != Kind::kNone; }
};

// "=", "!=", "=~", "!~".
std::string_view MatchOpText(MatchOp op);

// How a selector treats the samples at its edges: the `anchored` and `smoothed` modifiers.
enum class RangeEdges : uint8_t { kPlain, kAnchored, kSmoothed };

struct VectorSelector final : Expr {
  static constexpr ExprKind kKind = ExprKind::kVectorSelector;
  VectorSelector() : Expr(kKind, ValueType::kVector) {}
  // The metric name written before the braces or quoted alone inside them; empty when there is
  // none.
  std::string name;
  // All matchers, in the order written; `name`, when not empty, is the last one as __name__="name".
  std::vector<Matcher> matchers;
  int64_t offset_ms = 0;    // positive: into the past
  DurationPtr offset_expr;  // set: offset_ms is 0 until ResolveDurations
  AtModifier at;
  RangeEdges edges = RangeEdges::kPlain;
};

struct MatrixSelector final : Expr {
  static constexpr ExprKind kKind = ExprKind::kMatrixSelector;
  MatrixSelector(std::unique_ptr<VectorSelector> v, int64_t range)
      : Expr(kKind, ValueType::kMatrix), vector(std::move(v)), range_ms(range) {
    CoverChild(*vector);
  }
  std::unique_ptr<VectorSelector> vector;  // holds the offset and the `@`
  int64_t range_ms;                        // >= 0; 0 for what is written but shorter than 1 ms
  DurationPtr range_expr;                  // set: range_ms is 0 until ResolveDurations
};

struct Subquery final : Expr {
  static constexpr ExprKind kKind = ExprKind::kSubquery;
  Subquery(ExprPtr e, int64_t range, int64_t step)
      : Expr(kKind, ValueType::kMatrix), expr(std::move(e)), range_ms(range), step_ms(step) {
    CoverChild(*expr);
  }
  ExprPtr expr;
  int64_t range_ms;  // >= 0, as above
  int64_t step_ms;   // 0: the engine's default
  int64_t offset_ms = 0;
  // As range_expr above, each for its own number.
  DurationPtr range_expr;
  DurationPtr step_expr;
  DurationPtr offset_expr;
  AtModifier at;
};

struct Function;  // function_table.h

struct Call final : Expr {
  static constexpr ExprKind kKind = ExprKind::kCall;
  // `f` lives for ever; `return_type` is the function's.
  Call(const Function* f, ValueType return_type, std::vector<ExprPtr> a)
      : Expr(kKind, return_type), function(f), args(std::move(a)) {
    for (const ExprPtr& arg : args) CoverChild(*arg);
  }
  const Function* function;
  std::vector<ExprPtr> args;
};

enum class AggregationOp : uint8_t {
  kSum,
  kAvg,
  kCount,
  kMin,
  kMax,
  kGroup,
  kStddev,
  kStdvar,
  kTopk,
  kBottomk,
  kCountValues,
  kQuantile,
  kLimitk,      // experimental
  kLimitRatio,  // experimental
};
std::string_view AggregationName(AggregationOp op);
// kScalar or kString for the operators that take a parameter, kNone for the others.
ValueType AggregationParamType(AggregationOp op);

enum class Grouping : uint8_t { kBy, kWithout };

struct Aggregation final : Expr {
  static constexpr ExprKind kKind = ExprKind::kAggregation;
  Aggregation(AggregationOp o, ExprPtr e, ExprPtr p, Grouping g, std::vector<std::string> l)
      : Expr(kKind, ValueType::kVector),
        op(o),
        expr(std::move(e)),
        param(std::move(p)),
        grouping(g),
        labels(std::move(l)) {
    CoverChild(*expr);
    if (param != nullptr) CoverChild(*param);
  }
  AggregationOp op;
  ExprPtr expr;
  ExprPtr param;
  Grouping grouping;                // kBy with no labels when nothing was written
  std::vector<std::string> labels;  // as written: not sorted, may repeat
};

enum class BinaryOp : uint8_t {
  kAdd,
  kSub,
  kMul,
  kDiv,
  kMod,
  kPow,
  kAtan2,
  kEqual,
  kNotEqual,
  kLess,
  kLessOrEqual,
  kGreater,
  kGreaterOrEqual,
  kAnd,
  kOr,
  kUnless,
  kTrimUpper,  // `</`, on native histograms
  kTrimLower,  // `>/`, on native histograms
};
std::string_view BinaryOpText(BinaryOp op);
constexpr bool IsComparison(BinaryOp op) {
  return op >= BinaryOp::kEqual && op <= BinaryOp::kGreaterOrEqual;
}
constexpr bool IsSetOperator(BinaryOp op) {
  return op >= BinaryOp::kAnd && op <= BinaryOp::kUnless;
}

// Whether a comparison filters or answers 0 and 1 (the `bool` modifier).
enum class ComparisonResult : uint8_t { kFilter, kBool };

enum class Cardinality : uint8_t { kOneToOne, kManyToOne, kOneToMany, kManyToMany };
enum class MatchOn : uint8_t { kIgnoring, kOn };

struct VectorMatching {
  Cardinality cardinality =
      Cardinality::kOneToOne;       // kManyToOne: group_left; kManyToMany: set operators
  MatchOn on = MatchOn::kIgnoring;  // kIgnoring with no labels when nothing was written
  std::vector<std::string> labels;
  std::vector<std::string> include;  // of group_left and group_right
  // Values for the series without a partner on that side (the `fill` modifiers); only when both
  // sides are instant vectors and the operator is no set operator.
  std::optional<double> fill_left;
  std::optional<double> fill_right;
};

struct Binary final : Expr {
  static constexpr ExprKind kKind = ExprKind::kBinary;
  Binary(BinaryOp o, ExprPtr l, ExprPtr r, ComparisonResult c, std::optional<VectorMatching> m)
      : Expr(kKind, l->type() == ValueType::kScalar && r->type() == ValueType::kScalar
                        ? ValueType::kScalar
                        : ValueType::kVector),
        op(o),
        lhs(std::move(l)),
        rhs(std::move(r)),
        comparison(c),
        matching(std::move(m)) {
    CoverChild(*lhs);
    CoverChild(*rhs);
  }
  BinaryOp op;
  ExprPtr lhs;
  ExprPtr rhs;
  ComparisonResult comparison;  // kFilter for the operators that are no comparison
  std::optional<VectorMatching> matching;
};

enum class UnaryOp : uint8_t { kPlus, kMinus };

struct Unary final : Expr {
  static constexpr ExprKind kKind = ExprKind::kUnary;
  Unary(UnaryOp o, ExprPtr e) : Expr(kKind, e->type()), op(o), expr(std::move(e)) {
    CoverChild(*expr);
  }
  UnaryOp op;
  ExprPtr expr;  // scalar or instant vector
};

struct Paren final : Expr {
  static constexpr ExprKind kKind = ExprKind::kParen;
  explicit Paren(ExprPtr e) : Expr(kKind, e->type()), expr(std::move(e)) { CoverChild(*expr); }
  ExprPtr expr;
};

// The expression inside any number of parentheses.
inline const Expr& WithoutParens(const Expr& expr) {
  const Expr* at = &expr;
  while (const auto* paren = at->TryAs<Paren>()) at = paren->expr.get();
  return *at;
}

}  // namespace varve::promql
