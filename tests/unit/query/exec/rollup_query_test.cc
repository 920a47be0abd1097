// Queries over a database that is downsampled against the same queries over one that is not: where
// rollups answer, they answer the same to the bit; late samples, deletes and merges included.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <bit>
#include <cmath>
#include <memory>
#include <random>
#include <string>
#include <vector>

#include "tests/unit/engine/database_fixture.h"
#include "varve/promql.h"

namespace varve::promql {
namespace {

constexpr int64_t kMinuteMs = 60'000;
constexpr int64_t kHourMs = 60 * kMinuteMs;
constexpr int64_t kDayMs = 24 * kHourMs;
constexpr int64_t kBeginMs = 1'700'006'400'000;  // a day begins
constexpr int64_t kSpanMs = 3 * kDayMs;

static_assert(kBeginMs % kDayMs == 0);

Histogram HistogramOf(uint64_t count) {
  Histogram histogram;
  histogram.schema = 1;
  histogram.count = static_cast<double>(count);
  histogram.sum = static_cast<double>(count) * 1.5;
  histogram.positive_spans = {{0, 2}};
  histogram.positive_buckets = {static_cast<double>(count / 2),
                                static_cast<double>(count - count / 2)};
  return histogram;
}

// One database with rules and one without, given the same.
class RollupQueryTest : public testing::Test {
 protected:
  struct Side {
    Options options;
    model::TestDirectory directory;
    std::unique_ptr<Database> database;
    std::unique_ptr<Engine> engine;

    void Open() {
      engine.reset();
      database.reset();
      auto opened = Database::Open(options, directory.path());
      ASSERT_TRUE(opened.ok()) << opened.status().ToString();
      database = *std::move(opened);
      engine = std::make_unique<Engine>(database.get(), EngineOptions());
    }
  };

  RollupQueryTest() {
    for (Side* side : {&plain_, &rolled_}) {
      side->options.durability = Durability::kNone;
      side->options.retention_ms = 0;
      side->options.future_limit_ms = 0;
      side->options.free_disk_bytes_min = 0;
      side->options.now_ms = [this] { return now_ms_; };
    }
    rolled_.options.downsampling_rules = {{{}, {{5 * kMinuteMs, kDayMs, 0}, {kHourMs, kDayMs, 0}}}};
  }

  void Open() {
    plain_.Open();
    rolled_.Open();
  }

  void Append(const WriteBatch& batch) {
    for (Side* side : {&plain_, &rolled_}) {
      WriteBatch copy = batch;  // references are of one database
      const auto result = side->database->Append(&copy);
      ASSERT_TRUE(result.ok()) << result.status().ToString();
      ASSERT_EQ(result->samples_rejected + result->histograms_rejected, 0u);
    }
  }

  void Maintain() {
    for (Side* side : {&plain_, &rolled_}) {
      ASSERT_TRUE(side->database->Flush().ok());
      const Status status = side->database->Maintain();
      ASSERT_TRUE(status.ok()) << status.ToString();
    }
  }

  // Counters with resets, gauges of decimals and of random bits, integers, gaps, stale markers,
  // native histograms, jittering and steady.
  void Fill() {
    std::mt19937_64 random(7);
    struct Shape {
      const char* kind;
      int64_t interval_ms;
      int64_t jitter_ms;
    };
    const Shape shapes[] = {{"counter_total", 15'000, 0},
                            {"counter_total", 17'000, 2'000},
                            {"fractions_total", 30'000, 5},
                            {"gauge", 15'000, 100},
                            {"gauge", 61'000, 1'000},
                            {"constant", 30'000, 0},
                            {"sparse", 17 * kMinuteMs, 9 * kMinuteMs},
                            {"histogram", 60'000, 50},
                            {"gappy_total", 15'000, 20}};
    int number = 0;
    for (const Shape& shape : shapes) {
      const Labels labels{{"__name__", shape.kind}, {"n", std::to_string(number++)}};
      const std::string kind = shape.kind;
      WriteBatch batch;
      batch.BeginSeries(labels);
      double value = kind == "gauge" ? 20.5 : 0;
      uint64_t count = 0;
      bool is_gone = false;
      for (int64_t at = kBeginMs + 3; at < kBeginMs + kSpanMs; at += shape.interval_ms) {
        const int64_t time_ms =
            at + (shape.jitter_ms == 0
                      ? 0
                      : static_cast<int64_t>(random() % static_cast<uint64_t>(shape.jitter_ms)));
        const uint64_t dice = random() % 1000;
        if (kind == "gappy_total" && dice < 5) {
          if (!is_gone) batch.AddSample(time_ms, std::bit_cast<double>(kStaleMarkerBits));
          is_gone = !is_gone;
          continue;
        }
        if (is_gone) continue;
        if (kind == "histogram") {
          count = dice < 3 ? 1 : count + random() % 5;
          batch.AddHistogram(time_ms, HistogramOf(count));
          continue;
        }
        if (kind == "gauge") {
          value += (static_cast<double>(random() % 2001) - 1000) / 100;
        } else if (kind == "fractions_total") {
          value = dice < 2 ? 0.3 : value + static_cast<double>(random() % 100) / 7;
        } else if (kind != "constant") {
          value = dice < 4 ? 0 : value + static_cast<double>(random() % 20);
        }
        batch.AddSample(time_ms, value);
      }
      Append(batch);
    }
    now_ms_ = kBeginMs + kSpanMs + 2 * kDayMs;
    Maintain();
  }

  static std::string Text(const QueryResult& result) {
    std::string out;
    const auto point = [&out](int64_t time_ms, double value) {
      out += " " + std::to_string(time_ms) + "=" + std::to_string(std::bit_cast<uint64_t>(value)) +
             "(" + std::to_string(value) + ")";
    };
    if (const auto* matrix = std::get_if<Matrix>(&result.value)) {
      for (const Series& series : *matrix) {
        out += "\n" + series.labels.ToString() + ":";
        for (const Point& p : series.points) point(p.timestamp_ms, p.value);
        for (const HistogramPoint& p : series.histograms) {
          point(p.timestamp_ms, p.histogram->sum);
          point(p.timestamp_ms, p.histogram->count);
          for (const double bucket : p.histogram->positive_buckets) point(0, bucket);
        }
      }
    }
    return out;
  }

  QueryResult Ask(Side* side, const std::string& query, int64_t start_ms, int64_t step_ms) {
    QueryOptions options;
    options.explain = true;
    const auto result =
        side->engine->Range(query, start_ms, kBeginMs + kSpanMs + kDayMs / 2, step_ms, options);
    EXPECT_TRUE(result.ok()) << query << ": " << result.status().ToString();
    return result.ok() ? *result : QueryResult();
  }

  static uint64_t RollupRows(const QueryResult& result) {
    uint64_t rows = 0;
    for (const ExplainNode& node : result.explain) rows += node.rollup_rows;
    return rows;
  }

  // The rows of rollups that the answer was made of.
  uint64_t ExpectSame(const std::string& query, int64_t start_ms, int64_t step_ms) {
    const QueryResult plain = Ask(&plain_, query, start_ms, step_ms);
    const QueryResult rolled = Ask(&rolled_, query, start_ms, step_ms);
    EXPECT_EQ(Text(plain), Text(rolled)) << query << " from " << start_ms << " by " << step_ms;
    EXPECT_EQ(plain.infos, rolled.infos) << query;
    EXPECT_EQ(plain.warnings, rolled.warnings) << query;
    EXPECT_EQ(RollupRows(plain), 0u);
    return RollupRows(rolled);
  }

  static constexpr const char* kExact[] = {
      "rate({n=~\"[015678]\"}[1h])",
      "increase({n=~\"[015678]\"}[1h])",
      "delta({n=~\".+\"}[2h])",
      "sum_over_time({n!=\"7\",n!=\"\"}[1h])",
      "avg_over_time(constant[1h])",
      "count_over_time({n!=\"7\",n!=\"\"}[1h])",
      "min_over_time({n!=\"7\",n!=\"\"}[1h])",
      "max_over_time({n!=\"7\",n!=\"\"}[1h])",
      "last_over_time({n=~\".+\"}[1h])",
      "first_over_time({n=~\".+\"}[1h])",
      "present_over_time({n=~\".+\"}[1h])",
      "{n=~\".+\"}",
      "timestamp({n=~\".+\"})",
      "rate({n=~\"[015678]\"}[1h] offset 2h)",
      "sum(rate({n=~\"[01568]\"}[1h]))",
      "last_over_time({n=~\".+\"}[7m])",
      "max_over_time(rate({n=~\"[01568]\"}[1h])[3h:1h])",
      "rate({n=~\"[015678]\"}[1h] @ 1700100000)",
  };
  static constexpr const char* kFiveMinutes[] = {
      "rate({n=~\"[015678]\"}[5m])", "increase({n=~\"[015678]\"}[10m])",
      "max_over_time({n!=\"7\",n!=\"\"}[15m])", "{n=~\".+\"}", "avg_over_time(counter_total[5m])"};

  void ExpectAllSame() {
    for (const char* query : kExact) {
      EXPECT_GT(ExpectSame(query, kBeginMs - kHourMs, kHourMs), 0u) << query;
    }
    for (const char* query : kFiveMinutes) {
      EXPECT_GT(ExpectSame(query, kBeginMs + kHourMs + 10 * kMinuteMs, 5 * kMinuteMs), 0u) << query;
    }
  }

  int64_t now_ms_ = kBeginMs + kSpanMs;
  Side plain_;
  Side rolled_;
};

TEST_F(RollupQueryTest, AnswersAsRawSamplesDo) {
  Open();
  Fill();
  EXPECT_GE(rolled_.database->Statistics().downsample_count, 2u);
  EXPECT_EQ(plain_.database->Statistics().rollup_row_count, 0u);
  ExpectAllSame();
  // Fractions that fall several times in a bucket are left to raw samples.
  ExpectSame("rate({n=~\"[234]\"}[1h])", kBeginMs, kHourMs);
  EXPECT_GT(ExpectSame("rate({n=~\"[234]\"}[5m])", kBeginMs, 5 * kMinuteMs), 0u);
}

TEST_F(RollupQueryTest, WindowsOffTheBucketsAreOfRawSamples) {
  Open();
  Fill();
  for (const char* query :
       {"rate({n=~\".+\"}[7m])", "quantile_over_time(0.9, {n!=\"7\",n!=\"\"}[1h])",
        "irate({n=~\".+\"}[1h])", "changes({n!=\"7\",n!=\"\"}[1h])",
        "deriv({n!=\"7\",n!=\"\"}[1h])", "avg_over_time(gauge[1h])"}) {
    EXPECT_EQ(ExpectSame(query, kBeginMs, kHourMs), 0u) << query;
  }
  EXPECT_EQ(ExpectSame("rate({n=~\".+\"}[1h])", kBeginMs + 1000, kHourMs), 0u);
  EXPECT_EQ(ExpectSame("rate({n=~\".+\"}[1h])", kBeginMs, 7 * kMinuteMs), 0u);
}

TEST_F(RollupQueryTest, LateSamplesCountAtOnceAndAreRolledUp) {
  Open();
  Fill();
  const uint64_t rolled_before = rolled_.database->Statistics().downsample_count;
  WriteBatch batch;
  batch.BeginSeries(Labels{{"__name__", "gauge"}, {"n", "3"}});
  batch.AddSample(kBeginMs + kDayMs + 90 * kMinuteMs + 1, 12345.5);
  batch.BeginSeries(Labels{{"__name__", "counter_total"}, {"n", "0"}});
  batch.AddSample(kBeginMs + kDayMs + 95 * kMinuteMs + 1, 1e6);
  Append(batch);
  ExpectAllSame();
  Maintain();
  EXPECT_EQ(rolled_.database->Statistics().downsample_count, rolled_before + 2);  // two levels
  ExpectAllSame();
  ASSERT_TRUE(rolled_.database->Compact().ok());
  ExpectAllSame();
  // Nothing is due any more.
  const uint64_t rolled_after = rolled_.database->Statistics().downsample_count;
  Maintain();
  EXPECT_EQ(rolled_.database->Statistics().downsample_count, rolled_after);
}

TEST_F(RollupQueryTest, DeletedSamplesAreGoneFromRollups) {
  Open();
  Fill();
  const std::vector<Selector> selectors = {{{MatchOp::kRegexMatch, "n", "[0357]"}}};
  const TimeRange range{kBeginMs + kDayMs - kHourMs + 5000, kBeginMs + kDayMs + 3 * kHourMs + 77};
  for (Side* side : {&plain_, &rolled_}) {
    ASSERT_TRUE(side->database->Delete(selectors, range).ok());
  }
  ExpectAllSame();
  Maintain();
  ExpectAllSame();
  ASSERT_TRUE(rolled_.database->Compact().ok());
  ExpectAllSame();
}

TEST_F(RollupQueryTest, RawSamplesGoAndRollupsStay) {
  Open();
  Fill();
  rolled_.options.retention_ms = kDayMs;
  rolled_.Open();
  ASSERT_TRUE(rolled_.database->Maintain().ok());
  EXPECT_EQ(rolled_.database->Statistics().part_sample_count, 0u);
  ExpectAllSame();
  // Where they do not give the same answer, they give one and say so.
  for (const char* query :
       {"rate({n=~\".+\"}[5m])", "gauge", "quantile_over_time(0.5, gauge[10m])",
        "avg_over_time(gauge[2m])", "increase(counter_total[3m])", "count_over_time(gauge[3m])"}) {
    const QueryResult result = Ask(&rolled_, query, kBeginMs + kHourMs + 1000, 7 * kMinuteMs);
    ASSERT_TRUE(std::holds_alternative<Matrix>(result.value));
    const Matrix& matrix = std::get<Matrix>(result.value);
    EXPECT_FALSE(matrix.empty()) << query;
    for (const Series& series : matrix) {
      if (series.labels.Get("n") == "6" || series.labels.Get("n") == "8") continue;  // with gaps
      EXPECT_GT(series.points.size() + series.histograms.size(), 550u)
          << query << series.labels.ToString();
    }
    EXPECT_THAT(result.infos, testing::Contains(testing::HasSubstr("stand in for them"))) << query;
  }
  // Sums over everything come out even off the buckets.
  const QueryResult plain =
      Ask(&plain_, "sum(increase(counter_total[1d]))", kBeginMs + kDayMs + 1000, 2 * kDayMs);
  const QueryResult rolled =
      Ask(&rolled_, "sum(increase(counter_total[1d]))", kBeginMs + kDayMs + 1000, 2 * kDayMs);
  const double expected = std::get<Matrix>(plain.value).at(0).points.at(0).value;
  const double seen = std::get<Matrix>(rolled.value).at(0).points.at(0).value;
  EXPECT_NEAR(seen / expected, 1, 0.01);
}

TEST_F(RollupQueryTest, RawSamplesAreNotDroppedBeforeTheyAreRolledUp) {
  rolled_.options.downsampling_rules = {{{}, {{5 * kMinuteMs, 30 * kDayMs, 0}}}};
  rolled_.options.retention_ms = 10 * kDayMs;
  Open();
  Fill();
  EXPECT_EQ(rolled_.database->Statistics().downsample_count, 0u);
  now_ms_ = kBeginMs + kSpanMs + 15 * kDayMs;
  Maintain();
  EXPECT_EQ(rolled_.database->Statistics().part_sample_count, 0u);
  EXPECT_GT(rolled_.database->Statistics().downsample_count, 0u);
  EXPECT_GT(ExpectSame("rate({n=~\"[015678]\"}[1h])", kBeginMs, kHourMs), 0u);
}

TEST_F(RollupQueryTest, RollupsThatAreGoneBeforeRawSamplesHoldNothingBack) {
  rolled_.options.downsampling_rules = {{{}, {{5 * kMinuteMs, kDayMs, 10 * kDayMs}}}};
  rolled_.options.retention_ms = 30 * kDayMs;
  Open();
  Fill();
  EXPECT_GT(rolled_.database->Statistics().rollup_row_count, 0u);
  now_ms_ = kBeginMs + kSpanMs + 15 * kDayMs;
  Maintain();
  EXPECT_EQ(rolled_.database->Statistics().rollup_row_count, 0u);
  EXPECT_GT(rolled_.database->Statistics().part_sample_count, 0u);
  now_ms_ = kBeginMs + kSpanMs + 31 * kDayMs;
  Maintain();
  EXPECT_EQ(rolled_.database->Statistics().part_count, 0u);
}

TEST_F(RollupQueryTest, RulesKeepTheirOwnTime) {
  rolled_.options.downsampling_rules = {
      {{{MatchOp::kEqual, "__name__", "gauge"}}, {{5 * kMinuteMs, kDayMs, 10 * kDayMs}}},
      {{{MatchOp::kEqual, "__name__", "constant"}}, {{5 * kMinuteMs, kDayMs, 0}}}};
  rolled_.options.retention_ms = 5 * kDayMs;
  Open();
  Fill();
  const auto expiring = rolled_.database->Expiring(kBeginMs + kSpanMs + 11 * kDayMs);
  ASSERT_TRUE(expiring.ok());
  std::vector<std::string> rules;
  for (const ExpiringPart& part : *expiring) {
    if (part.signal == "rollups") rules.push_back(part.rule);
  }
  EXPECT_THAT(rules, testing::ElementsAre("{__name__=\"gauge\"} 5m"));
  now_ms_ = kBeginMs + kSpanMs + 20 * kDayMs;
  Maintain();
  const QueryResult left = Ask(&rolled_, "count by (__name__) (last_over_time({n=~\".+\"}[1d]))",
                               kBeginMs + kDayMs, kDayMs);
  ASSERT_EQ(std::get<Matrix>(left.value).size(), 1u);
  EXPECT_EQ(std::get<Matrix>(left.value)[0].labels.Get("__name__"), "constant");
}

TEST_F(RollupQueryTest, BadRulesAreNamed) {
  const auto message = [this](std::vector<DownsamplingLevel> levels) {
    rolled_.options.downsampling_rules = {{{}, std::move(levels)}};
    const auto opened = Database::Open(rolled_.options, rolled_.directory.path());
    return opened.status().message();
  };
  EXPECT_THAT(message({}), testing::HasSubstr("no resolution"));
  EXPECT_THAT(message({{7000, kDayMs, 0}}), testing::HasSubstr("7000 ms does not divide a day"));
  EXPECT_THAT(message({{kHourMs, kDayMs, 0}, {5 * kMinuteMs, kDayMs, 0}}),
              testing::HasSubstr("300000 ms is not a larger multiple of 3600000 ms"));
  EXPECT_THAT(message({{kMinuteMs, kDayMs, kDayMs}}), testing::HasSubstr("not a day"));
  EXPECT_THAT(message({{kMinuteMs, kDayMs, 3 * kDayMs}, {kHourMs, 3 * kDayMs, 0}}),
              testing::HasSubstr("has gone"));
}

}  // namespace
}  // namespace varve::promql
