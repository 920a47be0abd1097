#include "tools/stats_command.h"

#include <cstdint>
#include <cstdio>
#include <memory>
#include <string>
#include <vector>

#include "server/api/number_text.h"
#include "tools/open_database.h"

namespace varve::tools {
namespace {

constexpr size_t kLargestCount = 10;

void PrintCount(const char* name, uint64_t value) {
  std::printf("%-28s %llu\n", name, static_cast<unsigned long long>(value));
}

void PrintTime(const char* name, int64_t time_ms) {
  std::string text;
  server::AppendSeconds(time_ms, &text);
  std::printf("%-28s %s\n", name, text.c_str());
}

void PrintLargest(const char* title, const std::vector<NamedCount>& counts) {
  if (counts.empty()) return;
  std::printf("\n%s\n", title);
  for (const NamedCount& count : counts) {
    std::printf("  %-12llu %s\n", static_cast<unsigned long long>(count.value), count.name.c_str());
  }
}

}  // namespace

int RunInspect(const std::string& data_dir, size_t limit) {
  const Result<std::unique_ptr<Database>> database = OpenExisting(data_dir);
  Result<CardinalityReport> report = database.ok() ? (*database)->Cardinality(limit, TimeRange())
                                                   : Result<CardinalityReport>(database.status());
  if (!report.ok()) {
    std::fprintf(stderr, "varve inspect: %s\n", report.status().message().c_str());
    return 1;
  }
  std::printf("%-8s %-9s %-24s %5s %-14s %-14s %10s %12s %12s\n", "part", "signal", "rule", "level",
              "from (s)", "to (s)", "series", "samples", "bytes");
  for (const PartDescription& part : (*database)->Parts()) {
    uint64_t bytes = 0;
    for (const NamedCount& family : part.family_bytes) bytes += family.value;
    std::printf("%-8llu %-9s %-24s %5u %-14.3f %-14.3f %10llu %12llu %12llu\n",
                static_cast<unsigned long long>(part.part_id), part.signal.c_str(),
                part.rule.c_str(), part.level, static_cast<double>(part.range.min_ms) / 1000,
                static_cast<double>(part.range.max_ms) / 1000,
                static_cast<unsigned long long>(part.series_count),
                static_cast<unsigned long long>(part.sample_count),
                static_cast<unsigned long long>(bytes));
  }
  PrintCount("series, each once", report->series_count);
  PrintCount("label pairs", report->label_pair_count);
  PrintLargest("metrics with most series", report->series_by_metric_name);
  PrintLargest("label pairs with most series", report->series_by_label_pair);
  PrintLargest("labels with most values", report->values_by_label_name);
  PrintLargest("labels with most bytes of values", report->bytes_by_label_name);
  return 0;
}

int RunStats(const std::string& data_dir) {
  const Result<std::unique_ptr<Database>> database = OpenExisting(data_dir);
  if (!database.ok()) {
    std::fprintf(stderr, "varve stats: %s\n", database.status().message().c_str());
    return 1;
  }
  const DatabaseStatistics statistics = (*database)->Statistics();
  PrintCount("head series", statistics.head_series_count);
  PrintCount("head chunks", statistics.head_chunk_count);
  PrintCount("head sample bytes", statistics.head_sample_bytes);
  PrintCount("head index bytes", statistics.head_index_bytes);
  if (statistics.head_chunk_count > 0) {
    PrintTime("head oldest sample (s)", statistics.head_min_time_ms);
    PrintTime("head newest sample (s)", statistics.head_max_time_ms);
  }
  PrintCount("parts", statistics.part_count);
  PrintCount("part samples", statistics.part_sample_count);
  PrintCount("part bytes", statistics.part_bytes);
  PrintCount("journal bytes", statistics.journal_bytes);
  PrintCount("recovery ms", statistics.recovery_ms);
  PrintCount("damaged journal records", statistics.recovery_damaged_records);
  const CardinalityReport report = (*database)->Cardinality(kLargestCount);
  PrintLargest("metrics with most series in memory", report.series_by_metric_name);
  PrintLargest("labels with most values in memory", report.values_by_label_name);
  return 0;
}

}  // namespace varve::tools
