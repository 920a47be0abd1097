// Value: what a TraceQL expression evaluates to, and how two of them compare.
//
// As in Tempo: numbers of all kinds compare with each other; everything else only with its own
// kind, and what does not compare is false, also for !=; a missing attribute is nil.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

namespace re2 {
class RE2;
}

namespace varve::traceql {

enum class ValueType : uint8_t {
  kNil,
  kInt,
  kFloat,
  kString,
  kBool,
  kDuration,  // ns
  kStatus,
  kKind,
  kList,  // of an array or of several events: comparisons hold if they do for any element
};

enum class SpanStatus : int64_t { kUnset = 0, kOk = 1, kError = 2 };  // as in OTLP

struct Value {
  ValueType type = ValueType::kNil;
  int64_t integer = 0;  // kInt, kBool, kDuration, kStatus, kKind; kNil: 1 for the word
  double number = 0;    // kFloat
  std::string_view text;
  std::shared_ptr<const std::vector<Value>> list;

  static Value Nil() { return {}; }
  static Value Of(ValueType type, int64_t integer) { return {type, integer, 0, {}, nullptr}; }
  static Value Float(double number) { return {ValueType::kFloat, 0, number, {}, nullptr}; }
  static Value String(std::string_view text) { return {ValueType::kString, 0, 0, text, nullptr}; }
  static Value Bool(int64_t is_true) { return Of(ValueType::kBool, is_true != 0 ? 1 : 0); }

  bool is_nil() const { return type == ValueType::kNil; }
  // The word nil, which asks whether something is there; what is not there compares with nothing.
  bool is_literal_nil() const { return is_nil() && integer != 0; }
  bool is_numeric() const {
    return type == ValueType::kInt || type == ValueType::kFloat || type == ValueType::kDuration;
  }
  bool is_true() const { return type == ValueType::kBool && integer != 0; }
  double as_number() const {
    return type == ValueType::kFloat ? number : static_cast<double>(integer);
  }
  // For people and labels: strings as they are, "1.5s", "error", "server".
  std::string ToText() const;
};

enum class Operator : uint8_t {
  kAdd,
  kSubtract,
  kMultiply,
  kDivide,
  kModulo,
  kPower,
  kEqual,
  kNotEqual,
  kRegex,
  kNotRegex,
  kGreater,
  kGreaterEqual,
  kLess,
  kLessEqual,
  kAnd,
  kOr,
  // Between spansets.
  kChild,
  kDescendant,
  kParent,
  kAncestor,
  kSibling,
};

inline bool IsArithmetic(Operator op) { return op <= Operator::kPower; }
inline bool IsComparison(Operator op) {
  return op >= Operator::kEqual && op <= Operator::kLessEqual;
}
std::string_view OperatorText(Operator op);

// `regex` is that of the right side for kRegex and kNotRegex. REQUIRES: IsComparison.
bool Compare(Operator op, const Value& left, const Value& right, const re2::RE2* regex);
// nil where it cannot be. REQUIRES: IsArithmetic.
Value Calculate(Operator op, const Value& left, const Value& right);

std::string DurationText(int64_t duration_ns);  // Go's: "1h0m0s", "1.5ms"
std::string_view StatusText(int64_t status);    // "error", "ok", "unset"
std::string_view KindText(int64_t kind);        // "server", ...

}  // namespace varve::traceql
