#include "query/traceql/result_values.h"

namespace varve::traceql {

ResultValue ToResult(const Value& value) {
  using Type = ResultValue::Type;
  ResultValue result;
  switch (value.type) {
    case ValueType::kNil:
      return result;
    case ValueType::kInt:
      result.type = Type::kInt;
      break;
    case ValueType::kFloat:
      result.type = Type::kFloat;
      break;
    case ValueType::kString:
      result.type = Type::kString;
      break;
    case ValueType::kBool:
      result.type = Type::kBool;
      break;
    case ValueType::kDuration:
      result.type = Type::kDuration;
      break;
    case ValueType::kStatus:
      result.type = Type::kStatus;
      break;
    case ValueType::kKind:
      result.type = Type::kKind;
      break;
    case ValueType::kList:
      return value.list->empty() ? result : ToResult(value.list->front());
  }
  result.text = value.ToText();
  result.integer = value.integer;
  result.number = value.number;
  return result;
}

}  // namespace varve::traceql
