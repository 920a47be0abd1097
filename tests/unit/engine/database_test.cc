#include "varve/database.h"

#include <algorithm>
#include <atomic>
#include <filesystem>
#include <fstream>
#include <thread>

#include "compaction/planner.h"
#include "tests/unit/engine/database_fixture.h"

namespace varve::engine {
namespace {

class DatabaseTest : public DatabaseFixture {};

const Labels kUp{{"__name__", "up"}, {"job", "x"}};

TEST_F(DatabaseTest, ADirectoryIsOpenOnceAtATime) {
  Open();
  const Result<std::unique_ptr<Database>> second = Database::Open(options_, directory_.path());
  EXPECT_EQ(second.status().code(), StatusCode::kFailedPrecondition);
  EXPECT_NE(second.status().message().find(directory_.path()), std::string::npos)
      << second.status().ToString();
  ASSERT_TRUE(database_->Close().ok());
  EXPECT_EQ(Database::Open(options_, directory_.path()).status().code(),
            StatusCode::kFailedPrecondition);  // given back when the object goes
  Open();
}

TEST_F(DatabaseTest, CreateIfMissingOffRefusesAnAbsentDirectory) {
  options_.create_if_missing = false;
  const std::string absent = directory_.path() + "/absent";
  EXPECT_EQ(Database::Open(options_, absent).status().code(), StatusCode::kNotFound);
  EXPECT_FALSE(std::filesystem::exists(absent));
}

TEST_F(DatabaseTest, MissingParentsAreCreated) {
  const Result<std::unique_ptr<Database>> database =
      Database::Open(options_, directory_.path() + "/a/b/c");
  EXPECT_TRUE(database.ok()) << database.status().ToString();
}

TEST_F(DatabaseTest, AFileInTheWayIsAnError) {
  const std::string path = directory_.path() + "/LOCK";
  std::filesystem::create_directory(path);
  EXPECT_FALSE(Database::Open(options_, directory_.path()).ok());
}

TEST_F(DatabaseTest, AfterCloseCallsAreRefusedAndCloseIsIdempotent) {
  Open();
  Append(kUp, kNowMs, 1);
  ASSERT_TRUE(database_->Close().ok());
  EXPECT_TRUE(database_->Close().ok());
  WriteBatch batch;
  EXPECT_EQ(database_->Append(&batch).status().code(), StatusCode::kFailedPrecondition);
  EXPECT_EQ(database_->Series({}, {}, 0).status().code(), StatusCode::kFailedPrecondition);
  EXPECT_EQ(database_->LabelNames({}, {}, 0).status().code(), StatusCode::kFailedPrecondition);
  EXPECT_EQ(database_->LabelValues("a", {}, {}, 0).status().code(),
            StatusCode::kFailedPrecondition);
  EXPECT_EQ(database_->Flush().code(), StatusCode::kFailedPrecondition);
  EXPECT_EQ(database_->Checkpoint().code(), StatusCode::kFailedPrecondition);
  EXPECT_EQ(database_->Maintain().code(), StatusCode::kFailedPrecondition);
  EXPECT_EQ(database_->Statistics().samples_appended, 1u);
}

TEST_F(DatabaseTest, CloseFromSeveralThreadsAtOnce) {
  Open();
  Append(kUp, kNowMs, 1);
  std::vector<std::thread> threads;
  for (int i = 0; i < 4; ++i) {
    threads.emplace_back([this] { EXPECT_TRUE(database_->Close().ok()); });
  }
  for (std::thread& thread : threads) thread.join();
}

TEST_F(DatabaseTest, CloseWritesACheckpointSoThatNothingIsReplayed) {
  Open();
  Append(kUp, kNowMs, 1);
  EXPECT_GT(database_->Statistics().journal_bytes, 0u);
  ASSERT_TRUE(database_->Close().ok());
  Open();
  EXPECT_EQ(database_->Statistics().journal_bytes, 0u);
  EXPECT_EQ(Read(kUp).size(), 1u);
}

TEST_F(DatabaseTest, WithoutCloseTheJournalIsReplayedAndCounted) {
  Open();
  Append(kUp, kNowMs, 1);
  const uint64_t written = database_->Statistics().journal_bytes;
  Open();
  EXPECT_GE(database_->Statistics().journal_bytes, written);
  EXPECT_EQ(Read(kUp).size(), 1u);
}

TEST_F(DatabaseTest, TwoDatabasesInOneProcessKnowNothingOfEachOther) {
  Open();
  model::TestDirectory other_directory;
  Result<std::unique_ptr<Database>> other = Database::Open(options_, other_directory.path());
  ASSERT_TRUE(other.ok()) << other.status().ToString();
  Append(kUp, kNowMs, 1);
  EXPECT_TRUE((*other)->Series({}, {}, 0)->empty());
  ASSERT_TRUE(database_->Flush().ok());
  EXPECT_EQ((*other)->Statistics().part_count, 0u);
}

TEST_F(DatabaseTest, NothingIsPrinted) {
  testing::internal::CaptureStdout();
  testing::internal::CaptureStderr();
  Open();
  Append(kUp, kNowMs, 1);
  WriteBatch bad;
  bad.BeginSeries();
  bad.AddSample(kNowMs, 1);
  Append(&bad);
  EXPECT_TRUE(database_->Flush().ok());
  Append(kUp, kNowMs + 1, 1);
  EXPECT_TRUE(database_->Maintain().ok());
  const Selector broken{{MatchOp::kRegexMatch, "a", "("}};
  EXPECT_EQ(database_->Series({&broken, 1}, {}, 0).status().code(), StatusCode::kInvalidArgument);
  Open();
  EXPECT_TRUE(database_->Close().ok());
  EXPECT_EQ(testing::internal::GetCapturedStdout(), "");
  EXPECT_EQ(testing::internal::GetCapturedStderr(), "");
}

TEST_F(DatabaseTest, StatisticsCountWhatHappens) {
  Open();
  Append(kUp, kNowMs, 1);
  Append(kUp, kNowMs, 1);              // duplicate
  Append(kUp, kNowMs, 2);              // overwrites
  Append(kUp, kNowMs - 1000, 3);       // late
  Append(kUp, kNowMs - 7'200'000, 4);  // backfill
  DatabaseStatistics statistics = database_->Statistics();
  EXPECT_EQ(statistics.samples_appended, 5u);
  EXPECT_EQ(statistics.samples_duplicate, 1u);
  EXPECT_EQ(statistics.samples_overwritten, 1u);
  EXPECT_GE(statistics.samples_out_of_order, 2u);
  EXPECT_EQ(statistics.series_created, 1u);
  EXPECT_EQ(statistics.head_series_count, 1u);
  EXPECT_EQ(statistics.head_min_time_ms, kNowMs - 7'200'000);
  EXPECT_EQ(statistics.head_max_time_ms, kNowMs);
  EXPECT_GT(statistics.head_sample_bytes, 0u);
  EXPECT_GT(statistics.head_index_bytes, 0u);
  EXPECT_GT(statistics.journal_bytes_written, 0u);
  ASSERT_TRUE(database_->Flush().ok());
  statistics = database_->Statistics();
  EXPECT_EQ(statistics.flush_count, 1u);
  EXPECT_EQ(statistics.part_sample_count, 3u);
  EXPECT_GT(statistics.part_bytes, 0u);
  EXPECT_EQ(statistics.head_sample_bytes, 0u);
  EXPECT_EQ(statistics.head_min_time_ms, 0);
  EXPECT_EQ(statistics.head_max_time_ms, 0);
  EXPECT_EQ(Read(kUp).values, (std::vector<double>{4, 3, 2}));
}

TEST_F(DatabaseTest, AppendByReferenceReachesTheSameSeries) {
  Open();
  WriteBatch batch;
  batch.BeginSeries(kUp);
  batch.AddSample(kNowMs, 1);
  Append(&batch);
  const SeriesRef ref = batch.series_ref(0);
  ASSERT_NE(ref, kNoSeries);
  batch.Clear();
  batch.BeginSeries(ref);
  batch.AddSample(kNowMs + 1, 2);
  Append(&batch);
  EXPECT_EQ(Read(kUp).values, (std::vector<double>{1, 2}));
  EXPECT_EQ(database_->Statistics().series_created, 1u);
}

// The same labels twice, in another order, and with an empty label: one series.
TEST_F(DatabaseTest, LabelsAreCanonicalised) {
  Open();
  WriteBatch batch;
  batch.BeginSeries(std::vector<LabelView>{{"job", "x"}, {"gone", ""}, {"__name__", "up"}});
  batch.AddSample(kNowMs, 1);
  batch.BeginSeries(kUp);
  batch.AddSample(kNowMs + 1, 2);
  Append(&batch);
  EXPECT_EQ(batch.series_ref(0), batch.series_ref(1));
  EXPECT_EQ(*database_->Series({}, {}, 0), std::vector<Labels>{kUp});
  EXPECT_EQ(Read(kUp).size(), 2u);
}

// A series that fell idle leaves memory with a flush; appended again it gets a new number, which a
// restart must understand.
TEST_F(DatabaseTest, AnIdleSeriesComesBack) {
  Open();
  const Labels idle{{"__name__", "idle"}};
  WriteBatch batch;
  batch.BeginSeries(idle);
  batch.AddSample(kNowMs, 1);
  Append(&batch);
  Append(kUp, kNowMs + 3'600'000, 1);
  ASSERT_TRUE(database_->Flush().ok());
  EXPECT_EQ(database_->Statistics().head_series_count, 1u);
  WriteBatch by_reference;
  by_reference.BeginSeries(batch.series_ref(0));
  by_reference.AddSample(kNowMs + 1, 2);
  EXPECT_EQ(Append(&by_reference).rejections.at(0).reason, RejectReason::kUnknownSeriesRef);
  EXPECT_EQ(Append(&batch).samples_appended, 1u);  // it still has the labels
  Append(idle, kNowMs + 3'600'000, 3);
  for (int i = 0; i < 2; ++i) {
    EXPECT_EQ(Read(idle).values, (std::vector<double>{1, 3}));
    Open();
    EXPECT_EQ(database_->Statistics().recovery_damaged_records, 0u);
    ASSERT_TRUE(database_->Checkpoint().ok());
    Append(kUp, kNowMs + 3'600'001, 1);
  }
}

TEST_F(DatabaseTest, ReachingTheMemoryLimitRefusesUntilFlushed) {
  options_.head_bytes_max = 20'000;
  options_.head_span_ms_max = INT64_MAX;
  Open();
  Status status;
  WriteBatch batch;
  for (int i = 0; i < 100'000 && status.ok(); ++i) {
    batch.Clear();
    for (int k = 0; k < 50; ++k) {
      batch.BeginSeries(Labels{{"number", std::to_string(i * 50 + k)}});
      batch.AddSample(kNowMs, 1);
    }
    status = database_->Append(&batch).status();
  }
  ASSERT_EQ(status.code(), StatusCode::kResourceExhausted) << status.ToString();
  EXPECT_NE(status.message().find("20000"), std::string::npos) << status.ToString();
  EXPECT_GE(database_->Statistics().appends_refused_pressure, 1u);
  ASSERT_TRUE(database_->Flush().ok());
  Append(&batch);
}

TEST_F(DatabaseTest, AForeignDirectoryIsRefused) {
  std::ofstream(directory_.path() + "/thesis.tex") << "precious";
  const auto opened = Database::Open(options_, directory_.path());
  EXPECT_EQ(opened.status().code(), StatusCode::kFailedPrecondition);
  EXPECT_NE(opened.status().message().find("thesis.tex"), std::string::npos);
}

TEST_F(DatabaseTest, RetentionDropsWholePartsByTheInjectedClock) {
  options_.retention_ms = 3'600'000;
  Open();
  Append(kUp, kNowMs, 1);
  ASSERT_TRUE(database_->Flush().ok());
  clock_.AdvanceMs(3'600'000);
  ASSERT_TRUE(database_->Maintain().ok());
  EXPECT_EQ(database_->Statistics().part_count, 1u);
  clock_.AdvanceMs(1);
  ASSERT_TRUE(database_->Maintain().ok());
  EXPECT_EQ(database_->Statistics().part_count, 0u);
  EXPECT_EQ(Read(kUp).size(), 0u);
}

TEST_F(DatabaseTest, ManySmallFlushesAreMerged) {
  Open();
  for (int i = 0; i < 12; ++i) {
    Append(kUp, kNowMs + i, i);
    ASSERT_TRUE(database_->Flush().ok());
  }
  ASSERT_TRUE(database_->Maintain().ok());
  EXPECT_GT(database_->Statistics().merge_count, 0u);
  EXPECT_LT(database_->Statistics().part_count, 12u);
  EXPECT_EQ(Read(kUp).size(), 12u);
}

TEST_F(DatabaseTest, SeriesAndLabelsHonourSelectorsRangesAndLimits) {
  Open();
  for (const char* job : {"c", "a", "b"}) {
    Append(Labels{{"__name__", "up"}, {"job", job}}, kNowMs, 1);
  }
  ASSERT_TRUE(database_->Flush().ok());
  Append(Labels{{"__name__", "down"}, {"zone", "z"}}, kNowMs + 86'400'000, 1);
  const Selector up{{MatchOp::kEqual, "__name__", "up"}};
  EXPECT_EQ(database_->Series({&up, 1}, {}, 0)->size(), 3u);
  EXPECT_EQ(database_->Series({&up, 1}, {}, 2)->back().Get("job"), "b");
  const Selector selectors[] = {up, {{MatchOp::kEqual, "zone", "z"}}};
  EXPECT_EQ(database_->Series(selectors, {}, 0)->size(), 4u);
  const TimeRange later{kNowMs + 80'000'000, INT64_MAX};
  EXPECT_EQ(database_->Series({}, later, 0)->size(), 1u);
  EXPECT_EQ(*database_->LabelNames({}, {}, 0),
            (std::vector<std::string>{"__name__", "job", "zone"}));
  EXPECT_EQ(*database_->LabelNames({&up, 1}, {}, 1), std::vector<std::string>{"__name__"});
  EXPECT_EQ(*database_->LabelValues("job", {}, {}, 0), (std::vector<std::string>{"a", "b", "c"}));
  EXPECT_EQ(*database_->LabelValues("job", {}, {}, 2), (std::vector<std::string>{"a", "b"}));
  EXPECT_TRUE(database_->LabelValues("job", {&selectors[1], 1}, {}, 0)->empty());
  EXPECT_TRUE(database_->LabelValues("absent", {}, {}, 0)->empty());
}

TEST_F(DatabaseTest, MetadataIsKeptAcrossRestartsAndTheLatestWins) {
  Open();
  const MetricMetadata first{"requests_total", MetricType::kCounter, "all requests", ""};
  const MetricMetadata second{"requests_total", MetricType::kCounter, "requests", "1"};
  const MetricMetadata other{"alpha", MetricType::kGauge, "", "bytes"};
  WriteBatch batch;
  batch.AddMetadata(first);
  batch.AddMetadata(other);
  batch.AddMetadata({"", MetricType::kGauge, "nameless", ""});
  Append(&batch);
  EXPECT_EQ(database_->Metadata(), (std::vector<MetricMetadata>{other, first}));
  batch.Clear();
  batch.AddMetadata(second);
  Append(&batch);
  EXPECT_EQ(database_->Metadata(), (std::vector<MetricMetadata>{other, second}));
  batch.Clear();
  batch.AddMetadata({"requests_total", MetricType::kUnknown, "", ""});  // says nothing: not taken
  Append(&batch);
  EXPECT_EQ(database_->Metadata(), (std::vector<MetricMetadata>{other, second}));
  ASSERT_TRUE(database_->Close().ok());
  Open();
  EXPECT_EQ(database_->Metadata(), (std::vector<MetricMetadata>{other, second}));
}

TEST_F(DatabaseTest, CardinalityNamesTheLabelsThatMakeSeries) {
  Open();
  for (int i = 0; i < 10; ++i) {
    Append(Labels{{"__name__", i < 7 ? "busy" : "calm"}, {"id", std::to_string(i)}}, kNowMs, 1);
  }
  const CardinalityReport report = database_->Cardinality(1);
  ASSERT_EQ(report.series_by_metric_name.size(), 1u);
  EXPECT_EQ(report.series_by_metric_name[0].name, "busy");
  EXPECT_EQ(report.series_by_metric_name[0].value, 7u);
  ASSERT_EQ(report.values_by_label_name.size(), 1u);
  EXPECT_EQ(report.values_by_label_name[0].name, "id");
  EXPECT_EQ(report.values_by_label_name[0].value, 10u);
  ASSERT_EQ(report.series_by_label_pair.size(), 1u);
  EXPECT_EQ(report.series_by_label_pair[0].name, "__name__=busy");
  EXPECT_EQ(report.label_pair_count, 12u);
}

TEST_F(DatabaseTest, ConcurrentWritersShareSyncs) {
  options_.durability = Durability::kSync;
  Open();
  constexpr int kThreads = 4;
  constexpr int kBatches = 50;
  std::vector<std::thread> threads;
  for (int thread = 0; thread < kThreads; ++thread) {
    threads.emplace_back([this, thread] {
      for (int i = 0; i < kBatches; ++i) {
        Append(Labels{{"thread", std::to_string(thread)}}, kNowMs + i, i);
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
  EXPECT_LT(database_->Statistics().journal_sync_count, uint64_t{kThreads} * kBatches);
  for (int thread = 0; thread < kThreads; ++thread) {
    EXPECT_EQ(Read(Labels{{"thread", std::to_string(thread)}}).size(), size_t{kBatches});
  }
}

// A selection answers from its instant, whatever is flushed, merged and written meanwhile.
TEST_F(DatabaseTest, ASelectionOutlivesFlushesAndMerges) {
  Open();
  for (int i = 0; i < 8; ++i) {
    Append(kUp, kNowMs + i, i);
    if (i < 6) {
      ASSERT_TRUE(database_->Flush().ok());
    }
  }
  const SelectRequest request{{}, INT64_MIN, INT64_MAX};
  const auto selections = NewReader(database_.get())->Select({&request, 1});
  ASSERT_TRUE(selections.ok());
  Append(kUp, kNowMs + 3, 99);
  ASSERT_TRUE(database_->Flush().ok());
  ASSERT_TRUE(database_->Maintain().ok());
  ASSERT_TRUE(database_->Checkpoint().ok());
  SampleBuffer buffer;
  ASSERT_TRUE(selections->front()->Read(0, INT64_MIN, INT64_MAX, &buffer).ok());
  EXPECT_EQ(buffer.values, (std::vector<double>{0, 1, 2, 3, 4, 5, 6, 7}));
  EXPECT_EQ(Read(kUp).values[3], 99);
}

TEST_F(DatabaseTest, TheEndsOfTimeAreTimesToo) {
  Open();
  Append(kUp, 0, 1);
  Append(kUp, INT64_MAX, 2);
  ASSERT_TRUE(database_->Flush().ok());
  ASSERT_TRUE(database_->Maintain().ok());
  Open();
  EXPECT_EQ(Read(kUp).timestamps_ms, (std::vector<int64_t>{0, INT64_MAX}));
}

}  // namespace
}  // namespace varve::engine
