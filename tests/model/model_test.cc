// The model test: random operations on a database and on its twin must never differ.
#include <gtest/gtest.h>

#include <algorithm>
#include <set>
#include <string>
#include <vector>

#include "base/mutex.h"
#include "tests/model/test_directory.h"
#include "tests/model/twin.h"
#include "tests/model/workload.h"
#include "varve/database.h"

namespace varve::model {
namespace {

class ModelRun {
 public:
  explicit ModelRun(uint64_t seed) : seed_(seed), workload_(seed, 12 + seed % 40) { Reopen(); }

  void Run(size_t operation_count) {
    for (size_t i = 0; i < operation_count && !testing::Test::HasFatalFailure(); ++i) {
      SCOPED_TRACE("seed " + std::to_string(seed_) + ", operation " + std::to_string(i));
      Step();
      if (i % 10 == 0) Compare();
      if (i % 100 == 0) CompareEverything();
      if (testing::Test::HasFailure()) return;
    }
    CompareEverything();
    EXPECT_EQ(errors_logged_, 0u);
    EXPECT_EQ(database_->Statistics().recovery_damaged_records, 0u);
  }

 private:
  Options RandomOptions() {
    std::mt19937_64& random = *workload_.random();
    Options options;
    options.durability = random() % 4 == 0   ? Durability::kSync
                         : random() % 2 == 0 ? Durability::kInterval
                                             : Durability::kNone;
    options.retention_ms = 0;
    options.future_limit_ms = 0;
    options.checkpoint_journal_bytes = 20'000 + random() % 200'000;
    options.head_bytes_max = 40'000 + random() % 200'000;
    options.free_disk_bytes_min = 0;
    options.storage_cache_bytes = size_t{1} << 20;
    options.log = [this](LogLevel level, std::string_view message) {
      if (level != LogLevel::kError) return;
      ++errors_logged_;
      ADD_FAILURE() << "seed " << seed_ << " logged: " << message;
    };
    return options;
  }

  void Reopen() {
    database_.reset();
    workload_.ForgetReferences();
    Result<std::unique_ptr<Database>> opened = Database::Open(RandomOptions(), directory_.path());
    ASSERT_TRUE(opened.ok()) << opened.status().ToString();
    database_ = *std::move(opened);
  }

  void ExpectOk(const Status& status) { ASSERT_TRUE(status.ok()) << status.ToString(); }

  void Step() {
    const uint64_t dice = (*workload_.random())() % 100;
    if (dice < 79) {
      workload_.AppendBatch(database_.get(), &twin_);
    } else if (dice < 80) {
      Delete();
    } else if (dice < 85) {
      ExpectOk(database_->Flush());
    } else if (dice < 91) {
      ExpectOk(database_->Checkpoint());
    } else if (dice < 93) {
      ExpectOk(database_->Maintain());
    } else if (dice < 94) {
      ExpectOk(database_->Compact().status());
    } else if (dice < 96) {
      workload_.JumpAhead(3600 * 1000);
    } else if (dice < 98) {
      ExpectOk(database_->Close());
      Reopen();
    } else {
      Reopen();
    }
  }

  void Delete() {
    const Selector selector = workload_.RandomSelector();
    const TimeRange range = workload_.RandomRange();
    const Result<DeleteReport> report = database_->Delete({&selector, 1}, range);
    ASSERT_TRUE(report.ok()) << report.status().ToString();
    EXPECT_EQ(report->series_matched, twin_.Delete(selector, range));
    CompareEverything();
  }

  void Compare() {
    const Selector selector = workload_.RandomSelector();
    const TimeRange range = workload_.RandomRange();
    const Result<AllSamples> read = ReadSelected(database_.get(), selector, range);
    ASSERT_TRUE(read.ok()) << read.status().ToString();
    EXPECT_EQ(Difference(twin_.Select(selector, range), *read), "");
    CompareSeries(selector, range);
  }

  // Series lists may be wider than the range, never narrower, and never out of the selection.
  void CompareSeries(const Selector& selector, TimeRange range) {
    const auto series = database_->Series({&selector, 1}, range, 0);
    ASSERT_TRUE(series.ok()) << series.status().ToString();
    EXPECT_TRUE(std::is_sorted(series->begin(), series->end()));
    const std::set<Labels> listed(series->begin(), series->end());
    EXPECT_EQ(listed.size(), series->size());
    for (const auto& [labels, samples] : twin_.Select(selector, range)) {
      EXPECT_TRUE(listed.contains(labels)) << labels.ToString() << " is not listed";
    }
    for (const Labels& labels : listed) {
      EXPECT_TRUE(twin_.written().contains(labels)) << labels.ToString() << " was never written";
      EXPECT_TRUE(Matches(labels, selector)) << labels.ToString() << " is not selected";
    }
  }

  void CompareEverything() {
    const Result<AllSamples> read = ReadEverything(database_.get());
    ASSERT_TRUE(read.ok()) << read.status().ToString();
    EXPECT_EQ(Difference(twin_.samples(), *read), "");
    std::vector<Labels> all;
    for (const auto& [labels, samples] : twin_.samples()) all.push_back(labels);
    const std::vector<Labels> written(twin_.written().begin(), twin_.written().end());
    ExpectBetween(all, *database_->Series({}, {}, 0), written);
    const Selector everything{{MatchOp::kRegexMatch, "__name__", ".+"}};
    ExpectBetween(NamesOf(all), *database_->LabelNames({}, {}, 0), NamesOf(written));
    ExpectBetween(JobsOf(all), *database_->LabelValues("job", {}, {}, 0), JobsOf(written));
    ExpectBetween(JobsOf(all), *database_->LabelValues("job", {&everything, 1}, {}, 0),
                  JobsOf(written));
  }

  // Lists are exact but for what was deleted, which may stay listed until its part is merged.
  template <typename T>
  static void ExpectBetween(const std::vector<T>& least, const std::vector<T>& listed,
                            const std::vector<T>& most) {
    EXPECT_TRUE(std::is_sorted(listed.begin(), listed.end()));
    EXPECT_TRUE(std::includes(listed.begin(), listed.end(), least.begin(), least.end()));
    EXPECT_TRUE(std::includes(most.begin(), most.end(), listed.begin(), listed.end()));
  }
  static std::vector<std::string> NamesOf(const std::vector<Labels>& series) {
    std::set<std::string> names;
    for (const Labels& labels : series) {
      for (const LabelView label : labels) names.emplace(label.name);
    }
    return {names.begin(), names.end()};
  }
  static std::vector<std::string> JobsOf(const std::vector<Labels>& series) {
    std::set<std::string> jobs;
    for (const Labels& labels : series) jobs.emplace(labels.Get("job"));
    return {jobs.begin(), jobs.end()};
  }

  const uint64_t seed_;
  TestDirectory directory_;
  Workload workload_;
  Twin twin_;
  std::atomic<uint64_t> errors_logged_{0};
  std::unique_ptr<Database> database_;  // last: its threads log
};

class ModelTest : public testing::TestWithParam<uint64_t> {};

TEST_P(ModelTest, AnswersAsItsTwin) {
  ModelRun run(GetParam());
  run.Run(EnvironmentNumber("VARVE_MODEL_OPERATIONS", 400));
}

// VARVE_MODEL_SEEDS=1000 runs a thousand; VARVE_MODEL_FIRST_SEED repeats one.
INSTANTIATE_TEST_SUITE_P(Seeds, ModelTest,
                         testing::Range(EnvironmentNumber("VARVE_MODEL_FIRST_SEED", 1),
                                        EnvironmentNumber("VARVE_MODEL_FIRST_SEED", 1) +
                                            EnvironmentNumber("VARVE_MODEL_SEEDS", 4)));

}  // namespace
}  // namespace varve::model
