#include "compaction/planner.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cstdint>
#include <limits>
#include <map>
#include <random>
#include <set>
#include <string>
#include <vector>

namespace varve::compaction {
namespace {

using format::PartInfo;
using testing::ElementsAre;
using testing::IsEmpty;

constexpr int64_t kHourMs = 3600 * 1000;
constexpr int64_t kDayMs = 24 * kHourMs;
constexpr int64_t kMinMs = std::numeric_limits<int64_t>::min();
constexpr int64_t kMaxMs = std::numeric_limits<int64_t>::max();

PartInfo MakePart(uint64_t id, int64_t min_ms, int64_t max_ms, uint64_t sequence, uint64_t bytes) {
  PartInfo part;
  part.part_id = id;
  part.min_time_ms = min_ms;
  part.max_time_ms = max_ms;
  part.min_sequence = sequence;
  part.max_sequence = sequence;
  part.files.push_back({.family = 3, .bytes = bytes, .checksum = 0});
  return part;
}

TEST(PartitionTest, FloorsBelowZeroAndKeepsBothEnds) {
  EXPECT_EQ(PartitionOf(0, 10), (Partition{0, 9}));
  EXPECT_EQ(PartitionOf(9, 10), (Partition{0, 9}));
  EXPECT_EQ(PartitionOf(10, 10), (Partition{10, 19}));
  EXPECT_EQ(PartitionOf(-1, 10), (Partition{-10, -1}));
  EXPECT_EQ(PartitionOf(-10, 10), (Partition{-10, -1}));
  EXPECT_EQ(PartitionOf(-11, 10), (Partition{-20, -11}));
}

TEST(PartitionTest, HoldsItsTimeUpToTheEndsOfTime) {
  for (const int64_t width : {int64_t{1}, int64_t{7}, kPartitionMs, kDayMs, kDayMs << 36}) {
    for (const int64_t time : {kMinMs, kMinMs + 1, int64_t{-1}, int64_t{0}, kMaxMs - 1, kMaxMs}) {
      const Partition partition = PartitionOf(time, width);
      EXPECT_LE(partition.begin_ms, time) << width;
      EXPECT_GE(partition.end_ms, time) << width;
      EXPECT_EQ(PartitionOf(partition.begin_ms, width), partition) << width << " " << time;
      EXPECT_EQ(PartitionOf(partition.end_ms, width), partition) << width << " " << time;
    }
  }
}

TEST(FlushPartitionWidthTest, StaysNarrowUntilEightPartsThenWidens) {
  struct Case {
    int64_t min_ms, max_ms, width_ms;
  };
  const Case cases[] = {
      {0, 0, kPartitionMs},
      {5, 16 * kHourMs - 1, kPartitionMs},    // eight partitions
      {0, 16 * kHourMs, kDayMs},              // nine
      {-1, 14 * kHourMs, kDayMs},             // nine, one of them before 1970
      {0, 8 * kDayMs - 1, kDayMs},            // eight days
      {0, 8 * kDayMs, 8 * kDayMs},            // nine days
      {0, 64 * kDayMs - 1, 8 * kDayMs},       //
      {0, 64 * kDayMs, 64 * kDayMs},          //
      {0, 20 * 365 * kDayMs, 4096 * kDayMs},  // a backfill of twenty years
  };
  for (const Case& c : cases) {
    EXPECT_EQ(FlushPartitionWidth(c.min_ms, c.max_ms), c.width_ms) << c.min_ms << " " << c.max_ms;
  }
}

TEST(FlushPartitionWidthTest, CutsAllOfTimeIntoEightPartsAtMost) {
  const int64_t width = FlushPartitionWidth(kMinMs, kMaxMs);
  size_t count = 0;
  for (int64_t at = kMinMs;; ++count) {
    const Partition partition = PartitionOf(at, width);
    if (partition.end_ms == kMaxMs) break;
    at = partition.end_ms + 1;
  }
  EXPECT_LT(count, 8u);
}

TEST(PlanRetentionTest, DropsPartsWhoseNewestSampleIsTooOld) {
  const std::vector<PartInfo> parts = {MakePart(1, 0, 99, 1, 1), MakePart(2, 0, 100, 2, 1),
                                       MakePart(3, 50, 1000, 3, 1)};
  EXPECT_THAT(PlanRetention(parts, {.retention_ms = 900, .unmergeable_parts = {}}, 1000),
              ElementsAre(1));
  EXPECT_THAT(PlanRetention(parts, {.retention_ms = 899, .unmergeable_parts = {}}, 1000),
              ElementsAre(1, 2));
  EXPECT_THAT(PlanRetention(parts, {.retention_ms = 0, .unmergeable_parts = {}}, kMaxMs),
              IsEmpty());
  EXPECT_THAT(PlanRetention(parts, {.retention_ms = kMaxMs, .unmergeable_parts = {}}, kMinMs),
              IsEmpty());
}

TEST(PlanRetentionTest, LeavesOtherSignalsAlone) {
  PartInfo spans = MakePart(1, 0, 99, 1, 1);
  spans.signal = format::Signal::kTraces;
  EXPECT_THAT(PlanRetention(std::vector{spans}, {.retention_ms = 1, .unmergeable_parts = {}}, 1000),
              IsEmpty());
}

TEST(PlanRetentionTest, ExemplarsHaveTheirOwn) {
  PartInfo exemplars = MakePart(1, 0, 50, 1, 1);
  exemplars.signal = format::Signal::kExemplars;
  const std::vector parts = {exemplars, MakePart(2, 0, 50, 1, 1)};
  EXPECT_THAT(
      PlanRetention(parts,
                    {.retention_ms = 0, .exemplar_retention_ms = 10, .unmergeable_parts = {}}, 100),
      ElementsAre(1));
  EXPECT_THAT(
      PlanRetention(parts,
                    {.retention_ms = 10, .exemplar_retention_ms = 0, .unmergeable_parts = {}}, 100),
      ElementsAre(2));
}

struct MergeCase {
  std::string name;
  std::vector<PartInfo> parts;
  std::vector<uint64_t> merged;  // empty: no merge is due
};

class PlanMergeTest : public testing::TestWithParam<MergeCase> {};

TEST_P(PlanMergeTest, Plans) {
  const auto job =
      PlanMerge(GetParam().parts, {.parts_per_partition_max = 2, .unmergeable_parts = {}});
  if (GetParam().merged.empty()) {
    EXPECT_FALSE(job.has_value());
    return;
  }
  ASSERT_TRUE(job.has_value());
  EXPECT_EQ(job->part_ids, GetParam().merged);
}

constexpr int64_t kEnd = kPartitionMs - 1;

INSTANTIATE_TEST_SUITE_P(
    Table, PlanMergeTest,
    testing::Values(
        MergeCase{"Nothing", {}, {}},
        MergeCase{"AtTheLimit", {MakePart(1, 0, kEnd, 1, 9), MakePart(2, 0, kEnd, 2, 9)}, {}},
        MergeCase{"EqualSizesAllTogetherOldestFirst",
                  {MakePart(3, 0, kEnd, 3, 100), MakePart(1, 0, kEnd, 2, 100),
                   MakePart(2, 0, kEnd, 1, 100)},
                  {2, 1, 3}},
        MergeCase{"TheSmallOnesNotTheBigOne",
                  {MakePart(1, 0, kEnd, 1, 10000), MakePart(2, 0, kEnd, 2, 100),
                   MakePart(3, 0, kEnd, 3, 100)},
                  {2, 3}},
        MergeCase{"SmallOnesOnBothSidesOfABigOneAreNotNeighbours",
                  {MakePart(1, 0, kEnd, 1, 100), MakePart(2, 0, kEnd, 2, 10000),
                   MakePart(3, 0, kEnd, 3, 90)},
                  {1, 2, 3}},
        MergeCase{
            "PartsOfOnePartitionCountEvenWhereTimesAreDisjoint",
            {MakePart(1, 0, 10, 1, 100), MakePart(2, 11, 20, 2, 100), MakePart(3, 21, 30, 3, 100)},
            {1, 2, 3}},
        MergeCase{"NeighbouringPartitionsDoNotCount",
                  {MakePart(1, 0, kEnd, 1, 100), MakePart(2, 0, kEnd, 2, 100),
                   MakePart(3, kEnd + 1, kEnd + 9, 3, 100)},
                  {}},
        MergeCase{"AWidePartCountsInEveryPartitionItTouches",
                  {MakePart(1, kEnd + 1, kEnd + 9, 1, 100), MakePart(2, kEnd + 1, kEnd + 9, 2, 100),
                   MakePart(3, 0, kDayMs - 1, 3, 100)},
                  {1, 2, 3}},
        // Part 2 lies between 1 and 3 and shares time with wide part 1, though not with the crowded
        // partition.
        MergeCase{"APartBetweenInSequenceIsTakenAlong",
                  {MakePart(1, 0, kDayMs - 1, 1, 100),
                   MakePart(2, 4 * kPartitionMs, 4 * kPartitionMs + 9, 2, 100),
                   MakePart(3, 0, kEnd, 3, 100), MakePart(4, 0, kEnd, 4, 1000000)},
                  {1, 2, 3}},
        // Parts 3 and 4 are one flush: merging 3 with wide 1 alone would make 1's samples as new as
        // 4's.
        MergeCase{"APartOfTheSameFlushIsTakenAlong",
                  {MakePart(1, 0, kDayMs - 1, 1, 100), MakePart(2, 0, kEnd, 2, 100),
                   MakePart(3, 0, kEnd, 3, 100), MakePart(4, kEnd + 1, kEnd + 9, 3, 100)},
                  {1, 2, 3, 4}},
        MergeCase{
            "ASettledDayBecomesOnePart",
            {MakePart(1, 0, kEnd, 1, 100), MakePart(2, kPartitionMs, kPartitionMs + 9, 2, 100),
             MakePart(3, kDayMs + 2 * kPartitionMs, kDayMs + 2 * kPartitionMs, 3, 100)},
            {1, 2}},
        MergeCase{
            "TodayIsNotSettled",
            {MakePart(1, 0, kEnd, 1, 100), MakePart(2, kPartitionMs, kPartitionMs + 9, 2, 100),
             MakePart(3, kDayMs + kPartitionMs, kDayMs + kPartitionMs, 3, 100)},
            {}},
        MergeCase{"ALateSampleDoesNotRewriteItsDay",
                  {MakePart(1, 0, kDayMs - 1, 1, 1000), MakePart(2, 5, 9, 2, 10),
                   MakePart(3, 2 * kDayMs, 2 * kDayMs, 3, 100)},
                  {}}),
    [](const auto& test) { return test.param.name; });

TEST(PlanMergeKindTest, MergesOnlyPartsOfOneKind) {
  std::vector<PartInfo> parts = {MakePart(1, 0, kEnd, 1, 10), MakePart(2, 0, kEnd, 2, 10),
                                 MakePart(3, 0, kEnd, 3, 10), MakePart(4, 0, kEnd, 4, 10)};
  parts[0].tier = format::Tier::kRollup;
  parts[1].signal = format::Signal::kTraces;
  parts[2].retention_class = 7;
  EXPECT_FALSE(
      PlanMerge(parts, {.parts_per_partition_max = 1, .unmergeable_parts = {}}).has_value());
}

TEST(PlanMergeKindTest, ExemplarsMergeAmongThemselves) {
  std::vector<PartInfo> parts;
  for (uint64_t id = 1; id <= 6; ++id) {
    parts.push_back(MakePart(id, 0, kEnd, id, 10));
    if (id % 2 == 0) parts.back().signal = format::Signal::kExemplars;
  }
  parts[4].signal = format::Signal::kTraces;
  const auto job = PlanMerge(parts, {.parts_per_partition_max = 2, .unmergeable_parts = {}});
  ASSERT_TRUE(job.has_value());
  EXPECT_THAT(job->part_ids, ElementsAre(2, 4, 6));
}

TEST(PlanMergeDamageTest, GoesNeitherThroughNorAroundAnUnmergeablePart) {
  const std::vector<PartInfo> parts = {MakePart(1, 0, kEnd, 1, 10), MakePart(2, 0, kEnd, 2, 10),
                                       MakePart(3, 0, kEnd, 3, 10), MakePart(4, 0, kEnd, 4, 10),
                                       MakePart(5, 0, kEnd, 5, 10)};
  const auto plan = [&](std::set<uint64_t> unmergeable) {
    const auto job = PlanMerge(
        parts, {.parts_per_partition_max = 2, .unmergeable_parts = std::move(unmergeable)});
    return job ? job->part_ids : std::vector<uint64_t>();
  };
  EXPECT_THAT(plan({}), ElementsAre(1, 2, 3, 4, 5));
  EXPECT_THAT(plan({2}), ElementsAre(3, 4, 5));
  EXPECT_THAT(plan({4}), ElementsAre(1, 2, 3));
  EXPECT_THAT(plan({2, 4}), IsEmpty());
}

TEST(PlanMergeDamageTest, OtherPartitionsGoOn) {
  std::vector<PartInfo> parts;
  for (uint64_t i = 1; i <= 4; ++i) parts.push_back(MakePart(i, 0, kEnd, i, 10));
  for (uint64_t i = 5; i <= 7; ++i) parts.push_back(MakePart(i, kEnd + 1, kEnd + 9, i, 10));
  const auto job =
      PlanMerge(parts, {.parts_per_partition_max = 2, .unmergeable_parts = {1, 2, 3, 4}});
  ASSERT_TRUE(job.has_value());
  EXPECT_THAT(job->part_ids, ElementsAre(5, 6, 7));
}

// A database of parts in which a sample is a time and the sequence of the write that put it there,
// so that reading can be compared with what must win: the highest sequence.
class Simulation {
 public:
  explicit Simulation(uint32_t parts_per_partition_max)
      : options_{.retention_ms = 0,
                 .parts_per_partition_max = parts_per_partition_max,
                 .unmergeable_parts = {}} {}

  // Flushes samples at `times`, all of one new sequence, and merges until nothing is due.
  void Flush(const std::vector<int64_t>& times) {
    ++sequence_;
    const auto [min, max] = std::minmax_element(times.begin(), times.end());
    const int64_t width = FlushPartitionWidth(*min, *max);
    std::map<int64_t, std::map<int64_t, uint64_t>> partitions;
    for (const int64_t time : times) {
      partitions[PartitionOf(time, width).begin_ms][time] = sequence_;
      truth_[time] = sequence_;
    }
    for (auto& [begin_ms, samples] : partitions) {
      flushed_bytes_ += samples.size();
      AddPart(std::move(samples), sequence_, sequence_);
    }
    MergeUntilQuiet(PlanMerge);
  }

  void Compact() { MergeUntilQuiet(PlanFullMerge); }

  // Every sample as the parts give it, the newest part last, as a catalog version lists them.
  std::map<int64_t, uint64_t> ReadAll() const {
    std::vector<PartInfo> infos = Infos();
    std::sort(infos.begin(), infos.end(), [](const PartInfo& a, const PartInfo& b) {
      return std::tuple(a.max_sequence, a.min_time_ms) < std::tuple(b.max_sequence, b.min_time_ms);
    });
    std::map<int64_t, uint64_t> all;
    for (const PartInfo& info : infos) {
      for (const auto& [time, sequence] : samples_.at(info.part_id)) all[time] = sequence;
    }
    return all;
  }

  size_t MostPartsInAPartition() const {
    std::map<int64_t, size_t> counts;
    for (const auto& [id, info] : parts_) {
      for (int64_t at = info.min_time_ms; at <= info.max_time_ms;) {
        const Partition partition = PartitionOf(at, kPartitionMs);
        ++counts[partition.begin_ms];
        at = partition.end_ms + 1;
      }
    }
    size_t most = 0;
    for (const auto& [begin_ms, count] : counts) most = std::max(most, count);
    return most;
  }

  const std::map<int64_t, uint64_t>& truth() const { return truth_; }
  size_t part_count() const { return parts_.size(); }
  size_t merge_count() const { return merge_count_; }
  double write_amplification() const {
    return 1 + static_cast<double>(merged_bytes_) / static_cast<double>(flushed_bytes_);
  }

 private:
  std::vector<PartInfo> Infos() const {
    std::vector<PartInfo> infos;
    for (const auto& [id, info] : parts_) infos.push_back(info);
    return infos;
  }

  void AddPart(std::map<int64_t, uint64_t> samples, uint64_t min_sequence, uint64_t max_sequence,
               uint8_t level = 0) {
    PartInfo info = MakePart(++last_part_id_, samples.begin()->first, samples.rbegin()->first, 0,
                             samples.size() * 100);
    info.min_sequence = min_sequence;
    info.max_sequence = max_sequence;
    info.level = level;
    parts_[info.part_id] = info;
    samples_[info.part_id] = std::move(samples);
  }

  // Every merge leaves fewer parts, or fewer of level 0.
  template <typename Plan>
  void MergeUntilQuiet(Plan plan) {
    for (size_t left = 2 * parts_.size(); const auto job = plan(Infos(), options_); --left) {
      ASSERT_GT(left, 0u) << "merging does not end";
      Merge(*job);
    }
  }

  void Merge(const MergeJob& job) {
    ASSERT_GE(job.part_ids.size(), 1u);
    std::map<int64_t, uint64_t> merged;
    uint8_t level = 0;
    uint64_t min_sequence = std::numeric_limits<uint64_t>::max();
    uint64_t max_sequence = 0;
    for (const uint64_t id : job.part_ids) {
      ASSERT_EQ(parts_.count(id), 1u) << id;
      ASSERT_GE(parts_[id].max_sequence, max_sequence) << "not oldest first";
      min_sequence = std::min(min_sequence, parts_[id].min_sequence);
      max_sequence = std::max(max_sequence, parts_[id].max_sequence);
      level = std::max(level, parts_[id].level);
      for (const auto& [time, sequence] : samples_[id]) merged[time] = sequence;
      parts_.erase(id);
      samples_.erase(id);
    }
    merged_bytes_ += merged.size();
    ++merge_count_;
    AddPart(std::move(merged), min_sequence, max_sequence,
            static_cast<uint8_t>(std::min(level + 1, 255)));
  }

  const PlannerOptions options_;
  std::map<uint64_t, PartInfo> parts_;
  std::map<uint64_t, std::map<int64_t, uint64_t>> samples_;
  std::map<int64_t, uint64_t> truth_;
  uint64_t sequence_ = 0;
  uint64_t last_part_id_ = 0;
  uint64_t flushed_bytes_ = 0;
  uint64_t merged_bytes_ = 0;
  size_t merge_count_ = 0;
};

std::vector<int64_t> Every(int64_t step_ms, int64_t begin_ms, int64_t end_ms) {
  std::vector<int64_t> times;
  for (int64_t at = begin_ms; at < end_ms; at += step_ms) times.push_back(at);
  return times;
}

// The write amplification of a steady scrape flushed every `flush_ms` for three days.
TEST(PlannerSimulationTest, SteadyScrapeIsRewrittenFewTimes) {
  struct Case {
    int64_t flush_ms;
    double amplification_max;
  };
  for (const Case& c : {Case{3 * kHourMs, 2.5}, Case{20 * 60 * 1000, 4}, Case{60 * 1000, 7}}) {
    Simulation simulation(4);
    for (int64_t at = 0; at < 3 * kDayMs; at += c.flush_ms) {
      simulation.Flush(Every(15'000, at, at + c.flush_ms));
      ASSERT_LE(simulation.MostPartsInAPartition(), 4u);
    }
    EXPECT_EQ(simulation.ReadAll(), simulation.truth());
    EXPECT_LT(simulation.write_amplification(), c.amplification_max) << c.flush_ms;
    EXPECT_LT(simulation.part_count(), 4u + 4u * 13u);  // two settled days are few parts
    RecordProperty("write_amplification_" + std::to_string(c.flush_ms / 1000) + "s",
                   std::to_string(simulation.write_amplification()));
  }
}

// A year of a series scraped every five minutes, flushed every two hours, with a late sample now
// and then and a month imported again.
TEST(PlannerSimulationTest, AYearEndsInFewPartsWrittenFewTimes) {
  Simulation simulation(4);
  std::mt19937 random(7);
  for (int64_t at = 0; at < 365 * kDayMs; at += 2 * kHourMs) {
    std::vector<int64_t> times = Every(300'000, at, at + 2 * kHourMs);
    if (random() % 20 == 0 && at > kDayMs) times.push_back(at - kDayMs + 1);
    simulation.Flush(times);
    ASSERT_LE(simulation.MostPartsInAPartition(), 4u);
  }
  simulation.Flush(Every(300'000, 100 * kDayMs + 7, 130 * kDayMs));
  EXPECT_LE(simulation.part_count(), 150u);
  EXPECT_LT(simulation.write_amplification(), 5);
  RecordProperty("parts", std::to_string(simulation.part_count()));
  RecordProperty("write_amplification", std::to_string(simulation.write_amplification()));
  EXPECT_EQ(simulation.ReadAll(), simulation.truth());
  simulation.Compact();
  EXPECT_LE(simulation.part_count(), 365u / 8 + 2);
  EXPECT_EQ(simulation.ReadAll(), simulation.truth());
}

TEST(PlanFullMergeTest, WritesALoneFlushedPartAnewOnce) {
  PartInfo part = MakePart(1, 0, kHourMs, 5, 100);
  const auto job = PlanFullMerge({&part, 1}, {});
  ASSERT_TRUE(job.has_value());
  EXPECT_EQ(job->part_ids, std::vector<uint64_t>{1});
  part.level = 1;
  EXPECT_FALSE(PlanFullMerge({&part, 1}, {}).has_value());
}

TEST(PlanFullMergeTest, MergesWhatLiesWithinEightDays) {
  std::vector<PartInfo> parts = {MakePart(1, 0, kHourMs, 1, 100),
                                 MakePart(2, 7 * kDayMs, 7 * kDayMs + 1, 2, 100),
                                 MakePart(3, 8 * kDayMs, 8 * kDayMs + 1, 3, 100)};
  for (PartInfo& part : parts) part.level = 1;
  const auto job = PlanFullMerge(parts, {});
  ASSERT_TRUE(job.has_value());
  EXPECT_EQ(job->part_ids, (std::vector<uint64_t>{1, 2}));
}

TEST(PlanFullMergeTest, LeavesDamagedPartsAlone) {
  const PartInfo part = MakePart(1, 0, kHourMs, 5, 100);
  PlannerOptions options;
  options.unmergeable_parts = {1};
  EXPECT_FALSE(PlanFullMerge({&part, 1}, options).has_value());
}

// One partition flushed n times: rewriting it each time would cost n / 2 per byte.
TEST(PlannerSimulationTest, ManyFlushesIntoOnePartitionCostFarLessThanRewritingEachTime) {
  double previous = 0;
  for (const int flushes : {32, 128, 512}) {
    Simulation simulation(4);
    for (int i = 0; i < flushes; ++i) {
      std::vector<int64_t> times;
      for (int64_t k = 0; k < 10; ++k) times.push_back(k * 512 + i);
      simulation.Flush(times);
      ASSERT_LE(simulation.MostPartsInAPartition(), 4u);
    }
    EXPECT_EQ(simulation.ReadAll(), simulation.truth());
    const double amplification = simulation.write_amplification();
    RecordProperty("write_amplification_" + std::to_string(flushes), std::to_string(amplification));
    if (previous > 0) {
      EXPECT_LT(amplification, 2 * previous) << flushes;
    }
    EXPECT_LT(amplification, 10);
    previous = amplification;
  }
}

// Flushes that overlap a few partitions, with samples out of order, overwrites, late data and
// backfills of days.
class RandomSimulationTest : public testing::TestWithParam<uint32_t> {};

TEST_P(RandomSimulationTest, NewestWinsPartsStayFewAndMergingEnds) {
  std::mt19937 random(GetParam());
  const auto below = [&random](int64_t n) {
    return std::uniform_int_distribution<int64_t>(0, n - 1)(random);
  };
  const uint32_t parts_max = 1 + GetParam() % 5;
  Simulation simulation(parts_max);
  int64_t now = -kDayMs;
  for (int flush = 0; flush < 250; ++flush) {
    now += below(3 * kHourMs);
    std::vector<int64_t> times;
    const int64_t count = 1 + below(60);
    // Coarse times, so that flushes overwrite each other.
    const int64_t kind = below(10);
    const int64_t reach = kind < 6 ? 3 * kHourMs : kind < 9 ? 9 * kHourMs : 6 * kDayMs;
    for (int64_t i = 0; i < count; ++i) times.push_back((now - below(reach)) / 60'000 * 60'000);
    if (below(20) == 0) times.assign(1, now - 40 * kDayMs + below(kDayMs));  // lone and very late
    simulation.Flush(times);
    ASSERT_LE(simulation.MostPartsInAPartition(), parts_max);
    if (flush % 10 == 0) {
      ASSERT_EQ(simulation.ReadAll(), simulation.truth()) << flush;
    }
  }
  EXPECT_EQ(simulation.ReadAll(), simulation.truth());
  EXPECT_GT(simulation.merge_count(), 20u);
  RecordProperty("write_amplification", std::to_string(simulation.write_amplification()));
}

INSTANTIATE_TEST_SUITE_P(Seeds, RandomSimulationTest, testing::Range(0u, 30u));

}  // namespace
}  // namespace varve::compaction
