#include "query/traceql/value.h"

#include <re2/re2.h>

#include <charconv>
#include <cmath>
#include <limits>

#include "base/check.h"

namespace varve::traceql {
namespace {

template <typename T>
bool Ordered(Operator op, const T& a, const T& b) {
  switch (op) {
    case Operator::kEqual:
      return a == b;
    case Operator::kNotEqual:
      return a != b;
    case Operator::kGreater:
      return a > b;
    case Operator::kGreaterEqual:
      return a >= b;
    case Operator::kLess:
      return a < b;
    case Operator::kLessEqual:
      return a <= b;
    default:
      return false;
  }
}

bool Matches(const re2::RE2& regex, std::string_view text) {
  return re2::RE2::FullMatch({text.data(), text.size()}, regex);
}

// Negations hold for a list only if they hold for every element.
bool CompareList(Operator op, const Value& list, const Value& other, const re2::RE2* regex,
                 bool is_left) {
  const bool for_all = op == Operator::kNotEqual || op == Operator::kNotRegex;
  for (const Value& element : *list.list) {
    const bool holds =
        is_left ? Compare(op, element, other, regex) : Compare(op, other, element, regex);
    if (holds != for_all) return holds;
  }
  return for_all && !list.list->empty();
}

int64_t IntegerPower(int64_t base, int64_t exponent) {
  if (exponent < 0) return 0;
  uint64_t result = 1;
  auto square = static_cast<uint64_t>(base);
  for (; exponent > 0; exponent >>= 1) {
    if ((exponent & 1) != 0) result *= square;
    square *= square;
  }
  return static_cast<int64_t>(result);
}

Value CalculateIntegers(Operator op, int64_t left, int64_t right) {
  const auto a = static_cast<uint64_t>(left);
  const auto b = static_cast<uint64_t>(right);
  const auto of = [](uint64_t bits) {
    return Value::Of(ValueType::kInt, static_cast<int64_t>(bits));
  };
  switch (op) {
    case Operator::kAdd:
      return of(a + b);
    case Operator::kSubtract:
      return of(a - b);
    case Operator::kMultiply:
      return of(a * b);
    case Operator::kDivide:
      if (right == 0) return Value::Nil();
      return right == -1 ? of(0 - a) : Value::Of(ValueType::kInt, left / right);
    case Operator::kModulo:
      if (right == 0) return Value::Nil();
      return Value::Of(ValueType::kInt, right == -1 ? 0 : left % right);
    default:
      return Value::Of(ValueType::kInt, IntegerPower(left, right));
  }
}

}  // namespace

std::string_view OperatorText(Operator op) {
  static constexpr std::string_view kTexts[] = {
      "+",  "-", "*",  "/",  "%",  "^", "=",  "!=", "=~", "!~", ">",
      ">=", "<", "<=", "&&", "||", ">", ">>", "<",  "<<", "~"};
  return kTexts[static_cast<size_t>(op)];
}

bool Compare(Operator op, const Value& left, const Value& right, const re2::RE2* regex) {
  if (left.type == ValueType::kList) return CompareList(op, left, right, regex, true);
  if (right.type == ValueType::kList) return CompareList(op, right, left, regex, false);
  if (op == Operator::kRegex || op == Operator::kNotRegex) {
    if (left.type != ValueType::kString || regex == nullptr) return false;
    return Matches(*regex, left.text) == (op == Operator::kRegex);
  }
  if (right.is_literal_nil()) {
    if (op == Operator::kEqual) return left.is_nil();
    return op == Operator::kNotEqual && !left.is_nil();
  }
  if (left.is_nil() || right.is_nil()) return false;
  if (left.is_numeric() && right.is_numeric()) {
    if (left.type != ValueType::kFloat && right.type != ValueType::kFloat) {
      return Ordered(op, left.integer, right.integer);
    }
    return Ordered(op, left.as_number(), right.as_number());
  }
  if (left.type != right.type) return false;
  if (left.type == ValueType::kString) return Ordered(op, left.text, right.text);
  return Ordered(op, left.integer, right.integer);
}

Value Calculate(Operator op, const Value& left, const Value& right) {
  VARVE_CHECK(IsArithmetic(op));
  if (left.type == ValueType::kString && right.type == ValueType::kString) return Value::Nil();
  if (!left.is_numeric() || !right.is_numeric()) return Value::Nil();
  if (left.type == ValueType::kInt && right.type == ValueType::kInt) {
    return CalculateIntegers(op, left.integer, right.integer);
  }
  const double a = left.as_number();
  const double b = right.as_number();
  switch (op) {
    case Operator::kAdd:
      return Value::Float(a + b);
    case Operator::kSubtract:
      return Value::Float(a - b);
    case Operator::kMultiply:
      return Value::Float(a * b);
    case Operator::kDivide:
      return Value::Float(a / b);
    case Operator::kModulo:
      return Value::Float(std::fmod(a, b));
    default:
      return Value::Float(std::pow(a, b));
  }
}

std::string_view StatusText(int64_t status) {
  if (status == static_cast<int64_t>(SpanStatus::kError)) return "error";
  if (status == static_cast<int64_t>(SpanStatus::kOk)) return "ok";
  return "unset";
}

std::string_view KindText(int64_t kind) {
  static constexpr std::string_view kTexts[] = {"unspecified", "internal", "server",
                                                "client",      "producer", "consumer"};
  return kind >= 0 && kind < 6 ? kTexts[kind] : "unspecified";
}

std::string DurationText(int64_t duration_ns) {
  std::string text;
  auto ns = static_cast<uint64_t>(duration_ns);
  if (duration_ns < 0) {
    text = "-";
    ns = 0 - ns;
  }
  const auto fraction = [&](uint64_t whole, uint64_t unit, const char* name) {
    text += std::to_string(whole / unit);
    if (whole % unit != 0) {
      std::string digits = std::to_string(unit + whole % unit).substr(1);
      while (digits.back() == '0') digits.pop_back();
      text += '.' + digits;
    }
    text += name;
  };
  constexpr uint64_t kUs = 1000;
  constexpr uint64_t kMs = 1'000'000;
  constexpr uint64_t kS = 1'000'000'000;
  if (ns == 0) return "0s";
  if (ns < kUs) return text + std::to_string(ns) + "ns";
  if (ns < kMs) return fraction(ns, kUs, "\xc2\xb5s"), text;
  if (ns < kS) return fraction(ns, kMs, "ms"), text;
  const uint64_t minutes = ns / (60 * kS);
  if (minutes >= 60) text += std::to_string(minutes / 60) + 'h';
  if (minutes > 0) text += std::to_string(minutes % 60) + 'm';
  fraction(ns % (60 * kS), kS, "s");
  return text;
}

std::string Value::ToText() const {
  switch (type) {
    case ValueType::kNil:
      return "nil";
    case ValueType::kInt:
      return std::to_string(integer);
    case ValueType::kFloat: {
      char buffer[64];
      const auto end = std::to_chars(buffer, buffer + sizeof buffer, number).ptr;
      return std::string(buffer, end);
    }
    case ValueType::kString:
      return std::string(text);
    case ValueType::kBool:
      return integer != 0 ? "true" : "false";
    case ValueType::kDuration:
      return DurationText(integer);
    case ValueType::kStatus:
      return std::string(StatusText(integer));
    case ValueType::kKind:
      return std::string(KindText(integer));
    case ValueType::kList:
      break;
  }
  std::string joined;
  for (const Value& element : *list) joined += (joined.empty() ? "" : ", ") + element.ToText();
  return joined;
}

}  // namespace varve::traceql
