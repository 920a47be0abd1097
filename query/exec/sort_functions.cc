#include "query/exec/sort_functions.h"

#include <algorithm>
#include <cmath>
#include <compare>

#include "base/check.h"
#include "query/exec/row_operation.h"

namespace varve::promql::exec {
namespace {

bool IsDigit(char c) { return c >= '0' && c <= '9'; }

// Cuts the leading run of digits, or of anything else, off `text`.
std::string_view NextChunk(std::string_view* text) {
  size_t length = 1;
  while (length < text->size() && IsDigit((*text)[length]) == IsDigit((*text)[0])) ++length;
  const std::string_view chunk = text->substr(0, length);
  text->remove_prefix(length);
  return chunk;
}

std::string_view WithoutZeros(std::string_view digits) {
  const size_t zeros = std::min(digits.find_first_not_of('0'), digits.size());
  return digits.substr(zeros);
}

std::strong_ordering CompareChunks(std::string_view a, std::string_view b) {
  if (!IsDigit(a[0]) || !IsDigit(b[0])) return a <=> b;
  const std::string_view x = WithoutZeros(a);
  const std::string_view y = WithoutZeros(b);
  if (x.size() != y.size()) return x.size() <=> y.size();
  if (x != y) return x <=> y;
  // Equal numbers: the one with fewer zeros in front.
  return a.size() <=> b.size();
}

void SortByValue(FunctionId function, VectorValue* value) {
  const bool descending = function == FunctionId::kSortDesc;
  std::stable_sort(value->rows().begin(), value->rows().end(),
                   [&](const SeriesRow& a, const SeriesRow& b) {
                     const double x = a.column.values[0];
                     const double y = b.column.values[0];
                     if (std::isnan(x) || std::isnan(y)) return !std::isnan(x) && std::isnan(y);
                     return descending ? x > y : x < y;
                   });
}

void SortByLabels(FunctionId function, const std::vector<std::string>& labels, VectorValue* value) {
  const bool descending = function == FunctionId::kSortByLabelDesc;
  const auto precedes = [&](const SeriesRow& a, const SeriesRow& b) {
    for (const std::string& name : labels) {
      const std::string_view x = a.labels.Get(name);
      const std::string_view y = b.labels.Get(name);
      if (x == y) continue;
      return NaturalLess(x, y);
    }
    return (a.labels <=> b.labels) < 0;
  };
  std::sort(value->rows().begin(), value->rows().end(),
            [&](const SeriesRow& a, const SeriesRow& b) {
              return descending ? precedes(b, a) : precedes(a, b);
            });
}

}  // namespace

bool NaturalLess(std::string_view a, std::string_view b) {
  while (!a.empty() && !b.empty()) {
    const std::strong_ordering order = CompareChunks(NextChunk(&a), NextChunk(&b));
    if (order != 0) return order < 0;
  }
  return a.empty() && !b.empty();
}

void DropHistograms(VectorValue* value) {
  for (SeriesRow& row : value->rows()) {
    if (row.column.histograms != nullptr) TakeHistogramSteps(value->step_count(), row.column);
  }
  value->DropEmptyRows();
}

void SortRows(FunctionId function, const std::vector<std::string>& labels, VectorValue* value) {
  VARVE_CHECK(value->step_count() == 1);
  if (function == FunctionId::kSort || function == FunctionId::kSortDesc) {
    SortByValue(function, value);
  } else {
    SortByLabels(function, labels, value);
  }
}

}  // namespace varve::promql::exec
