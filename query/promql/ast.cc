#include "query/promql/ast.h"

#include <algorithm>
#include <array>

namespace varve::promql {
namespace {

constexpr std::array<std::string_view, 14> kAggregationNames = {
    "sum",    "avg",  "count",   "min",          "max",      "group",  "stddev",
    "stdvar", "topk", "bottomk", "count_values", "quantile", "limitk", "limit_ratio"};
static_assert(kAggregationNames.size() == static_cast<size_t>(AggregationOp::kLimitRatio) + 1);

constexpr std::array<std::string_view, 18> kBinaryOpTexts = {"+",      "-",     "*",  "/",   "%",
                                                             "^",      "atan2", "==", "!=",  "<",
                                                             "<=",     ">",     ">=", "and", "or",
                                                             "unless", "</",    ">/"};
static_assert(kBinaryOpTexts.size() == static_cast<size_t>(BinaryOp::kTrimLower) + 1);

constexpr std::array<std::string_view, 11> kDurationOpTexts = {
    "", "+", "-", "*", "/", "%", "^", "step", "range", "min_of", "max_of"};
static_assert(kDurationOpTexts.size() == static_cast<size_t>(DurationOp::kMaxOf) + 1);

}  // namespace

std::string_view ShortType(ValueType type) {
  switch (type) {
    case ValueType::kScalar:
      return "scalar";
    case ValueType::kString:
      return "string";
    case ValueType::kVector:
      return "vector";
    case ValueType::kMatrix:
      return "matrix";
    case ValueType::kNone:
      break;
  }
  return "none";
}

std::string_view DocumentedType(ValueType type) {
  switch (type) {
    case ValueType::kScalar:
      return "scalar";
    case ValueType::kString:
      return "string";
    case ValueType::kVector:
      return "instant vector";
    case ValueType::kMatrix:
      return "range vector";
    case ValueType::kNone:
      break;
  }
  return "none";
}

std::string LineColumn(std::string_view text, uint32_t offset) {
  if (text.empty()) return "unknown position";
  const std::string_view before = text.substr(0, offset);
  const auto line = std::count(before.begin(), before.end(), '\n') + 1;
  const size_t newline = before.rfind('\n');
  const size_t column =
      newline == std::string_view::npos ? before.size() + 1 : before.size() - newline;
  return std::to_string(line) + ":" + std::to_string(column);
}

std::string_view AggregationName(AggregationOp op) {
  return kAggregationNames[static_cast<size_t>(op)];
}

ValueType AggregationParamType(AggregationOp op) {
  switch (op) {
    case AggregationOp::kTopk:
    case AggregationOp::kBottomk:
    case AggregationOp::kQuantile:
    case AggregationOp::kLimitk:
    case AggregationOp::kLimitRatio:
      return ValueType::kScalar;
    case AggregationOp::kCountValues:
      return ValueType::kString;
    default:
      return ValueType::kNone;
  }
}

std::string_view MatchOpText(MatchOp op) {
  switch (op) {
    case MatchOp::kEqual:
      return "=";
    case MatchOp::kNotEqual:
      return "!=";
    case MatchOp::kRegexMatch:
      return "=~";
    case MatchOp::kRegexNotMatch:
      return "!~";
  }
  return "=";
}

std::string_view DurationOpText(DurationOp op) { return kDurationOpTexts[static_cast<size_t>(op)]; }

std::string_view BinaryOpText(BinaryOp op) { return kBinaryOpTexts[static_cast<size_t>(op)]; }

}  // namespace varve::promql
