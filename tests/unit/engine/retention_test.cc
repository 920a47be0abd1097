// Retention by selector and by size, under a clock of the test's.
#include <gmock/gmock.h>

#include <string>
#include <vector>

#include "tests/unit/engine/database_fixture.h"

namespace varve::engine {
namespace {

constexpr int64_t kDayMs = 86'400'000;
const Labels kDebug{{"__name__", "m"}, {"job", "debug"}};
const Labels kSlo{{"__name__", "slo:errors"}, {"job", "api"}};
const Labels kOther{{"__name__", "m"}, {"job", "api"}};

class RetentionTest : public DatabaseFixture {
 protected:
  RetentionTest() {
    options_.retention_ms = 90 * kDayMs;
    options_.retention_rules = {
        {{{MatchOp::kEqual, "job", "debug"}}, 3 * kDayMs},
        {{{MatchOp::kRegexMatch, "__name__", "slo:.*"}}, 0},
    };
  }

  void AppendToAll(int64_t time_ms, double value) {
    for (const Labels& labels : {kDebug, kSlo, kOther}) Append(labels, time_ms, value);
  }

  std::vector<size_t> Counts() {
    return {Read(kDebug).size(), Read(kSlo).size(), Read(kOther).size()};
  }
};

TEST_F(RetentionTest, EachRuleDropsItsOwn) {
  Open();
  AppendToAll(kNowMs, 1);
  ASSERT_TRUE(database_->Flush().ok());
  EXPECT_EQ(database_->Statistics().part_count, 3u);
  clock_.AdvanceMs(3 * kDayMs);
  ASSERT_TRUE(database_->Maintain().ok());
  EXPECT_THAT(Counts(), testing::ElementsAre(1, 1, 1));
  clock_.AdvanceMs(1);
  ASSERT_TRUE(database_->Maintain().ok());
  EXPECT_THAT(Counts(), testing::ElementsAre(0, 1, 1));
  clock_.AdvanceMs(87 * kDayMs);
  ASSERT_TRUE(database_->Maintain().ok());
  EXPECT_THAT(Counts(), testing::ElementsAre(0, 1, 0));
  clock_.AdvanceMs(3650 * kDayMs);
  ASSERT_TRUE(database_->Maintain().ok());
  EXPECT_THAT(Counts(), testing::ElementsAre(0, 1, 0));
}

TEST_F(RetentionTest, ADryRunNamesWhatWouldGoAndDropsNothing) {
  Open();
  AppendToAll(kNowMs, 1);
  ASSERT_TRUE(database_->Flush().ok());
  clock_.AdvanceMs(4 * kDayMs);
  const auto expiring = database_->Expiring();
  ASSERT_TRUE(expiring.ok());
  ASSERT_EQ(expiring->size(), 1u);
  EXPECT_EQ(expiring->front().signal, "metrics");
  EXPECT_EQ(expiring->front().rule, "{job=\"debug\"}");
  EXPECT_EQ(expiring->front().reason, "age");
  EXPECT_EQ(expiring->front().sample_count, 1u);
  EXPECT_EQ(expiring->front().range.max_ms, kNowMs);
  EXPECT_GT(expiring->front().bytes, 0u);
  EXPECT_THAT(Counts(), testing::ElementsAre(1, 1, 1));
}

TEST_F(RetentionTest, CompactionKeepsClassesApart) {
  Open();
  for (int i = 0; i < 3; ++i) {
    AppendToAll(kNowMs + i * 1000, i);
    ASSERT_TRUE(database_->Flush().ok());
  }
  ASSERT_TRUE(database_->Compact().ok());
  EXPECT_EQ(database_->Statistics().part_count, 3u);
  EXPECT_THAT(Counts(), testing::ElementsAre(3, 3, 3));
}

TEST_F(RetentionTest, NewRulesApplyToWhatIsOnDisk) {
  options_.retention_rules.clear();
  Open();
  AppendToAll(kNowMs, 1);
  ASSERT_TRUE(database_->Flush().ok());
  EXPECT_EQ(database_->Statistics().part_count, 1u);
  options_.retention_rules = {{{{MatchOp::kEqual, "job", "debug"}}, kDayMs}};
  Open();
  AppendToAll(kNowMs, 2);  // a newer version of the same samples, in parts of the new classes
  ASSERT_TRUE(database_->Flush().ok());
  ASSERT_TRUE(database_->Maintain().ok());
  for (const Labels& labels : {kDebug, kSlo, kOther}) {
    EXPECT_THAT(Read(labels).values, testing::ElementsAre(2));
  }
  ASSERT_TRUE(database_->Compact().ok());
  EXPECT_EQ(database_->Statistics().part_count, 2u);
  for (const Labels& labels : {kDebug, kSlo, kOther}) {
    EXPECT_THAT(Read(labels).values, testing::ElementsAre(2));
  }
  clock_.AdvanceMs(kDayMs + 1);
  ASSERT_TRUE(database_->Maintain().ok());
  EXPECT_THAT(Counts(), testing::ElementsAre(0, 1, 1));
}

TEST_F(RetentionTest, StalePartsStayForTheLongestTime) {
  Open();
  Append(kSlo, kNowMs, 1);
  ASSERT_TRUE(database_->Flush().ok());
  clock_.AdvanceMs(2 * kDayMs);
  options_.retention_rules = {{{{MatchOp::kEqual, "job", "api"}}, kDayMs}};
  options_.retention_ms = 5 * kDayMs;
  Open();
  const auto expiring = database_->Expiring();
  ASSERT_TRUE(expiring.ok());
  EXPECT_TRUE(expiring->empty());
  ASSERT_TRUE(database_->Maintain().ok());  // splits, then drops
  EXPECT_EQ(Read(kSlo).size(), 0u);
}

TEST_F(RetentionTest, RulesWithTheSameSelectorsKeepTheirParts) {
  Open();
  AppendToAll(kNowMs, 1);
  ASSERT_TRUE(database_->Flush().ok());
  options_.retention_rules[0].retention_ms = 10 * kDayMs;
  Open();
  clock_.AdvanceMs(5 * kDayMs);
  ASSERT_TRUE(database_->Maintain().ok());
  EXPECT_EQ(database_->Statistics().merge_count, 0u);
  EXPECT_THAT(Counts(), testing::ElementsAre(1, 1, 1));
}

TEST_F(RetentionTest, ABadSelectorRefusesTheOpen) {
  options_.retention_rules = {{{{MatchOp::kRegexMatch, "job", "("}}, kDayMs}};
  const auto opened = Database::Open(options_, directory_.path());
  EXPECT_EQ(opened.status().code(), StatusCode::kInvalidArgument);
}

TEST_F(RetentionTest, TheOldestPartsGoWhenAllAreTooLarge) {
  options_.retention_rules.clear();
  Open();
  for (int i = 0; i < 4; ++i) {
    Append(kOther, kNowMs + i * 8 * kDayMs, i);
    ASSERT_TRUE(database_->Flush().ok());
  }
  ASSERT_TRUE(database_->Compact().ok());  // as small as they get
  const uint64_t all = database_->Statistics().part_bytes;
  options_.part_bytes_max = all / 2 + 100;  // they differ by a few bytes
  Open();
  const auto expiring = database_->Expiring();
  ASSERT_TRUE(expiring.ok());
  ASSERT_EQ(expiring->size(), 2u);
  EXPECT_EQ(expiring->front().reason, "size");
  ASSERT_TRUE(database_->Maintain().ok());
  EXPECT_THAT(Read(kOther).values, testing::ElementsAre(2, 3));
  options_.part_bytes_max = 1;
  Open();
  ASSERT_TRUE(database_->Maintain().ok());
  EXPECT_THAT(Read(kOther).values, testing::ElementsAre(3));  // the newest stays
}

}  // namespace
}  // namespace varve::engine
