// compare(): how attributes of the spans that a selection picks differ from those of the others.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <unordered_map>
#include <utility>
#include <vector>

#include "query/traceql/metrics.h"
#include "query/traceql/trace_table.h"
#include "varve/status.h"
#include "varve/traceql.h"

namespace varve::traceql {

// Thread safety: none.
class Comparer {
 public:
  // All are borrowed.
  Comparer(const MetricStage& metric, const Buckets& buckets, TraceTable* table)
      : metric_(metric), buckets_(buckets), table_(table) {}

  enum class Side : uint32_t { kBaseline = 0, kSelection = 1 };
  // Counts a span of the time of `bucket` as `weight`. REQUIRES: each span once.
  void Add(SpanRef span, size_t bucket, Side side, double weight);
  // The series, by name of the attribute.
  Result<std::vector<MetricSeries>> Finish(const CheckTime& check);

 private:
  // What is counted together: bucket * 2 + side, + 1; 0: a span that does not count.
  using Group = uint32_t;
  struct Marks {
    std::vector<Group> groups;    // by row; empty: no row counts
    std::vector<double> weights;  // empty: all are 1
  };
  struct Count {
    uint64_t key;  // number of the value << 32 | group
    double weight;
  };
  struct Entry {
    ResultValue value;
    double totals[2] = {0, 0};  // by side
    std::vector<std::pair<Group, double>> counts;
  };
  struct Counted {
    std::vector<double> totals[2];                    // by side and bucket
    std::unordered_map<std::string, size_t> numbers;  // by type and text
    std::vector<Entry> entries;
  };

  double WeightOf(const Marks& marks, uint32_t row) const {
    return marks.weights.empty() ? 1 : marks.weights[row];
  }
  Status CountBlock(uint32_t block, const Marks& marks);
  Status CountColumn(const format::SpanBlock& block, uint32_t column, const Marks& marks);
  Status CountResources(uint32_t block, const Marks& marks);
  Status CountIntrinsics(uint32_t block, const Marks& marks);
  Status CountRoots(uint32_t block, const Marks& marks);
  // Adds counts_ to an attribute, `value_of(number)` giving its values.
  template <typename ValueOf>
  void Flush(const std::string& attribute, ValueOf&& value_of);
  void AddEntry(const Value& value, std::vector<std::pair<Group, double>> counts, Counted* counted);
  void FinishSide(const std::string& attribute, const Counted& counted, Side side,
                  std::vector<MetricSeries>* all) const;
  void Emit(ResultAttributes labels, const std::vector<double>& values,
            std::vector<MetricSeries>* all) const;

  const MetricStage& metric_;
  const Buckets& buckets_;
  TraceTable* const table_;
  std::vector<Marks> marks_;  // by block
  std::map<std::string, Counted> attributes_;
  std::vector<Count> counts_;
};

}  // namespace varve::traceql
