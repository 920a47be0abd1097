#include "index/head_index.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <map>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "base/hash.h"
#include "tests/unit/index/label_set_model.h"

namespace varve::index {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;

std::pair<SeriesId, uint64_t> LookupOne(const HeadIndex& index, std::string_view labels) {
  SeriesId id = 0;
  uint64_t hash = 0;
  index.Lookup({&labels, 1}, {&id, 1}, {&hash, 1});
  return {id, hash};
}

// A HeadIndex and its twin under the same operations.
class HeadIndexTwin {
 public:
  explicit HeadIndexTwin(uint64_t seed) : random_(seed) {}

  // Looks up a batch of label sets, old and new, and inserts the unknown ones as an engine would.
  void Append(size_t count) {
    std::vector<LabelSet> sets;
    std::vector<std::string> bytes;
    for (size_t i = 0; i < count; ++i) {
      const bool repeat = !twin_.empty() && random_.Below(3) == 0;
      sets.push_back(repeat ? RandomOld() : random_.NextSet());
      bytes.push_back(ToBytes(sets.back()));
    }
    const std::vector<std::string_view> views(bytes.begin(), bytes.end());
    std::vector<SeriesId> ids(count);
    std::vector<uint64_t> hashes(count);
    index_.Lookup(views, ids, hashes);
    for (size_t i = 0; i < count; ++i) {
      const auto known = by_labels_.find(bytes[i]);
      // A set may repeat within the batch, whose lookups all came before.
      const bool known_before = known != by_labels_.end() && known->second < first_id_of_batch();
      ASSERT_EQ(ids[i], known_before ? known->second : kNoSeriesId);
      ASSERT_EQ(hashes[i], Hash64(bytes[i]));
      if (known == by_labels_.end()) Insert(sets[i], bytes[i], hashes[i]);
    }
    batch_first_ = next_id_;
  }

  void Remove(uint64_t one_in) {
    std::vector<SeriesId> removed;
    for (const auto& [id, labels] : twin_) {
      if (random_.Below(one_in) == 0) removed.push_back(id);
    }
    index_.Remove(removed);
    for (const SeriesId id : removed) {
      by_labels_.erase(ToBytes(twin_[id]));
      twin_.erase(id);
    }
  }

  void RemoveBelow(SeriesId limit) {
    std::vector<SeriesId> removed;
    for (const auto& [id, labels] : twin_) {
      if (id < limit) removed.push_back(id);
    }
    index_.Remove(removed);
    for (const SeriesId id : removed) {
      by_labels_.erase(ToBytes(twin_[id]));
      twin_.erase(id);
    }
  }

  void CheckSeries() {
    ASSERT_EQ(index_.series_count(), twin_.size());
    std::set<std::string> pairs;
    for (SeriesId id = 0; id < next_id_; ++id) {
      const auto it = twin_.find(id);
      ASSERT_EQ(index_.Contains(id), it != twin_.end()) << id;
      if (it == twin_.end()) continue;
      std::string labels;
      index_.AppendLabels(id, &labels);
      ASSERT_EQ(labels, ToBytes(it->second));
      ASSERT_EQ(index_.SeriesPairs(id).size(), it->second.size());
      ASSERT_EQ(index_.Hash(id), Hash64(labels));
      ASSERT_EQ(LookupOne(index_, labels).first, id);
      for (const auto& [name, value] : it->second) pairs.insert(ToBytes({{name, value}}));
    }
    ASSERT_EQ(index_.pair_count(), pairs.size());
    ASSERT_FALSE(index_.Contains(next_id_));
  }

  void CheckMatches(int rounds) {
    for (int round = 0; round < rounds; ++round) {
      const std::vector<LabelMatcher> matchers = random_.NextMatchers();
      std::vector<SeriesId> expected;
      for (const auto& [id, labels] : twin_) {
        const bool matches = NaiveMatches(labels, matchers);
        if (matches) expected.push_back(id);
        if (round < 20) {
          ASSERT_EQ(index_.Matches(id, matchers), matches) << Describe(matchers);
        }
      }
      ASSERT_EQ(index_.Match(matchers), expected) << Describe(matchers);
      if (round % 10 == 0) CheckListing(expected);
    }
  }

  void CheckListing(const std::vector<SeriesId>& ids) {
    std::map<std::string, std::set<std::string>> values_all;
    std::map<std::string, std::set<std::string>> values_of_ids;
    for (const auto& [id, labels] : twin_) {
      const bool listed = std::binary_search(ids.begin(), ids.end(), id);
      for (const auto& [name, value] : labels) {
        values_all[name].insert(value);
        if (listed) values_of_ids[name].insert(value);
      }
    }
    CheckNames(values_all, index_.LabelNames());
    CheckNames(values_of_ids, index_.LabelNames(ids));
    for (const std::string name : {"__name__", "job", "pod", "odd", "uid", "absent"}) {
      ASSERT_EQ(index_.LabelValues(name), Vector(values_all[name])) << name;
      ASSERT_EQ(index_.LabelValues(name, ids), Vector(values_of_ids[name])) << name;
    }
  }

  HeadIndex& index() { return index_; }
  SeriesId next_id() const { return next_id_; }

 private:
  SeriesId first_id_of_batch() const { return batch_first_; }

  const LabelSet& RandomOld() {
    auto it = twin_.lower_bound(static_cast<SeriesId>(random_.Below(next_id_)));
    return it == twin_.end() ? twin_.begin()->second : it->second;
  }

  void Insert(const LabelSet& labels, const std::string& bytes, uint64_t hash) {
    next_id_ += static_cast<SeriesId>(random_.Below(50) == 0 ? random_.Below(3000)
                                                             : 0);  // ids may have gaps
    index_.Insert(next_id_, bytes, hash);
    twin_[next_id_] = labels;
    by_labels_[bytes] = next_id_++;
  }

  static std::vector<std::string> Vector(const std::set<std::string>& set) {
    return {set.begin(), set.end()};
  }
  static void CheckNames(const std::map<std::string, std::set<std::string>>& expected,
                         const std::vector<std::string>& names) {
    std::vector<std::string> expected_names;
    for (const auto& [name, values] : expected) expected_names.push_back(name);
    ASSERT_EQ(names, expected_names);
  }

  RandomLabels random_;
  HeadIndex index_;
  std::map<SeriesId, LabelSet> twin_;
  std::map<std::string, SeriesId> by_labels_;
  SeriesId next_id_ = 0;
  SeriesId batch_first_ = 0;
};

TEST(HeadIndexTest, AgreesWithItsTwinThroughAppendsAndRemovals) {
  HeadIndexTwin twin(7);
  for (int round = 0; round < 6; ++round) {
    for (const size_t batch : {1u, 31u, 32u, 33u, 700u})
      ASSERT_NO_FATAL_FAILURE(twin.Append(batch));
    ASSERT_NO_FATAL_FAILURE(twin.CheckSeries());
    ASSERT_NO_FATAL_FAILURE(twin.CheckMatches(150));
    twin.Remove(round % 2 == 0 ? 3 : 20);
    ASSERT_NO_FATAL_FAILURE(twin.CheckSeries());
    ASSERT_NO_FATAL_FAILURE(twin.CheckMatches(50));
  }
}

TEST(HeadIndexTest, RemovedSeriesLeaveNothingBehind) {
  HeadIndexTwin twin(8);
  twin.Append(20);
  const size_t empty_bytes = twin.index().memory_bytes();
  for (int round = 0; round < 20; ++round) {
    ASSERT_NO_FATAL_FAILURE(twin.Append(5000));
    twin.RemoveBelow(twin.next_id());
    ASSERT_EQ(twin.index().series_count(), 0u);
    ASSERT_EQ(twin.index().pair_count(), 0u);
  }
  EXPECT_THAT(twin.index().LabelNames(), IsEmpty());
  // Dictionary arrays keep the room of one generation, never of all.
  EXPECT_LT(twin.index().memory_bytes(), empty_bytes + 5000 * 250);
  ASSERT_NO_FATAL_FAILURE(twin.Append(100));
  ASSERT_NO_FATAL_FAILURE(twin.CheckSeries());
}

TEST(HeadIndexTest, RebuildsFromPairs) {
  HeadIndexTwin twin(9);
  twin.Append(2000);
  HeadIndex copy;
  std::map<PairId, PairId> renumbered;
  for (const SeriesId id : twin.index().Match({})) {
    std::vector<PairId> pairs;
    for (const PairId pair : twin.index().SeriesPairs(id)) {
      if (!renumbered.contains(pair))
        renumbered[pair] = copy.InternPair(twin.index().PairBytes(pair));
      pairs.push_back(renumbered[pair]);
    }
    copy.InsertPairs(id, pairs, twin.index().Hash(id));
  }
  ASSERT_EQ(copy.series_count(), twin.index().series_count());
  for (const SeriesId id : twin.index().Match({})) {
    std::string labels;
    twin.index().AppendLabels(id, &labels);
    ASSERT_EQ(LookupOne(copy, labels).first, id);
  }
}

TEST(HeadIndexTest, PairsWithoutSeriesAreNotListed) {
  HeadIndex index;
  index.InternPair(ToBytes({{"a", "x"}}));
  EXPECT_THAT(index.LabelNames(), IsEmpty());
  EXPECT_THAT(index.LabelValues("a"), IsEmpty());
  EXPECT_THAT(index.SeriesByPair(10), IsEmpty());
  EXPECT_THAT(index.ValuesByLabelName(10), IsEmpty());
}

TEST(HeadIndexTest, DoesNotFindWhatIsNotCanonical) {
  HeadIndex index;
  const std::string labels = ToBytes({{"a", "x"}, {"b", "y"}});
  index.Insert(0, labels, LookupOne(index, labels).second);
  EXPECT_EQ(LookupOne(index, labels).first, 0u);
  EXPECT_EQ(LookupOne(index, std::string_view(labels).substr(0, 4)).first, kNoSeriesId);
  EXPECT_EQ(LookupOne(index, labels + ToBytes({{"c", "z"}})).first, kNoSeriesId);
  EXPECT_EQ(LookupOne(index, ToBytes({{"b", "y"}}) + ToBytes({{"a", "x"}})).first, kNoSeriesId);
  EXPECT_EQ(LookupOne(index, "").first, kNoSeriesId);
}

// Equal hashes are never believed: two series under one hash are told apart by their bytes.
TEST(HeadIndexTest, TellsApartSeriesWithOneHash) {
  HeadIndex index;
  const std::string a = ToBytes({{"n", "a"}});
  const std::string b = ToBytes({{"n", "b"}});
  const uint64_t hash_of_b = LookupOne(index, b).second;
  index.Insert(0, a, hash_of_b);
  EXPECT_EQ(LookupOne(index, b).first, kNoSeriesId);
  index.Insert(1, b, hash_of_b);
  EXPECT_EQ(LookupOne(index, b).first, 1u);
}

TEST(HeadIndexTest, ReportsCardinality) {
  HeadIndex index;
  SeriesId id = 0;
  for (const LabelSet& labels :
       std::vector<LabelSet>{{{"__name__", "up"}, {"job", "a"}},
                             {{"__name__", "up"}, {"job", "bb"}},
                             {{"__name__", "x"}, {"job", "bb"}},
                             {{"__name__", "y"}, {"le", "1"}, {"job", "bb"}}}) {
    const std::string bytes = ToBytes(labels);
    index.Insert(id++, bytes, LookupOne(index, bytes).second);
  }
  EXPECT_THAT(index.SeriesByMetricName(2), ElementsAre(LabelCount{"up", 2}, LabelCount{"x", 1}));
  EXPECT_THAT(index.ValuesByLabelName(10),
              ElementsAre(LabelCount{"__name__", 3}, LabelCount{"job", 2}, LabelCount{"le", 1}));
  EXPECT_THAT(index.BytesByLabelName(10),
              ElementsAre(LabelCount{"job", 7}, LabelCount{"__name__", 6}, LabelCount{"le", 1}));
  EXPECT_THAT(index.SeriesByPair(3),
              ElementsAre(LabelCount{"job=bb", 3}, LabelCount{"__name__=up", 2},
                          LabelCount{"__name__=x", 1}));
  EXPECT_THAT(index.SeriesByPair(0), IsEmpty());
}

}  // namespace
}  // namespace varve::index
