// Shrink: tries what makes a case smaller and keeps it while the difference stays.
#include <algorithm>
#include <iterator>
#include <string>
#include <utility>
#include <vector>

#include "query/promql/parser.h"
#include "query/promql/walk.h"
#include "tests/differential/comparison.h"

namespace varve::differential {
namespace {

using Predicate = std::function<bool(const Case&)>;

// Each text that results when one node gives way to one of its descendants of the same type.
void CollectReplacements(const std::string& query, const promql::Expr& node,
                         const promql::Expr& descendant, std::vector<std::string>* out) {
  if (&node != &descendant && node.type() == descendant.type()) {
    const auto& outer = node.position;
    const auto& inner = descendant.position;
    out->push_back(query.substr(0, outer.begin) +
                   query.substr(inner.begin, inner.end - inner.begin) + query.substr(outer.end));
  }
  promql::ForEachChild(
      descendant, [&](const promql::Expr& child) { CollectReplacements(query, node, child, out); });
}

void CollectShorter(const std::string& query, const promql::Expr& node,
                    std::vector<std::string>* out) {
  CollectReplacements(query, node, node, out);
  promql::ForEachChild(node, [&](const promql::Expr& child) { CollectShorter(query, child, out); });
}

bool ShrinkQuery(const Predicate& differs, Case* test) {
  const auto expr = promql::Parse(test->query);
  if (!expr.ok()) return false;
  std::vector<std::string> shorter;
  CollectShorter(test->query, **expr, &shorter);
  for (std::string& query : shorter) {
    Case candidate = *test;
    candidate.query = std::move(query);
    if (candidate.query.size() >= test->query.size() || !promql::Parse(candidate.query).ok() ||
        !differs(candidate)) {
      continue;
    }
    *test = std::move(candidate);
    return true;
  }
  return false;
}

bool ShrinkTimes(const Predicate& differs, Case* test) {
  if (test->kind == QueryKind::kInstant) return false;
  Case candidate = *test;
  candidate.kind = QueryKind::kInstant;
  for (int64_t t = test->times.start_ms; t <= test->times.end_ms; t += test->times.step_ms) {
    candidate.times.start_ms = candidate.times.end_ms = t;
    if (!differs(candidate)) continue;
    *test = std::move(candidate);
    return true;
  }
  return false;
}

bool ShrinkSeries(const Predicate& differs, Case* test) {
  for (size_t i = 0; i < test->data.size(); ++i) {
    Case candidate = *test;
    candidate.data.erase(candidate.data.begin() + static_cast<int64_t>(i));
    if (!differs(candidate)) continue;
    *test = std::move(candidate);
    return true;
  }
  return false;
}

// Runs of samples, halving their length.
void ShrinkSamples(const Predicate& differs, Case* test) {
  for (size_t i = 0; i < test->data.size(); ++i) {
    for (size_t run = test->data[i].samples.size(); run > 0; run /= 2) {
      for (size_t at = 0; at < test->data[i].samples.size();) {
        Case candidate = *test;
        auto& samples = candidate.data[i].samples;
        const auto begin = std::next(samples.begin(), static_cast<int64_t>(at));
        const size_t count = std::min(run, samples.size() - at);
        samples.erase(begin, std::next(begin, static_cast<int64_t>(count)));
        if (differs(candidate)) {
          *test = std::move(candidate);
        } else {
          at += run;
        }
      }
    }
  }
}

}  // namespace

Case Shrink(Case test, const Predicate& differs) {
  while (ShrinkQuery(differs, &test) || ShrinkTimes(differs, &test)) {
  }
  while (ShrinkSeries(differs, &test)) {
  }
  ShrinkSamples(differs, &test);
  return test;
}

}  // namespace varve::differential
