// Operators, pair by pair.
#include <algorithm>
#include <cmath>
#include <set>
#include <string>

#include "base/status_macros.h"
#include "tests/differential/naive_evaluator.h"

namespace varve::differential {
namespace {

using promql::BinaryOp;
using promql::Cardinality;
using promql::MatchOn;
using promql::VectorMatching;

bool Contains(const std::vector<std::string>& names, const std::string& name) {
  return std::find(names.begin(), names.end(), name) != names.end();
}

// The labels that two elements must share to match.
LabelMap Signature(const VectorMatching& matching, const LabelMap& labels) {
  LabelMap out;
  for (const auto& [name, value] : labels) {
    const bool listed = Contains(matching.labels, name);
    if (matching.on == MatchOn::kOn ? listed : !listed && name != "__name__") out[name] = value;
  }
  return out;
}

InstantVector SetOperation(BinaryOp op, const VectorMatching& matching, const InstantVector& lhs,
                           const InstantVector& rhs) {
  std::set<LabelMap> left;
  std::set<LabelMap> right;
  for (const Element& element : lhs) left.insert(Signature(matching, element.labels));
  for (const Element& element : rhs) right.insert(Signature(matching, element.labels));
  InstantVector out;
  for (const Element& element : lhs) {
    const bool partner = right.count(Signature(matching, element.labels)) > 0;
    if (op == BinaryOp::kOr || partner == (op == BinaryOp::kAnd)) out.push_back(element);
  }
  if (op != BinaryOp::kOr) return out;
  for (const Element& element : rhs) {
    if (left.count(Signature(matching, element.labels)) == 0) out.push_back(element);
  }
  return out;
}

LabelMap ResultLabels(const promql::Binary& binary, const LabelMap& many, const LabelMap& one) {
  const VectorMatching& matching = *binary.matching;
  LabelMap out = many;
  if (!promql::IsComparison(binary.op)) out.erase("__name__");
  if (matching.cardinality == Cardinality::kOneToOne) {
    for (const auto& [name, value] : many) {
      if (Contains(matching.labels, name) != (matching.on == MatchOn::kOn)) out.erase(name);
    }
  }
  for (const std::string& name : matching.include) {
    out.erase(name);
    if (const auto at = one.find(name); at != one.end()) out.insert(*at);
  }
  if (binary.comparison == promql::ComparisonResult::kBool) out.erase("__name__");
  return out;
}

// The value of one pair; false where the comparison filters it out.
bool PairValue(const promql::Binary& binary, double left, double right, double* value) {
  if (!promql::IsComparison(binary.op)) return *value = Arithmetic(binary.op, left, right), true;
  const bool holds = Compare(binary.op, left, right);
  if (binary.comparison == promql::ComparisonResult::kBool) return *value = holds ? 1 : 0, true;
  *value = left;
  return holds;
}

class PairMatcher {
 public:
  PairMatcher(const promql::Binary& binary, int64_t t) : binary_(binary), t_(t) {}

  // A pair that the comparison filters out still counts as a match.
  Status Add(const LabelMap& signature, const Element& many, const Element& one) {
    const bool swapped = binary_.matching->cardinality == Cardinality::kOneToMany;
    Element element{ResultLabels(binary_, many.labels, one.labels), 0, t_};
    std::set<LabelMap>& results = matched_[signature];
    const bool ambiguous = binary_.matching->cardinality == Cardinality::kOneToOne
                               ? !results.empty()
                               : results.count(element.labels) > 0;
    if (ambiguous) return OutOfRangeError("multiple matches for labels");
    results.insert(element.labels);
    const double left = swapped ? one.value : many.value;
    const double right = swapped ? many.value : one.value;
    if (PairValue(binary_, left, right, &element.value)) out_.push_back(std::move(element));
    return OkStatus();
  }
  bool HasMatched(const LabelMap& signature) const { return matched_.count(signature) > 0; }
  const InstantVector& out() const { return out_; }

 private:
  const promql::Binary& binary_;
  const int64_t t_;
  std::map<LabelMap, std::set<LabelMap>> matched_;
  InstantVector out_;
};

}  // namespace

double Arithmetic(BinaryOp op, double a, double b) {
  switch (op) {
    case BinaryOp::kAdd:
      return a + b;
    case BinaryOp::kSub:
      return a - b;
    case BinaryOp::kMul:
      return a * b;
    case BinaryOp::kDiv:
      return a / b;
    case BinaryOp::kMod:
      return std::fmod(a, b);
    case BinaryOp::kPow:
      return std::pow(a, b);
    default:
      return std::atan2(a, b);
  }
}

bool Compare(BinaryOp op, double a, double b) {
  switch (op) {
    case BinaryOp::kEqual:
      return a == b;
    case BinaryOp::kNotEqual:
      return a != b;
    case BinaryOp::kLess:
      return a < b;
    case BinaryOp::kLessOrEqual:
      return a <= b;
    case BinaryOp::kGreater:
      return a > b;
    default:
      return a >= b;
  }
}

Result<InstantVector> MatchVectors(const promql::Binary& binary, const InstantVector& lhs,
                                   const InstantVector& rhs, int64_t t) {
  const VectorMatching& matching = *binary.matching;
  if (promql::IsSetOperator(binary.op)) return SetOperation(binary.op, matching, lhs, rhs);
  const bool fills = matching.fill_left.has_value() || matching.fill_right.has_value();
  if ((lhs.empty() && rhs.empty()) || ((lhs.empty() || rhs.empty()) && !fills)) {
    return InstantVector();
  }
  const bool swapped = matching.cardinality == Cardinality::kOneToMany;
  std::map<LabelMap, Element> ones;
  for (const Element& one : swapped ? lhs : rhs) {
    if (!ones.emplace(Signature(matching, one.labels), one).second) {
      return OutOfRangeError("duplicate series for the match group");
    }
  }
  PairMatcher pairs(binary, t);
  // As the reference names them: whatever side the many are on, fill_right is for their partners.
  for (const Element& many : swapped ? rhs : lhs) {
    const LabelMap signature = Signature(matching, many.labels);
    if (const auto one = ones.find(signature); one != ones.end()) {
      RETURN_IF_ERROR(pairs.Add(signature, many, one->second));
    } else if (matching.fill_right.has_value()) {
      RETURN_IF_ERROR(pairs.Add(signature, many, {signature, *matching.fill_right, t}));
    }
  }
  if (!matching.fill_left.has_value()) return pairs.out();
  for (const auto& [signature, one] : ones) {
    if (pairs.HasMatched(signature)) continue;
    RETURN_IF_ERROR(pairs.Add(signature, {signature, *matching.fill_left, t}, one));
  }
  return pairs.out();
}

}  // namespace varve::differential
