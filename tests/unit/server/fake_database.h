// A Database that answers what a test tells it to.
#pragma once

#include <functional>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "varve/database.h"

namespace varve::server {

class FakeDatabase : public Database {
 public:
  Status Close() override { return OkStatus(); }
  Result<AppendResult> Append(WriteBatch* batch) override {
    ++append_count;
    return append ? append(batch) : AcceptAll(*batch);
  }
  Result<std::vector<Labels>> Series(std::span<const Selector>, TimeRange range,
                                     size_t limit) override {
    last_range = range;
    return Limited(series, limit);
  }
  Result<std::vector<std::string>> LabelNames(std::span<const Selector>, TimeRange range,
                                              size_t limit) override {
    last_range = range;
    return Limited(strings, limit);
  }
  Result<std::vector<std::string>> LabelValues(std::string_view name, std::span<const Selector>,
                                               TimeRange range, size_t limit) override {
    last_label = name;
    last_range = range;
    return Limited(strings, limit);
  }
  Result<std::unique_ptr<SeriesCursor>> Read(std::span<const Selector>, TimeRange range) override {
    last_range = range;
    return std::unique_ptr<SeriesCursor>(std::make_unique<Cursor>(samples));
  }
  Result<std::vector<SeriesExemplars>> Exemplars(std::span<const Selector>,
                                                 TimeRange range) override {
    last_range = range;
    return exemplars;
  }
  Result<DeleteReport> Delete(std::span<const Selector> selectors, TimeRange range) override {
    deleted.assign(selectors.begin(), selectors.end());
    last_range = range;
    return DeleteReport{selectors.size()};
  }
  Result<SpanAppendResult> AppendSpans(std::string traces_data) override {
    last_traces = std::move(traces_data);
    return span_result;
  }
  Result<std::optional<std::string>> Trace(std::string_view) override { return trace; }
  std::vector<MetricMetadata> Metadata() override { return metadata; }
  Status Checkpoint() override { return OkStatus(); }
  Status Flush() override {
    ++flush_count;
    return flush_status;
  }
  Result<CompactReport> Compact() override {
    ++compact_count;
    return CompactReport{};
  }
  Result<std::vector<ExpiringPart>> Expiring(std::optional<int64_t>) override { return expiring; }
  Status Snapshot(const std::string& directory) override {
    last_directory = directory;
    return snapshot_status;
  }
  Result<BackupReport> Backup(const std::string& directory) override {
    last_directory = directory;
    return BackupReport{};
  }
  Result<VerifyReport> Verify() override { return verify_report; }
  Result<RepairReport> Repair() override { return repair_report; }
  std::vector<PartDescription> Parts() override { return parts; }
  Status Maintain() override {
    ++maintain_count;
    return OkStatus();
  }
  DatabaseStatistics Statistics() override { return statistics; }
  CardinalityReport Cardinality(size_t limit) override {
    last_limit = limit;
    return cardinality;
  }
  Result<CardinalityReport> Cardinality(size_t limit, TimeRange range) override {
    last_limit = limit;
    last_range = range;
    return cardinality;
  }

  static Result<AppendResult> AcceptAll(const WriteBatch& batch) {
    AppendResult result;
    result.samples_appended = batch.sample_count();
    result.histograms_appended = batch.histograms().size();
    result.exemplars_appended = batch.exemplars().size();
    return result;
  }

  std::function<Result<AppendResult>(WriteBatch*)> append;
  Status flush_status;
  std::string last_traces;
  SpanAppendResult span_result;
  std::optional<std::string> trace;
  std::vector<Labels> series;
  std::vector<std::string> strings;
  std::vector<MetricMetadata> metadata;
  std::vector<SeriesSamples> samples;
  std::vector<SeriesExemplars> exemplars;
  std::vector<Selector> deleted;
  DatabaseStatistics statistics;
  CardinalityReport cardinality;
  int append_count = 0;
  int flush_count = 0;
  int maintain_count = 0;
  int compact_count = 0;
  VerifyReport verify_report;
  RepairReport repair_report;
  std::vector<PartDescription> parts;
  std::string last_directory;
  Status snapshot_status;
  std::vector<ExpiringPart> expiring;
  size_t last_limit = 0;
  TimeRange last_range;
  std::string last_label;

 private:
  class Cursor final : public SeriesCursor {
   public:
    explicit Cursor(std::vector<SeriesSamples> all) : all_(std::move(all)) {}
    Result<bool> Next(SeriesSamples* out) override {
      if (next_ == all_.size()) return false;
      *out = all_[next_++];
      return true;
    }

   private:
    const std::vector<SeriesSamples> all_;
    size_t next_ = 0;
  };
  template <typename T>
  static std::vector<T> Limited(const std::vector<T>& all, size_t limit) {
    return limit == 0 || limit >= all.size()
               ? all
               : std::vector<T>(all.begin(), all.begin() + static_cast<std::ptrdiff_t>(limit));
  }
};

}  // namespace varve::server
