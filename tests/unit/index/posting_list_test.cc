#include "index/posting_list.h"

#include <gtest/gtest.h>

#include <random>
#include <set>
#include <utility>
#include <vector>

namespace varve::index {
namespace {

std::vector<uint32_t> Ids(const PostingList& list) { return list.ToSet().ToVector(); }

TEST(PostingListTest, KeepsIdsInEveryForm) {
  PostingList list;
  std::vector<uint32_t> expected;
  for (uint32_t id = 5; expected.size() < 5000; id += 1 + id % 7 * 40) {
    list.Append(id);
    expected.push_back(id);
    if (expected.size() < 300 || expected.size() % 500 == 0) {
      ASSERT_EQ(Ids(list), expected);
      ASSERT_EQ(list.size(), expected.size());
    }
  }
  IdUnion both;
  list.AddTo(&both);
  EXPECT_EQ(both.Finish().ToVector(), expected);
}

TEST(PostingListTest, MovesLeaveTheSourceEmpty) {
  for (const uint32_t count : {1u, 2u, 3u, 100u, 1000u}) {
    PostingList list;
    for (uint32_t id = 0; id < count; ++id) list.Append(id);
    PostingList moved = std::move(list);
    EXPECT_EQ(moved.size(), count);
    EXPECT_EQ(list.size(), 0u);  // NOLINT: a moved-from list is an empty one
    list = std::move(moved);
    EXPECT_EQ(Ids(list).size(), count);
  }
}

TEST(PostingListTest, RemovesLikeASet) {
  std::mt19937 random(11);
  for (const uint32_t count : {1u, 2u, 3u, 60u, 128u, 129u, 3000u}) {
    PostingList list;
    std::set<uint32_t> twin;
    for (uint32_t id = 0; id < count; ++id) {
      list.Append(id * 3);
      twin.insert(id * 3);
    }
    uint32_t next = count * 3;
    while (!twin.empty()) {
      std::set<uint32_t> removed;
      for (const uint32_t id : twin) {
        if (random() % 4 == 0) removed.insert(id);
      }
      removed.insert(1);  // never in the list
      list.Remove(std::vector<uint32_t>(removed.begin(), removed.end()));
      for (const uint32_t id : removed) twin.erase(id);
      if (random() % 3 == 0) {
        list.Append(next);
        twin.insert(next);
        next += 3;
      }
      ASSERT_EQ(Ids(list), std::vector<uint32_t>(twin.begin(), twin.end()));
      ASSERT_EQ(list.size(), twin.size());
    }
    EXPECT_EQ(list.heap_bytes(), 0u);
  }
}

TEST(IdUnionTest, UnitesListsRangesAndBitmaps) {
  std::mt19937 random(5);
  for (int round = 0; round < 200; ++round) {
    IdUnion united;
    std::set<uint32_t> twin;
    for (int i = 0; i < 10; ++i) {
      const uint32_t begin = random() % 200000;
      switch (random() % 3) {
        case 0:
          united.Add(begin);
          twin.insert(begin);
          break;
        case 1: {
          const uint32_t end = begin + random() % 1000;
          united.AddRange(begin, end);
          for (uint32_t id = begin; id < end; ++id) twin.insert(id);
          break;
        }
        default: {
          const IdSet set =
              IdSet::FromAscending(std::vector<uint32_t>{begin, begin + 5, begin + 70000});
          united.AddBitmap(set.bitmap());
          twin.insert({begin, begin + 5, begin + 70000});
        }
      }
    }
    ASSERT_EQ(united.Finish().ToVector(), std::vector<uint32_t>(twin.begin(), twin.end()));
  }
}

TEST(IdSetTest, LeavesBorrowedBitmapsAlone) {
  const IdSet base = IdSet::FromRange(10, 1000);
  IdSet view = IdSet::Borrow(base.bitmap());
  view.IntersectWith(IdSet::FromRange(0, 20));
  view.Subtract(IdSet::FromAscending(std::vector<uint32_t>{11}));
  EXPECT_EQ(view.ToVector(), (std::vector<uint32_t>{10, 12, 13, 14, 15, 16, 17, 18, 19}));
  EXPECT_EQ(base.size(), 990u);
}

}  // namespace
}  // namespace varve::index
