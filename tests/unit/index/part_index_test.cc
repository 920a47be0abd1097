#include "index/part_index.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <map>
#include <set>
#include <string>
#include <thread>
#include <vector>

#include "index/part_index_keys.h"
#include "tests/unit/index/fake_part.h"
#include "tests/unit/index/label_set_model.h"

namespace varve::index {
namespace {

using testing::HasSubstr;
using testing::IsEmpty;

std::vector<LabelSet> SortedSets(uint64_t seed, size_t count) {
  RandomLabels random(seed);
  std::set<LabelSet> sets;  // std::map compares as label order does
  while (sets.size() < count) sets.insert(random.NextSet());
  return {sets.begin(), sets.end()};
}

FakeBytes WritePart(const std::vector<LabelSet>& sets) {
  FakePartWriter writer;
  PartIndexWriter index(&writer);
  for (const LabelSet& set : sets) {
    const Status status = index.Add(ToBytes(set));
    EXPECT_TRUE(status.ok()) << status.ToString();
  }
  EXPECT_EQ(index.series_count(), sets.size());
  const Status status = index.Finish();
  EXPECT_TRUE(status.ok()) << status.ToString();
  return writer.bytes;
}

std::unique_ptr<PartIndexReader> OpenPart(const FakeBytes& bytes) {
  auto reader = PartIndexReader::Open(std::make_shared<FakePart>(bytes));
  EXPECT_TRUE(reader.ok()) << reader.status().ToString();
  return std::move(reader).value();
}

void CheckVisit(const PartIndexReader& reader, const std::vector<LabelSet>& sets,
                const std::vector<Ordinal>& ordinals) {
  size_t visited = 0;
  const Status status = reader.VisitLabels(ordinals, [&](size_t i, std::string_view labels) {
    ASSERT_EQ(i, visited++);
    ASSERT_EQ(labels, ToBytes(sets[ordinals[i]]));
  });
  ASSERT_TRUE(status.ok()) << status.ToString();
  ASSERT_EQ(visited, ordinals.size());
}

class PartIndexTwinTest : public testing::TestWithParam<size_t> {};

TEST_P(PartIndexTwinTest, AgreesWithItsTwin) {
  const std::vector<LabelSet> sets = SortedSets(GetParam(), GetParam());
  const auto reader = OpenPart(WritePart(sets));
  ASSERT_EQ(reader->series_count(), sets.size());
  RandomLabels random(1);
  for (int round = 0; round < 400; ++round) {
    const std::vector<LabelMatcher> matchers = random.NextMatchers();
    std::vector<Ordinal> expected;
    for (Ordinal i = 0; i < sets.size(); ++i) {
      if (NaiveMatches(sets[i], matchers)) expected.push_back(i);
    }
    const auto matched = reader->Match(matchers);
    ASSERT_TRUE(matched.ok()) << matched.status().ToString();
    ASSERT_EQ(*matched, expected) << Describe(matchers);
    if (round % 10 == 0) {
      ASSERT_NO_FATAL_FAILURE(CheckVisit(*reader, sets, expected));
    }
  }
  for (const uint64_t one_in : {1u, 2u, 10u, 100u, 1000u}) {
    std::vector<Ordinal> ordinals;
    for (Ordinal i = 0; i < sets.size(); ++i) {
      if (random.Below(one_in) == 0) ordinals.push_back(i);
    }
    ASSERT_NO_FATAL_FAILURE(CheckVisit(*reader, sets, ordinals));
  }
  std::map<std::string, std::set<std::string>> values;
  for (const LabelSet& set : sets) {
    for (const auto& [name, value] : set) values[name].insert(value);
  }
  std::vector<std::string> names;
  for (const auto& [name, of_name] : values) {
    names.push_back(name);
    const auto listed = reader->LabelValues(name);
    ASSERT_TRUE(listed.ok());
    ASSERT_EQ(*listed, std::vector<std::string>(of_name.begin(), of_name.end())) << name;
  }
  const auto listed = reader->LabelNames();
  ASSERT_TRUE(listed.ok());
  ASSERT_EQ(*listed, names);
  EXPECT_THAT(*reader->LabelValues("absent"), IsEmpty());
}

INSTANTIATE_TEST_SUITE_P(Sizes, PartIndexTwinTest, testing::Values(0, 1, 63, 64, 65, 128, 3000));

TEST(PartIndexTest, RefusesSeriesOutOfOrderOrNotCanonical) {
  FakePartWriter writer;
  PartIndexWriter index(&writer);
  ASSERT_TRUE(index.Add(ToBytes({{"a", "m"}})).ok());
  EXPECT_EQ(index.Add(ToBytes({{"a", "m"}})).code(), StatusCode::kInvalidArgument);
  EXPECT_EQ(index.Add(ToBytes({{"a", "b"}})).code(), StatusCode::kInvalidArgument);
  EXPECT_EQ(index.Add("\x05").code(), StatusCode::kInvalidArgument);
  EXPECT_EQ(index.Add(ToBytes({{"a", ""}})).code(), StatusCode::kInvalidArgument);
  ASSERT_TRUE(index.Add(ToBytes({{"a", "m"}, {"b", "c"}})).ok());
  EXPECT_EQ(index.series_count(), 2u);
}

TEST(PartIndexTest, KeepsLongAndUniquePairs) {
  std::set<LabelSet> sets;
  for (int i = 0; i < 1000; ++i) {
    sets.insert(
        {{"name", std::string(static_cast<size_t>(i) * 7 + 1, static_cast<char>('a' + i % 26))},
         {"unique" + std::to_string(i), std::to_string(i)}});
  }
  const std::vector<LabelSet> sorted(sets.begin(), sets.end());
  const auto reader = OpenPart(WritePart(sorted));
  std::vector<Ordinal> all(sorted.size());
  for (Ordinal i = 0; i < all.size(); ++i) all[i] = i;
  CheckVisit(*reader, sorted, all);
}

// Pair chunks are decoded by whoever needs them first.
TEST(PartIndexTest, ServesManyThreads) {
  const std::vector<LabelSet> sets = SortedSets(6, 2000);
  const auto reader = OpenPart(WritePart(sets));
  std::vector<std::thread> threads;
  for (uint64_t seed = 0; seed < 4; ++seed) {
    threads.emplace_back([&, seed] {
      RandomLabels random(seed);
      for (int round = 0; round < 20; ++round) {
        std::vector<Ordinal> ordinals;
        for (Ordinal i = 0; i < sets.size(); ++i) {
          if (random.Below(20) == 0) ordinals.push_back(i);
        }
        CheckVisit(*reader, sets, ordinals);
        const std::vector<LabelMatcher> matchers = random.NextMatchers();
        EXPECT_TRUE(reader->Match(matchers).ok());
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
}

// Reads all there is to read; an error must be damage, named by part; data must be what was
// written.
void ReadAll(const FakeBytes& bytes, const std::vector<LabelSet>& sets, uint64_t* errors) {
  const auto check = [&](const Status& status) {
    if (status.ok()) return true;
    const bool named =
        status.code() == StatusCode::kDataLoss || status.code() == StatusCode::kUnimplemented;
    EXPECT_TRUE(named) << status.ToString();
    EXPECT_THAT(status.message(), HasSubstr("part 7"));
    ++*errors;
    return false;
  };
  auto reader = PartIndexReader::Open(std::make_shared<FakePart>(bytes));
  if (!check(reader.status())) return;
  std::vector<Ordinal> all((*reader)->series_count());
  ASSERT_EQ(all.size(), sets.size());
  for (Ordinal i = 0; i < all.size(); ++i) all[i] = i;
  check((*reader)->VisitLabels(
      all, [&](size_t i, std::string_view labels) { ASSERT_EQ(labels, ToBytes(sets[i])); }));
  for (const char* const name : {"__name__", "pod", "job"}) {
    const std::vector<LabelMatcher> matchers = [&] {
      std::vector<LabelMatcher> one;
      one.push_back(MustCompile(MatchOp::kRegexMatch, name, "[^5]+"));
      return one;
    }();
    const auto matched = (*reader)->Match(matchers);
    if (!check(matched.status())) continue;
    std::vector<Ordinal> expected;
    for (Ordinal i = 0; i < sets.size(); ++i) {
      if (NaiveMatches(sets[i], matchers)) expected.push_back(i);
    }
    ASSERT_EQ(*matched, expected);
  }
}

TEST(PartIndexTest, ReportsEveryFlippedByteOrReadsTheSame) {
  const std::vector<LabelSet> sets = SortedSets(4, 100);
  const FakeBytes bytes = WritePart(sets);
  uint64_t flips = 0;
  uint64_t reads_with_errors = 0;
  for (const auto& [key, value] : bytes) {
    for (size_t i = 0; i < value.size(); ++i) {
      FakeBytes damaged = bytes;
      damaged[key][i] = static_cast<char>(value[i] ^ (1 << (i % 8)));
      uint64_t errors = 0;
      ASSERT_NO_FATAL_FAILURE(ReadAll(damaged, sets, &errors)) << key.second << " byte " << i;
      ++flips;
      reads_with_errors += errors > 0 ? 1 : 0;
    }
  }
  // Postings of labels that ReadAll does not ask for may be damaged unnoticed.
  EXPECT_GT(reads_with_errors, flips / 3);
}

TEST(PartIndexTest, ReportsTruncatedAndMissingPieces) {
  const std::vector<LabelSet> sets = SortedSets(5, 100);
  const FakeBytes bytes = WritePart(sets);
  for (const auto& [key, value] : bytes) {
    if (key.first != kv::Family::kSeries) continue;
    for (size_t size = 0; size < value.size(); ++size) {
      FakeBytes damaged = bytes;
      damaged[key].resize(size);
      uint64_t errors = 0;
      ASSERT_NO_FATAL_FAILURE(ReadAll(damaged, sets, &errors));
      ASSERT_GT(errors, 0u) << "cut to " << size;
    }
    FakeBytes damaged = bytes;
    damaged.erase(key);
    uint64_t errors = 0;
    ASSERT_NO_FATAL_FAILURE(ReadAll(damaged, sets, &errors));
    ASSERT_GT(errors, 0u);
  }
}

TEST(PartIndexKeysTest, SortLikeNamesAndValues) {
  const std::vector<std::string> strings = {"a",
                                            std::string("a\0", 2),
                                            std::string("a\0\0", 3),
                                            std::string("a\0\1", 3),
                                            std::string("a\0\xff", 3),
                                            "a\1",
                                            "aa",
                                            "b",
                                            "\xff"};
  std::vector<std::pair<std::string, std::string>> pairs;
  for (const std::string& name : strings) {
    for (const std::string& value : strings) pairs.emplace_back(name, value);
  }
  std::sort(pairs.begin(), pairs.end());
  for (size_t i = 0; i < pairs.size(); ++i) {
    const std::string key = PostingsKey(pairs[i].first, pairs[i].second);
    const auto parts = ParsePostingsKey(key);
    ASSERT_TRUE(parts.ok());
    ASSERT_EQ(parts->name, pairs[i].first);
    ASSERT_EQ(parts->value, pairs[i].second);
    ASSERT_LT(key, PostingsKeyAfterName(pairs[i].first));
    if (i == 0) continue;
    ASSERT_LT(PostingsKey(pairs[i - 1].first, pairs[i - 1].second), key);
    if (pairs[i - 1].first != pairs[i].first) {
      ASSERT_LT(PostingsKeyAfterName(pairs[i - 1].first), key);
    }
    const bool has_prefix = pairs[i].second.starts_with("a");
    ASSERT_EQ(key.starts_with(PostingsKeyPrefix(pairs[i].first, "a")), has_prefix);
  }
}

TEST(PartIndexKeysTest, RefusesMalformedKeys) {
  using std::string_literals::operator""s;
  for (const std::string& key :
       {""s, "a"s, "a\0\1"s, "a\0\1b"s, "a\0\1b\0"s, "a\0\1b\0\1x"s, "a\0\2b\0\1"s, "\0\1b\0\1"s}) {
    EXPECT_EQ(ParsePostingsKey(key).status().code(), StatusCode::kDataLoss);
  }
}

}  // namespace
}  // namespace varve::index
