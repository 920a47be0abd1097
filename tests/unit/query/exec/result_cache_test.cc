// Results from the cache against results without it, under writes of every kind.
#include "query/exec/result_cache.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <memory>
#include <random>
#include <string>
#include <vector>

#include "query/exec/query_engine.h"
#include "query/promql/parser.h"
#include "tests/unit/query/exec/fake_reader.h"

namespace varve::promql::exec {
namespace {

constexpr int64_t kScrapeMs = 15'000;
constexpr int64_t kMinute = 60'000;

std::optional<int64_t> Reach(const std::string& text) {
  auto expr = Parse(text);
  EXPECT_TRUE(expr.ok()) << text;
  return InputReachMs(**expr);
}

TEST(ResultCacheTest, HowFarAStepLooks) {
  EXPECT_EQ(Reach("m"), 0);
  EXPECT_EQ(Reach("rate(m[5m] offset 1m)"), -kMinute);
  EXPECT_EQ(Reach("rate(m[5m] offset 1m) / m offset -2m"), 2 * kMinute);
  EXPECT_EQ(Reach("max_over_time(sum(m offset -1m)[5m:1m] offset 3m)"), -2 * kMinute);
  EXPECT_EQ(Reach("time()"), INT64_MIN);
  EXPECT_EQ(Reach("info(m offset 5m)"), 0);
  for (const char* text :
       {"m @ 5", "m @ start()", "sum(rate(m[5m] @ end()))", "topk(3, m)", "avg(m)", "stddev(m)",
        "max_over_time(m[5m:1m] @ 5)", "m + m @ 5", "rate(m[range()])", "rate(m[5m] anchored)"}) {
    EXPECT_FALSE(Reach(text).has_value()) << text;
  }
}

TEST(ResultCacheTest, KeepsTheLastUsedWithinItsBytes) {
  ResultCache cache(20'000);
  const auto result = [](size_t points) {
    auto out = std::make_shared<CachedResult>();
    out->matrix.resize(1);
    out->matrix[0].points.resize(points);
    return out;
  };
  cache.Store("a", result(250));  // about 4 KB
  cache.Store("b", result(250));
  cache.Store("c", result(250));
  cache.Store("d", result(250));
  EXPECT_NE(cache.Find("a"), nullptr);
  cache.Store("e", result(250));
  EXPECT_NE(cache.Find("a"), nullptr);
  EXPECT_EQ(cache.Find("b"), nullptr);
  cache.Store("a", result(2000));  // too large for one
  EXPECT_EQ(cache.Find("a"), nullptr);
}

bool SameBits(const Matrix& a, const Matrix& b) {
  const auto same_point = [](const Point& x, const Point& y) {
    return x.timestamp_ms == y.timestamp_ms &&
           std::bit_cast<uint64_t>(x.value) == std::bit_cast<uint64_t>(y.value);
  };
  return std::equal(a.begin(), a.end(), b.begin(), b.end(), [&](const auto& x, const auto& y) {
    return x.labels == y.labels && std::equal(x.points.begin(), x.points.end(), y.points.begin(),
                                              y.points.end(), same_point);
  });
}

class CachedQueriesTest : public testing::Test {
 protected:
  CachedQueriesTest()
      : cached_([this] { return std::make_unique<FakeReader>(&store_); }, Options(1 << 20),
                &clock_),
        plain_([this] { return std::make_unique<FakeReader>(&store_); }, Options(0), &clock_) {
    for (int i = 0; i < 6; ++i) {
      store_.Add(
          {{"__name__", "m_total"}, {"job", i % 2 == 0 ? "a" : "b"}, {"i", std::to_string(i)}});
    }
  }
  static EngineOptions Options(uint64_t cache_bytes) {
    EngineOptions options;
    options.thread_count = 1;
    options.cache_bytes = cache_bytes;
    return options;
  }
  void Written(int64_t min_ms) { store_.min_time_by_version[++store_.version] = min_ms; }
  void Scrape() {
    now_ms_ += kScrapeMs;
    for (FakeSeries& series : store_.series) {
      series.samples[now_ms_] = static_cast<double>(random_() % 1000) / 7;
    }
    Written(now_ms_);
  }
  int64_t SomePastTime() {
    return static_cast<int64_t>(random_() % static_cast<uint64_t>(now_ms_));
  }
  void WriteLate() {
    const int64_t at_ms = SomePastTime();
    store_.series[random_() % store_.series.size()].samples[at_ms] = 0.1;
    Written(at_ms);
  }
  void DeleteSome() {
    const int64_t from_ms = SomePastTime();
    auto& samples = store_.series[random_() % store_.series.size()].samples;
    samples.erase(samples.lower_bound(from_ms), samples.upper_bound(from_ms + 5 * kMinute));
    Written(from_ms);
  }
  void Compare(const std::string& text, int64_t start_ms, int64_t end_ms, int64_t step_ms) {
    auto with = cached_.Range(text, start_ms, end_ms, step_ms, {});
    const uint64_t read = with.ok() ? with->statistics.samples_read : 0;
    auto without = plain_.Range(text, start_ms, end_ms, step_ms, {});
    ASSERT_EQ(with.ok(), without.ok());
    ASSERT_TRUE(with.ok()) << with.status().ToString();
    EXPECT_TRUE(SameBits(std::get<Matrix>(with->value), std::get<Matrix>(without->value)))
        << text << " from " << start_ms << " to " << end_ms;
    EXPECT_EQ(with->infos, without->infos);
    if (read < without->statistics.samples_read) ++hits_;
  }

  FakeStore store_;
  ManualClock clock_{1'000'000};
  std::mt19937_64 random_{11};
  int64_t now_ms_ = 0;
  size_t hits_ = 0;
  QueryEngine cached_;
  QueryEngine plain_;
};

TEST_F(CachedQueriesTest, SteadyWritesLeaveOnlyNewStepsToEvaluate) {
  for (int i = 0; i < 200; ++i) Scrape();
  const int64_t end_ms = now_ms_ / kMinute * kMinute;
  Compare("sum by (job) (rate(m_total[5m]))", end_ms - 30 * kMinute, end_ms, kMinute);
  for (int i = 0; i < 4; ++i) Scrape();
  const auto result = cached_.Range("sum by (job) (rate(m_total[5m]))", end_ms - 29 * kMinute,
                                    end_ms + kMinute, kMinute, {});
  ASSERT_TRUE(result.ok());
  // The new step and the last one, whose window the write at its very end may have touched.
  EXPECT_LE(result->statistics.samples_read, 6u * 28);
}

TEST_F(CachedQueriesTest, EqualUnderAppendsLateSamplesAndDeletions) {
  const std::vector<std::string> queries = {
      "m_total",
      "sum by (job) (rate(m_total[5m]))",
      "m_total{job=\"a\"} - m_total{job=\"a\"} offset 3m",
      "sum(m_total offset -2m)",
      "max_over_time(sum(m_total)[10m:1m])",
      "quantile by (job) (0.5, m_total) > 20",
      "count(m_total) + time()",
      "absent(m_total{i=\"3\"})",
      "avg(m_total)",
      "m_total @ start()",
  };
  for (int i = 0; i < 100; ++i) Scrape();
  for (int round = 0; round < 1500; ++round) {
    const uint64_t dice = random_() % 10;
    if (dice < 5) Scrape();
    if (dice == 5) WriteLate();
    if (dice == 6) DeleteSome();
    const int64_t step_ms = random_() % 2 == 0 ? kMinute : 30'000;
    const int64_t end_ms = now_ms_ / step_ms * step_ms;
    const int64_t start_ms = end_ms - static_cast<int64_t>(random_() % 20) * step_ms;
    Compare(queries[random_() % queries.size()], start_ms, end_ms, step_ms);
    if (HasFailure()) return;
  }
  EXPECT_GT(hits_, 100u);
}

// A write between the look into the cache and the selection must not make a result of two halves.
TEST_F(CachedQueriesTest, AWriteDuringTheQueryIsSeenWholeOrNotAtAll) {
  for (int i = 0; i < 100; ++i) Scrape();
  const int64_t end_ms = now_ms_ / kMinute * kMinute;
  Compare("sum(m_total)", end_ms - 10 * kMinute, end_ms - 2 * kMinute, kMinute);
  bool written = false;
  store_.on_read = [&] {
    if (written) return OkStatus();
    written = true;
    for (FakeSeries& series : store_.series) series.samples[end_ms - 5 * kMinute] = 1e6;
    Written(end_ms - 5 * kMinute);
    return OkStatus();
  };
  Compare("sum(m_total)", end_ms - 10 * kMinute, end_ms, kMinute);
}

}  // namespace
}  // namespace varve::promql::exec
