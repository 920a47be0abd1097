// Database::Read: union of selectors, label order, one instant.
#include <gtest/gtest.h>

#include <string>
#include <utility>
#include <vector>

#include "tests/unit/engine/database_fixture.h"

namespace varve::engine {
namespace {

class ReadTest : public DatabaseFixture {
 protected:
  std::vector<SeriesSamples> ReadAll(const std::vector<Selector>& selectors, TimeRange range) {
    std::vector<SeriesSamples> all;
    Result<std::unique_ptr<SeriesCursor>> cursor = database_->Read(selectors, range);
    EXPECT_TRUE(cursor.ok()) << cursor.status().ToString();
    if (!cursor.ok()) return all;
    SeriesSamples series;
    while (true) {
      const Result<bool> more = (*cursor)->Next(&series);
      EXPECT_TRUE(more.ok()) << more.status().ToString();
      if (!more.ok() || !*more) return all;
      all.push_back(series);
    }
  }

  // Times relative to kNowMs, with their values.
  using Pairs = std::vector<std::pair<int64_t, double>>;
  static Pairs PairsOf(const SeriesSamples& series) {
    Pairs pairs;
    for (const Sample& sample : series.samples) {
      pairs.emplace_back(sample.timestamp_ms - kNowMs, sample.value);
    }
    return pairs;
  }

  static Labels Numbered(int i) {
    return Labels{{"__name__", "metric"}, {"i", std::to_string(100 + i)}};
  }
};

TEST_F(ReadTest, SeriesComeInLabelOrderFromPartsAndHead) {
  Open();
  for (int i = 0; i < 200; i += 2) Append(Numbered(i), kNowMs, i);
  ASSERT_TRUE(database_->Flush().ok());
  for (int i = 199; i > 0; i -= 2) Append(Numbered(i), kNowMs, i);
  for (int i = 0; i < 200; ++i) Append(Numbered(i), kNowMs + 1, -i);

  const std::vector<SeriesSamples> all = ReadAll({}, {});
  ASSERT_EQ(all.size(), 200u);
  for (int i = 0; i < 200; ++i) {
    EXPECT_EQ(all[static_cast<size_t>(i)].labels, Numbered(i));
    EXPECT_EQ(PairsOf(all[static_cast<size_t>(i)]), (Pairs{{0, i}, {1, -i}}));
    EXPECT_TRUE(all[static_cast<size_t>(i)].histograms.empty());
  }
}

TEST_F(ReadTest, ASetOfSelectorsIsAUnionWithoutRepeats) {
  Open();
  for (int i = 0; i < 6; ++i) Append(Numbered(i), kNowMs, i);
  ASSERT_TRUE(database_->Flush().ok());
  Append(Numbered(6), kNowMs, 6);
  const std::vector<Selector> selectors = {
      {{MatchOp::kRegexMatch, "i", "10[0136]"}},
      {{MatchOp::kEqual, "i", "103"}},
      {{MatchOp::kRegexMatch, "i", "10[56]"}},
  };
  std::vector<std::string> values;
  for (const SeriesSamples& series : ReadAll(selectors, {})) {
    values.emplace_back(series.labels.Get("i"));
  }
  EXPECT_EQ(values, (std::vector<std::string>{"100", "101", "103", "105", "106"}));
}

TEST_F(ReadTest, SeriesWithoutSamplesInTheRangeAreLeftOut) {
  Open();
  Append(Numbered(1), kNowMs, 1);
  Append(Numbered(1), kNowMs + 10, 2);
  Append(Numbered(2), kNowMs + 4, 3);
  Append(Numbered(2), kNowMs + 6, 4);
  const std::vector<SeriesSamples> all = ReadAll({}, {kNowMs + 1, kNowMs + 5});
  ASSERT_EQ(all.size(), 1u);
  EXPECT_EQ(all[0].labels, Numbered(2));
  EXPECT_EQ(PairsOf(all[0]), (Pairs{{4, 3}}));
}

TEST_F(ReadTest, WhatIsWrittenOrFlushedMeanwhileIsNotSeen) {
  Open();
  Append(Numbered(1), kNowMs, 1);
  Append(Numbered(2), kNowMs, 2);
  Result<std::unique_ptr<SeriesCursor>> cursor = database_->Read({}, {});
  ASSERT_TRUE(cursor.ok());
  Append(Numbered(2), kNowMs + 1, 3);
  ASSERT_TRUE(database_->Flush().ok());
  SeriesSamples series;
  ASSERT_TRUE(*(*cursor)->Next(&series));
  ASSERT_TRUE(*(*cursor)->Next(&series));
  EXPECT_EQ(PairsOf(series), (Pairs{{0, 2}}));
  EXPECT_FALSE(*(*cursor)->Next(&series));
  EXPECT_FALSE(*(*cursor)->Next(&series));
}

TEST_F(ReadTest, ABadRegularExpressionAndAClosedDatabaseAreErrors) {
  Open();
  const Selector bad = {{MatchOp::kRegexMatch, "i", "("}};
  EXPECT_EQ(database_->Read({&bad, 1}, {}).status().code(), StatusCode::kInvalidArgument);
  ASSERT_TRUE(database_->Close().ok());
  EXPECT_EQ(database_->Read({}, {}).status().code(), StatusCode::kFailedPrecondition);
}

}  // namespace
}  // namespace varve::engine
