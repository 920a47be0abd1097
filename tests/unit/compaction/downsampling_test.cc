// What downsampling is due, decided from the catalog alone.
#include "compaction/downsampling.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>
#include <vector>

namespace varve::compaction {
namespace {

using format::PartInfo;
using testing::ElementsAre;
using testing::IsEmpty;

constexpr int64_t kDayMs = kColumnPartitionMs;
constexpr int64_t kMinuteMs = 60'000;
constexpr uint16_t kFine = 4;
constexpr uint16_t kCoarse = 5;

// Samples of days [first, last], counted from the epoch.
PartInfo RawDays(uint64_t id, int64_t first, int64_t last, uint64_t sequence) {
  PartInfo part;
  part.part_id = id;
  part.min_time_ms = first * kDayMs + 5;
  part.max_time_ms = (last + 1) * kDayMs - 5;
  part.min_sequence = part.max_sequence = sequence;
  return part;
}

PartInfo RollupDays(uint64_t id, uint16_t level, std::vector<format::PartPiece> pieces) {
  PartInfo part;
  part.part_id = id;
  part.tier = format::Tier::kRollup;
  part.retention_class = level;
  part.resolution_ms = level == kFine ? 5 * kMinuteMs : 60 * kMinuteMs;
  part.min_time_ms = pieces.front().begin_ms;
  part.max_time_ms = pieces.back().end_ms;
  for (const format::PartPiece& piece : pieces) {
    part.max_sequence = std::max(part.max_sequence, piece.max_sequence);
  }
  part.pieces = std::move(pieces);
  return part;
}

format::PartPiece Day(int64_t day, uint64_t sequence, bool purged = false) {
  return {day * kDayMs + 1, (day + 1) * kDayMs, sequence, purged};
}

DownsamplingRule RuleOf(std::string text, std::vector<index::LabelMatcher> selector,
                        std::vector<DownsamplingLevel> levels) {
  DownsamplingRule rule;
  rule.text = std::move(text);
  rule.selector = std::move(selector);
  rule.levels = std::move(levels);
  return rule;
}

std::vector<DownsamplingRule> Everything(std::vector<DownsamplingLevel> levels) {
  std::vector<DownsamplingRule> rules;
  rules.push_back(RuleOf("{}", {}, std::move(levels)));
  return rules;
}

class DownsamplingPlanTest : public testing::Test {
 protected:
  DownsamplingPlanTest()
      : rules_(kFine,
               Everything(
                   {{5 * kMinuteMs, 7 * kDayMs, 365 * kDayMs}, {60 * kMinuteMs, 30 * kDayMs, 0}}),
               0) {
    options_.downsampling = &rules_;
  }

  // "4: 0 1 from 7", the level, days and sources of the job at the end of `day`; "" for none.
  std::string Plan(const std::vector<PartInfo>& parts, int64_t day) const {
    const auto job = PlanDownsample(parts, options_, empty_, day * kDayMs);
    if (!job) return "";
    std::string text = std::to_string(job->level) + ":";
    for (const format::PartPiece& piece : job->pieces) {
      text += " " + std::to_string(piece.begin_ms / kDayMs);
    }
    text += " from";
    for (const uint64_t id : job->sources) text += " " + std::to_string(id);
    if (!job->older.empty()) text += " over";
    for (const uint64_t id : job->older) text += " " + std::to_string(id);
    return text;
  }

  DownsamplingRules rules_;
  PlannerOptions options_;
  std::set<EmptyDay> empty_;
};

TEST_F(DownsamplingPlanTest, ADayIsDueWhenItsEndIsOldEnough) {
  const std::vector<PartInfo> parts = {RawDays(1, 0, 0, 10), RawDays(2, 1, 1, 20)};
  EXPECT_EQ(Plan(parts, 7), "");
  EXPECT_EQ(Plan(parts, 8), "4: 0 from 1");
  EXPECT_EQ(Plan(parts, 9), "4: 0 1 from 1 2");
}

TEST_F(DownsamplingPlanTest, ShorterRetentionMakesItDueEarlier) {
  options_.retention_ms = 2 * kDayMs;
  EXPECT_EQ(Plan({RawDays(1, 0, 0, 10)}, 2), "");
  EXPECT_EQ(Plan({RawDays(1, 0, 0, 10)}, 3), "4: 0 from 1");
}

TEST_F(DownsamplingPlanTest, WhatIsThereIsNotMadeAgainUnlessSomethingCame) {
  std::vector<PartInfo> parts = {RawDays(1, 0, 1, 10),
                                 RollupDays(2, kFine, {Day(0, 10), Day(1, 10)})};
  EXPECT_EQ(Plan(parts, 9), "");
  parts.push_back(RawDays(3, 1, 1, 30));  // late
  EXPECT_EQ(Plan(parts, 9), "4: 1 from 1 3 over 2");
  parts.push_back(RollupDays(4, kFine, {Day(1, 30)}));
  EXPECT_EQ(Plan(parts, 9), "");
}

TEST_F(DownsamplingPlanTest, AMergeWithNewerDaysMakesNothingStale) {
  PartInfo merged = RawDays(3, 0, 1, 20);
  merged.pieces = {Day(0, 10), Day(1, 20)};
  EXPECT_EQ(Plan({merged, RollupDays(2, kFine, {Day(0, 10), Day(1, 20)})}, 9), "");
  EXPECT_EQ(Plan({merged, RollupDays(2, kFine, {Day(0, 10), Day(1, 19)})}, 9),
            "4: 1 from 3 over 2");
}

TEST_F(DownsamplingPlanTest, PurgedDaysAreMadeAgainWhereRawSamplesAreLeft) {
  const PartInfo rollups = RollupDays(2, kFine, {Day(0, 10, true), Day(1, 10, true)});
  EXPECT_EQ(Plan({rollups}, 9), "");
  EXPECT_EQ(Plan({RawDays(1, 1, 1, 10), rollups}, 9), "4: 1 from 1 over 2");
}

TEST_F(DownsamplingPlanTest, CoarserLevelsAreMadeFromTheFirst) {
  std::vector<PartInfo> parts = {RollupDays(2, kFine, {Day(0, 10), Day(1, 11)})};
  EXPECT_EQ(Plan(parts, 30), "");
  EXPECT_EQ(Plan(parts, 31), "5: 0 from 2");
  parts.push_back(RollupDays(3, kCoarse, {Day(0, 9)}));
  EXPECT_EQ(Plan(parts, 32), "5: 0 1 from 2 over 3");
}

TEST_F(DownsamplingPlanTest, DaysOutOfTheirRetentionAreNotMade) {
  EXPECT_EQ(Plan({RawDays(1, 0, 0, 10)}, 365), "4: 0 from 1");
  EXPECT_EQ(Plan({RawDays(1, 0, 0, 10)}, 367), "");
}

TEST_F(DownsamplingPlanTest, EmptyDaysAreRemembered) {
  empty_.insert({kFine, kDayMs * 0 + 1, 10});
  EXPECT_EQ(Plan({RawDays(1, 0, 0, 10)}, 9), "");
  EXPECT_EQ(Plan({RawDays(1, 0, 0, 11)}, 9), "4: 0 from 1");
}

TEST_F(DownsamplingPlanTest, DamagedPartsKeepTheirDaysFromBeingMade) {
  options_.unmergeable_parts = {1};
  EXPECT_EQ(Plan({RawDays(1, 0, 0, 10), RawDays(2, 0, 1, 11)}, 9), "4: 1 from 2");
}

TEST_F(DownsamplingPlanTest, AJobTakesEightDays) {
  EXPECT_EQ(Plan({RawDays(1, 6, 20, 10)}, 100), "4: 6 7 from 1");
  EXPECT_EQ(Plan({RawDays(1, 8, 20, 10)}, 100), "4: 8 9 10 11 12 13 14 15 from 1");
}

TEST_F(DownsamplingPlanTest, TheEndsOfTimeAreNoTrouble) {
  PartInfo everything = RawDays(1, 0, 0, 10);
  everything.min_time_ms = INT64_MIN;
  everything.max_time_ms = 3 * kDayMs;
  EXPECT_NE(Plan({everything}, 20), "");
}

TEST_F(DownsamplingPlanTest, RawPartsWaitForTheirRollups) {
  const std::vector<PartInfo> raw = {RawDays(1, 0, 0, 10), RawDays(2, 1, 1, 20)};
  const auto held = [&](std::vector<PartInfo> parts) {
    return HeldForDownsampling(parts, options_, empty_, 20 * kDayMs);
  };
  EXPECT_THAT(held(raw), ElementsAre(1, 2));
  EXPECT_THAT(held({raw[0], raw[1], RollupDays(3, kFine, {Day(0, 10)})}), ElementsAre(2));
  EXPECT_THAT(held({raw[0], raw[1], RollupDays(3, kFine, {Day(0, 10), Day(1, 20)})}), IsEmpty());
  EXPECT_THAT(HeldForDownsampling(raw, options_, empty_, 1000 * kDayMs), IsEmpty());
  options_.downsampling = nullptr;
  EXPECT_THAT(held(raw), IsEmpty());
}

TEST(DownsamplingRulesTest, TheFirstRuleThatSelectsDecides) {
  auto matcher = index::LabelMatcher::Compile(index::MatchOp::kEqual, "job", "api");
  ASSERT_TRUE(matcher.ok());
  std::vector<index::LabelMatcher> selector;
  selector.push_back(*std::move(matcher));
  std::vector<DownsamplingRule> both =
      Everything({{kMinuteMs, 0, kDayMs * 9}, {2 * kMinuteMs, 0, 0}});
  both.insert(both.begin(),
              RuleOf("{job=\"api\"}", std::move(selector), {{kMinuteMs, 0, kDayMs * 3}}));
  const DownsamplingRules rules(7, std::move(both), kDayMs);
  EXPECT_EQ(rules.levels().size(), 3u);
  EXPECT_EQ(rules.levels()[2].number, 9);
  EXPECT_EQ(rules.levels()[2].source, 8);
  EXPECT_EQ(rules.Find(7)->rule, 0u);
  EXPECT_EQ(rules.Find(10), nullptr);
  EXPECT_EQ(rules.Find(6), nullptr);
  EXPECT_EQ(rules.RetentionOf(7), kDayMs * 3);
  EXPECT_EQ(rules.RetentionOf(3), 0);  // of older rules: the longest
  EXPECT_EQ(rules.Describe(9), "{} 2m");
  EXPECT_EQ(rules.Describe(3), "older rules");
  EXPECT_FALSE(DownsamplingRules().Find(0));
}

}  // namespace
}  // namespace varve::compaction
