// Database::Cardinality: which labels make how many series.
#include <algorithm>
#include <map>
#include <string>
#include <string_view>
#include <unordered_map>
#include <utility>
#include <vector>

#include "base/status_macros.h"
#include "engine/database_impl.h"

namespace varve::engine {
namespace {

// Largest first, equal ones by name.
std::vector<NamedCount> Largest(std::vector<NamedCount> counts, size_t limit) {
  const auto larger = [](const NamedCount& a, const NamedCount& b) {
    return a.value != b.value ? a.value > b.value : a.name < b.name;
  };
  const size_t kept = std::min(limit, counts.size());
  std::partial_sort(counts.begin(), counts.begin() + static_cast<ptrdiff_t>(kept), counts.end(),
                    larger);
  counts.resize(kept);
  return counts;
}

class LabelCounter {
 public:
  void Add(const Labels& labels) {
    ++series_count_;
    for (const LabelView label : labels)
      ++names_[std::string(label.name)][std::string(label.value)];
  }

  CardinalityReport Report(size_t limit) const {
    CardinalityReport report;
    report.series_count = series_count_;
    std::vector<NamedCount> values;
    std::vector<NamedCount> bytes;
    std::vector<NamedCount> pairs;
    for (const auto& [name, of_name] : names_) {
      values.push_back({name, of_name.size()});
      uint64_t value_bytes = 0;
      for (const auto& [value, count] : of_name) {
        value_bytes += value.size();
        pairs.push_back({name + "=" + value, count});
        if (name == "__name__") report.series_by_metric_name.push_back({value, count});
      }
      bytes.push_back({name, value_bytes});
    }
    report.label_pair_count = pairs.size();
    report.series_by_metric_name = Largest(std::move(report.series_by_metric_name), limit);
    report.values_by_label_name = Largest(std::move(values), limit);
    report.bytes_by_label_name = Largest(std::move(bytes), limit);
    report.series_by_label_pair = Largest(std::move(pairs), limit);
    return report;
  }

 private:
  uint64_t series_count_ = 0;
  std::map<std::string, std::unordered_map<std::string, uint64_t>> names_;
};

}  // namespace

CardinalityReport DatabaseImpl::Cardinality(size_t limit) {
  CardinalityReport report;
  auto named = [](const std::vector<index::LabelCount>& counts) {
    std::vector<NamedCount> out;
    for (const index::LabelCount& count : counts) out.push_back({count.name, count.value});
    return out;
  };
  ReaderLock lock(&head_.index_mutex);
  report.series_count = head_.index.Match({}).size();
  report.series_by_metric_name = named(head_.index.SeriesByMetricName(limit));
  report.values_by_label_name = named(head_.index.ValuesByLabelName(limit));
  report.bytes_by_label_name = named(head_.index.BytesByLabelName(limit));
  report.series_by_label_pair = named(head_.index.SeriesByPair(limit));
  report.label_pair_count = head_.index.pair_count();
  return report;
}

Result<CardinalityReport> DatabaseImpl::Cardinality(size_t limit, TimeRange range) {
  ReaderLock lock(&open_mutex_);
  RETURN_IF_ERROR(CheckOpen());
  MetricsReader reader(&head_, store_.get(), &readers_, &tombstones_);
  ASSIGN_OR_RETURN(const auto selection,
                   reader.SelectUnion({}, range, MetricsReader::Rollups::kListed));
  LabelCounter counter;
  for (size_t i = 0; i < selection->series_count(); ++i) counter.Add(selection->labels(i));
  return counter.Report(limit);
}

}  // namespace varve::engine
